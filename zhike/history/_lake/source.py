"""What is read from the database for each table, as of one snapshot. Statements name other contexts' tables and write none.

`{changed}` stands for the condition that leaves only what is new since a transaction id, or for nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from zhike.history.rules import (
    CUSTOMERS,
    EVENTS,
    ORDER_LINES,
    ORDERS,
    POINTS,
    VISITORS,
    Days,
    LakeTable,
    oldest_day,
)
from zhike.insight import queries as insight
from zhike.kernel.fragments import Sql

BEHAVIOUR = "zhike.collection.behaviour_observed"
_US = "(extract(epoch FROM {}) * 1000000)::bigint"
_KEY = "LEFT JOIN history_pseudonym k ON k.person_id = {}"
_CHANGED_ORDERS = """ AND r.id IN (SELECT id FROM sales_receipt WHERE xid >= %(cursor)s::text::xid8
    UNION SELECT receipt_id FROM sales_receiptline WHERE xid >= %(cursor)s::text::xid8)"""
# A word of a source's own may be anything: what looks like a number or an address of a person does not come in.
_NAME = (
    "CASE WHEN e.data->>'name' ~ '[0-9]{5}|@' THEN 'other' ELSE left(coalesce(e.data->>'name', ''), 60) END"
)

_FROM = {
    ORDERS.name: f"FROM sales_receipt r {_KEY.format('r.person_id')} WHERE r.business_date >= %(oldest)s",
    ORDER_LINES.name: """FROM sales_receiptline l JOIN sales_receipt r ON r.id = l.receipt_id
        WHERE r.business_date >= %(oldest)s""",
    EVENTS.name: f"""FROM kernel_event e {_KEY.format("(e.data->>'person_id')::bigint")}
        WHERE e.type = '{BEHAVIOUR}' AND (e."time" AT TIME ZONE 'UTC')::date >= %(oldest)s""",
    POINTS.name: f"""FROM loyalty_transfer t CROSS JOIN LATERAL (VALUES (1, t.credit_account_id, t.points),
            (-1, t.debit_account_id, -t.points)) e(side, account_id, change)
        JOIN loyalty_account a ON a.id = e.account_id JOIN loyalty_member m ON m.id = a.member_id
        {_KEY.format("m.person_id")} WHERE e.account_id > 0 AND (t.posted_at AT TIME ZONE 'UTC')::date >= %(oldest)s""",
    CUSTOMERS.name: """FROM customers_person p JOIN history_pseudonym k ON k.person_id = p.id
        LEFT JOIN history_pseudonym root ON root.person_id = coalesce(p.merged_into_id, p.id)
        LEFT JOIN (SELECT DISTINCT ON (person_id) person_id, mall_id, tier_id FROM loyalty_member WHERE status = 'active'
            ORDER BY person_id, id) m ON m.person_id = p.id
        WHERE p.status <> 'erased'""",
    VISITORS.name: """FROM collection_visitor v JOIN history_pseudonym k ON k.person_id = v.person_id WHERE NOT v.is_shared""",
}
_COLUMNS = {
    ORDERS.name: f"""r.id::text, r.kind, r.mall_id, r.merchant_id, coalesce(k.key, 0), r.source, r.business_date,
        {_US.format("r.occurred_at")}, r.gross_fen, r.discount_fen, r.net_fen""",
    ORDER_LINES.name: """l.receipt_id::text, l.line_no, r.business_date, r.kind, r.mall_id, r.merchant_id,
        coalesce(l.product_id, 0), coalesce(l.category_id, 0), l.sku, (l.quantity * 1000)::bigint, l.unit_price_fen,
        l.discount_fen, l.net_fen, (l.returned_quantity * 1000)::bigint, l.returned_fen""",
    EVENTS.name: f"""e.position, {_NAME}, coalesce(e.data->>'kind', ''), coalesce((e.data->>'source_id')::bigint, 0),
        coalesce((e.data->>'visitor_id')::bigint, 0), coalesce(k.key, 0), (e."time" AT TIME ZONE 'UTC')::date,
        {_US.format('e."time"')}""",
    POINTS.name: f"""t.id, e.side, coalesce(k.key, 0), t.reason, e.change, (t.posted_at AT TIME ZONE 'UTC')::date,
        {_US.format("t.posted_at")}""",
    CUSTOMERS.name: """k.key, coalesce(root.key, k.key), (p.created_at AT TIME ZONE 'UTC')::date, p.source,
        coalesce(m.mall_id, 0), coalesce(m.tier_id, 0), p.sex, coalesce(extract(year FROM p.birthday)::int, 0),
        m.person_id IS NOT NULL, p.id IN (SELECT person_id FROM history_profiled)""",
    VISITORS.name: f"v.id, k.key, coalesce({_US.format('v.stitched_until')}, 9223372036854775807)",
}
_CHANGED = {
    ORDERS.name: " AND r.xid >= %(cursor)s::text::xid8",
    ORDER_LINES.name: _CHANGED_ORDERS,
    EVENTS.name: " AND e.xid >= %(cursor)s::text::xid8",
    POINTS.name: " AND t.xid >= %(cursor)s::text::xid8",
}
_DAY_AND_TOTAL = {
    ORDERS.name: ("r.business_date", "r.net_fen"),
    ORDER_LINES.name: ("r.business_date", "l.net_fen"),
    EVENTS.name: ("""(e."time" AT TIME ZONE 'UTC')::date""", _US.format('e."time"')),
    POINTS.name: ("(t.posted_at AT TIME ZONE 'UTC')::date", "e.change"),
    CUSTOMERS.name: ("(p.created_at AT TIME ZONE 'UTC')::date", "0"),
    VISITORS.name: ("''", "0"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """``cursor``: every transaction below it is over, so what it wrote is in this snapshot or nowhere."""

    home: str
    cursor: int


def moment() -> Moment:
    """Of the snapshot the caller reads in; the first read of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT control.system_identifier || '/' || d.oid, pg_snapshot_xmin(pg_current_snapshot())::text
            FROM pg_control_system() AS control, pg_database d WHERE d.datname = current_database()"""
        )
        home, xmin = cursor.fetchone()
    return Moment(home, int(xmin))


def give_pseudonyms() -> int:
    """A random number to everybody who has none and may be in the lake; how many. Whoever asked to be left alone gets none."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO history_pseudonym (person_id, key)
            SELECT p.id, 1 + ('x' || substr(replace(gen_random_uuid()::text, '-', ''), 17))::bit(64)::bigint & 4611686018427387903
            FROM customers_person p WHERE p.status IN ('active', 'merged')
                AND NOT EXISTS (SELECT FROM history_pseudonym k WHERE k.person_id = p.id)
            ON CONFLICT DO NOTHING"""
        )
        return int(cursor.rowcount)


def rows(table: LakeTable, since: int, now: dt.datetime) -> Iterator[bytes]:
    """The table's rows as lines of CSV without a header, one at a time; ``since`` 0 or a whole table: all of them."""
    sql = Sql(f"SELECT {_COLUMNS[table.name]} {_FROM[table.name]}")
    changed = _CHANGED.get(table.name, "") if since else ""
    with connection.cursor() as cursor:
        statement = f"COPY ({_profiled(table, now)}{sql.text}{changed}) TO STDOUT (FORMAT csv)"
        with cursor.copy(statement, _parameters(table, since, now)) as copy:
            for line in copy:
                yield bytes(line)


