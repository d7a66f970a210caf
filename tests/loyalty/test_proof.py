"""The ledger proves itself: whoever changes a row behind its back is named by table, id and field."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from tests.loyalty.conftest import BASE_RULE, NOW, SYSTEM, Town, build_town
from tests.loyalty.test_returns import bring_back
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Award
from zhike.loyalty.rules.earning import rederive

Member = loyalty.EnrolledMember


@pytest.fixture
def history(town: Town, base_rule: int, zhang: Member) -> Member:
    """Earned, spent, given back, returned."""
    sold = loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt([30_000, 20_000], person_id=zhang.person_id), now=NOW
    )
    spent = loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=80, now=NOW)
    loyalty.reverse_redemption(actor=SYSTEM, redemption_id=spent.redemption_id, points=30, now=NOW)
    bring_back(sold.receipt_id, loyalty.ReturnLine(2))
    return zhang


def tamper(sql: str) -> None:
    """Change a row as an intruder with the superuser's rights would, triggers off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)
        cursor.execute("SET LOCAL session_replication_role = origin")


TAMPERED = [
    (
        "UPDATE loyalty_account SET balance = balance + 1 WHERE member_id IS NOT NULL",
        "loyalty_account",
        "balance",
    ),
    ("UPDATE loyalty_lot SET remaining = remaining + 1", "loyalty_lot", "remaining"),
    ("UPDATE loyalty_lot SET earned = earned + 1", "loyalty_lot", "earned"),
    ("UPDATE loyalty_lot SET expires_on = expires_on + 1", "loyalty_lot", "remaining"),
    ("UPDATE loyalty_transfer SET points = points + 1 WHERE reason = 'redeem'", "loyalty_transfer", "points"),
    ("UPDATE loyalty_transfer SET lots = '[]' WHERE reason = 'earn'", "loyalty_transfer", "points"),
    (
        "UPDATE loyalty_transfer SET balance_after = 1 WHERE reason = 'earn'",
        "loyalty_transfer",
        "balance_after",
    ),
    ("DELETE FROM loyalty_transfer WHERE reason = 'redeem'", "loyalty_account", "balance"),
    ("UPDATE loyalty_award SET points = points + 1", "loyalty_award", "points"),
    (
        "UPDATE loyalty_award SET explanation = jsonb_set(explanation, '{rules,0,base,0}', '2')",
        "loyalty_award",
        "explanation",
    ),
    ("UPDATE loyalty_redemption SET points = points + 1", "loyalty_redemption", "points"),
    ("UPDATE loyalty_redemption SET reversed_points = 0", "loyalty_redemption", "reversed_points"),
]


@pytest.mark.feature("N1")
@pytest.mark.parametrize(("sql", "table", "field"), TAMPERED)
def test_a_changed_row_is_named(history: Member, sql: str, table: str, field: str) -> None:
    assert queries.verify_ledger().is_clean
    tamper(sql)
    assert (table, field) in {(finding.table, finding.field) for finding in queries.verify_ledger().findings}


