"""Rows of a file into temporary tables, by COPY, so that memory stays flat however long the file is.

The tables belong to the session and vanish with it; a run that was killed simply reads its file again.

`stage_line` has one row per usable row of the file, `stage_head` what those rows say about their receipts (once per
receipt when they agree), `stage_product` the articles met, `stage_reject` the rows that cannot be used. `receipt` is a
hash of the receipt's natural key and direction; `bundle` one of its key as it is written in the file, which a row that
cannot be understood has as well.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connection

from zhike.intake.files import BrokenRow
from zhike.intake.rules.cleaning import Head, Line, LineCleaner, Rejected

_cursor_numbers = itertools.count(1)

ROWS_PER_COPY = 20_000
SEEN_MAX = 300_000

Progress = Callable[[str, int, int], None]
Rows = Iterable[tuple[int, "Sequence[str] | BrokenRow"]]

TABLES = """
DROP TABLE IF EXISTS stage_line, stage_head, stage_product, stage_reject;
CREATE TEMP TABLE stage_line (
    row_no bigint, receipt bigint, sku text, name text, quantity_milli bigint, unit_price_fen bigint,
    discount_fen bigint, net_fen bigint, tender text, category text, digest bigint);
CREATE TEMP TABLE stage_head (
    receipt bigint, bundle bigint, row_no bigint, merchant_id bigint, till text, number text, business_date date,
    occurred_at timestamptz, is_return boolean, member text, original_number text, cashier text);
CREATE TEMP TABLE stage_product (
    merchant_id bigint, sku text, name text, unit_price_fen bigint, category text);
CREATE TEMP TABLE stage_reject (row_no bigint, bundle bigint, number text, reason text, detail text, cells jsonb);
"""


def stage_rows(rows: Rows, cleaner: LineCleaner, progress: Progress, total: int) -> int:
    """Clean every row into the staging tables; returns how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
    writer = _Writer(cleaner)
    count = 0
    for row_no, row in rows:
        writer.add(row_no, row)
        count += 1
        if count % ROWS_PER_COPY == 0:
            writer.flush()
            progress("reading", count, max(count, total))
    writer.flush()
    progress("reading", count, count)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE stage_line; ANALYZE stage_head")
    return count


class _Writer:
    """Rows as COPY text, a block at a time, for one table after the other: a connection copies into one at once."""

    def __init__(self, cleaner: LineCleaner) -> None:
        self._clean = cleaner
        self._lines: list[str] = []
        self._heads: list[str] = []
        self._products: list[str] = []
        self._rejects: list[str] = []
        self._seen_heads: set[Head] = set()
        self._seen_products: set[tuple[int, str]] = set()
        self._escaped: dict[str, str] = {}
        self._line_texts: dict[Line, str] = {}
        self._last_head: Head | None = None
        self._receipt = 0

    def add(self, row_no: int, row: Sequence[str] | BrokenRow) -> None:
        if isinstance(row, BrokenRow):
            self._reject(row_no, [row.text], 0, "", row.reason, "")
            return
        try:
            head, line = self._clean(row)
        except Rejected as rejected:
            bundle, number = self._clean.bundle(row)
            self._reject(row_no, row, bundle, number, rejected.reason, rejected.detail)
            return
        if head != self._last_head:
            self._last_head = head
            self._receipt = hash(
                (head.merchant_id, head.till, head.number, head.business_date, head.is_return)
            )
            if head not in self._seen_heads:
                self._add_head(row_no, row, head)
        text = self._line_texts.get(line) or self._line_text(line)
        self._lines.append(f"{row_no}\t{self._receipt}\t{text}\t{hash(tuple(row))}\n")
        if (head.merchant_id, line.sku) not in self._seen_products:
            self._add_product(head.merchant_id, line)

    def flush(self) -> None:
        for table, rows in (
            ("stage_line", self._lines),
            ("stage_head", self._heads),
            ("stage_product", self._products),
            ("stage_reject", self._rejects),
        ):
            if rows:
                copy_text(table, rows)
                rows.clear()

    def _line_text(self, line: Line) -> str:
        """The line's columns as COPY text, remembered: the same article at the same price comes again and again."""
        sku, name, quantity, price, discount, net, tender, category = line
        escape = self._escape
        if len(self._line_texts) >= SEEN_MAX:
            self._line_texts.clear()
        text = f"{escape(sku)}\t{escape(name)}\t{quantity}\t{price}\t{discount}\t{net}\t{tender}\t{escape(category)}"
        self._line_texts[line] = text
        return text

    def _add_head(self, row_no: int, row: Sequence[str], head: Head) -> None:
        if len(self._seen_heads) >= SEEN_MAX:
            self._seen_heads.clear()
        self._seen_heads.add(head)
        bundle, _ = self._clean.bundle(row)
        escape = self._escape
        self._heads.append(
            f"{self._receipt}\t{bundle}\t{row_no}\t{head.merchant_id}\t{escape(head.till)}\t{escape(head.number)}\t"
            f"{head.business_date}\t{head.occurred_at}\t{head.is_return}\t{escape(head.member)}\t"
            f"{escape(head.original_number)}\t{escape(head.cashier)}\n"
        )

    def _add_product(self, merchant_id: int, line: Line) -> None:
        if len(self._seen_products) >= SEEN_MAX:
            self._seen_products.clear()
        if not line.sku or not line.name:
            return
        self._seen_products.add((merchant_id, line.sku))
        escape = self._escape
        self._products.append(
            f"{merchant_id}\t{escape(line.sku)}\t{escape(line.name)}\t{line.unit_price_fen}\t{escape(line.category)}\n"
        )

    def _reject(
        self, row_no: int, row: Sequence[str], bundle: int, number: str, reason: str, detail: str
    ) -> None:
        cells = json.dumps([cell.replace("\0", "") for cell in row], ensure_ascii=False)
        texts = "\t".join(map(escape_text, (number, reason, detail, cells)))
        self._rejects.append(f"{row_no}\t{bundle}\t{texts}\n")

    def _escape(self, text: str) -> str:
        found = self._escaped.get(text)
        if found is None:
            if len(self._escaped) >= SEEN_MAX:
                self._escaped.clear()
            found = self._escaped[text] = escape_text(text)
        return found


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})


def escape_text(text: str) -> str:
    """A text as COPY's text format wants it."""
    return text.translate(_ESCAPES)


def copy_text(table: str, rows: Iterable[str]) -> None:
    """COPY rows that are COPY text already."""
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
        copy.write("".join(rows).encode())


def copy_rows(table: str, rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows of values into a temporary table. They must not come out of the database while it copies."""
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def execute(sql: str, args: Sequence[Any] | Mapping[str, Any] = ()) -> int:
    """Run a statement; how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, args or None)
        return int(cursor.rowcount)


def fetch(sql: str, args: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, args or None)
        return list(cursor.fetchall())


def stream(
    sql: str, args: Sequence[Any] | Mapping[str, Any] = (), *, size: int = 5000
) -> Iterator[tuple[Any, ...]]:
    """Rows of a query a few thousand at a time, across commits."""
    connection.ensure_connection()
    name = f"intake_{next(_cursor_numbers)}"
    with connection.connection.cursor(name=name, withhold=True) as cursor:
        cursor.execute(sql, args or None)
        while rows := cursor.fetchmany(size):
            yield from rows
