"""The ledger proves itself: whoever changes a row behind its back is named by table, id and field."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from tests.databases import close_connections
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town
from tests.loyalty.storm import build_crowd, rage
from tests.loyalty.test_returns import bring_back
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.loyalty.models import Award, Transfer
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


@pytest.mark.feature("N1", "B04")
@pytest.mark.django_db(transaction=True)
def test_random_business_in_eight_threads_adds_up() -> None:
    """Random acts of 8 threads on 12 members, refusals included, while their database processes are shot in between: what
    was cut off happened whole or not at all, and every proof is green.
    """
    crowd = build_crowd(12, daily=1_000_000)
    over = threading.Event()
    marksman = threading.Thread(target=shoot, args=(over,))
    marksman.start()
    try:
        operations, cut_off = rage(crowd, 1, lambda step: step < 80)
    finally:
        over.set()
        marksman.join()
        close_connections()  # the pool may hold some that were shot while nobody used them
    assert operations + cut_off >= 8 * 80
    assert cut_off > 0
    report = queries.verify_ledger()
    assert report.findings == []
    assert report.transfers > 300


@pytest.mark.feature("N1")
@pytest.mark.django_db(transaction=True)
def test_what_is_written_meanwhile_is_in_none_of_the_checks() -> None:
    """Tills go on while the proof is under way: it speaks of one moment, and finds no fault where there is none."""
    crowd = build_crowd(1)
    seen: list[int] = []

    def sell(number: str) -> None:
        receipt = crowd.town.receipt(1_000, person_id=crowd.members[0].person_id, number=number)
        loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
        connection.close()

    def on_check(name: str) -> None:
        if name in ("lots", "growth_chains", "seals"):
            till = threading.Thread(target=sell, args=[name])
            till.start()
            till.join()
            seen.append(Transfer.objects.count())

    before = Transfer.objects.count()
    report = queries.verify_ledger(progress=on_check)
    assert report.findings == []
    assert seen == [before] * 3
    assert report.transfers == before
    assert Transfer.objects.count() == before + 3


def shoot(over: threading.Event) -> None:
    """End a random one of this database's other server processes, again and again."""
    import psycopg

    rng = random.Random(7)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as own:
        while not over.wait(0.05):
            rows = own.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
                " AND pid <> pg_backend_pid()"
            ).fetchall()
            if rows:
                own.execute("SELECT pg_terminate_backend(%s)", [rng.choice(rows)[0]])


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
