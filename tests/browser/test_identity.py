"""Two records side by side in a real browser: judged by one key, merged, and taken apart again."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from tests.browser.site import Site
from tests.people import PASSWORD, build_malls, hire
from tests.ui.counter.world import SYSTEM, log_in_staff, world_of_site
from zhike.customers.models import Suggestion
from zhike.kernel import clock
from zhike.kernel.access import Viewer
from zhike.loyalty import operations as loyalty

pytestmark = [pytest.mark.xdist_group("browser-console"), pytest.mark.feature("B12", "C018")]


@pytest.fixture(scope="module")
def admin(site: Site) -> Viewer:
    """An administrator; 王芳 is here twice, and 李梅 is the name of a mother and of her daughter."""
    now = clock.now()
    with site.committed():
        malls = build_malls(now)
        world_of_site(malls, now)
        username = f"identity-{now.timestamp():.0f}"
        admin = hire(malls, username, "管理员", ("admin", "all", 0), password=PASSWORD, now=now)
        stem = f"{int(now.timestamp()) % 10**7:07d}"
        people = [
            (f"1371{stem}", "王芳", dt.date(1991, 4, 5)),
            (f"1381{stem}", "王芳", dt.date(1991, 4, 5)),
            (f"1391{stem}", "李梅", dt.date(1982, 1, 9)),
            (f"1501{stem}", "李梅", dt.date(1982, 1, 9)),
        ]
        own = [
            loyalty.enroll_member(
                actor=SYSTEM, name=name, phone=phone, sex="female", birthday=birthday, mall_id=malls.star, source="counter", now=now
            ).person_id
            for phone, name, birthday in people
        ]  # fmt: skip
        loyalty.find_twins(actor=SYSTEM, now=now)
        # people of other tests on this site are alike too, and would fill the first page
        Suggestion.objects.exclude(first_id__in=own, second_id__in=own).delete()
    return admin


def shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("ZHIKE_SHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_judged_by_keys_merged_and_undone(
    page: Page, phone: Page, site: Site, admin: Viewer, axe: Callable[[Page], None]
) -> None:
    for one in (page, phone):
        with site.committed():
            client = log_in_staff(Client(), admin, clock.now())
        key = client.cookies["sessionid"].value
        one.context.add_cookies([{"name": "sessionid", "value": key, "url": site.url}])
    page.goto(f"{site.url}/console/identity/")
    axe(page)
    shoot(page, "queue")
    phone.goto(f"{site.url}/console/identity/")
    shoot(phone, "queue_phone")
    page.get_by_role("link", name="李梅").or_(page.get_by_role("link", name="王芳")).first.click()
    axe(page)
    shoot(page, "pair")
    phone.goto(page.url)
    axe(phone)
    shoot(phone, "pair_phone")
    first = page.url
    page.keyboard.press("n")
    page.wait_for_url(lambda url: url != first)
    page.keyboard.press("y")
    expect(page.get_by_text("两份档案已合并")).to_be_visible()
    axe(page)
    shoot(page, "merged")
    page.get_by_role("button", name="撤销合并").click()
    page.get_by_label("原因").or_(page.get_by_label("理由")).first.fill("并错了")
    shoot(page, "undo")
    page.get_by_role("dialog").get_by_role("button", name="撤销合并").click()
    expect(page.get_by_text("已撤销").first).to_be_visible()
    phone.goto(f"{site.url}/console/identity/merges/")
    axe(phone)
    shoot(phone, "merges_phone")
