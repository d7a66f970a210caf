"""Many receipts at once: the same rules in the same order, written by COPY.

All accounts of the batch are held in id order, every receipt is decided in the order it happened on the state the one
before left, and everything is written set-based. A receipt decided here and the same receipt taken alone get the same
points, because ``decide_receipt`` and ``take_points_back`` are the same functions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from zhike.kernel import events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.events.base import Fact
from zhike.loyalty.events import PointsClawedBack, TierChanged
from zhike.loyalty.operations.earning import (
    NOBODY,
    ReceiptOutcome,
    decide_receipt,
    duplicate_outcome,
    facts_of,
)
from zhike.loyalty.operations.returning import (
    AwardFacts,
    ReturnNeedsPoints,
    claw,
    keep_waiting,
    take_points_back,
    unmatched_points,
)
from zhike.loyalty.operations.state import (
    Holder,
    Posting,
    from_json,
    lots_json,
    lots_of_json,
    posting_for,
    to_json,
)
from zhike.loyalty.operations.tiering import lower_after_refund, settle_after_refund, settle_lent, tier_row
from zhike.loyalty.queries.snapshots import ISSUED, programme
from zhike.loyalty.rules.accounts import AccountState, Waiting
from zhike.loyalty.rules.calendar import FOR_EVER
from zhike.sales import operations as sales
from zhike.sales import queries as records
from zhike.sales.events import ReceiptRecorded


@dataclass(slots=True)
class _SoldLine:
    net_fen: int
    quantity: Decimal
    returned_fen: int
    returned_quantity: Decimal


@dataclass(slots=True)
class _Batch:
    """The working set: what was read, what was decided, what is to be written."""

    actor: Viewer
    now: dt.datetime
    holders: dict[int, Holder] = field(default_factory=dict)
    postings: dict[int, Posting] = field(default_factory=dict)
    awards: dict[UUID, AwardFacts] = field(default_factory=dict)
    award_rows: dict[UUID, tuple[int, int, dt.datetime]] = field(default_factory=dict)
    touched_awards: set[UUID] = field(default_factory=set)
    sold: dict[UUID, dict[int, _SoldLine]] = field(default_factory=dict)
    returned: dict[tuple[UUID, int], tuple[Decimal, int]] = field(default_factory=dict)
    tier_changes: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """The tier that counted before, and the decision."""
    refunded: dict[int, tuple[Holder, str]] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)


def take_receipts(
    *, actor: Viewer, receipts: Sequence[sales.NewReceipt], now: dt.datetime
) -> list[ReceiptOutcome]:
    """Record up to some ten thousand receipts and returns in one transaction; outcomes in the order given.

    Statuses: accepted, duplicate (its natural key exists; nothing changed), refused (a return of more than
    was bought; ``explanation["refusal"]`` says why). A return names its sale by ``original_id``, which
    may be in the same call; one without takes back what the same goods would earn. Raises InvalidReceipt, NotAllowed.
    """
    for mall_id, merchant_id in {(receipt.mall_id, receipt.merchant_id) for receipt in receipts}:
        require_touch(actor, "receipts.record", mall=mall_id, merchant=merchant_id)
    for receipt in receipts:
        sales.check_receipt(actor=actor, receipt=receipt, now=now)
    if not receipts:
        return []
    with transaction.atomic():
        batch = _Batch(actor, now)
        known = records.existing_receipts(receipts)
        fresh = [receipt for receipt in receipts if receipt.id not in known]
        _hold_originals(batch, fresh)
        refused = _refuse_impossible_returns(batch, fresh)
        fresh = [receipt for receipt in fresh if receipt.id not in refused]
        known |= sales.insert_receipts(actor=actor, receipts=fresh, now=now)
        fresh = [receipt for receipt in fresh if receipt.id not in known]
        _hold_accounts(batch, fresh)
        outcomes = _decide_all(batch, fresh)
        _write_all(batch)
    for receipt in receipts:
        if receipt.id in known:
            outcomes[receipt.id] = duplicate_outcome(known[receipt.id], receipt)
        elif receipt.id in refused:
            outcomes[receipt.id] = ReceiptOutcome(
                receipt.id, "refused", explanation={"refusal": refused[receipt.id]}
            )
    return [outcomes[receipt.id] for receipt in receipts]


def _hold_originals(batch: _Batch, receipts: Sequence[sales.NewReceipt]) -> None:
    """Lock the sales that returns name and read their lines and awards; sales of this very batch are added too."""
    named = sorted({r.original_id for r in receipts if r.original_id is not None})
    if named:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, business_date FROM sales_receipt WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
                [named],
            )
            days = dict(cursor.fetchall())
            cursor.execute(
                """SELECT receipt_id, line_no, net_fen, quantity, returned_fen, returned_quantity
                FROM sales_receiptline WHERE receipt_id = ANY(%s)""",
                [named],
            )
            for receipt_id, line_no, *numbers in cursor.fetchall():
                batch.sold.setdefault(receipt_id, {})[line_no] = _SoldLine(*numbers)
            cursor.execute(
                """SELECT a.receipt_id, a.points, a.clawed_points, a.qualifying_fen, a.explanation, t.id, t.lots
                FROM loyalty_award a LEFT JOIN loyalty_transfer t
                    ON t.reference = 'receipt:' || a.receipt_id AND t.reason = 'earn'
                WHERE a.receipt_id = ANY(%s)""",
                [named],
            )
            for receipt_id, points, clawed, qualifying, explanation, transfer_id, lots in cursor.fetchall():
                batch.awards[receipt_id] = AwardFacts(
                    receipt_id,
                    points,
                    clawed,
                    qualifying,
                    from_json(explanation),
                    days[receipt_id],
                    transfer_id,
                    lots_of_json(from_json(lots)),
                )
    wanted = set(named)
    for receipt in receipts:
        if receipt.kind == "sale" and receipt.id in wanted:
            batch.sold[receipt.id] = {
                line.line_no: _SoldLine(line.net_fen, line.quantity, 0, Decimal(0)) for line in receipt.lines
            }


def _refuse_impossible_returns(batch: _Batch, receipts: Sequence[sales.NewReceipt]) -> dict[UUID, str]:
    """Returns of more than is left, in the order they happened; the others use up what they return."""
    refused: dict[UUID, str] = {}
    used: dict[tuple[UUID, int], list[Any]] = {}
    for receipt in sorted(receipts, key=_happened):
        if receipt.kind != "return" or receipt.original_id is None:
            continue
        sold = batch.sold.get(receipt.original_id, {})
        plan: dict[tuple[UUID, int], list[Any]] = {}
        for line in receipt.lines:
            key = (receipt.original_id, line.original_line_no or 0)
            quantity, fen = plan.get(key, [Decimal(0), 0])
            plan[key] = [quantity + line.quantity, fen + line.net_fen]
        for key, (quantity, fen) in plan.items():
            bought = sold.get(key[1])
            before = used.get(key, [Decimal(0), 0])
            if bought is None or (
                bought.returned_quantity + before[0] + quantity > bought.quantity
                or bought.returned_fen + before[1] + fen > bought.net_fen
            ):
                refused[receipt.id] = "return_exceeds"
        if receipt.id not in refused:
            for key, (quantity, fen) in plan.items():
                before = used.get(key, [Decimal(0), 0])
                used[key] = [before[0] + quantity, before[1] + fen]
    return refused


def _happened(receipt: sales.NewReceipt) -> tuple[dt.datetime, bool, str]:
    return receipt.occurred_at, receipt.kind == "return", str(receipt.id)


def _hold_accounts(batch: _Batch, receipts: Sequence[sales.NewReceipt]) -> None:
    """Lock the accounts of everyone in the batch in id order and read them with lots and cap counters."""
    people = sorted({r.person_id for r in receipts if r.person_id is not None})
    if not people:
        return
    days = {r.business_date for r in receipts} | {a.day for a in batch.awards.values()} | {FOR_EVER}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.id, a.version, a.balance, a.debt, a.qualifying_fen, m.tier_id, m.id, m.person_id, m.status,
                a.program_id, m.earned_tier_id, m.tier_due, a.restraint
            FROM loyalty_account a JOIN loyalty_member m ON m.id = a.member_id
            WHERE m.person_id IN (
                SELECT coalesce(p.merged_into_id, p.id) FROM customers_person p WHERE p.id = ANY(%s))
            ORDER BY a.id FOR UPDATE OF a""",
            [people],
        )
        rows = cursor.fetchall()
        cursor.execute("SELECT id, stamp FROM loyalty_program")
        stamps = dict(cursor.fetchall())
        for row in rows:
            state = AccountState(*row[:6])
            state.earned_id = row[10] or 0
            terms = programme(row[9], stamps[row[9]])
            holder = Holder(row[6], row[7], row[8], state, terms, tier_due=row[11], restraint=row[12])
            settle_lent(holder, now=batch.now)
            batch.holders[row[7]] = holder
            batch.postings[holder.state.account_id] = posting_for(holder)
        _hold_sides(cursor, batch, people)
        by_account = {holder.state.account_id: holder.state for holder in batch.holders.values()}
        accounts = list(by_account)
        cursor.execute(
            "SELECT account_id, expires_on, funding_id, remaining FROM loyalty_lot WHERE account_id = ANY(%s)",
            [accounts],
        )
        for account_id, expires_on, funding_id, remaining in cursor.fetchall():
            by_account[account_id].lots[expires_on, funding_id] = remaining
        cursor.execute(
            """SELECT account_id, rule_id, cap, period, used FROM loyalty_capusage
            WHERE account_id = ANY(%s) AND period = ANY(%s)""",
            [accounts, list(days)],
        )
        for account_id, rule_id, cap, period, used in cursor.fetchall():
            by_account[account_id].caps[rule_id, cap, period] = used
        cursor.execute(
            """SELECT receipt_id, points, remaining, lots, available_on FROM loyalty_pendingpoints
            WHERE receipt_id = ANY(%s) AND remaining > 0""",
            [list(batch.awards)],
        )
        for receipt_id, points, remaining, lots, available_on in cursor.fetchall():
            batch.awards[receipt_id].waiting = Waiting(
                points, remaining, lots_of_json(from_json(lots)), available_on
            )


