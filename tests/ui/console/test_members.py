"""The list of members: found, filtered, frozen together, exported."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World, enroll
from zhike.kernel import clock
from zhike.kernel import queries as kernel
from zhike.kernel.access import Viewer
from zhike.loyalty import queries
from zhike.ui.console.csv_export import safe_cell

LIST = "/console/members/"
Enter = Callable[[Viewer], Client]


@pytest.mark.parametrize("text", ["13800138000", "张三", "zhangsan", "zs"])
def test_one_box_finds_by_phone_name_pinyin_and_initials(text: str, world: World, admin: Client) -> None:
    rows = said(admin.get(LIST, {"q": text}, headers=HTMX))
    assert "张三" in rows
    assert "李四" not in rows
    assert "138 **** 8000" in rows
    assert "13800138000" not in rows


def test_filters_narrow_the_list_and_stay_in_the_address(world: World, admin: Client) -> None:
    assert "张三" not in said(admin.get(LIST, {"tier": world.tiers["gold"]}))
    assert "张三" in said(admin.get(LIST, {"mall": world.malls.star}))
    assert "李四" not in said(admin.get(LIST, {"mall": world.malls.star}))
    assert "张三" not in said(admin.get(LIST, {"status": "frozen"}))
    assert "张三" not in said(admin.get(LIST, {"from": "2999-01-01"}))
    assert "张三" in said(admin.get(LIST, {"from": "not a date", "tier": "x", "merchant": "'"}))


def test_htmx_gets_the_rows_alone(world: World, admin: Client) -> None:
    rows = said(admin.get(LIST, {"q": "张三"}, headers=HTMX))
    assert "<html" not in rows
    assert "张三" in rows


def test_pages_follow_one_another_without_gap_or_repetition(
    world: World, admin: Client, monkeypatch: object
) -> None:
    for number in range(55):
        enroll(
            world.malls,
            f"会员{number:03d}",
            f"137{number:08d}",
            world.malls.star,
            world.malls.cafe,
            world.now,
        )
    first = admin.get(LIST)
    second = admin.get(LIST, {"cursor": first.context["page"].next_cursor})
    seen = [row.member_id for answer in (first, second) for row in answer.context["page"].items]
    assert len(seen) == len(set(seen)) == 57


@pytest.mark.feature("C029")
def test_each_mall_sees_its_own_members(world: World, desks: Desks, enter: Enter) -> None:
    qians = said(enter(desks.qian).get(LIST))
    assert "李四" in qians
    assert "张三" not in qians


# Frozen together


def freeze(browser: Client, *member_ids: int, **more: str) -> object:
    return browser.post(f"{LIST}status/", {"ids": list(member_ids), "status": "frozen", **more}, headers=HTMX)


def status_of(member_id: int) -> str:
    return queries.member_file(SYSTEM, member_id, clock.now()).status


def test_members_are_frozen_together_with_a_reason(world: World, admin: Client) -> None:
    asked = freeze(admin, world.zhang_san, world.li_si)
    assert "冻结 2 位会员" in said(asked)
    assert status_of(world.zhang_san) == "active"
    freeze(admin, world.zhang_san, world.li_si, reason="suspected fraud")
    assert status_of(world.zhang_san) == status_of(world.li_si) == "frozen"
    entries = kernel.search_audit(SYSTEM, action="member.status").items
    assert {entry.reason for entry in entries} == {"suspected fraud"}


@pytest.mark.feature("C029")
def test_one_member_of_another_mall_keeps_all_from_being_frozen(
    world: World, desks: Desks, enter: Enter
) -> None:
    refused = freeze(enter(desks.wang), world.zhang_san, world.li_si, reason="no reason")
    assert refused.status_code == 422  # type: ignore[attr-defined]
    assert status_of(world.zhang_san) == status_of(world.li_si) == "active"


def test_who_may_not_edit_cannot_freeze(world: World, desks: Desks, enter: Enter) -> None:
    assert freeze(enter(desks.chen), world.zhang_san, reason="x").status_code == 403  # type: ignore[attr-defined]
    assert status_of(world.zhang_san) == "active"


# Exported


@pytest.mark.feature("C030")
def test_the_export_is_masked_and_audited(world: World, admin: Client) -> None:
    answer = admin.post(f"{LIST}export/?q=张三")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined, arg-type]
    assert text.startswith("\ufeff会员号,姓名")
    assert "张三" in text
    assert "李四" not in text
    assert "13800138000" not in text
    [entry] = kernel.search_audit(SYSTEM, action="members.export").items
    assert entry.after == {"q": "张三"}


@pytest.mark.feature("C030")
def test_who_may_not_export_leaves_no_trace(world: World, desks: Desks, enter: Enter) -> None:
    assert enter(desks.sun).post(f"{LIST}export/").status_code == 403
    assert kernel.search_audit(SYSTEM, action="members.export").items == []


@pytest.mark.parametrize("text", ["=1+1", "+86138", "-2+3", "@SUM(A1)", "\t=1", "  =1", "＝1"])
def test_a_spreadsheet_runs_nothing_from_an_export(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


def test_numbers_and_plain_text_stay_as_they_are() -> None:
    assert [safe_cell(value) for value in (-5, 12, "张三", None, "a=b")] == ["-5", "12", "张三", "", "a=b"]