def gone(table: LakeTable, since: int) -> list[str]:
    """Keys of rows that were taken out of the database since."""
    if table not in (ORDERS, ORDER_LINES) or not since:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT g.receipt_id::text FROM sales_receiptgone g WHERE g.xid >= %s::text::xid8
            AND NOT EXISTS (SELECT FROM sales_receipt r WHERE r.id = g.receipt_id)""",
            [str(since)],
        )
        return [row[0] for row in cursor.fetchall()]


def days(table: LakeTable, now: dt.datetime) -> Days:
    """Rows and total of the whole table by day."""
    day, total = _DAY_AND_TOTAL[table.name]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT ({day})::text, count(*), coalesce(sum({total}), 0)::numeric {_FROM[table.name]} GROUP BY 1",
            _parameters(table, 0, now),
        )
        return {row[0]: (int(row[1]), int(row[2])) for row in cursor.fetchall()}


def waiting(since: int) -> int:
    """Receipts and events that were written or changed since a transaction id: how far the lake is behind."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (SELECT count(*) FROM sales_receipt WHERE xid >= %(cursor)s::text::xid8)
            + (SELECT count(*) FROM loyalty_transfer WHERE xid >= %(cursor)s::text::xid8)""",
            {"cursor": str(since)},
        )
        return int(cursor.fetchone()[0])


def pseudonyms_of(person_ids: list[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM history_pseudonym WHERE person_id = ANY(%s)", [person_ids])
        return [row[0] for row in cursor.fetchall()]


def _parameters(table: LakeTable, since: int, now: dt.datetime) -> dict[str, Any]:
    given: dict[str, Any] = {"oldest": oldest_day(table, now) or dt.date(1970, 1, 1), "cursor": str(since)}
    if table == CUSTOMERS:
        profiled = insight.profiled_members(now)
        given |= {f"p{number}": value for number, value in enumerate(profiled.params)}
    return given


def _profiled(table: LakeTable, now: dt.datetime) -> str:
    """Who agreed to be profiled, as insight says it; a name for each of its parameters, beside ours."""
    if table != CUSTOMERS:
        return ""
    found = insight.profiled_members(now)
    parts = found.text.split("%s")
    text = parts[0] + "".join(f"%(p{number})s{part}" for number, part in enumerate(parts[1:]))
    return f"WITH history_profiled AS MATERIALIZED (SELECT m.person_id FROM {text}) "


def write_csv(lines: Iterator[bytes], path: Path, limit: int) -> int:
    """Up to ``limit`` rows into a file; how many there were."""
    count = 0
    with path.open("wb") as handle:
        for line in lines:
            handle.write(line)
            count += 1
            if count == limit:
                break
    return count
