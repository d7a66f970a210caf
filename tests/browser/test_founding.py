"""A fresh installation is opened from the browser: nothing but a log-in, four steps, and a first merchant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESK, PHONE, ConsoleErrors, new_site
from tests.browser.site import Site
from tests.people import PASSWORD
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.organization.operations.staff import create_staff, grant_role

SYSTEM = system_viewer("command line")


@pytest.fixture(scope="module")
def empty_site(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Only the tables, and the administrator whom `zhike staff create` makes."""
    with new_site("empty", django_db_blocker, tmp_path_factory.mktemp("empty") / "server.log") as site:
        with site.committed():
            staff_id = create_staff(
                actor=SYSTEM, group_id=None, username="lin", name="林总", password=PASSWORD, now=clock.now()
            )
            grant_role(actor=SYSTEM, staff_id=staff_id, role="admin", level="all", now=clock.now())
        yield site


@pytest.fixture
def first_desk(empty_site: Site, browser: Browser, console_errors: ConsoleErrors) -> Iterator[Page]:
    context = browser.new_context(
        base_url=empty_site.url, viewport=DESK, locale="zh-CN", reduced_motion="reduce"
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    console_errors.watch(page)
    yield page
    context.close()
    assert console_errors.unforgiven == []


@pytest.mark.feature("C004", "N4")
def test_from_the_first_log_in_to_the_first_merchant(first_desk: Page, axe: Callable[..., None]) -> None:
    page = first_desk
    page.goto("/")
    page.get_by_label("用户名").fill("lin")
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("开业")

    page.get_by_label("集团名称").fill("示例商业集团")
    page.get_by_label("会员端名称").fill("星河会")
    looks_right(page, axe)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="第一座商场")).to_be_visible()
    page.get_by_label("名称", exact=True).fill("星河城")
    page.get_by_label("编码").fill("xhc")
    looks_right(page, axe)
    page.get_by_role("button", name="继续", exact=True).click()
    expect(page.get_by_role("heading", name="会员计划", exact=True)).to_be_visible()
    expect(page.get_by_label("会员计划名称")).to_have_value("星河会")
    looks_right(page, axe)

    page.goto("/console/members/")  # left in between, and taken up again
    looks_right(page, axe)
    page.get_by_role("link", name="继续开业设置").click()
    page.get_by_role("button", name="继续", exact=True).click()
    expect(page.get_by_role("heading", name="隐私政策", exact=True)).to_be_visible()
    looks_right(page, axe)
    page.get_by_role("button", name="继续", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("开业设置已完成")
    looks_right(page, axe)

    page.get_by_role("link", name="添加第一家商户").click()
    page.get_by_label("编码").fill("L101")
    page.get_by_label("名称", exact=True).fill("晨光咖啡")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("晨光咖啡")
    page.goto("/m/login/")
    expect(page).to_have_title("登录 · 星河会")


def looks_right(page: Page, axe: Callable[..., None]) -> None:
    """At the desk and on a phone: nothing runs out of the page, and axe finds nothing."""
    for size in (PHONE, DESK):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} {size}"
    axe(page)