def _hold_sides(cursor: Any, batch: _Batch, people: Sequence[int]) -> None:
    """Whoever was merged into somebody buys for that account too, and the books say by which side."""
    cursor.execute(
        """SELECT p.id, p.merged_into_id, coalesce(m.id, o.id), o.id FROM customers_person p
        JOIN loyalty_member o ON o.person_id = p.merged_into_id
        LEFT JOIN loyalty_member m ON m.person_id = p.id AND m.survivor_id = o.id WHERE p.id = ANY(%s)""",
        [people],
    )
    for person_id, survivor_id, member_id, owner_id in cursor.fetchall():
        held = batch.holders[survivor_id]
        side = Holder(
            member_id, person_id, held.status, held.state, held.programme, owner_id, restraint=held.restraint
        )
        batch.holders[person_id] = side


def _posting(batch: _Batch, holder: Holder) -> Posting:
    """The one posting of the holder's account, now on behalf of this side of it."""
    posting = batch.postings[holder.state.account_id]
    posting.holder = holder
    return posting


def _decide_all(batch: _Batch, receipts: Sequence[sales.NewReceipt]) -> dict[UUID, ReceiptOutcome]:
    outcomes: dict[UUID, ReceiptOutcome] = {}
    for receipt in sorted(receipts, key=_happened):
        holder = batch.holders.get(receipt.person_id) if receipt.person_id is not None else None
        decide = _decide_sale if receipt.kind == "sale" else _decide_return
        outcomes[receipt.id] = decide(batch, receipt, holder)
    return outcomes


