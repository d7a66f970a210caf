"""A member's points are frozen at every door, and what was not honestly earned is withdrawn; both can be undone."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.utils import translation

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import BASE_RULE, NOW, SYSTEM, Town, build_town
from tests.loyalty.replaying import result_of
from zhike.kernel.access import Grant, Viewer
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import AuditEntry, Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Account, Award, Restraint, Transfer, Withdrawal

pytestmark = pytest.mark.feature("C080", "B16")

Member = loyalty.EnrolledMember


def keeper(level: str = "all", ids: tuple[int, ...] = (), *permissions: str) -> Viewer:
    held = frozenset(permissions or ("risk.handle",))
    return Viewer("staff", 7, "孙稽核", (Grant(held, level, frozenset(ids)),))


def freeze(member: Member, reference: str = "alert:1", actor: Viewer = SYSTEM, **more: Any) -> int:
    return loyalty.restrain_member(
        actor=actor, member_id=member.member_id, reason="疑似套利", reference=reference, now=NOW, **more
    )


def lift(restraint_id: int, actor: Viewer = SYSTEM) -> None:
    loyalty.lift_restraint(actor=actor, restraint_id=restraint_id, reason="查无实据", now=NOW)


def give(member: Member, points: int = 1_000) -> None:
    loyalty.adjust_points(actor=SYSTEM, member_id=member.member_id, points=points, reason="测试", now=NOW)


def take(town: Town, member: Member, fen: int = 10_000, **more: Any) -> loyalty.ReceiptOutcome:
    receipt = town.receipt(fen, person_id=member.person_id, **more)
    return loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=max(NOW, receipt.occurred_at))


def balance(member: Member) -> int:
    account = Account.objects.get(member_id=member.member_id)
    return account.balance - account.debt


def spend(member: Member, points: int = 100) -> loyalty.RedemptionOutcome:
    return loyalty.redeem_points(actor=SYSTEM, member_id=member.member_id, points=points, now=NOW)


# --- freezing --------------------------------------------------------------------------------------------------------


def test_a_frozen_member_spends_at_no_door(town: Town, base_rule: int, zhang: Member) -> None:
    give(zhang)
    held = loyalty.hold_points(actor=SYSTEM, member_id=zhang.member_id, points=50, now=NOW)
    loyalty.found_household(actor=SYSTEM, member_id=zhang.member_id, name="张家", now=NOW)
    frozen = freeze(zhang)
    who: dict[str, Any] = {"actor": SYSTEM, "member_id": zhang.member_id, "now": NOW}
    doors: list[Callable[[], object]] = [
        partial(loyalty.redeem_points, **who, points=10),
        partial(loyalty.preview_redemption, **who, points=10),
        partial(loyalty.hold_points, **who, points=10),
        partial(loyalty.confirm_hold, actor=SYSTEM, hold_id=held.hold_id, now=NOW),
        partial(loyalty.spend_points, **who, points=10, purpose="exchange:1"),
        partial(loyalty.put_into_pool, **who, points=10),
        partial(loyalty.spend_from_pool, **who, points=10),
    ]
    for door in doors:
        with pytest.raises(loyalty.SpendingStopped):
            door()
    assert balance(zhang) == 950
    loyalty.release_hold(actor=SYSTEM, hold_id=held.hold_id, now=NOW)  # what was held goes back to them
    lift(frozen)
    assert spend(zhang).balance == 900


def test_the_refusal_is_a_sentence_in_the_members_language(town: Town, zhang: Member) -> None:
    give(zhang)
    freeze(zhang)
    with pytest.raises(loyalty.SpendingStopped) as refused:
        spend(zhang)
    with translation.override("zh-hans"):
        assert str(refused.value.sentence) == "该会员账户正在核查，积分暂停使用。详情请咨询服务台。"
    assert refused.value.code == "spending-stopped"


def test_what_is_earned_meanwhile_waits_with_the_rest(town: Town, base_rule: int, zhang: Member) -> None:
    freeze(zhang)
    assert take(town, zhang).points == 100
    with pytest.raises(loyalty.SpendingStopped):
        spend(zhang)


def test_a_freeze_can_stop_earning_too(town: Town, base_rule: int, zhang: Member) -> None:
    frozen = freeze(zhang, stops_earning=True)
    refused = take(town, zhang)
    assert refused.points == 0
    assert queries.explain_award(refused.receipt_id).refusal == "member_frozen"
    [several] = loyalty.take_receipts(
        actor=SYSTEM, receipts=[town.receipt(5_000, person_id=zhang.person_id)], now=NOW
    )
    assert several.points == 0
    with pytest.raises(loyalty.EarningStopped):
        loyalty.award_points(
            actor=SYSTEM, member_id=zhang.member_id, points=5, reason="check_in", reference="c:1",
            explanation={}, now=NOW,
        )  # fmt: skip
    gifts = [loyalty.Gift(zhang.member_id, 5, "birthday:1", {})]
    given = loyalty.award_to_many(
        actor=SYSTEM, program_id=town.program_id, gifts=gifts, reason="birthday", now=NOW
    )
    assert given == {}
    lift(frozen)
    assert take(town, zhang).points == 100


def test_asked_again_nothing_is_added_and_two_occasions_are_two(town: Town, zhang: Member) -> None:
    give(zhang)
    first, again, other = freeze(zhang), freeze(zhang), freeze(zhang, "alert:2", stops_earning=True)
    assert first == again != other
    assert Event.objects.filter(type="zhike.loyalty.spending_restrained").count() == 2
    lift(other)
    lift(other)
    assert Account.objects.get(member_id=zhang.member_id).restraint == "spending"
    assert Event.objects.filter(type="zhike.loyalty.restraint_lifted").count() == 1
    lift(first)
    assert Account.objects.get(member_id=zhang.member_id).restraint == ""
    assert AuditEntry.objects.filter(action="member.release").count() == 2
    spend(zhang)


def test_only_who_handles_abuse_here_may(town: Town, zhang: Member) -> None:
    written = Event.objects.count()
    for stranger in (keeper("mall", (town.other_mall_id,)), keeper("all", (), "members.edit")):
        with pytest.raises(NotAllowed):
            freeze(zhang, actor=stranger)
    assert Event.objects.count() == written
    assert not Restraint.objects.exists()
    frozen = freeze(zhang, actor=keeper("mall", (town.mall_id,)))
    with pytest.raises(NotAllowed):
        lift(frozen, keeper("mall", (town.other_mall_id,)))
    with pytest.raises(loyalty.ReasonMissing):
        loyalty.lift_restraint(actor=SYSTEM, restraint_id=frozen, reason=" ", now=NOW)
    with pytest.raises(loyalty.RestraintNotFound):
        lift(frozen + 1)


def test_a_merge_frees_nobody_and_is_undone_exactly(town: Town, enroll: Any, zhang: Member) -> None:
    twin = enroll("13900139000", "张三")
    give(zhang)
    give(twin)
    freeze(twin)
    merged = loyalty.merge_persons(
        actor=SYSTEM, survivor_id=zhang.person_id, merged_id=twin.person_id, reason="同一人", now=NOW
    )
    if merged.state == "proposed":
        loyalty.agree_to_merge(actor=keeper("all", (), "members.merge"), merge_id=merged.merge_id, now=NOW)
    for side in (zhang, twin):
        with pytest.raises(loyalty.SpendingStopped):
            spend(side)
    loyalty.unmerge_persons(actor=SYSTEM, merge_id=merged.merge_id, reason="不是同一人", now=NOW)
    spend(zhang)
    with pytest.raises(loyalty.SpendingStopped):
        spend(twin)
    assert queries.verify_ledger().findings == []


@pytest.mark.django_db(transaction=True)
def test_nothing_passes_after_the_freeze_has_committed() -> None:
    """32 tills spend, some of them on the way when the freeze comes; whoever begins after it is refused."""
    town = build_town()
    member = loyalty.enroll_member(
        actor=SYSTEM, name="张三", phone="13800138000", mall_id=town.mall_id, source="counter", now=NOW
    )
    give(member, 10_000)
    frozen_at_version: list[int] = []
    begun, is_frozen = threading.Semaphore(0), threading.Event()

    def till(number: int) -> str:
        outcome = ""
        for _ in range(6):
            after = is_frozen.is_set()
            try:
                spend(member, 1)
                outcome += "!" if after else "+"
            except loyalty.SpendingStopped:
                outcome += "-"
            begun.release()
        return outcome

    def keep() -> str:
        for _ in range(20):
            begun.acquire()
        freeze(member)
        frozen_at_version.append(balance(member))
        is_frozen.set()
        return ""

    outcomes = Counter("".join(run_threads([keep, *(partial(till, number) for number in range(31))])))
    assert outcomes["!"] == 0
    assert outcomes["-"] > 0
    assert balance(member) == 10_000 - outcomes["+"] == frozen_at_version[0]


# --- gains -----------------------------------------------------------------------------------------------------------


def withdraw(outcome: loyalty.ReceiptOutcome, actor: Viewer = SYSTEM) -> loyalty.Withdrawn:
    return loyalty.withdraw_gain(
        actor=actor, receipt_id=outcome.receipt_id, reason="刷自己的卡", reference="alert:1", now=NOW
    )


def undo(withdrawn: loyalty.Withdrawn) -> loyalty.Withdrawn:
    return loyalty.restore_gain(
        actor=SYSTEM, withdrawal_id=withdrawn.withdrawal_id, reason="申诉成立", now=NOW
    )


def test_a_gain_is_withdrawn_once_and_given_back_once(town: Town, base_rule: int, zhang: Member) -> None:
    bought = take(town, zhang)
    first = withdraw(bought)
    assert (first.points, first.debt_points, balance(zhang)) == (100, 0, 0)
    assert withdraw(bought) == first
    assert Withdrawal.objects.count() == 1
    back = undo(first)
    assert (back.points, balance(zhang)) == (100, 100)
    assert undo(first).points == 100
    assert balance(zhang) == 100
    assert queries.verify_ledger().findings == []
    assert withdraw(bought).withdrawal_id != first.withdrawal_id


def test_what_was_spent_of_it_is_owed_and_repaid_by_the_undoing(
    town: Town, base_rule: int, zhang: Member
) -> None:
    bought = take(town, zhang)
    spend(zhang, 70)
    gone = withdraw(bought)
    assert (gone.points, gone.debt_points, balance(zhang)) == (100, 70, -70)
    undo(gone)
    assert balance(zhang) == 30
    assert queries.verify_ledger().findings == []


def test_a_return_takes_nothing_twice_and_undoing_gives_what_is_kept(
    town: Town, base_rule: int, zhang: Member
) -> None:
    bought = take(town, zhang, [10_000, 30_000])
    gone = withdraw(bought)
    back = loyalty.return_lines(
        actor=SYSTEM, receipt_id=bought.receipt_id, lines=[loyalty.ReturnLine(2, None)], till="02",
        number="B1", business_date=NOW.date(), occurred_at=NOW, now=NOW,
    )  # fmt: skip
    assert back.clawed_points == 0
    assert balance(zhang) == 0
    assert undo(gone).points == 100
    assert balance(zhang) == 100
    award = Award.objects.get(receipt_id=bought.receipt_id)
    assert award.points - award.clawed_points == 100
    assert queries.verify_ledger().findings == []


def test_waiting_points_are_withdrawn_when_they_are_there(town: Town, base_rule: int, zhang: Member) -> None:
    loyalty.update_program(
        actor=SYSTEM, program_id=town.program_id, changes={"return_window_days": 7}, now=NOW
    )
    bought = take(town, zhang)
    with pytest.raises(loyalty.GainWaits):
        withdraw(bought)
    later = NOW + dt.timedelta(days=8)
    loyalty.release_points(actor=SYSTEM, program_id=town.program_id, now=later)
    assert withdraw(bought).points == 100
    assert balance(zhang) == 0


def test_replaying_todays_rules_knows_of_withdrawals(town: Town, base_rule: int, zhang: Member) -> None:
    bought = take(town, zhang, [10_000, 30_000])
    minute = dt.timedelta(minutes=1)
    about: dict[str, Any] = {"actor": SYSTEM, "reason": "刷自己的卡"}
    gone = loyalty.withdraw_gain(**about, receipt_id=bought.receipt_id, reference="alert:1", now=NOW + minute)
    loyalty.return_lines(
        actor=SYSTEM, receipt_id=bought.receipt_id, lines=[loyalty.ReturnLine(2, None)], till="02", number="B1",
        business_date=NOW.date(), occurred_at=NOW + 2 * minute, now=NOW + 2 * minute,
    )  # fmt: skip
    loyalty.restore_gain(**about, withdrawal_id=gone.withdrawal_id, now=NOW + 3 * minute)
    result = result_of(town, now=NOW + dt.timedelta(days=1))
    assert result["samples"] == []


def test_a_stranger_withdraws_nothing(town: Town, base_rule: int, zhang: Member) -> None:
    bought = take(town, zhang)
    written = Transfer.objects.count()
    with pytest.raises(NotAllowed):
        withdraw(bought, keeper("mall", (town.other_mall_id,)))
    assert Transfer.objects.count() == written
    withdraw(bought, keeper("mall", (town.mall_id,)))


@pytest.mark.django_db(transaction=True)
def test_32_withdraw_the_same_gain_and_one_does() -> None:
    town = build_town()
    loyalty.publish_rule_version(
        actor=SYSTEM, program_id=town.program_id, code="base", name="消费积分", definition=BASE_RULE,
        effective_from=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), now=NOW, backdated=True,
    )  # fmt: skip
    member = loyalty.enroll_member(
        actor=SYSTEM, name="张三", phone="13800138000", mall_id=town.mall_id, source="counter", now=NOW
    )
    bought = take(town, member)
    answers = run_threads([partial(withdraw, bought)] * 32)
    assert {one.withdrawal_id for one in answers} == {answers[0].withdrawal_id}
    assert (balance(member), Withdrawal.objects.count()) == (0, 1)
