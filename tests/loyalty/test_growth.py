"""Growth value: earned by spending, visits and deeds, never spent, proven; and ladders that count it, or visits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.loyalty.conftest import NOW, SYSTEM, Town
from zhike.kernel.events import drain
from zhike.loyalty import operations, queries
from zhike.loyalty.handlers import growth as consumer
from zhike.loyalty.models import GrowthAccount, GrowthTransfer, Member, TierChange
from zhike.loyalty.rules.growth import GrowthRules, in_force, is_less

DAY = dt.timedelta(days=1)
RULES: dict[str, Any] = {"growth": 1, "per_fen": 100, "visit": 10, "deeds": {"check_in": 5}}
pytestmark = [pytest.mark.django_db, pytest.mark.feature("C066", "B24")]


def ladder(town: Town, basis: str, counts: tuple[int, int] = (2, 4), **parts: Any) -> None:
    """Before anybody joins: silver and gold take so many visits, or so much growth value."""
    policy = (
        queries.plain_policy(queries.policy_now(town.program_id)) | {"basis": basis, "growth": RULES} | parts
    )
    for term, count in zip(policy["tiers"][1:], counts, strict=True):
        term["threshold_count"] = count
    operations.publish_tier_policy(
        actor=SYSTEM, program_id=town.program_id, definition=policy, effective_from=NOW - 30 * DAY, now=NOW - 30 * DAY,
        texts_only_add=True, backdated=True,
    ) if basis == "spend" else _put(town, policy)  # fmt: skip


def _put(town: Town, policy: dict[str, Any]) -> None:
    """A ladder that counts something else needs the notice, which nobody is there to be given."""
    begins = NOW - 60 * DAY
    about: dict[str, Any] = {"actor": SYSTEM, "program_id": town.program_id}
    operations.publish_tier_policy(
        definition=policy, effective_from=begins + 30 * DAY, now=begins, backdated=True, **about
    )
    operations.give_tier_policy_notices(now=begins, **about)
    assert operations.begin_tier_policies(now=begins + 30 * DAY, **about) == 1


def buy(town: Town, member: Any, fen: int = 10_000, at: dt.datetime = NOW, **more: Any) -> Any:
    receipt = town.receipt(fen, person_id=member.person_id, at=at, **more)
    return operations.take_receipt(actor=SYSTEM, receipt=receipt, member_id=member.member_id, now=at)


def give_back(receipt_id: Any, at: dt.datetime = NOW, fen: int | None = None) -> Any:
    return operations.return_lines(
        actor=SYSTEM, receipt_id=receipt_id, lines=[operations.ReturnLine(1, refund_fen=fen)], till="01",
        number=f"T{receipt_id}"[:20], business_date=at.date(), occurred_at=at, now=at,
    )  # fmt: skip


def balance(member: Any) -> int:
    return GrowthAccount.objects.values_list("balance", flat=True).get(account__member_id=member.member_id)


def tier_of(member: Any) -> str:
    return Member.objects.select_related("tier").get(id=member.member_id).tier.code


def settle(town: Town, at: dt.datetime = NOW) -> int:
    return operations.settle_growth(actor=SYSTEM, program_id=town.program_id, now=at)


def clean() -> bool:
    return queries.verify_ledger().is_clean


def test_visits_raise_at_once_and_one_day_counts_once(
    town: Town, base_rule: int, enroll: Callable[..., Any]
) -> None:
    ladder(town, "visits")
    zhang = enroll()
    first = buy(town, zhang)
    again = buy(town, zhang, merchant_id=town.cafe)
    assert (first.upgraded, again.upgraded) == (False, False), "two purchases of one day are one visit"
    second = buy(town, zhang, at=NOW + DAY)
    assert (second.upgraded, second.tier_id) == (True, town.tiers["silver"])
    file = queries.member_file(SYSTEM, zhang.member_id, NOW + DAY)
    assert (file.counted, file.to_next, file.progress_percent) == (2, 2, 0)
    assert "2 次到店" in file.ahead
    line = queries.tier_history(SYSTEM, zhang.member_id)[0]
    assert (line.cause, line.why["counted"]) == ("visits", 2)
    assert "2 次到店" in line.sentence
    give_back(second.receipt_id, NOW + 2 * DAY)
    assert tier_of(zhang) == "basic", "the visit went with its goods"
    assert clean()


def test_half_a_day_given_back_is_still_a_visit(
    town: Town, base_rule: int, enroll: Callable[..., Any]
) -> None:
    ladder(town, "visits")
    zhang = enroll()
    one, _other = buy(town, zhang), buy(town, zhang)
    assert buy(town, zhang, at=NOW + DAY).upgraded
    give_back(one.receipt_id, NOW + DAY)
    assert tier_of(zhang) == "silver"


def test_growth_of_spend_visits_and_deeds_and_back(
    town: Town, base_rule: int, enroll: Callable[..., Any]
) -> None:
    ladder(town, "growth", (110, 220))
    zhang = enroll()
    sale = buy(town, zhang, 10_050)
    assert (sale.upgraded, balance(zhang)) == (True, 110), "100 for ¥100.50, 10 for the visit"
    about: dict[str, Any] = {"actor": SYSTEM, "member_id": zhang.member_id, "reason": "check_in", "now": NOW}
    operations.award_points(points=3, reference="check_in:1", explanation={}, **about)
    operations.count_toward_tier(actor=SYSTEM, member_id=zhang.member_id, reference="", now=NOW)
    operations.count_toward_tier(actor=SYSTEM, member_id=zhang.member_id, reference="", now=NOW)
    assert balance(zhang) == 115
    give_back(sale.receipt_id, fen=5_050)
    assert balance(zhang) == 65, "the day is still a visit"
    assert tier_of(zhang) == "basic"
    operations.take_back_award(reference="check_in:1", why="误发", **about)
    operations.count_toward_tier(actor=SYSTEM, member_id=zhang.member_id, reference="", now=NOW)
    assert balance(zhang) == 60
    assert queries.member_file(SYSTEM, zhang.member_id, NOW).growth == 60
    assert [row.source for row in GrowthTransfer.objects.order_by("id")] == [
        "spend", "visit", "deed", "spend", "deed",
    ]  # fmt: skip
    assert clean()


def test_window_forgets_what_is_old(town: Town, base_rule: int, enroll: Callable[..., Any]) -> None:
    ladder(town, "growth", (110, 220))
    zhang = enroll()
    buy(town, zhang)
    assert tier_of(zhang) == "silver"
    operations.review_tiers(actor=SYSTEM, program_id=town.program_id, now=NOW + 400 * DAY)
    assert tier_of(zhang) == "basic"
    assert balance(zhang) == 110, "what was gathered stays; the window counts"
    line = queries.tier_history(SYSTEM, zhang.member_id)[0]
    assert (line.cause, line.why["counted"], line.why["threshold"]) == ("review", 0, 110)


def test_batch_is_settled_by_the_handler_and_twice_gives_once(
    town: Town, base_rule: int, enroll: Callable[..., Any]
) -> None:
    ladder(town, "growth", (110, 220))
    zhang = enroll()
    drain(consumer)
    receipt = town.receipt(10_000, person_id=zhang.person_id)
    operations.take_receipts(actor=SYSTEM, receipts=[receipt], now=NOW)
    assert tier_of(zhang) == "basic"
    operations.count_toward_tier(actor=SYSTEM, member_id=zhang.member_id, reference="x", now=NOW)
    assert (tier_of(zhang), balance(zhang)) == ("silver", 110)
    assert settle(town) == 0
    assert TierChange.objects.count() == 1


def test_merged_and_parted_nobody_gains(town: Town, base_rule: int, enroll: Callable[..., Any]) -> None:
    ladder(town, "growth", (210, 400))
    zhang, li = enroll(), enroll("13900139000", "李四")
    buy(town, zhang)
    buy(town, li)
    outcome = operations.merge_persons(
        actor=SYSTEM, survivor_id=zhang.person_id, merged_id=li.person_id, reason="同一人", now=NOW
    )
    if outcome.state == "proposed":
        pytest.skip("guarded")
    assert queries.member_file(SYSTEM, zhang.member_id, NOW).growth == 210, "one visit a day of both together"
    assert tier_of(zhang) == "silver"
    operations.unmerge_persons(actor=SYSTEM, merge_id=outcome.merge_id, reason="两个人", now=NOW)
    assert [queries.member_file(SYSTEM, one.member_id, NOW).growth for one in (zhang, li)] == [110, 110]
    assert (tier_of(zhang), tier_of(li)) == ("basic", "basic")
    assert clean()


def test_entries_are_never_changed_and_the_verifier_names_what_was(
    town: Town, base_rule: int, enroll: Callable[..., Any]
) -> None:
    ladder(town, "growth")
    buy(town, enroll())
    with pytest.raises(DatabaseError), transaction.atomic():
        GrowthTransfer.objects.update(growth=1_000)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE loyalty_growthtransfer DISABLE TRIGGER USER")
    GrowthTransfer.objects.filter(source="visit").update(day=NOW.date() + DAY)
    found = queries.verify_ledger().findings
    assert {(one.check, one.field) for one in found} == {("growth_chains", "mark")}
    GrowthTransfer.objects.filter(source="spend").update(growth=1_000)
    checks = {one.check for one in queries.verify_ledger().findings}
    assert {"growth_balances", "growth_running_balance", "growth_reasons", "growth_chains"} <= checks


def test_programme_on_spend_asks_nothing_more(town: Town, base_rule: int, enroll: Callable[..., Any]) -> None:
    zhang = enroll()
    buy(town, zhang)
    with CaptureQueriesContext(connection) as asked:
        buy(town, zhang)
    assert not [one["sql"] for one in asked if "growth" in one["sql"] or "counts" in one["sql"]]
    assert not GrowthAccount.objects.exists()


def test_which_rules_are_for_which_days() -> None:
    one, two = GrowthRules(), GrowthRules(growth=2)
    day = NOW.date()
    found = in_force([(1, day, None), (2, day + 5 * DAY, GrowthRules(since=day)), (3, day + 9 * DAY, two)])
    assert [(each.version, each.first, each.last) for each in found] == [
        (2, day, day + 9 * DAY), (3, day + 10 * DAY, dt.date.max),
    ]  # fmt: skip
    assert is_less(two, one)
    assert not is_less(one, two)
    assert is_less(one, None)
    assert is_less(GrowthRules(deeds={"check_in": 5}), one)