def _decide_sale(batch: _Batch, receipt: sales.NewReceipt, holder: Holder | None) -> ReceiptOutcome:
    tier_before = holder.state.tier_id if holder else 0
    decided = decide_receipt(receipt, holder, batch.actor, batch.now)
    batch.facts += facts_of(decided, tier_before)
    if holder is None or decided.decision is None or decided.posting is None:
        return decided.outcome
    posting = _posting(batch, holder)
    posting.transfers += decided.posting.transfers
    posting.caps += decided.posting.caps
    posting.qualifying_fen += decided.qualifying_fen
    award = AwardFacts(
        receipt.id,
        decided.decision.points,
        0,
        decided.qualifying_fen,
        decided.decision.explanation,
        receipt.business_date,
        None,
        decided.lots,
        decided.waiting,
    )
    batch.awards[receipt.id] = award
    batch.award_rows[receipt.id] = (holder.state.account_id, tier_before, receipt.occurred_at)
    if decided.new_tier is not None:
        row = tier_row(holder, decided.new_tier, "spend", f"receipt:{receipt.id}", batch.now)
        batch.tier_changes.append((tier_before, row))
    return decided.outcome


def _decide_return(batch: _Batch, receipt: sales.NewReceipt, holder: Holder | None) -> ReceiptOutcome:
    batch.facts.append(
        ReceiptRecorded(
            str(receipt.id),
            receipt.person_id,
            receipt.merchant_id,
            receipt.mall_id,
            "return",
            receipt.net_fen,
            receipt.occurred_at,
            cashier=receipt.cashier,
            original_id=str(receipt.original_id) if receipt.original_id else None,
        )
    )
    kept = _take_lines_back(batch, receipt)
    if holder is None:
        return ReceiptOutcome(receipt.id, "accepted", explanation=NOBODY)
    award = batch.awards.get(receipt.original_id) if receipt.original_id else None
    tier_before = holder.state.tier_id
    taken = (
        _claw_matched(batch, receipt, holder, award, kept)
        if award
        else _claw_unmatched(batch, receipt, holder)
    )
    batch.refunded[holder.owner_id] = (holder, f"receipt:{receipt.id}")
    lowered = lower_after_refund(holder)
    if lowered is not None:
        row = tier_row(holder, lowered, "refund", f"receipt:{receipt.id}", batch.now)
        batch.tier_changes.append((tier_before, row))
        if (after := holder.state.tier_id) != tier_before:
            batch.facts.append(TierChanged(holder.member_id, holder.person_id, tier_before, after, "refund"))
    return ReceiptOutcome(
        receipt.id,
        "accepted",
        holder.member_id,
        -taken,
        holder.state.net,
        holder.state.tier_id,
        explanation={"rules": []},
    )


