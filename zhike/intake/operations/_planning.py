"""From staged rows to receipts: what is repeated, what belongs together, what is here already, whose it is.

Everything happens in temporary tables and reads the rest of the database only; a dry run ends here, and counts exactly
what the run would do. `stage_receipt` has one row per receipt of the file with its `status`:
new (to be recorded), own (recorded by this very run before it was interrupted), known (recorded before), rejected.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from zhike.customers import queries as customers
from zhike.intake.operations._staging import copy_rows, execute, fetch, stream
from zhike.intake.rules import reasons
from zhike.intake.rules.mapping import Mapping
from zhike.sales import queries as sales

T = TypeVar("T")

BATCH = 10_000
LINES_PER_RECEIPT_MAX = 2_000
LINES_PER_CHUNK = 50_000

_DROPPED = "CREATE TEMP TABLE stage_dropped (row_no bigint PRIMARY KEY)"

_FIND_REPEATED = """
INSERT INTO stage_dropped
SELECT row_no FROM (
    SELECT l.row_no, row_number() OVER (PARTITION BY l.receipt, l.digest ORDER BY l.row_no) AS nth
    FROM stage_line l JOIN (
        SELECT receipt, digest FROM stage_line GROUP BY receipt, digest HAVING count(*) > 1) twice
        USING (receipt, digest)) repeated
WHERE nth > 1
"""

_RECEIPTS = """
CREATE TEMP TABLE stage_receipt AS
SELECT h.receipt, h.first_row, h.merchant_id, h.till, h.number, h.business_date, h.occurred_at, h.is_return, h.member,
    h.original_number, h.cashier, l.lines, l.net_fen, 'new'::text AS status, ''::text AS reason, ''::text AS detail,
    NULL::uuid AS id, NULL::bigint AS person_id, h.member AS owner, NULL::int AS chunk, NULL::int AS seq, h.mixed
FROM (
    SELECT receipt, min(row_no) AS first_row, min(merchant_id) AS merchant_id, min(till) AS till,
        min(number) AS number, min(business_date) AS business_date, min(occurred_at) AS occurred_at,
        bool_or(is_return) AS is_return, max(member) AS member, max(original_number) AS original_number,
        max(cashier) AS cashier,
        min(nullif(member, '')) <> max(nullif(member, '')) OR min(number) <> max(number) AS mixed
    FROM stage_head GROUP BY receipt) h
JOIN (
    SELECT receipt, count(*) AS lines, sum(net_fen)::bigint AS net_fen FROM stage_line l
    WHERE NOT EXISTS (SELECT FROM stage_dropped d WHERE d.row_no = l.row_no) GROUP BY receipt) l USING (receipt)
"""

_REJECT_MIXED = """
UPDATE stage_receipt SET status = 'rejected', reason = %(mixed_receipt)s WHERE mixed
"""

_REJECT_LONG = """
UPDATE stage_receipt SET status = 'rejected', reason = %(too_many_lines)s, detail = lines::text
WHERE status = 'new' AND lines > %(most)s
"""

_REJECT_INCOMPLETE = """
UPDATE stage_receipt r SET status = 'rejected', reason = %(incomplete_receipt)s, detail = broken.row_no::text
FROM stage_head h JOIN (
    SELECT bundle, min(row_no) AS row_no FROM stage_reject WHERE bundle <> 0 AND NOT reason = ANY(%(policy)s)
    GROUP BY bundle) broken USING (bundle)
WHERE h.receipt = r.receipt AND r.status = 'new'
"""

_NAME_TWINS = """
UPDATE stage_receipt r SET number = r.number || '-R'
WHERE r.is_return AND EXISTS (
    SELECT FROM stage_receipt s WHERE NOT s.is_return AND s.merchant_id = r.merchant_id AND s.till = r.till
        AND s.number = r.number AND s.business_date = r.business_date)
"""

_MARK_KNOWN = """
UPDATE stage_receipt r SET
    status = CASE WHEN k.import_id = %(run)s THEN 'own' WHEN k.same THEN 'known' ELSE 'rejected' END,
    reason = CASE WHEN k.import_id = %(run)s OR k.same THEN '' ELSE %(receipt_differs)s END
FROM stage_known k WHERE k.receipt = r.receipt
"""

_NAME_OWNERS = """
UPDATE stage_receipt r SET person_id = m.person_id, owner = 'person:' || m.person_id
FROM stage_member m WHERE m.member = r.member AND r.member <> ''
"""

_ORDER = """
UPDATE stage_receipt r SET id = o.id, chunk = o.chunk, seq = o.seq
FROM (
    SELECT *, kernel_uuid7() AS id FROM (
        SELECT receipt, div(sum(lines) OVER by_time - lines, %(chunk)s) AS chunk, row_number() OVER by_time AS seq
        FROM stage_receipt WHERE status = 'new' WINDOW by_time AS (ORDER BY occurred_at, is_return, first_row)
        ORDER BY seq OFFSET 0) ordered) o
