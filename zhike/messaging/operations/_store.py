"""Writing many changed messages at once: one statement over arrays, where the ORM's bulk update would take seconds."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from zhike.messaging.models import OutboundMessage

_TYPES = {
    "status": "text",
    "gate": "text",
    "reason": "text",
    "reference": "text",
    "sent_at": "timestamptz",
    "delivered_at": "timestamptz",
    "due_at": "timestamptz",
    "tried": "text",  # an array in each row, written as text
    "cost": "int",
    "parts": "smallint",
    "dispatch_id": "uuid",
    "account_id": "bigint",
    "address": "bytea",
}


def store(rows: Sequence[OutboundMessage]) -> None:
    """Everything that sending changes about these messages, which the caller has locked."""
    if not rows:
        return
    assignments = ", ".join(
        f"{name} = v.{name}::bigint[]" if name == "tried" else f"{name} = v.{name}" for name in _TYPES
    )
    arrays = ", ".join(f"%s::{kind}[]" for kind in _TYPES.values())
    values = [[_plain(row, name) for row in rows] for name in _TYPES]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE messaging_outboundmessage m SET {assignments}"
            f" FROM unnest(%s::bigint[], {arrays}) AS v(id, {', '.join(_TYPES)}) WHERE m.id = v.id",
            [[row.pk for row in rows], *values],
        )


def insert(rows: Sequence[OutboundMessage]) -> None:
    """New messages, whose ids are known, by COPY."""
    fields = OutboundMessage._meta.concrete_fields
    names = ", ".join(f'"{field.column}"' for field in fields)
    connection.ensure_connection()
    with (
        connection.connection.cursor() as cursor,
        cursor.copy(f"COPY messaging_outboundmessage ({names}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row([getattr(row, field.attname) for field in fields])


def _plain(row: OutboundMessage, name: str) -> object:
    value = getattr(row, name)
    if name == "address":
        return None if value is None else bytes(value)
    return "{" + ",".join(map(str, value)) + "}" if name == "tried" else value