def _take_lines_back(batch: _Batch, receipt: sales.NewReceipt) -> dict[int, tuple[int, int]]:
    """Count the returned lines on their sale; what is kept of each line of it: (kept fen, net fen)."""
    if receipt.original_id is None:
        return {}
    sold = batch.sold[receipt.original_id]
    for line in receipt.lines:
        no = line.original_line_no or 0
        sold[no].returned_fen += line.net_fen
        sold[no].returned_quantity += line.quantity
        quantity, fen = batch.returned.get((receipt.original_id, no), (Decimal(0), 0))
        batch.returned[receipt.original_id, no] = (quantity + line.quantity, fen + line.net_fen)
    return {no: (line.net_fen - line.returned_fen, line.net_fen) for no, line in sold.items()}


def _claw_matched(
    batch: _Batch,
    receipt: sales.NewReceipt,
    holder: Holder,
    award: AwardFacts,
    kept: dict[int, tuple[int, int]],
) -> int:
    posting = _posting(batch, holder)
    try:
        clawback = take_points_back(posting, award, kept, receipt, actor=batch.actor, now=batch.now)
    except ReturnNeedsPoints:
        return (
            0  # history cannot be refused: a blocked clawback of an import leaves the points, as the till did
        )
    batch.touched_awards.add(award.receipt_id)
    if not clawback.taken:
        return 0
    batch.facts.append(
        PointsClawedBack(
            holder.member_id,
            holder.person_id,
            str(award.receipt_id),
            str(receipt.id),
            clawback.taken,
            clawback.debt_points,
        )
    )
    return clawback.taken


def _claw_unmatched(batch: _Batch, receipt: sales.NewReceipt, holder: Holder) -> int:
    decision = unmatched_points(holder, receipt)
    posting = _posting(batch, holder)
    lost = min(holder.state.qualifying_fen, receipt.net_fen)
    posting.qualifying_fen -= lost
    holder.state.qualifying_fen -= lost
    due = min(decision.points, max(0, holder.state.balance))
    if not due:
        return 0
    clawback = claw(holder, due, (), receipt.net_fen, receipt.occurred_at)
    if clawback.movement is None:
        return 0
    posting.add(
        clawback.movement,
        against=ISSUED,
        reason="clawback",
        reference=f"receipt:{receipt.id}",
        actor=batch.actor,
        occurred_at=receipt.occurred_at,
        now=batch.now,
        explanation={"unmatched": decision.explanation, "due": due},
    )
    batch.facts.append(
        PointsClawedBack(holder.member_id, holder.person_id, "", str(receipt.id), clawback.movement.points, 0)
    )
    return clawback.movement.points


def _write_all(batch: _Batch) -> None:
    postings = [
        posting
        for posting in batch.postings.values()
        if posting.transfers or posting.qualifying_fen or posting.caps
    ]
    with connection.cursor() as cursor:
        _write_transfers(cursor, batch, postings)
        _write_lots(cursor, postings)
        _write_accounts(cursor, postings)
        _write_caps(cursor, postings)
        _write_awards(cursor, batch)
        _write_returned(cursor, batch)
        _write_tiers(cursor, batch)
    events.publish_many(batch.facts, actor=batch.actor, now=batch.now)
    for holder, reference in batch.refunded.values():
        if holder.programme.tier_terms.is_held:
            settle_after_refund(holder, actor=batch.actor, reference=reference, now=batch.now)


