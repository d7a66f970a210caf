"""Points corrected by hand: within limits at once, above them by two people; expired points come back through the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town
from tests.loyalty.rate_cases import DAY, give, publish_rates, quote
from zhike.kernel.access import Grant, Viewer
from zhike.kernel.errors import NotAllowed, Problem
from zhike.kernel.models import AuditEntry
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Account, Adjustment, AdjustmentLine, Transfer

Member = loyalty.EnrolledMember
pytestmark = pytest.mark.feature("C108", "B48")


def clerk(number: int, *permissions: str, level: str = "all", ids: tuple[int, ...] = ()) -> Viewer:
    return Viewer("staff", number, f"员工{number}", (Grant(frozenset(permissions), level, frozenset(ids)),))


SUN = clerk(1, "points.adjust")
WANG = clerk(2, "points.adjust", "adjustments.approve")
LIN = clerk(3, "adjustments.approve", "adjustments.approve_any")


def balance(member: Member) -> int:
    return Account.objects.values_list("balance", flat=True).get(member_id=member.member_id)


def ask(
    member: Member, points: int, actor: Viewer = SUN, now: dt.datetime = NOW
) -> loyalty.AdjustmentOutcome:
    part = loyalty.AdjustmentPart(member.member_id, points)
    return loyalty.ask_adjustment(actor=actor, parts=[part], reason="补录漏积", now=now)


def decide(
    adjustment_id: int, actor: Viewer = WANG, approve: bool = True, note: str = "", now: dt.datetime = NOW
) -> loyalty.AdjustmentOutcome:
    return loyalty.decide_adjustment(
        actor=actor, adjustment_id=adjustment_id, approve=approve, note=note, now=now
    )


def test_within_the_limit_at_once_and_above_it_by_two(zhang: Member) -> None:
    assert ask(zhang, 5_000).status == "done"
    assert balance(zhang) == 5_000
    asked = ask(zhang, 5_001)
    assert (asked.status, balance(zhang)) == ("asked", 5_000)
    with pytest.raises(loyalty.OwnAdjustment):
        decide(asked.adjustment_id, clerk(1, "adjustments.approve"))
    with pytest.raises(NotAllowed):
        decide(asked.adjustment_id, clerk(9, "points.adjust"))
    assert decide(asked.adjustment_id).posted == 1
    assert balance(zhang) == 10_001
    transfer = Transfer.objects.latest("id")
    assert (transfer.actor, transfer.explanation["asked_by"], transfer.explanation["adjustment"]) == (
        "staff:2", "staff:1", asked.adjustment_id,
    )  # fmt: skip
    actions = AuditEntry.objects.filter(action__startswith="adjustment").order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["adjustment.ask", "adjustment.approved"]
    assert queries.verify_ledger().is_clean


def test_the_day_has_a_limit_whatever_the_pieces(zhang: Member) -> None:
    assert [ask(zhang, 5_000).status for _ in range(4)] == ["done"] * 4
    assert ask(zhang, 1).status == "asked"
    assert ask(zhang, 1, WANG).status == "done", "everybody has their own"
    assert ask(zhang, 1, now=NOW + DAY).status == "done"


def test_above_the_day_limit_it_is_decided_higher_up(zhang: Member) -> None:
    asked = ask(zhang, 20_001)
    with pytest.raises(loyalty.AdjustmentAboveAuthority):
        decide(asked.adjustment_id)
    assert decide(asked.adjustment_id, LIN).status == "approved"


def test_refused_decided_before_and_too_late(zhang: Member) -> None:
    first, second = ask(zhang, 6_000), ask(zhang, 6_000)
    with pytest.raises(loyalty.ReasonMissing):
        decide(first.adjustment_id, approve=False)
    assert decide(first.adjustment_id, approve=False, note="证据不足").status == "refused"
    with pytest.raises(loyalty.AdjustmentDecidedBefore):
        decide(first.adjustment_id)
    with pytest.raises(loyalty.AdjustmentDecidedBefore):
        decide(second.adjustment_id, now=NOW + 8 * DAY)
    assert loyalty.lapse_adjustments(actor=SYSTEM, now=NOW + 8 * DAY) == 1
    assert [one.status for one in queries.adjustments(WANG, NOW + 8 * DAY)] == ["lapsed", "refused"]
    assert balance(zhang) == 0


def test_many_at_once_and_what_cannot_be_posted_is_kept(zhang: Member, enroll: Callable[..., Member]) -> None:
    li = enroll(phone="13900139000", name="李四")
    parts = [loyalty.AdjustmentPart(zhang.member_id, 6_000), loyalty.AdjustmentPart(li.member_id, -10)]
    asked = loyalty.ask_adjustment(actor=SUN, parts=parts, reason="活动补发", now=NOW)
    [view] = queries.adjustments(WANG, NOW)
    assert (view.members, view.points, view.signed, view.status) == (2, 6_010, 5_990, "asked")
    outcome = decide(asked.adjustment_id)
    assert (outcome.posted, outcome.refused, balance(zhang)) == (1, 1, 6_000)
    assert AdjustmentLine.objects.get(member_id=li.member_id).refusal == "insufficient-points"
    with pytest.raises(loyalty.TooManyLines):
        loyalty.ask_adjustment(actor=SUN, parts=[parts[0], parts[0]], reason="重复", now=NOW)
    with pytest.raises(loyalty.InsufficientPoints):
        ask(li, -10)


def test_only_in_ones_scope(town: Town, zhang: Member) -> None:
    far = clerk(4, "points.adjust", "adjustments.approve", level="mall", ids=(town.other_mall_id,))
    with pytest.raises(NotAllowed):
        ask(zhang, 10, far)
    asked = ask(zhang, 6_000)
    with pytest.raises(NotAllowed):
        decide(asked.adjustment_id, far)
    assert not queries.adjustments(far, NOW)
    with pytest.raises(loyalty.MemberNotFound):
        queries.expired_points(far, zhang.member_id)
    assert Adjustment.objects.get().status == "asked"


@pytest.mark.django_db(transaction=True)
def test_many_hands_stay_within_one_persons_day_and_decide_once() -> None:
    town = build_town()
    member = loyalty.enroll_member(
        actor=SYSTEM, name="张三", phone="13800138000", mall_id=town.mall_id, source="counter", now=NOW
    )
    done = run_threads([lambda: ask(member, 5_000).status] * 32)
    assert (done.count("done"), balance(member)) == (4, 20_000)
    waiting = Adjustment.objects.filter(status="asked").order_by("id").values_list("id", flat=True)[0]

    def hand() -> int:
        try:
            return decide(waiting).posted
        except Problem:
            return 0

    assert sum(run_threads([hand] * 12)) == 1
    assert balance(member) == 25_000


# --- expired points


@pytest.mark.feature("B25")
def test_expired_points_come_back_from_breakage_with_their_promise(town: Town, zhang: Member) -> None:
    give(zhang, 300, expires_on=dt.date(2026, 6, 30))
    publish_rates(town, fen=50, at=NOW + 30 * DAY, keeps=True)
    loyalty.give_rate_notices(actor=SYSTEM, program_id=town.program_id, now=NOW)
    later = NOW + 40 * DAY
    loyalty.expire_points(actor=SYSTEM, program_id=town.program_id, now=later)
    [lapsed] = queries.expired_points(SUN, zhang.member_id)
    assert (lapsed.points, lapsed.left, balance(zhang)) == (300, 300, 0)
    back = {
        "actor": SUN,
        "member_id": zhang.member_id,
        "expired_id": lapsed.transfer_id,
        "reason": "服务补救",
    }
    assert loyalty.ask_reinstatement(**back, points=100, now=later).status == "done"
    assert quote(zhang, 100, later).value_fen == 100, "worth what they were promised"
    transfer = Transfer.objects.get(reason="reinstate")
    assert transfer.debit_account.code == "expired"
    with pytest.raises(loyalty.NotExpired):
        loyalty.ask_reinstatement(**back, points=201, now=later)
    loyalty.ask_reinstatement(**back, now=later)
    with pytest.raises(loyalty.NotExpired):
        loyalty.ask_reinstatement(**back, now=later)
    assert (balance(zhang), queries.expired_points(SUN, zhang.member_id)) == (300, [])
    assert queries.verify_ledger().is_clean
    assert "服务补救" in queries.statement(SYSTEM, zhang.member_id).items[0].sentence
    loyalty.expire_points(actor=SYSTEM, program_id=town.program_id, now=later + 40 * DAY)
    assert balance(zhang) == 0, "thirty days to spend them"


@pytest.mark.feature("B25")
def test_what_never_expired_is_not_reinstated(zhang: Member, enroll: Callable[..., Member]) -> None:
    give(zhang, 300)
    other = Transfer.objects.latest("id").pk
    for member in (zhang, enroll(phone="13900139000", name="李四")):
        with pytest.raises(loyalty.NotExpired):
            loyalty.ask_reinstatement(
                actor=SUN, member_id=member.member_id, expired_id=other, reason="误", now=NOW
            )
