"""Debt is let go by two people: one asks, another one with the authority decides."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town
from zhike.kernel.access import Grant, Viewer
from zhike.kernel.errors import NotAllowed, Problem
from zhike.kernel.models import AuditEntry, Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Account, Transfer, Waiver

pytestmark = pytest.mark.feature("N2")


def clerk(number: int, *permissions: str, level: str = "all", ids: tuple[int, ...] = ()) -> Viewer:
    return Viewer("staff", number, f"员工{number}", (Grant(frozenset(permissions), level, frozenset(ids)),))


SUN = clerk(1, "points.waive")
WANG = clerk(2, "points.waive", "waivers.approve")
LIN = clerk(3, "waivers.approve", "waivers.approve_any")


def in_debt(town: Town, points: int = 500) -> Any:
    """A member who spent what a mission gave, and then lost it."""
    member = loyalty.enroll_member(
        actor=SYSTEM, name="张三", phone="13800138000", mall_id=town.mall_id, source="counter", now=NOW
    )
    key: dict[str, Any] = {
        "actor": SYSTEM,
        "member_id": member.member_id,
        "reason": "mission",
        "reference": "m:1",
        "now": NOW,
    }
    loyalty.award_points(**key, points=points, explanation={"name": "测试"})
    loyalty.redeem_points(actor=SYSTEM, member_id=member.member_id, points=points, now=NOW)
    loyalty.take_back_award(**key, why="test")
    return member


def debt(member: Any) -> int:
    return Account.objects.values_list("debt", flat=True).get(member_id=member.member_id)


def ask(member: Any, points: int = 500, actor: Viewer = SUN) -> int:
    return loyalty.ask_waiver(actor=actor, member_id=member.member_id, points=points, reason="误扣", now=NOW)


def decide(waiver_id: int, actor: Viewer = WANG, approve: bool = True, note: str = "") -> int:
    return loyalty.decide_waiver(actor=actor, waiver_id=waiver_id, approve=approve, note=note, now=NOW)


def test_one_asks_another_decides_and_the_ledger_says_so(town: Town) -> None:
    member = in_debt(town)
    waiver_id = ask(member)
    assert debt(member) == 500
    with pytest.raises(loyalty.OwnWaiver):
        decide(waiver_id, clerk(1, "waivers.approve"))
    assert decide(waiver_id) == 500
    assert debt(member) == 0
    transfer = Transfer.objects.get(reason="waive")
    assert (transfer.points, transfer.debt_points, transfer.reference) == (500, 500, f"waiver:{waiver_id}")
    assert queries.statement(SYSTEM, member.member_id).items[0].sentence == "免除欠分：500 积分。"
    assert [one.action for one in AuditEntry.objects.filter(action__startswith="waiver").order_by("id")] == [
        "waiver.ask", "waiver.approved",
    ]  # fmt: skip
    assert not queries.verify_ledger().findings


def test_above_the_limit_it_is_decided_higher_up(town: Town) -> None:
    member = in_debt(town, 3_000)
    waiver_id = ask(member, 3_000)
    with pytest.raises(loyalty.AboveAuthority):
        decide(waiver_id)
    assert debt(member) == 3_000
    assert decide(waiver_id, LIN) == 3_000


def test_what_was_repaid_meanwhile_is_not_waived(town: Town) -> None:
    member = in_debt(town)
    waiver_id = ask(member, 400)
    loyalty.adjust_points(actor=SYSTEM, member_id=member.member_id, points=450, reason="补录", now=NOW)
    assert decide(waiver_id) == 50
    assert debt(member) == 0


def test_refusals_say_why_and_change_nothing(town: Town) -> None:
    member = in_debt(town)
    with pytest.raises(loyalty.NothingToWaive):
        ask(member, 501)
    waiver_id = ask(member)
    with pytest.raises(loyalty.WaiverOpen):
        ask(member, 1)
    with pytest.raises(loyalty.ReasonMissing):
        decide(waiver_id, approve=False)
    assert decide(waiver_id, approve=False, note="证据不足") == 0
    with pytest.raises(loyalty.WaiverDecidedBefore):
        decide(waiver_id)
    assert (debt(member), Waiver.objects.get().status) == (500, "refused")
    assert [one.status for one in queries.waivers(WANG)] == ["refused"]


def test_only_in_ones_scope(town: Town) -> None:
    member = in_debt(town)
    far = clerk(4, "points.waive", "waivers.approve", level="mall", ids=(town.other_mall_id,))
    facts = Event.objects.count()
    with pytest.raises(NotAllowed):
        ask(member, actor=far)
    waiver_id = ask(member)
    with pytest.raises(NotAllowed):
        decide(waiver_id, far)
    assert not queries.waivers(far)
    assert not queries.debtors(far)
    assert [one.debt for one in queries.debtors(SUN)] == [500]
    assert (debt(member), Event.objects.count()) == (500, facts + 1)


@pytest.mark.django_db(transaction=True)
def test_decided_once_by_many_hands() -> None:
    member = in_debt(build_town())
    waiver_id = ask(member)

    def hand() -> int:
        try:
            return decide(waiver_id)
        except Problem:
            return 0

    assert sum(run_threads([hand] * 12)) == 500
    assert Transfer.objects.filter(reason="waive").count() == 1