def _write_transfers(cursor: Any, batch: _Batch, postings: Sequence[Posting]) -> None:
    """COPY the transfers; ids are fetched first so that clawbacks can name the earn of the same batch."""
    rows = [row for posting in postings for row in posting.transfers]
    if not rows:
        return
    cursor.execute(
        "SELECT nextval(pg_get_serial_sequence('loyalty_transfer', 'id')) FROM generate_series(1, %s)",
        [len(rows)],
    )
    ids = [row[0] for row in cursor.fetchall()]
    earned = {
        row["reference"]: row_id for row, row_id in zip(rows, ids, strict=True) if row["reason"] == "earn"
    }
    columns = (
        "id, debit_account_id, credit_account_id, points, reason, reference, rule_version_id, funding_id, lots,"
        " debt_points, balance_after, reverses_id, explanation, actor, occurred_at, posted_at"
    )
    with cursor.copy(f"COPY loyalty_transfer ({columns}) FROM STDIN") as copy:
        for row, row_id in zip(rows, ids, strict=True):
            reverses = row["reverses"]
            if row["reason"] == "clawback" and reverses is None:
                reverses = earned.get(f"receipt:{row['explanation'].get('sale')}")
            copy.write_row(
                (
                    row_id, row["debit"], row["credit"], row["points"], row["reason"], row["reference"],
                    row["rule_version"], row["funding"], to_json(row["lots"]), row["debt_points"],
                    row["balance_after"], reverses, to_json(row["explanation"]), row["actor"],
                    row["occurred_at"], row["posted_at"],
                )
            )  # fmt: skip


def _write_lots(cursor: Any, postings: Sequence[Posting]) -> None:
    changes: dict[tuple[int, str, int], list[int]] = {}
    for posting in postings:
        account_id = posting.holder.state.account_id
        for row in posting.transfers:
            if account_id not in (row["debit"], row["credit"]):
                continue
            entering = row["credit"] == account_id
            for expires_on, funding_id, points in row["lots"]:
                change = changes.setdefault((account_id, expires_on, funding_id), [0, 0])
                change[0] += points if entering else -points
                change[1] += points if entering and row["reverses"] is None else 0
    cursor.execute(
        """CREATE TEMP TABLE lot_change
        (account_id bigint, expires_on date, funding_id bigint, change bigint, earned bigint) ON COMMIT DROP"""
    )
    with cursor.copy("COPY lot_change FROM STDIN") as copy:
        for key, change in changes.items():
            copy.write_row((*key, *change))
    cursor.execute("""UPDATE loyalty_lot l SET remaining = l.remaining + c.change, earned = l.earned + c.earned
        FROM lot_change c
        WHERE (l.account_id, l.expires_on, l.funding_id) = (c.account_id, c.expires_on, c.funding_id)""")
    cursor.execute("""INSERT INTO loyalty_lot (account_id, expires_on, funding_id, earned, remaining)
        SELECT c.account_id, c.expires_on, c.funding_id, c.earned, c.change FROM lot_change c
        WHERE NOT EXISTS (SELECT FROM loyalty_lot l
            WHERE (l.account_id, l.expires_on, l.funding_id) = (c.account_id, c.expires_on, c.funding_id))""")
    cursor.execute("DROP TABLE lot_change")


def _write_accounts(cursor: Any, postings: Sequence[Posting]) -> None:
    states = [posting.holder.state for posting in postings]
    cursor.execute(
        """UPDATE loyalty_account a SET balance = n.balance, debt = n.debt, qualifying_fen = n.qualifying_fen,
            version = version + 1
        FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS n(id, balance, debt, qualifying_fen)
        WHERE a.id = n.id""",
        [
            [state.account_id for state in states],
            [state.balance for state in states],
            [state.debt for state in states],
            [state.qualifying_fen for state in states],
        ],
    )


