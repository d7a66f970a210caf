"""The whole life of a tier: reached, held, kept, lost after a grace, lent above what was earned, and taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, staff
from zhike.customers.queries import viewer_of_person
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed
from zhike.loyalty import operations, queries
from zhike.loyalty.models import Award, Member, TierChange, TierGrant
from zhike.loyalty.rules import standing as rules
from zhike.loyalty.rules.tiers import TierStep
from zhike.messaging import operations as messaging
from zhike.messaging import queries as messages

DAY = dt.timedelta(days=1)
LADDER = (TierStep(1, 1, 0), TierStep(2, 2, 100_000, keep_fen=60_000, keep_visits=6), TierStep(3, 3, 500_000))


def held(town: Town, **changes: Any) -> None:
    """Tiers are held for a year from the day they are reached; half of the spend keeps them."""
    settings = {"tier_period": "anniversary", "tier_grace_days": 14, **changes}
    operations.update_program(actor=SYSTEM, program_id=town.program_id, changes=settings, now=NOW)
    for rank, (code, threshold, keep) in enumerate(
        [("silver", 100_000, 60_000), ("gold", 500_000, 300_000)], 2
    ):
        operations.save_tier(
            actor=SYSTEM, program_id=town.program_id, code=code, name=code, rank=rank, threshold_fen=threshold,
            keep_fen=keep, colour="gold", now=NOW,
        )  # fmt: skip


def buy(town: Town, member: Any, fen: int, at: dt.datetime = NOW) -> operations.ReceiptOutcome:
    receipt = town.receipt(fen, person_id=member.person_id, at=at)
    return operations.take_receipt(actor=SYSTEM, receipt=receipt, member_id=member.member_id, now=at)


def give_back(receipt_id: Any, at: dt.datetime) -> None:
    operations.return_lines(
        actor=SYSTEM, receipt_id=receipt_id, lines=[operations.ReturnLine(1)], till="01", number=f"T{receipt_id}"[:20],
        business_date=at.date(), occurred_at=at, now=at,
    )  # fmt: skip


def tier_of(member: Any) -> str:
    return Member.objects.select_related("tier").get(id=member.member_id).tier.code


def review(town: Town, at: dt.datetime) -> int:
    return operations.review_tiers(actor=SYSTEM, program_id=town.program_id, now=at)


# --- C068: held, kept, lost --------------------------------------------------------------------------------------------


@pytest.mark.feature("C068")
def test_tier_is_kept_with_less_than_it_took_and_lost_after_the_grace(
    town: Town, base_rule: int, zhang: Any, enroll: Callable[..., Any]
) -> None:
    held(town)
    li = enroll("13900139000", "李四")
    buy(town, zhang, 500_000)
    buy(town, li, 500_000)
    until = (NOW + 365 * DAY).date() - DAY
    assert Member.objects.get(id=zhang.member_id).tier_until == until
    buy(town, zhang, 300_000, NOW + 200 * DAY)  # enough to keep gold, not to reach it
    last_day = NOW + 364 * DAY
    assert review(town, last_day) == 0
    over = last_day + DAY
    assert review(town, over) == 1, "one keeps it; the other is in the days of grace"
    assert (tier_of(zhang), tier_of(li)) == ("gold", "gold")
    assert Member.objects.get(id=zhang.member_id).tier_until == until.replace(year=until.year + 1)
    assert queries.tier_standing(SYSTEM, li.member_id, over).in_grace
    assert review(town, over + 13 * DAY) == 0
    assert review(town, over + 14 * DAY) == 1
    assert tier_of(li) == "silver", "one step down"
    assert review(town, over + 14 * DAY) == 0, "the same night again changes nothing"
    kept, fallen = TierChange.objects.get(cause="kept"), TierChange.objects.get(cause="fallen")
    assert (kept.before_id, kept.why["spend_fen"], kept.why["keep_fen"]) == (
        kept.after_id,
        300_000,
        300_000,
    )
    assert (fallen.why["spend_fen"], fallen.why["policy"]) == (0, "one_step")


@pytest.mark.feature("C068")
def test_purchase_within_the_grace_keeps_the_tier(town: Town, base_rule: int, zhang: Any) -> None:
    held(town)
    buy(town, zhang, 100_000)
    buy(town, zhang, 60_000, NOW + 370 * DAY)
    assert review(town, NOW + 371 * DAY) == 1
    assert tier_of(zhang) == "silver"
    assert TierChange.objects.latest("id").cause == "kept"
    says = queries.tier_standing(SYSTEM, zhang.member_id, NOW + 371 * DAY)
    assert says.until == dt.date(2028, 6, 9)
    assert says.sentence


@pytest.mark.feature("C068")
@pytest.mark.parametrize(
    ("fall", "fen", "visits", "kind", "tier"),
    [
        ("one_step", 0, 0, "fallen", 2), ("to_spend", 0, 0, "fallen", 1), ("to_spend", 70_000, 1, "fallen", 2),
        ("to_spend", 10_000, 6, "fallen", 2), ("one_step", 500_000, 1, "kept", 3),
    ],
)  # fmt: skip
def test_how_far_one_falls(fall: str, fen: int, visits: int, kind: str, tier: int) -> None:
    terms = rules.TierTerms(LADDER, "rolling_12_months", "year", 0, fall)
    day = dt.date(2026, 12, 31)
    verdict = rules.at_period_end(terms, 3, day, day, rules.Counted(fen, visits), day + DAY)
    assert (verdict.kind, verdict.tier_id) == (kind, tier)
    assert verdict.until == (dt.date(2027, 12, 31) if tier > 1 else None)


@pytest.mark.feature("C068")
def test_periods_end_where_the_programme_says() -> None:
    day = dt.date(2026, 5, 31)
    ends = [rules.period_end(kind, day) for kind in ("anniversary", "year", "quarter")]
    assert ends == [dt.date(2027, 5, 30), dt.date(2026, 12, 31), dt.date(2026, 6, 30)]
    assert rules.following_end("quarter", dt.date(2026, 6, 30), dt.date(2027, 1, 2)) == dt.date(2027, 3, 31)


@pytest.mark.feature("C068", "C071")
def test_sock_sent_back_does_not_cost_a_tier_that_is_held(town: Town, base_rule: int, zhang: Any) -> None:
    """A year on, most of the spend has left the window; a small return takes nothing but its own."""
    held(town)
    buy(town, zhang, 500_000)
    sock = buy(town, zhang, 1_000, NOW + 300 * DAY)
    review(town, NOW + 364 * DAY)
    give_back(sock.receipt_id, NOW + 364 * DAY)
    assert tier_of(zhang) == "gold"


@pytest.mark.feature("C068", "C071")
def test_return_of_what_reached_the_tier_falls_to_the_decision_before(
    town: Town, base_rule: int, zhang: Any
) -> None:
    held(town)
    buy(town, zhang, 100_000)
    silver_until = Member.objects.get(id=zhang.member_id).tier_until
    coat = buy(town, zhang, 450_000, NOW + 10 * DAY)
    assert tier_of(zhang) == "gold"
    give_back(coat.receipt_id, NOW + 12 * DAY)
    row = Member.objects.get(id=zhang.member_id)
    assert (tier_of(zhang), row.tier_until) == ("silver", silver_until)


# --- C069: lent --------------------------------------------------------------------------------------------------------


def lend(town: Town, member: Any, code: str, days: int, at: dt.datetime = NOW, **more: Any) -> int:
    return operations.grant_tier(
        actor=SYSTEM, member_id=member.member_id, tier_id=town.tiers[code], until=(at + days * DAY).date(),
        reason="周年庆体验金卡", now=at, **more,
    )  # fmt: skip


def settle(town: Town, at: dt.datetime) -> int:
    return operations.settle_tiers(actor=SYSTEM, program_id=town.program_id, now=at)


@pytest.mark.feature("C069")
def test_lent_tier_counts_and_falls_back_to_what_was_earned_meanwhile(
    town: Town, publish: Callable[..., int], zhang: Any
) -> None:
    publish(tiers={"bp": {str(town.tiers["gold"]): 20_000}})
    held(town)
    lend(town, zhang, "gold", 30)
    got = buy(town, zhang, 100_000, NOW + DAY)
    assert got.points == 2_000, "the lent tier's multiplier"
    assert (got.explanation["tier"], got.explanation["earned_tier"]) == (
        town.tiers["gold"],
        town.tiers["basic"],
    )
    row = Member.objects.get(id=zhang.member_id)
    assert (row.tier_id, row.earned_tier_id) == (town.tiers["gold"], town.tiers["silver"]), (
        "silver was earned meanwhile"
    )
    over = NOW + 32 * DAY
    file = queries.member_file(SYSTEM, zhang.member_id, over)
    assert file.tier.code == "silver", "right before anybody settled it"
    late = buy(town, zhang, 10_000, over)
    assert (late.points, late.explanation["tier"]) == (100, town.tiers["silver"]), "and at the till"
    assert settle(town, over) == 0
    assert [line.cause for line in queries.tier_history(SYSTEM, zhang.member_id)] == [
        "temporary",
        "spend",
        "temporary",
    ]


@pytest.mark.feature("C069")
def test_two_lent_tiers_overlap_and_a_refund_comes_between(town: Town, base_rule: int, zhang: Any) -> None:
    held(town)
    bought = buy(town, zhang, 100_000)
    lend(town, zhang, "gold", 10)
    lend(town, zhang, "silver", 20)
    give_back(bought.receipt_id, NOW + 5 * DAY)
    assert tier_of(zhang) == "gold"
    assert Member.objects.get(id=zhang.member_id).earned_tier_id == town.tiers["basic"]
    assert settle(town, NOW + 12 * DAY) == 1
    assert tier_of(zhang) == "silver", "the second grant still runs"
    assert settle(town, NOW + 22 * DAY) == 1
    assert tier_of(zhang) == "basic"
    assert settle(town, NOW + 22 * DAY) == 0


@pytest.mark.feature("C069")
def test_the_same_grant_counts_once_and_is_taken_back_once(town: Town, zhang: Any) -> None:
    first = lend(town, zhang, "gold", 10, reference="campaign:7")
    assert lend(town, zhang, "gold", 99, reference="campaign:7") == first
    operations.revoke_tier_grant(actor=SYSTEM, grant_id=first, reason="发错人", now=NOW)
    operations.revoke_tier_grant(actor=SYSTEM, grant_id=first, reason="发错人", now=NOW)
    assert tier_of(zhang) == "basic"
    assert TierGrant.objects.get().status == "revoked"


@pytest.mark.feature("C069")
def test_lent_tier_survives_a_merge_and_goes_back_with_its_own(
    town: Town, zhang: Any, enroll: Callable[..., Any]
) -> None:
    li = enroll("13900139000", "李四")
    lend(town, li, "gold", 30)
    outcome = operations.merge_persons(
        actor=SYSTEM, survivor_id=zhang.person_id, merged_id=li.person_id, reason="同一人", now=NOW
    )
    if outcome.state == "proposed":
        operations.agree_to_merge(actor=staff("members.merge"), merge_id=outcome.merge_id, now=NOW)
    assert tier_of(zhang) == "gold"
    operations.unmerge_persons(actor=SYSTEM, merge_id=outcome.merge_id, reason="两个人", now=NOW + DAY)
    assert (tier_of(zhang), tier_of(li)) == ("basic", "gold")


# --- C070: exceptions --------------------------------------------------------------------------------------------------


def colleague(number: int, *permissions: str) -> Viewer:
    one = staff(*permissions)
    return Viewer("staff", number, f"同事{number}", one.grants)


@pytest.mark.feature("C070")
def test_exception_needs_two_people_and_an_end(town: Town, zhang: Any) -> None:
    asker, other = colleague(1, "tiers.grant", "tiers.approve"), colleague(2, "tiers.grant", "tiers.approve")
    until = (NOW + 200 * DAY).date()
    about = {
        "member_id": zhang.member_id,
        "tier_id": town.tiers["gold"],
        "reason": "海外居住一年",
        "now": NOW,
    }
    with pytest.raises(operations.GrantNeedsTwo):
        operations.grant_tier(actor=asker, until=until, **about)
    asked = operations.ask_tier_exception(actor=asker, until=until, **about)
    assert tier_of(zhang) == "basic"
    with pytest.raises(operations.TierExceptionOpen):
        operations.ask_tier_exception(actor=other, until=until, **about)
    with pytest.raises(operations.OwnTierException):
        operations.decide_tier_exception(actor=asker, grant_id=asked, approve=True, now=NOW)
    assert TierGrant.objects.get().status == "asked"
    operations.decide_tier_exception(actor=other, grant_id=asked, approve=True, now=NOW)
    assert tier_of(zhang) == "gold"
    with pytest.raises(operations.TierExceptionDecided):
        operations.decide_tier_exception(actor=other, grant_id=asked, approve=False, note="晚了", now=NOW)
    [row] = queries.tier_exceptions(other, NOW)
    assert (row.state, row.asked_by, row.decided_by) == ("running", asker.audit_id, other.audit_id)


@pytest.mark.feature("C069", "C070")
def test_stranger_lends_nothing(town: Town, zhang: Any) -> None:
    elsewhere = staff("tiers.grant", "tiers.approve", level="mall", ids=[town.other_mall_id])
    with pytest.raises(NotAllowed):
        operations.grant_tier(
            actor=elsewhere,
            member_id=zhang.member_id,
            tier_id=town.tiers["gold"],
            until=NOW.date(),
            reason="x",
            now=NOW,
        )
    with pytest.raises(operations.GrantEndUnusable):
        lend(town, zhang, "gold", -1)
    assert not TierGrant.objects.exists()
    assert not Award.objects.exists()


# --- notices -------------------------------------------------------------------------------------------------------------


@pytest.mark.feature("C068")
def test_members_hear_before_in_the_grace_and_after(
    town: Town, base_rule: int, zhang: Any, enroll: Callable[..., Any]
) -> None:
    held(town)
    li = enroll("13900139000", "李四")
    for one in (zhang, li):
        buy(town, one, 100_000)
    buy(town, li, 60_000, NOW + 9 * DAY)
    last = dt.datetime(2027, 6, 9, 2, 15, tzinfo=dt.UTC)

    def notify(at: dt.datetime) -> int:
        written = operations.notify_of_tiers(actor=SYSTEM, program_id=town.program_id, now=at)
        messaging.send_due(actor=SYSTEM, now=at)
        return written

    assert [notify(last - days * DAY) for days in (31, 30, 30, 7, 1, 0)] == [0, 1, 0, 1, 1, 0], (
        "only who has not kept it"
    )
    review(town, last + DAY)
    assert notify(last + DAY) == 2, "kept, and in the days of grace"
    assert notify(last + DAY) == 0
    review(town, last + 15 * DAY)
    assert notify(last + 15 * DAY) == 1
    said = [messages.inbox(viewer_of_person(one.person_id), one.person_id).items for one in (zhang, li)]
    says = {message.body for items in said for message in items}
    assert "张三，您的silver有效至 2027-06-09，再消费 ¥600 即可保级。" in says
    assert "张三，上一周期未达到保级条件，您的会员等级已变更为普卡。" in says
    assert "李四，您已保级成功，silver有效至 2028-06-09。" in says
