"""What happened to some accounts, read for replaying it: receipts, transfers, reviews, and what stands now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection

from zhike.kernel.snapshots import one_snapshot
from zhike.loyalty.operations.state import from_json
from zhike.sales import operations as sales

CHUNK_ACCOUNTS = 1_000


@dataclass(frozen=True, slots=True)
class Posted:
    """A transfer as it stands in the ledger."""

    id: int
    entering: bool
    reason: str
    reference: str
    points: int
    lots: tuple[tuple[dt.date, int, int], ...]
    debt_points: int
    balance_after: int
    reverses: int | None
    explanation: dict[str, Any]
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """A receipt with the moment the programme learnt of it, and the award it got (None: a return, or nobody's then)."""

    receipt: sales.NewReceipt
    moment: dt.datetime
    award_points: int | None
    award_tier: int | None
    was_frozen: bool


@dataclass(frozen=True, slots=True)
class Review:
    """A decision on the tier that no receipt made: the tier that counted after it, and the earned one if another."""

    moment: dt.datetime
    tier_id: int
    earned_id: int
    cause: str
    reference: str = ""


@dataclass(slots=True)
class Story:
    """Everything about one account."""

    account_id: int
    member_id: int
    person_id: int
    tier_id: int
    balance: int
    debt: int
    first_tier_id: int
    lots: dict[tuple[dt.date, int], int] = field(default_factory=dict)
    receipts: list[Taken] = field(default_factory=list)
    transfers: list[Posted] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    refunds: dict[str, Review] = field(default_factory=dict)
    """Decisions on returns, by reference: of a tier held for a period they are not made by the spend alone."""


def count_receipts(program_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM loyalty_award w JOIN loyalty_account a ON a.id = w.account_id
            WHERE a.program_id = %s""",
            [program_id],
        )
        return int(cursor.fetchone()[0])


def stories(program_id: int) -> Iterator[list[Story]]:
    """All accounts in chunks, each chunk as of one moment: tills may go on meanwhile."""
    last = 0
    while True:
        with one_snapshot():
            chunk = _accounts(program_id, last)
            if chunk:
                _fill(chunk)
        if not chunk:
            return
        last = chunk[-1].account_id
        yield chunk


def _accounts(program_id: int, after: int) -> list[Story]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.id, m.id, m.person_id, m.tier_id, a.balance, a.debt,
                coalesce((SELECT before_id FROM loyalty_tierchange c WHERE c.member_id = m.id ORDER BY id LIMIT 1),
                    m.tier_id)
            FROM loyalty_account a JOIN loyalty_member m ON m.id = a.member_id
            WHERE a.program_id = %s AND a.id > %s ORDER BY a.id LIMIT %s""",
            [program_id, after, CHUNK_ACCOUNTS],
        )
        return [Story(*row) for row in cursor.fetchall()]


def _fill(chunk: Sequence[Story]) -> None:
    by_account = {story.account_id: story for story in chunk}
    by_person = {story.person_id: story for story in chunk}
    by_member = {story.member_id: story for story in chunk}
    with connection.cursor() as cursor:
        _read_transfers(cursor, by_account)
        _read_receipts(cursor, by_account, by_person)
        cursor.execute(
            """SELECT account_id, expires_on, funding_id, remaining FROM loyalty_lot
            WHERE account_id = ANY(%s) AND remaining > 0""",
            [list(by_account)],
        )
        for account_id, expires_on, funding_id, remaining in cursor.fetchall():
            by_account[account_id].lots[expires_on, funding_id] = remaining
        cursor.execute(
            """SELECT c.member_id, c.changed_at, c.after_id, coalesce(c.earned_id, 0), c.cause,
                c.reference FROM loyalty_tierchange c
            JOIN loyalty_member m ON m.id = c.member_id JOIN loyalty_program p ON p.id = m.program_id
            WHERE c.member_id = ANY(%s) AND c.cause <> 'spend' AND (c.cause <> 'refund' OR p.tier_period <> 'at_once')
            ORDER BY c.id""",
            [list(by_member)],
        )
        for member_id, *review in cursor.fetchall():
            found = Review(*review)
            if found.cause == "refund":
                by_member[member_id].refunds[found.reference] = found
            else:
                by_member[member_id].reviews.append(found)


def _read_transfers(cursor: Any, by_account: dict[int, Story]) -> None:
    """The accounts' own transfers, and those beside them that let points begin or cease to wait."""
    cursor.execute(
        """WITH own AS (
            SELECT credit_account_id AS account, true AS entering, t.* FROM loyalty_transfer t
            WHERE credit_account_id = ANY(%(ids)s) AND credit_account_id > 0
            UNION ALL
            SELECT debit_account_id, false, t.* FROM loyalty_transfer t
            WHERE debit_account_id = ANY(%(ids)s) AND debit_account_id > 0)
        SELECT account, id, entering, reason, reference, points, lots, debt_points, balance_after, reverses_id,
            explanation, posted_at FROM own
        UNION ALL
        SELECT w.account_id, t.id, t.reason = 'earn', t.reason, t.reference, t.points, t.lots, t.debt_points,
            t.balance_after, t.reverses_id, t.explanation, t.posted_at
        FROM loyalty_award w JOIN loyalty_transfer t
            ON t.reference = 'receipt:' || w.receipt_id AND t.reason = 'earn' AND t.credit_account_id < 0
        WHERE w.account_id = ANY(%(ids)s)
        UNION ALL
        SELECT w.account_id, t.id, false, t.reason, t.reference, t.points, t.lots, t.debt_points,
            t.balance_after, t.reverses_id, t.explanation, t.posted_at
        FROM loyalty_award w JOIN sales_receipt r ON r.original_id = w.receipt_id JOIN loyalty_transfer t
            ON t.reference = 'receipt:' || r.id AND t.reason = 'clawback'
            AND t.credit_account_id < 0 AND t.debit_account_id < 0
        WHERE w.account_id = ANY(%(ids)s)
        ORDER BY id""",
        {"ids": list(by_account)},
    )
    for account_id, transfer_id, entering, reason, reference, points, lots, *rest in cursor.fetchall():
        debt_points, balance_after, reverses, explanation, at = rest
        parts = tuple((dt.date.fromisoformat(day), funding, part) for day, funding, part in from_json(lots))
        by_account[account_id].transfers.append(
            Posted(
                transfer_id, entering, reason, reference, points, parts, debt_points, balance_after, reverses,
                from_json(explanation), at,
            )
        )  # fmt: skip


def _read_receipts(cursor: Any, by_account: dict[int, Story], by_person: dict[int, Story]) -> None:
    cursor.execute(
        """WITH mine AS (
            SELECT w.receipt_id AS id, w.account_id, w.points, w.tier_id,
                w.explanation->>'refusal' = 'member_frozen' AS was_frozen
            FROM loyalty_award w WHERE w.account_id = ANY(%s)
            UNION ALL
            SELECT r.id, a.id, NULL, NULL, false FROM sales_receipt r
            JOIN loyalty_member m ON m.person_id = r.person_id JOIN loyalty_account a ON a.member_id = m.id
            WHERE r.person_id = ANY(%s) AND r.kind = 'return' AND a.id = ANY(%s))
        SELECT m.account_id, m.points, m.tier_id, coalesce(m.was_frozen, false), r.id, r.merchant_id, r.mall_id, r.kind,
            r.till, r.number, r.business_date, r.occurred_at, r.original_id, coalesce(r.claimed_at, r.recorded_at),
            (SELECT json_agg(json_build_array(l.line_no, l.net_fen, l.quantity::text, l.category_id, l.original_line_no)
                ORDER BY l.line_no) FROM sales_receiptline l WHERE l.receipt_id = r.id),
            (SELECT json_agg(json_build_array(t.kind, t.amount_fen) ORDER BY t.position)
                FROM sales_tender t WHERE t.receipt_id = r.id)
        FROM mine m JOIN sales_receipt r ON r.id = m.id""",
        [list(by_account), list(by_person), list(by_account)],
    )
    for account_id, points, tier_id, was_frozen, *rest in cursor.fetchall():
        story = by_account[account_id]
        receipt, moment = _receipt(story.person_id, rest)
        story.receipts.append(Taken(receipt, moment, points, tier_id, was_frozen))


def _receipt(person_id: int, row: Sequence[Any]) -> tuple[sales.NewReceipt, dt.datetime]:
    receipt_id, merchant_id, mall_id, kind, till, number, day, at, original_id, moment, lines, tenders = row
    receipt = sales.NewReceipt(
        merchant_id=merchant_id,
        mall_id=mall_id,
        kind=kind,
        till=till,
        number=number,
        business_date=day,
        occurred_at=at,
        lines=tuple(
            sales.NewLine(
                no, "", "", Decimal(quantity), 0, net, category_id=category, original_line_no=original
            )
            for no, net, quantity, category, original in from_json(lines) or ()
        ),
        tenders=tuple(sales.NewTender(kind, fen) for kind, fen in from_json(tenders) or ()),
        person_id=person_id,
        original_id=original_id,
        id=receipt_id,
    )
    return receipt, moment


def in_order(story: Story) -> Iterator[tuple[str, Any]]:
    """("receipt", Taken), ("transfer", Posted), ("review", Review) as they came about.

    Transfers are numbered in the order they were written, and a receipt stands where its transfer stands. A receipt that
    moved nothing stands behind the one that was learnt of before it, and a return behind what withdrew the points of
    its sale. Reviews go by time, between receipts.
    """
    numbered: dict[str, int] = {}
    withdrawn: dict[str, list[Posted]] = {}
    for posted in story.transfers:
        if posted.reason in ("earn", "clawback"):
            numbered.setdefault(posted.reference, posted.id)
        elif "withdraws" in posted.explanation:
            withdrawn.setdefault(posted.explanation["withdraws"], []).append(posted)
    items: list[tuple[int, int, str, Any]] = []
    place, moments = 0, []
    for at, taken in enumerate(sorted(story.receipts, key=_learnt)):
        before = [
            one.id for one in withdrawn.get(str(taken.receipt.original_id), ()) if one.at <= taken.moment
        ]
        place = numbered.pop(f"receipt:{taken.receipt.id}", max([place, *before]))
        items.append((place, at + 1, "receipt", taken))
        moments.append((taken.moment, place, at))
    for review in story.reviews:
        place, at = next(((place, at) for moment, place, at in moments if moment > review.moment), (_LAST, 0))
        items.append((place, at, "review", review))
    known = {f"receipt:{taken.receipt.id}" for taken in story.receipts}
    for posted in story.transfers:
        if posted.reference not in known or posted.reason not in ("earn", "clawback"):
            items.append((posted.id, 0, "transfer", posted))
    items.sort(key=lambda item: item[:2])
    for _place, _at, kind, what in items:
        yield kind, what


_LAST = 2**62


def _learnt(taken: Taken) -> tuple[dt.datetime, dt.datetime, bool, str]:
    """Receipts that were learnt of together were decided in the order they happened."""
    receipt = taken.receipt
    return taken.moment, receipt.occurred_at, receipt.kind == "return", str(receipt.id)