def _write_caps(cursor: Any, postings: Sequence[Posting]) -> None:
    used = {
        (
            posting.holder.state.account_id,
            cap["rule"],
            cap["cap"],
            cap["period"],
        ): posting.holder.state.caps.get((cap["rule"], cap["cap"], dt.date.fromisoformat(cap["period"])), 0)
        for posting in postings
        for cap in posting.caps
    }
    if used:
        cursor.execute(
            """INSERT INTO loyalty_capusage (account_id, rule_id, cap, period, used)
            SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::date[], %s::bigint[])
            ON CONFLICT (account_id, rule_id, cap, period) DO UPDATE SET used = excluded.used""",
            [list(column) for column in zip(*((*key, points) for key, points in used.items()), strict=True)],
        )


def _write_awards(cursor: Any, batch: _Batch) -> None:
    with cursor.copy(
        "COPY loyalty_award (receipt_id, account_id, tier_id, points, clawed_points, qualifying_fen, explanation,"
        " occurred_at) FROM STDIN"
    ) as copy:
        for receipt_id, (account_id, tier_id, occurred_at) in batch.award_rows.items():
            award = batch.awards[receipt_id]
            copy.write_row(
                (
                    receipt_id, account_id, tier_id, award.points, award.clawed_points, award.qualifying_fen,
                    to_json(award.explanation), occurred_at,
                )
            )  # fmt: skip
    waiting = [award for award in batch.awards.values() if award.waiting]
    fresh = [award for award in waiting if award.receipt_id in batch.award_rows]
    with cursor.copy(
        "COPY loyalty_pendingpoints (receipt_id, account_id, points, remaining, lots, available_on) FROM STDIN"
    ) as copy:
        for award in fresh:
            assert award.waiting is not None
            copy.write_row(
                (
                    award.receipt_id, batch.award_rows[award.receipt_id][0], award.waiting.points,
                    award.waiting.remaining, to_json(lots_json(award.waiting.lots)), award.waiting.available_on,
                )
            )  # fmt: skip
    for award in waiting:
        if award.receipt_id in batch.touched_awards and award.receipt_id not in batch.award_rows:
            assert award.waiting is not None
            keep_waiting(award.receipt_id, award.waiting)
    older = [
        batch.awards[receipt_id] for receipt_id in batch.touched_awards if receipt_id not in batch.award_rows
    ]
    cursor.executemany(
        "UPDATE loyalty_award SET clawed_points = %s, qualifying_fen = %s WHERE receipt_id = %s",
        [(award.clawed_points, award.qualifying_fen, award.receipt_id) for award in older],
    )


def _write_returned(cursor: Any, batch: _Batch) -> None:
    if batch.returned:
        rows = [(*key, quantity, fen) for key, (quantity, fen) in batch.returned.items()]
        cursor.execute(
            """UPDATE sales_receiptline l SET returned_quantity = l.returned_quantity + r.quantity,
                returned_fen = l.returned_fen + r.fen
            FROM unnest(%s::uuid[], %s::int[], %s::numeric[], %s::bigint[]) AS r(receipt_id, line_no, quantity, fen)
            WHERE (l.receipt_id, l.line_no) = (r.receipt_id, r.line_no)""",
            [list(column) for column in zip(*rows, strict=True)],
        )


def _write_tiers(cursor: Any, batch: _Batch) -> None:
    cursor.executemany(
        """INSERT INTO loyalty_tierchange (member_id, before_id, after_id, earned_id, until, cause, reference, qualifying_fen,
            why, actor, changed_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        [
            (
                row["member"], before, row["tier"], row["earned"], row["until"], row["cause"], row["reference"],
                row["why"]["spend_fen"], to_json(row["why"]), batch.actor.audit_id, row["at"],
            )
            for before, row in batch.tier_changes
        ],
    )  # fmt: skip
    final = {row["member"]: row for _, row in batch.tier_changes}
    columns = [
        [row[name] for row in final.values()] for name in ("member", "tier", "earned", "since", "until")
    ]
    cursor.execute(
        """UPDATE loyalty_member m SET tier_id = n.tier_id, tier_since = %(now)s, earned_tier_id = n.earned_id,
            tier_from = n.since, tier_until = n.until, tier_due = CASE WHEN EXISTS (SELECT FROM loyalty_tiergrant g
                WHERE g.member_id = m.id AND g.ends_at > %(now)s) THEN %(now)s ELSE m.tier_due END
        FROM unnest(%(member)s::bigint[], %(tier)s::bigint[], %(earned)s::bigint[], %(since)s::date[],
            %(until)s::date[]) AS n(id, tier_id, earned_id, since, until) WHERE m.id = n.id""",
        {"now": batch.now, **dict(zip(("member", "tier", "earned", "since", "until"), columns, strict=True))},
    )