WHERE o.receipt = r.receipt
"""


def plan(run_id: uuid.UUID, mapping: Mapping, *, supplement: bool = False) -> int:
    """Fill the planning tables from the staging tables; returns how many members nobody knows.

    With `supplement`, rows of receipts that this run recorded already become receipts of their own instead of being
    known (a replayed row of a receipt that went ahead without it).
    """
    words = {name.lower(): value for name, value in vars(reasons).items() if isinstance(value, str)}
    execute("DROP TABLE IF EXISTS stage_dropped, stage_receipt, stage_known, stage_member")
    execute(_DROPPED)
    if mapping.cleaning.duplicate_lines == "merge":
        execute(_FIND_REPEATED)
    execute(_RECEIPTS)
    execute("CREATE UNIQUE INDEX ON stage_receipt (receipt)")
    execute(_REJECT_MIXED, words)
    execute(_REJECT_LONG, words | {"most": LINES_PER_RECEIPT_MAX})
    if mapping.cleaning.incomplete_receipts == "hold":
        execute(_REJECT_INCOMPLETE, words | {"policy": sorted(reasons.POLICY)})
    if mapping.kind.negative_quantity_is_return or mapping.kind.negative_amount_is_return:
        execute(_NAME_TWINS)
    if supplement:
        _name_supplements(run_id)
    _find_known(run_id)
    execute(_MARK_KNOWN, words | {"run": run_id})
    unknown = find_people()
    if unknown and mapping.members.unknown == "quarantine":
        _reject_unknown_members()
    execute(_ORDER, {"chunk": LINES_PER_CHUNK})
    execute("ANALYZE stage_receipt")
    return unknown


def find_people() -> int:
    """Whose members these are, into `stage_member`; how many are nobody we know."""
    execute("DROP TABLE IF EXISTS stage_member")
    execute("CREATE TEMP TABLE stage_member (member text, person_id bigint)")
    unknown = 0
    members = stream(
        "SELECT DISTINCT member FROM stage_receipt WHERE member <> '' AND status IN ('new', 'own')"
    )
    for batch in batched((member for (member,) in members), BATCH):
        found = _person_ids(batch)
        copy_rows("stage_member", found.items())
        unknown += len(batch) - len(found)
    execute("ANALYZE stage_member")
    execute(_NAME_OWNERS)
    return unknown


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _person_ids(members: Sequence[str]) -> dict[str, int]:
    """Person ids by "kind:value"."""
    found: dict[str, int] = {}
    for kind in ("phone", "card"):
        values = [member.removeprefix(f"{kind}:") for member in members if member.startswith(f"{kind}:")]
        if values:
            known = customers.person_ids_by(kind, values)
            found |= {f"{kind}:{value}": person_id for value, person_id in known.items()}
    return found


def _reject_unknown_members() -> None:
    execute(
        """UPDATE stage_receipt SET status = 'rejected', reason = %s
        WHERE status = 'new' AND member <> '' AND person_id IS NULL""",
        [reasons.UNKNOWN_MEMBER],
    )


def _keys(where: str) -> Iterator[tuple[Any, ...]]:
    return stream(
        f"""SELECT receipt, merchant_id, till, number, business_date, net_fen, is_return FROM stage_receipt
        WHERE merchant_id > 0 AND {where}""",
        size=BATCH,
    )


def _find_known(run_id: uuid.UUID) -> None:
    """Receipts of the file that are here already. A return was perhaps taken in parts, so its sum is not compared."""
    execute("CREATE TEMP TABLE stage_known (receipt bigint, import_id uuid, same boolean)")
    for batch in batched(_keys("status = 'new'"), BATCH):
        known = sales.receipts_by_keys([row[1:5] for row in batch])
        copy_rows(
            "stage_known",
            (
                (row[0], here.import_id, row[6] or here.net_fen == row[5])
                for row in batch
                if (here := known.get(row[1:5])) is not None
            ),
        )
    execute("ANALYZE stage_known")


def _name_supplements(run_id: uuid.UUID) -> None:
    """Rows whose receipt this run recorded without them get a number of their own: 536365+17 is row 17 of 536365."""
    for batch in batched(_keys("status = 'new'"), BATCH):
        known = sales.receipts_by_keys([row[1:5] for row in batch])
        ours = [row[0] for row in batch if row[1:5] in known and known[row[1:5]].import_id == run_id]
        execute(
            "UPDATE stage_receipt SET number = number || '+' || first_row WHERE receipt = ANY(%s)",
            [ours],
        )


def late_rejects() -> list[tuple[int, str, str, str]]:
    """(row, receipt number, reason, detail) of rows that were understood and yet cannot be used."""
    return fetch(
        """SELECT l.row_no, r.number, r.reason, r.detail FROM stage_receipt r JOIN stage_line l USING (receipt)
        WHERE r.status = 'rejected' AND NOT EXISTS (SELECT FROM stage_dropped d WHERE d.row_no = l.row_no)
        UNION ALL
        SELECT l.row_no, r.number, u.reason, '' FROM stage_unusable u
        JOIN stage_line l USING (row_no) JOIN stage_receipt r USING (receipt)
        ORDER BY 1"""
    )


def add_rejects(rows: Sequence[tuple[int, Sequence[str], str, str, str]]) -> None:
    """Add (row, cells, receipt number, reason, detail) to what staging refused."""
    copy_rows(
        "stage_reject",
        (
            (row_no, 0, number, reason, detail, json.dumps(list(cells), ensure_ascii=False))
            for row_no, cells, number, reason, detail in rows
        ),
    )
