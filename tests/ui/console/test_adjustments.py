"""Corrections of points in the console: above one's limit somebody else decides; many from a file; expired ones back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.loyalty import operations, queries
from zhike.loyalty.models import Adjustment

pytestmark = pytest.mark.feature("C108", "B48")
Enter = Callable[[Viewer], Client]


def balance(world: World) -> int:
    return queries.member_file(SYSTEM, world.zhang_san, world.now).balance


def test_above_the_limit_it_waits_for_somebody_else(world: World, desks: Desks, enter: Enter) -> None:
    before = balance(world)
    sun, wang = enter(desks.sun), enter(desks.wang)
    url = f"/console/members/{world.zhang_san}/adjust/"
    sun.post(url, {"points": "6000", "reason": "系统漏积", "once": "a"}, headers=HTMX)
    row = Adjustment.objects.get()
    assert (row.status, balance(world)) == ("asked", before)
    page = said(sun.get("/console/adjustments/"))
    assert "系统漏积" in page
    assert f"/console/adjustments/{row.pk}/approve/" not in page, "not by who asked"
    assert sun.post(f"/console/adjustments/{row.pk}/approve/").status_code == 403
    assert f"/console/adjustments/{row.pk}/approve/" in wang.get("/console/adjustments/").content.decode()
    wang.post(f"/console/adjustments/{row.pk}/approve/")
    assert balance(world) == before + 6_000
    wang.post(f"/console/adjustments/{row.pk}/refuse/")
    assert Adjustment.objects.get().status == "approved"


def test_many_from_a_file_once(world: World, admin: Client) -> None:
    before = balance(world)
    numbers = [queries.member_file(SYSTEM, one, world.now).number for one in (world.zhang_san, world.li_si)]
    text = f"会员号,积分\n{numbers[0]},10\n\n{numbers[1]},20\n"

    def send(text: str, once: str) -> int:
        file = SimpleUploadedFile("points.csv", text.encode("gb18030"), "text/csv")
        form = {"file": file, "reason": "活动补发", "once": once}
        return admin.post("/console/adjustments/many/", form).status_code

    assert admin.get("/console/adjustments/many/").status_code == 200
    assert [send(text, "x"), send(text, "x")] == [302, 302]
    assert (balance(world), Adjustment.objects.get().members) == (before + 10, 2)
    for wrong in (
        "没有,一列,三列\n1,2,3",
        f"{numbers[0]},0",
        f"{numbers[0]},1\n{numbers[0]},1",
        "nobody,5",
        "",
    ):
        assert send(wrong, wrong) == 422
    assert Adjustment.objects.count() == 1


@pytest.mark.feature("B25")
def test_expired_points_are_given_back_from_the_members_page(world: World, admin: Client) -> None:
    operations.adjust_points(
        actor=SYSTEM, member_id=world.zhang_san, points=300, reason="期初", now=world.now,
        expires_on=world.now.date() + dt.timedelta(days=1),
    )  # fmt: skip
    operations.expire_points(actor=SYSTEM, program_id=world.program_id, now=world.now + dt.timedelta(days=3))
    [lapsed] = queries.expired_points(SYSTEM, world.zhang_san)
    url = f"/console/members/{world.zhang_san}/reinstate/"
    assert "300" in admin.get(url, headers=HTMX).content.decode()
    before = balance(world)
    form = {"expired_id": str(lapsed.transfer_id), "points": "200", "reason": "服务补救", "once": "r"}
    admin.post(url, form, headers=HTMX)
    admin.post(url, form, headers=HTMX)
    assert balance(world) == before + 200
    assert "服务补救" in said(admin.get(f"/console/members/{world.zhang_san}/points/"))
    refused = admin.post(url, form | {"points": "101", "once": "s"}, headers=HTMX)
    assert refused.status_code == 422
