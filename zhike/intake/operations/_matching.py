"""Returned rows find their sales: among the receipts of the file, and among those recorded before."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

from zhike.intake.operations._planning import BATCH, batched
from zhike.intake.operations._staging import copy_rows, execute, fetch, stream
from zhike.intake.rules import reasons
from zhike.intake.rules.mapping import Mapping
from zhike.intake.rules.matching import OpenLine, ReturnedLine, match_returns
from zhike.sales import queries as sales

Sale = tuple[UUID, int]

_TABLES = """
DROP TABLE IF EXISTS stage_returned, stage_open, stage_match, stage_unusable;
CREATE TEMP TABLE stage_match (row_no bigint, original_id uuid, original_line_no int);
CREATE TEMP TABLE stage_unusable (row_no bigint, reason text);
CREATE TEMP TABLE stage_open (
    receipt_id uuid, line_no int, merchant_id bigint, sku text, owner text, number text, occurred_at timestamptz,
    quantity_milli bigint, net_fen bigint);
"""

_RETURNED = """
CREATE TEMP TABLE stage_returned AS
SELECT l.row_no, r.merchant_id, l.sku, r.occurred_at, r.owner, r.person_id, r.original_number, l.quantity_milli,
    l.net_fen
FROM stage_receipt r JOIN stage_line l USING (receipt)
WHERE r.is_return AND r.status = 'new' AND l.sku <> ''
    AND (r.original_number <> '' OR (%(by_member)s AND r.owner <> ''))
    AND NOT EXISTS (SELECT FROM stage_dropped d WHERE d.row_no = l.row_no)
"""

_SOLD_IN_FILE = """
INSERT INTO stage_open
WITH asked AS (SELECT DISTINCT merchant_id, sku, owner, original_number FROM stage_returned),
wanted AS (
    SELECT r.receipt FROM stage_receipt r
    WHERE r.status = 'new' AND NOT r.is_return AND (
        r.owner <> '' AND (r.merchant_id, r.owner) IN (SELECT merchant_id, owner FROM asked WHERE original_number = '')
        OR (r.merchant_id, r.number) IN (SELECT merchant_id, original_number FROM asked WHERE original_number <> ''))),
numbered AS (
    SELECT l.receipt, row_number() OVER (PARTITION BY l.receipt ORDER BY l.row_no) AS line_no, l.sku,
        l.quantity_milli, l.net_fen
    FROM wanted JOIN stage_line l USING (receipt)
    WHERE NOT EXISTS (SELECT FROM stage_dropped d WHERE d.row_no = l.row_no))
SELECT r.id, n.line_no, r.merchant_id, n.sku, r.owner, r.number, r.occurred_at, n.quantity_milli, n.net_fen
FROM numbered n JOIN stage_receipt r USING (receipt)
WHERE (r.merchant_id, n.sku) IN (SELECT merchant_id, sku FROM asked)
"""

_MOVES = """
SELECT merchant_id, sku, occurred_at, false AS is_return, 0 AS row_no, receipt_id, line_no, number, owner,
    quantity_milli, net_fen FROM stage_open
UNION ALL
SELECT merchant_id, sku, occurred_at, true, row_no, NULL, NULL, original_number, owner, quantity_milli, net_fen
FROM stage_returned
ORDER BY merchant_id, sku, occurred_at, is_return, row_no, receipt_id, line_no
"""

_SET_ASIDE = """
INSERT INTO stage_unusable
SELECT l.row_no, %s FROM stage_receipt r JOIN stage_line l USING (receipt)
WHERE r.is_return AND r.status = 'new' AND NOT EXISTS (SELECT FROM stage_match m WHERE m.row_no = l.row_no)
    AND NOT EXISTS (SELECT FROM stage_dropped d WHERE d.row_no = l.row_no)
"""


def match(mapping: Mapping) -> None:
    """Fill `stage_match` with the sale of every returned row that has one; others stay without, or are set aside."""
    execute(_TABLES)
    execute(_RETURNED, {"by_member": mapping.cleaning.match_returns})
    execute("ANALYZE stage_returned")
    if fetch("SELECT 1 FROM stage_returned LIMIT 1"):
        execute(_SOLD_IN_FILE)
        _add_sold_before()
        copy_rows("stage_match", _matches())
    if mapping.cleaning.unmatched_returns == "quarantine":
        execute(_SET_ASIDE, [reasons.UNMATCHED_RETURN])
        _leave_out_unusable()
    execute("ANALYZE stage_match")


def _leave_out_unusable() -> None:
    """Receipts get along without the rows set aside; one without any row left is rejected as a whole."""
    execute(
        """UPDATE stage_receipt r SET lines = r.lines - u.lines, net_fen = r.net_fen - u.net_fen
        FROM (SELECT l.receipt, count(*) AS lines, sum(l.net_fen)::bigint AS net_fen
              FROM stage_unusable JOIN stage_line l USING (row_no) GROUP BY 1) u
        WHERE u.receipt = r.receipt"""
    )
    execute("UPDATE stage_receipt SET status = 'empty' WHERE status = 'new' AND lines = 0")


def _add_sold_before() -> None:
    asked = stream(
        """SELECT DISTINCT merchant_id, sku, CASE WHEN original_number = '' THEN person_id END, original_number
        FROM stage_returned WHERE merchant_id > 0 AND (original_number <> '' OR person_id IS NOT NULL)"""
    )
    for batch in batched(asked, BATCH):
        lines = sales.returnable_lines([sales.SoldBy(*ask) for ask in batch])
        copy_rows(
            "stage_open",
            (
                (
                    line.receipt_id, line.line_no, line.merchant_id, line.sku,
                    "" if line.person_id is None else f"person:{line.person_id}", line.number, line.occurred_at,
                    int(line.quantity * 1000), line.fen,
                )
                for line in lines
            ),
        )  # fmt: skip
    execute("""DELETE FROM stage_open a USING stage_open b
        WHERE a.ctid > b.ctid AND a.receipt_id = b.receipt_id AND a.line_no = b.line_no""")


def _matches() -> Iterator[tuple[int, UUID, int]]:
    """All moves of an article stand together in order of time, so only one article is in memory."""
    found: list[tuple[int, UUID, int]] = []
    for _, moves in groupby(stream(_MOVES), key=lambda row: row[:2]):
        found.extend((row_no, *sale) for row_no, sale in match_returns(_move(row) for row in moves))
    return iter(found)


def _move(row: tuple[Any, ...]) -> OpenLine[Sale] | ReturnedLine:
    _, _, _, is_return, row_no, receipt_id, line_no, number, owner, quantity, fen = row
    if is_return:
        return ReturnedLine(row_no, number, owner, quantity, fen)
    return OpenLine((receipt_id, line_no), number, owner, quantity, fen)
