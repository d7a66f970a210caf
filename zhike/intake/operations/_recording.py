"""From planned receipts to recorded ones, a chunk of some ten thousand lines per transaction, in order of time."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from zhike.intake.operations._planning import BATCH, batched
from zhike.intake.operations._staging import copy_rows, execute, fetch, stream
from zhike.intake.rules.mapping import Mapping
from zhike.kernel.access import Viewer
from zhike.kernel.garbage import paused_collection
from zhike.loyalty import operations as loyalty
from zhike.organization import queries as organization_queries
from zhike.organization.operations import structure as organization
from zhike.sales import operations as sales
from zhike.sales import queries as sales_queries

_RECEIPTS = """
SELECT seq, id, merchant_id, till, number, business_date, occurred_at, is_return, person_id, cashier, chunk
FROM stage_receipt WHERE status = 'new' ORDER BY seq
"""

_LINES = """
SELECT r.seq, l.row_no, l.sku, l.name, l.quantity_milli, l.unit_price_fen, l.net_fen, l.discount_fen, l.tender,
    a.product_id, a.category_id, m.original_id, m.original_line_no
FROM stage_receipt r JOIN stage_line l USING (receipt)
    LEFT JOIN stage_article a ON a.merchant_id = r.merchant_id AND a.sku = l.sku
    LEFT JOIN stage_match m ON m.row_no = l.row_no
WHERE r.status = 'new'
    AND NOT EXISTS (SELECT FROM stage_dropped d WHERE d.row_no = l.row_no)
    AND NOT EXISTS (SELECT FROM stage_unusable u WHERE u.row_no = l.row_no)
ORDER BY r.seq, l.row_no
"""


@dataclass(slots=True)
class Recorded:
    """What one chunk came to: rows by what became of them, net points, returned rows with and without their sale."""

    rows: int = 0
    taken: int = 0
    points: int = 0
    matched: int = 0
    unmatched: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Built:
    """A receipt with the rows of the file it comes from."""

    receipt: sales.NewReceipt
    rows: tuple[int, ...]


def create_merchants(actor: Viewer, mall_id: int, codes: Sequence[str], now: dt.datetime) -> int:
    """Create the merchants that staging only knew by provisional (negative) numbers, in the order of these."""
    for provisional, code in enumerate(codes, start=1):
        merchant_id = organization.create_merchant(
            actor=actor, mall_id=mall_id, code=code, name=code, now=now
        )
        for table in ("stage_head", "stage_receipt", "stage_product", "stage_returned", "stage_open"):
            if fetch("SELECT to_regclass(%s)", [table])[0][0]:
                execute(
                    f"UPDATE {table} SET merchant_id = %s WHERE merchant_id = %s", [merchant_id, -provisional]
                )
    organization_queries.forget_merchants()
    return len(codes)


def create_members(actor: Viewer, mall_id: int, source: str, now: dt.datetime) -> Iterator[int]:
    """Enrol whom the file names and nobody knows, from their first receipt on; how many, batch by batch."""
    unknown = stream(
        """SELECT r.member, min(r.occurred_at), min(r.merchant_id) FROM stage_receipt r
        WHERE r.status = 'new' AND r.member <> '' AND r.person_id IS NULL GROUP BY r.member ORDER BY 2, 1"""
    )
    for batch in batched(unknown, BATCH):
        members = [_new_member(member, first, merchant, mall_id, source) for member, first, merchant in batch]
        person_ids = loyalty.enroll_members(actor=actor, members=members, now=now)
        copy_rows(
            "stage_member", ((row[0], person_id) for row, person_id in zip(batch, person_ids, strict=True))
        )
        yield len(batch)
    execute(
        """UPDATE stage_receipt r SET person_id = m.person_id FROM stage_member m
        WHERE m.member = r.member AND r.person_id IS NULL AND r.member <> ''"""
    )


def _new_member(
    member: str, first: dt.datetime, merchant: int, mall_id: int, source: str
) -> loyalty.NewMember:
    kind, _, value = member.partition(":")
    return loyalty.NewMember(
        name="",
        enrolled_at=first,
        phone=value if kind == "phone" else None,
        card=value if kind == "card" else None,
        mall_id=mall_id,
        merchant_id=merchant,
        source=source,
    )


def create_products(actor: Viewer, group_id: int, mapping: Mapping, now: dt.datetime) -> int:
    """Articles the file names and the catalogue has not, then everyone's product and category into `stage_article`."""
    execute("DROP TABLE IF EXISTS stage_article")
    execute(
        "CREATE TEMP TABLE stage_article (merchant_id bigint, sku text, product_id bigint, category_id bigint)"
    )
    created = _create_missing(actor, group_id, now) if mapping.cleaning.unknown_products == "create" else 0
    merchants = [
        row[0] for row in fetch("SELECT DISTINCT merchant_id FROM stage_receipt WHERE status = 'new'")
    ]
    known = sales_queries.product_refs(merchants)
    copy_rows("stage_article", ((merchant, sku, ref.id, ref.category_id) for merchant, sku, ref in known))
    execute("ANALYZE stage_article")
    return created


