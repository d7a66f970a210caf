"""One person, one record: compared, merged, agreed to and undone on pages."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, World
from zhike.customers import queries as people
from zhike.customers.queries import merges as known
from zhike.customers.queries import suggestions as twins
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries

pytestmark = pytest.mark.feature("B12", "N5", "C018")


def enroll(world: World, phone: str, **profile: object) -> loyalty.EnrolledMember:
    return loyalty.enroll_member(
        actor=SYSTEM,
        name="张三",
        phone=phone,
        mall_id=world.malls.star,
        source="counter",
        now=world.now,
        **profile,  # type: ignore[arg-type]
    )


def test_two_records_are_compared_merged_and_parted(world: World, admin: Client) -> None:
    one = people.person(queries.person_id_of(world.zhang_san))
    twin = enroll(world, "13900139222")
    assert "还没有合并记录" in said(admin.get("/console/identity/merges/"))
    member = f"/console/members/{world.zhang_san}/"
    assert "与另一份档案合并" in said(admin.get(member))
    assert "没有找到" in said(admin.post(f"{member}merge/", {"text": "13900000000"}, headers=HTMX))
    sent = admin.post(f"{member}merge/", {"text": "13900139222"}, headers=HTMX)
    address = sent["HX-Redirect"]
    page = said(admin.get(address))
    assert "139****9222" in page.replace(" ", "") and "相同" in page
    merged = admin.post(address, {"survivor": one.id, "reason": "本人核对", "once": "k1"}, follow=True)
    text = said(merged)
    assert "两份档案已合并" in text and "撤销合并" in text
    [line] = known.merges(SYSTEM).items
    assert f"/console/members/{world.zhang_san}/" in text
    assert "张三" in said(admin.get(f"/console/members/{twin.member_id}/"))
    assert "已合并" in said(admin.get("/console/identity/merges/?state=merged", headers=HTMX))
    undo = f"/console/identity/merges/{line.id}/undo/"
    assert "各自拿回" in said(admin.get(undo, headers=HTMX))
    admin.post(undo, {"reason": "并错了"}, headers=HTMX)
    assert people.survivor_of(twin.person_id) == twin.person_id
    assert "已撤销" in said(admin.get(f"/console/identity/merges/{line.id}/"))


def test_a_colleague_agrees_or_declines(world: World, admin: Client) -> None:
    mother = enroll(world, "13900139333", birthday=dt.date(1980, 1, 1))
    child = enroll(world, "13900139334", birthday=dt.date(2014, 1, 1))
    outcome = loyalty.merge_persons(
        actor=SYSTEM, survivor_id=mother.person_id, merged_id=child.person_id, reason="同名", now=world.now
    )
    address = f"/console/identity/merges/{outcome.merge_id}/"
    page = said(admin.get(address))
    assert "其中有未成年人" in page and "同意并合并" in page
    assert "待复核" in said(admin.get("/console/identity/merges/"))
    admin.post(f"{address}agree/")
    assert people.survivor_of(child.person_id) == mother.person_id
    assert "已被否决或撤销" in said(admin.post(f"{address}decline/", follow=True))


def test_possible_twins_are_judged_one_after_the_other(world: World, admin: Client) -> None:
    for no, birthday in (
        (5, dt.date(1990, 1, 1)),
        (6, dt.date(1990, 1, 1)),
        (7, dt.date(1985, 3, 2)),
        (8, dt.date(1985, 3, 2)),
    ):
        enroll(world, f"1390013944{no}", birthday=birthday)
    assert "没有发现重复档案" in said(admin.get("/console/identity/"))
    loyalty.find_twins(actor=SYSTEM, now=world.now)
    page = said(admin.get("/console/identity/"))
    assert "疑似同一人" in page and "生日" in page
    first, second = (one.id for one in twins.suggestions(SYSTEM).items)
    shown = said(admin.get(f"/console/identity/{first}/"))
    assert "139****944" in shown.replace(" ", "") and "data-verdict" in shown
    sent = admin.post(f"/console/identity/{first}/", {"verdict": "rejected"})
    assert sent["Location"] == f"/console/identity/{second}/"
    merged = admin.post(f"/console/identity/{second}/", {"verdict": "accepted", "reason": ""}, follow=True)
    assert "两份档案已合并" in said(merged)
    assert "判断为两个人" in said(admin.get(f"/console/identity/{first}/"))
    assert not twins.suggestions(SYSTEM).items
