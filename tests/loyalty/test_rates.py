"""What points are worth: a table in versions, quotes that hold, and nobody's points made worth less unannounced."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from tests.loyalty.rate_cases import DAY, give, publish_rates, quote, redeem
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Lot, RateNotice, RateVersion, Redemption, RedemptionQuote, Transfer
from zhike.loyalty.rules import rates
from zhike.organization.operations import structure

Member = loyalty.EnrolledMember
WEDNESDAY, SATURDAY = dt.date(2026, 6, 10), dt.date(2026, 6, 13)


def table(*lines: dict[str, Any], **parts: Any) -> rates.RateTable:
    return rates.parse_table({"points": 100, "fen": 100, "lines": list(lines)} | parts)


# --- which line wins


@pytest.mark.feature("C088", "C089")
def test_the_line_that_names_more_wins_and_one_premium_counts() -> None:
    found = table(
        {"name": "金卡", "points": 100, "fen": 110, "tiers": [3]},
        {"name": "餐饮", "points": 100, "fen": 120, "trade_categories": [7]},
        {"name": "餐饮金卡", "points": 100, "fen": 130, "trade_categories": [7], "tiers": [3]},
        {"name": "周末", "premium_bp": 1_000, "weekdays": [6, 7]},
        {"name": "年中庆", "premium_bp": 2_000, "dates": [{"from": "2026-06-13", "to": "2026-06-14"}]},
    )

    def rate(tier: int, category: int | None, day: dt.date) -> tuple[int, int]:
        one = rates.find_rate(found, tier, category, day).rate
        return one.points, one.fen

    assert rate(1, None, WEDNESDAY) == (100, 100)
    assert rate(3, None, WEDNESDAY) == (100, 110)
    assert rate(1, 7, WEDNESDAY) == (100, 120)
    assert rate(3, 7, WEDNESDAY) == (100, 130), "names two"
    assert rate(1, None, SATURDAY) == (5, 6), "dates go before weekdays, and premiums are not added up"
    assert rate(3, 7, SATURDAY) == (25, 39), "1.3 and a fifth more, exactly"
    assert rate(1, None, dt.date(2026, 6, 20)) == (10, 11)


@pytest.mark.feature("C088")
def test_of_two_alike_categories_go_before_tiers_and_then_the_lower_one() -> None:
    found = table(
        {"points": 100, "fen": 120, "trade_categories": [7]},
        {"points": 100, "fen": 110, "tiers": [3]},
        {"points": 100, "fen": 90, "trade_categories": [7, 8]},
    )
    assert rates.find_rate(found, 3, 7, WEDNESDAY).price == 2


@pytest.mark.feature("C088")
@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"points": 0}, "$.points"),
        ({"minimum": 10, "maximum": 5}, "$.minimum"),
        ({"lines": [{"points": 100}]}, "$.lines[0].fen"),
        ({"lines": [{"premium_bp": 10, "points": 1, "fen": 1}]}, "$.lines[0].points"),
        ({"lines": [{"premium_bp": -10_000}]}, "$.lines[0].premium_bp"),
        ({"lines": [{"points": 1, "fen": 1, "weekdays": [8]}]}, "$.lines[0].weekdays"),
        ({"lines": [{"points": 1, "fen": 1, "tiers": [987_654]}]}, "$.lines[0].tiers"),
        ({"surprise": 1}, "$"),
    ],
)
def test_a_table_that_cannot_be(town: Town, wrong: dict[str, Any], path: str) -> None:
    with pytest.raises(loyalty.InvalidRates) as refused:
        publish_rates(town, **wrong)
    assert refused.value.params["path"] == path
    assert not RateVersion.objects.exists()


# --- spending by the table


@pytest.fixture
def cafe_line(town: Town) -> dict[str, Any]:
    category = structure.create_trade_category(
        actor=SYSTEM, group_id=town.group_id, code="dining", name="餐饮", now=NOW
    )
    structure.update_merchant(
        actor=SYSTEM, merchant_id=town.cafe, changes={"trade_category_id": category}, now=NOW
    )
    return {"name": "餐饮", "points": 100, "fen": 150, "trade_categories": [category]}


@pytest.mark.feature("C088")
def test_points_are_worth_what_the_table_says_here_and_now(
    town: Town, zhang: Member, cafe_line: dict[str, Any]
) -> None:
    give(zhang, 1_000)
    publish_rates(town, cafe_line, at=NOW + DAY)
    assert redeem(zhang, 100, merchant_id=town.cafe).value_fen == 100, "not in force yet"
    later = NOW + DAY
    assert redeem(zhang, 100, later, merchant_id=town.cafe).value_fen == 150
    assert redeem(zhang, 100, later, merchant_id=town.shop).value_fen == 100
    held = loyalty.hold_points(
        actor=SYSTEM, member_id=zhang.member_id, points=200, merchant_id=town.cafe, now=later
    )
    assert held.value_fen == 300
    assert loyalty.confirm_hold(actor=SYSTEM, hold_id=held.hold_id, points=100, now=later).value_fen == 150
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("C088", "B28", "C100")
def test_any_amount_within_step_minimum_and_maximum(town: Town, zhang: Member) -> None:
    give(zhang, 1_000)
    publish_rates(town, step=50, minimum=100, maximum=500, share_bp=5_000)
    for points in (50, 120, 550):
        with pytest.raises(loyalty.PointsOutOfRange):
            redeem(zhang, points)
    assert redeem(zhang, 150).value_fen == 150
    assert quote(zhang).points == 500, "as many as can be spent at once"
    assert quote(zhang, bill_fen=480).points == 200, "half of the bill, in whole steps"
    with pytest.raises(loyalty.AboveShare):
        quote(zhang, 250, bill_fen=480)
    with pytest.raises(loyalty.NothingToQuote):
        quote(zhang, bill_fen=120)


# --- quotes


@pytest.mark.feature("C089")
def test_a_quote_holds_over_midnight_and_is_used_once(town: Town, zhang: Member) -> None:
    give(zhang, 1_000)
    publish_rates(
        town, {"name": "年中庆", "premium_bp": 2_000, "dates": [{"from": "2026-06-10", "to": "2026-06-10"}]}
    )
    late = dt.datetime(2026, 6, 10, 15, 55, tzinfo=dt.UTC)  # 23:55 in the mall
    promised = quote(zhang, 100, late)
    assert (promised.value_fen, promised.terms.premium) == (120, "年中庆")
    after = late + dt.timedelta(minutes=10)
    assert redeem(zhang, 100, after).value_fen == 100, "the day is over"
    once = loyalty.Once("till", "k1", b"x" * 32)
    spent = redeem(zhang, 100, after, quote_id=promised.quote_id, once=once)
    assert spent.value_fen == 120
    again = redeem(zhang, 100, after, quote_id=promised.quote_id, once=once)
    assert (again.redemption_id, again.replayed) == (spent.redemption_id, True)
    with pytest.raises(loyalty.QuoteUsed):
        redeem(zhang, 100, after, quote_id=promised.quote_id)
    back = loyalty.reverse_redemption(actor=SYSTEM, redemption_id=spent.redemption_id, now=after)
    assert back.value_fen == 120
    assert Transfer.objects.get(reason="redeem", explanation__has_key="quote").explanation["rate"] == [5, 6]
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("C089")
def test_a_hold_takes_a_quote_too(town: Town, zhang: Member) -> None:
    give(zhang, 300)
    publish_rates(town, {"premium_bp": 5_000, "dates": [{"from": "2026-06-10", "to": "2026-06-10"}]})
    promised = quote(zhang, 100, merchant_id=town.shop)
    held = loyalty.hold_points(
        actor=SYSTEM,
        member_id=zhang.member_id,
        points=100,
        merchant_id=town.shop,
        quote_id=promised.quote_id,
        now=NOW,
    )
    assert loyalty.confirm_hold(actor=SYSTEM, hold_id=held.hold_id, now=NOW + DAY / 200).value_fen == 150
    row = RedemptionQuote.objects.get()
    assert row.used_for == held.hold_id


@pytest.mark.feature("C089")
def test_quotes_that_do_not_count(town: Town, zhang: Member, enroll: Callable[..., Member]) -> None:
    give(zhang, 300)
    li = enroll(phone="13900139000", name="李四")
    give(li, 300)
    promised = quote(zhang, 100)
    cases: list[tuple[type[Problem], Any]] = [
        (loyalty.QuoteNotFound, lambda: redeem(li, 100, quote_id=promised.quote_id)),
        (loyalty.QuoteDiffers, lambda: redeem(zhang, 101, quote_id=promised.quote_id)),
        (loyalty.QuoteDiffers, lambda: redeem(zhang, 100, quote_id=promised.quote_id, merchant_id=town.cafe)),
        (loyalty.QuoteExpired, lambda: redeem(zhang, 100, NOW + DAY, quote_id=promised.quote_id)),
    ]
    for problem, act in cases:
        with pytest.raises(problem):
            act()
    with pytest.raises(loyalty.InsufficientPoints):
        quote(zhang, 301)
    with pytest.raises(NotAllowed):
        loyalty.quote_redemption(
            actor=staff("points.redeem", level="mall", ids=[town.other_mall_id]),
            member_id=zhang.member_id, points=1, mall_id=town.mall_id, now=NOW,
        )  # fmt: skip
    assert not Redemption.objects.exists()
    assert loyalty.forget_quotes(actor=SYSTEM, now=NOW + 9 * DAY) == 1


@pytest.mark.feature("C089")
@pytest.mark.django_db(transaction=True)
def test_one_quote_in_many_hands_is_used_once() -> None:
    town = build_town()
    member = loyalty.enroll_member(
        actor=SYSTEM, name="张三", phone="13800138000", mall_id=town.mall_id, source="counter", now=NOW
    )
    give(member, 10_000)
    promised = quote(member, 100)

    def hand() -> int:
        try:
            return redeem(member, 100, quote_id=promised.quote_id).points
        except loyalty.QuoteUsed:
            return 0

    assert sum(run_threads([hand] * 32)) == 100


# --- worth less: only after a notice


@pytest.mark.feature("C090")
def test_a_cut_waits_for_its_notice_with_evidence(town: Town, zhang: Member) -> None:
    give(zhang, 1_000)
    with pytest.raises(loyalty.RateCutTooSoon):
        publish_rates(town, fen=80, at=NOW + 29 * DAY)
    with pytest.raises(loyalty.RateCutNeedsNotice):
        loyalty.update_program(actor=SYSTEM, program_id=town.program_id, changes={"redeem_fen": 99}, now=NOW)
    publish_rates(town, fen=80, at=NOW + 30 * DAY)
    assert redeem(zhang, 100, NOW + 40 * DAY).value_fen == 100, "nobody was told yet: not in force"
    told_at = NOW + 5 * DAY
    assert loyalty.give_rate_notices(actor=SYSTEM, program_id=town.program_id, now=told_at) == 1
    assert loyalty.give_rate_notices(actor=SYSTEM, program_id=town.program_id, now=told_at) == 0
    evidence = RateNotice.objects.get()
    assert (evidence.member_id, evidence.points, evidence.before_fen, evidence.after_fen, evidence.told_at) == (
        zhang.member_id, 900, 900, 720, told_at,
    )  # fmt: skip
    assert redeem(zhang, 100, NOW + 34 * DAY).value_fen == 100
    assert redeem(zhang, 100, NOW + 35 * DAY).value_fen == 80, "thirty days after they were told"
    [view] = queries.rate_versions(SYSTEM, town.program_id, NOW + 35 * DAY)
    assert (view.state, view.cut_bp, view.told) == ("in_force", 2_000, 1)


@pytest.mark.feature("C090")
def test_a_cut_hidden_in_one_line_is_seen(town: Town, cafe_line: dict[str, Any]) -> None:
    publish_rates(town, cafe_line)
    with pytest.raises(loyalty.RateCutTooSoon) as refused:
        publish_rates(town, cafe_line | {"fen": 120}, fen=200, at=NOW + DAY)
    assert refused.value.params["cut"] == "20"
    publish_rates(town, cafe_line | {"fen": 160}, fen=200, at=NOW + DAY)


@pytest.mark.feature("C090")
def test_a_planned_version_can_be_taken_back_and_one_in_force_cannot(town: Town) -> None:
    planned = publish_rates(town, fen=120, at=NOW + DAY)
    loyalty.withdraw_rates(actor=SYSTEM, version_id=planned, now=NOW)
    loyalty.withdraw_rates(actor=SYSTEM, version_id=planned, now=NOW)
    begun = publish_rates(town, fen=130)
    with pytest.raises(loyalty.RatesInForce):
        loyalty.withdraw_rates(actor=SYSTEM, version_id=begun, now=NOW + DAY)
    with pytest.raises(NotAllowed):
        loyalty.withdraw_rates(actor=staff("programme.view"), version_id=begun, now=NOW)
    with pytest.raises(loyalty.RatesInThePast):
        publish_rates(town, fen=140, at=NOW - DAY)


@pytest.fixture
def two_promises(town: Town, zhang: Member) -> dt.datetime:
    """100 points from before a cut that keeps them, 100 from after; the moment the cut is in force."""
    give(zhang, 100, expires_on=dt.date(2027, 6, 30))
    publish_rates(town, fen=50, at=NOW + 30 * DAY, keeps=True)
    loyalty.give_rate_notices(actor=SYSTEM, program_id=town.program_id, now=NOW)
    give(zhang, 100, now=NOW + DAY, expires_on=dt.date(2027, 3, 31))
    return NOW + 31 * DAY


@pytest.mark.feature("C090")
def test_older_points_keep_their_rate_and_come_back_with_it(
    town: Town, zhang: Member, two_promises: dt.datetime
) -> None:
    now = two_promises
    promised = quote(zhang, 150, now)
    assert promised.value_fen == 50 + 50
    assert [(one.points, one.rate_fen, one.is_promised) for one in promised.parts] == [
        (100, 50, False), (50, 100, True),
    ]  # fmt: skip
    before = sorted(Lot.objects.values_list("expires_on", "funding__code", "remaining"))
    spent = redeem(zhang, 150, now, quote_id=promised.quote_id)
    assert spent.value_fen == 100
    first = loyalty.reverse_redemption(actor=SYSTEM, redemption_id=spent.redemption_id, points=50, now=now)
    assert first.value_fen == 50, "the last taken were the older ones"
    rest = loyalty.reverse_redemption(actor=SYSTEM, redemption_id=spent.redemption_id, now=now)
    assert rest.value_fen == 50
    assert sorted(Lot.objects.values_list("expires_on", "funding__code", "remaining")) == before
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("C090")
def test_half_a_hold_of_two_rates(zhang: Member, two_promises: dt.datetime) -> None:
    held = loyalty.hold_points(actor=SYSTEM, member_id=zhang.member_id, points=200, now=two_promises)
    assert held.value_fen == 150
    used = loyalty.confirm_hold(actor=SYSTEM, hold_id=held.hold_id, points=120, now=two_promises)
    assert used.value_fen == 50 + 20
    assert quote(zhang, 80, two_promises).value_fen == 80, "what is left is the older ones"


@pytest.mark.feature("C090")
def test_goods_returned_in_parts_never_bring_back_more_than_they_paid(
    town: Town, zhang: Member, base_rule: int, two_promises: dt.datetime
) -> None:
    now = two_promises
    spent = redeem(zhang, 200, now)
    paid = [("points", 150), ("cash", 850)]
    receipt = town.receipt([500, 500], person_id=zhang.person_id, at=now, tenders=paid)
    tenders = tuple(
        type(one)(one.kind, one.amount_fen, str(spent.redemption_id) if one.kind == "points" else "")
        for one in receipt.tenders
    )
    sold = loyalty.take_receipt(
        actor=SYSTEM, receipt=type(receipt)(**{**_fields(receipt), "tenders": tenders}), now=now
    )
    for line_no, points in ((1, 75), (2, 125)):
        back = loyalty.return_lines(
            actor=SYSTEM, receipt_id=sold.receipt_id, lines=[loyalty.ReturnLine(line_no, None)], till="02",
            number=f"B{line_no}", business_date=now.date(), occurred_at=now, now=now,
        )  # fmt: skip
        assert back.restored_points == points, "75 fen are 75 of the older points"
    assert queries.verify_ledger().is_clean


def _fields(receipt: Any) -> dict[str, Any]:
    return {name: getattr(receipt, name) for name in receipt.__dataclass_fields__}


@pytest.mark.feature("C090")
def test_points_of_rules_and_payers_after_the_notice_are_new_ones(
    town: Town, zhang: Member, publish: Callable[..., int], two_promises: dt.datetime
) -> None:
    publish(funding={"mall": 5_000, "bank:icbc": 5_000})
    taken = town.receipt(20_000, person_id=zhang.person_id, at=two_promises)
    loyalty.take_receipt(actor=SYSTEM, receipt=taken, now=two_promises)
    version = RateVersion.objects.get()
    codes = set(Lot.objects.filter(funding__since=version).values_list("funding__code", flat=True))
    assert codes == {f"mall@{version.pk}", f"bank:icbc@{version.pk}"}
    assert quote(zhang, 400, two_promises).value_fen == 100 + 150
    assert not queries.verify_ledger().findings


def test_only_who_may_edit_the_programme_publishes(town: Town) -> None:
    nobody: Viewer = staff("programme.view")
    with pytest.raises(NotAllowed):
        loyalty.publish_rates(
            actor=nobody,
            program_id=town.program_id,
            definition={"points": 1, "fen": 1},
            effective_from=NOW,
            now=NOW,
        )
    with pytest.raises(NotAllowed):
        loyalty.give_rate_notices(actor=nobody, program_id=town.program_id, now=NOW)


@pytest.mark.feature("C088", "N2")
def test_points_a_refund_pays_in_cash_cost_the_price_of_the_table(
    town: Town, zhang: Member, base_rule: int
) -> None:
    loyalty.update_program(
        actor=SYSTEM, program_id=town.program_id, changes={"shortfall": "deduct_cash"}, now=NOW
    )
    publish_rates(town, fen=150)
    receipt = town.receipt(10_000, person_id=zhang.person_id)
    sold = loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
    assert redeem(zhang, 100).value_fen == 150
    back = loyalty.return_lines(
        actor=SYSTEM, receipt_id=sold.receipt_id, lines=[loyalty.ReturnLine(1, None)], till="02",
        number="B1", business_date=NOW.date(), occurred_at=NOW, now=NOW,
    )  # fmt: skip
    assert back.deduct_cash_fen == 150