_MISSING = """
SELECT DISTINCT ON (merchant_id, sku) merchant_id, sku, name, category, unit_price_fen FROM stage_product
ORDER BY merchant_id, sku, length(name) DESC, name
"""


def missing_products() -> int:
    """How many articles of the file the catalogue has not."""
    known = _known_products()
    return sum(row[:2] not in known for row in stream(_MISSING))


def _known_products() -> set[tuple[int, str]]:
    merchants = [row[0] for row in fetch("SELECT DISTINCT merchant_id FROM stage_product")]
    return {(merchant_id, sku) for merchant_id, sku, _ in sales_queries.product_refs(merchants)}


def _create_missing(actor: Viewer, group_id: int, now: dt.datetime) -> int:
    words = fetch("SELECT DISTINCT category FROM stage_product WHERE category <> ''")
    categories = {
        word: sales.create_category(actor=actor, group_id=group_id, code=word, name=word, now=now)
        for (word,) in words
    }
    known = _known_products()
    created = 0
    for batch in batched((row for row in stream(_MISSING) if row[:2] not in known), BATCH):
        products = [
            sales.NewProduct(merchant_id, sku, name, categories.get(category), price)
            for merchant_id, sku, name, category, price in batch
        ]
        sales.load_products(actor=actor, products=products, now=now)
        created += len(batch)
    return created


def record_chunk(actor: Viewer, built: Sequence[Built], now: dt.datetime) -> Recorded:
    """Take the receipts of one chunk, in the caller's transaction."""
    outcomes = loyalty.take_receipts(actor=actor, receipts=[one.receipt for one in built], now=now)
    recorded = Recorded()
    for one, outcome in zip(built, outcomes, strict=True):
        recorded.rows += len(one.rows)
        if outcome.status == "refused":
            reason = str(outcome.explanation.get("refusal", ""))
            recorded.refused += [(row_no, reason) for row_no in one.rows]
        if outcome.status != "accepted":
            continue
        recorded.taken += len(one.rows)
        recorded.points += outcome.points
        if one.receipt.kind == "return" and one.receipt.original_id is not None:
            recorded.matched += len(one.rows)
        elif one.receipt.kind == "return":
            recorded.unmatched += len(one.rows)
    return recorded


def planned_chunks(run_id: uuid.UUID, mall_id: int) -> Generator[list[Built]]:
    """All receipts to be recorded, chunk by chunk."""
    lines = groupby(stream(_LINES, size=20_000), key=itemgetter(0))
    receipts = stream(_RECEIPTS, size=BATCH)
    for _, heads in groupby(receipts, key=itemgetter(10)):
        with paused_collection():
            chunk = list(chain.from_iterable(_build(head, next(lines), run_id, mall_id) for head in heads))
        yield chunk


def _build(
    head: tuple[Any, ...], lines: tuple[int, Iterator[tuple[Any, ...]]], run_id: uuid.UUID, mall_id: int
) -> list[Built]:
    """A sale is one receipt; a return one for each sale that its rows belong to (and one for those without)."""
    seq, rows = lines[0], list(lines[1])
    if seq != head[0]:
        raise RuntimeError("lines and receipts are out of step")
    if not head[7]:
        return [_receipt(head, 1, rows, None, run_id, mall_id)]
    parts: dict[uuid.UUID | None, list[tuple[Any, ...]]] = {}
    for row in rows:
        parts.setdefault(row[11], []).append(row)
    return [
        _receipt(head, nth, part, original_id, run_id, mall_id)
        for nth, (original_id, part) in enumerate(parts.items(), start=1)
    ]


def _receipt(
    head: tuple[Any, ...],
    nth: int,
    rows: Sequence[tuple[Any, ...]],
    original_id: uuid.UUID | None,
    run_id: uuid.UUID,
    mall_id: int,
) -> Built:
    """The nth part of what the file calls one receipt; its id comes right after that of the part before."""
    _, receipt_id, merchant_id, till, number, business_date, occurred_at, is_return, person_id, cashier, _ = (
        head
    )
    tenders: dict[str, int] = {}
    for row in rows:
        tenders[row[8]] = tenders.get(row[8], 0) + row[6]
    lines = tuple(
        sales.NewLine(no, row[2], row[3], _pieces(row[4]), row[5], row[6], row[7], row[9], row[10], row[12])
        for no, row in enumerate(rows, start=1)
    )
    receipt = sales.NewReceipt(
        merchant_id=merchant_id,
        mall_id=mall_id,
        kind="return" if is_return else "sale",
        till=till,
        number=number if nth == 1 else f"{number}/{nth}",
        business_date=business_date,
        occurred_at=occurred_at,
        lines=lines,
        tenders=tuple(sales.NewTender(kind, fen) for kind, fen in tenders.items()),
        person_id=person_id,
        original_id=original_id,
        cashier=cashier,
        source="file",
        import_id=run_id,
        id=uuid.UUID(int=receipt_id.int + nth - 1),
    )
    return Built(receipt, tuple(row[1] for row in rows))


@lru_cache(maxsize=65536)
def _pieces(milli: int) -> Decimal:
    whole, rest = divmod(milli, 1000)
    return Decimal(milli) / 1000 if rest else Decimal(whole)
