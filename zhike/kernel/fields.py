"""Column types of PostgreSQL that Django has no field for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    IntegerColumn = models.Field[int, int]
    TextColumn = models.Field[str | None, str | None]
else:
    IntegerColumn = TextColumn = models.Field


class TransactionIdField(IntegerColumn):
    """xid8: the transaction that wrote the row, never wrapping."""

    def db_type(self, connection: Any) -> str:
        return "xid8"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        return None if value is None else int(value)


class SnapshotField(TextColumn):
    """pg_snapshot: which transactions a reader has seen, as text "xmin:xmax:in,progress"."""

    def db_type(self, connection: Any) -> str:
        return "pg_snapshot"