@pytest.mark.feature("N1")
def test_transfers_cannot_be_changed_or_removed(history: Member) -> None:
    for change in ("UPDATE loyalty_transfer SET points = 1", "DELETE FROM loyalty_transfer"):
        with (
            pytest.raises(Exception, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(change)
    assert queries.verify_ledger().is_clean


@pytest.mark.feature("N4")
def test_every_award_follows_from_its_own_explanation(history: Member) -> None:
    for award in Award.objects.all():
        assert rederive(award.explanation, "down") == award.points


@pytest.mark.feature("N1")
@pytest.mark.django_db(transaction=True)
def test_seals_chain_and_name_what_was_changed_under_them() -> None:
    town = build_town()
    member = loyalty.enroll_member(
        actor=SYSTEM, name="张三", phone="13800138000", mall_id=town.mall_id, source="counter", now=NOW
    )
    for points in (100, 200):
        loyalty.adjust_points(actor=SYSTEM, member_id=member.member_id, points=points, reason="期初", now=NOW)
        assert loyalty.seal_transfers(actor=SYSTEM, now=NOW) == 1
    assert loyalty.seal_transfers(actor=SYSTEM, now=NOW) == 0
    report = queries.verify_ledger()
    assert report.is_clean
    assert report.seals == 2

    with transaction.atomic():
        tamper('UPDATE loyalty_transfer SET explanation = \'{"reason": "礼物"}\'')
    found = queries.verify_ledger().findings
    named = [("loyalty_transfer", "explanation"), ("loyalty_seal", "digest")]
    assert [(finding.table, finding.field) for finding in found] == named * 2


def build_crowd(size: int) -> tuple[Town, list[Member]]:
    town = build_town()
    loyalty.publish_rule_version(
        actor=SYSTEM,
        program_id=town.program_id,
        code="base",
        name="消费积分",
        definition=BASE_RULE | {"caps": {"member_day": 5_000}},
        effective_from=NOW.replace(month=1),
        now=NOW,
        backdated=True,
    )
    members = [
        loyalty.enroll_member(
            actor=SYSTEM, name="张三", phone=f"138000{n:05d}", mall_id=town.mall_id, source="counter", now=NOW
        )
        for n in range(size)
    ]
    return town, members


def act(
    town: Town, members: list[Member], rng: random.Random, sold: list[Any], spent: list[Any], tag: str
) -> None:
    """One random thing somebody does; refusals are part of life."""
    member = rng.choice(members)
    roll = rng.random()
    if roll < 0.4:
        receipt = town.receipt(
            rng.randrange(100, 90_000), person_id=member.person_id, number=f"{tag}-{rng.random()}"
        )
        sold.append(loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW).receipt_id)
    elif roll < 0.6:
        points = rng.randrange(1, 400)
        spent.append(
            loyalty.redeem_points(
                actor=SYSTEM, member_id=member.member_id, points=points, now=NOW
            ).redemption_id
        )
    elif roll < 0.75 and sold:
        bring_back(rng.choice(sold), loyalty.ReturnLine(1), number=f"{tag}-{rng.random()}")
    elif roll < 0.85 and spent:
        loyalty.reverse_redemption(
            actor=SYSTEM, redemption_id=rng.choice(spent), points=rng.randrange(1, 200), now=NOW
        )
    elif roll < 0.95:
        batch = [
            town.receipt(
                rng.randrange(100, 50_000),
                person_id=rng.choice(members).person_id,
                number=f"{tag}-{rng.random()}-{n}",
            )
            for n in range(5)
        ]
        loyalty.take_receipts(actor=SYSTEM, receipts=batch, now=NOW)
    else:
        loyalty.adjust_points(
            actor=SYSTEM,
            member_id=member.member_id,
            points=rng.randrange(-100, 200) or 1,
            reason="测试",
            now=NOW,
        )


@pytest.mark.feature("N1", "B04")
@pytest.mark.django_db(transaction=True)
def test_random_business_in_eight_threads_adds_up() -> None:
    """2,000 random operations of 8 threads on 12 members, refusals included, end with every proof green."""
    town, members = build_crowd(12)
    sold: list[Any] = []
    spent: list[Any] = []
    unexpected: list[BaseException] = []

    def clerk(number: int) -> None:
        rng = random.Random(number)
        try:
            for step in range(250):
                try:
                    act(town, members, rng, sold, spent, f"{number}-{step}")
                except Problem:
                    continue
        except BaseException as error:
            unexpected.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=clerk, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unexpected == []
    report = queries.verify_ledger()
    assert report.findings == []
    assert report.transfers > 500


@pytest.mark.feature("C066")
def test_the_review_counts_the_window_anew(town: Town, publish: Callable[..., int], zhang: Member) -> None:
    publish(since=NOW.replace(year=2024))
    loyalty.take_receipt(actor=SYSTEM, receipt=town.receipt(120_000, person_id=zhang.person_id), now=NOW)
    tier = lambda now: queries.member_file(SYSTEM, zhang.member_id, now).tier.code  # noqa: E731
    assert loyalty.review_tiers(actor=SYSTEM, program_id=town.program_id, now=NOW) == 0
    assert tier(NOW) == "silver"
    later = NOW.replace(year=2027, month=7)
    assert loyalty.review_tiers(actor=SYSTEM, program_id=town.program_id, now=later) == 1
    assert loyalty.review_tiers(actor=SYSTEM, program_id=town.program_id, now=later) == 0
    assert tier(later) == "basic"
