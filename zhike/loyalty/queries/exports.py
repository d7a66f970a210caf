"""The whole ledger as one file that a program without any of ours can check (tools/verify_ledger.py).

A zip of one JSON-lines file per table, an array per row, columns as the manifest lists them. The lines of
``transfers.jsonl`` are the very bytes that the seals hash. No names, no phones: accounts are numbers.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from collections.abc import Callable
from typing import IO, Any

from django.db import connection

from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.snapshots import one_snapshot
from zhike.loyalty.rules.digests import moment
from zhike.loyalty.rules.sealing import COLUMNS, SEALED_COLUMNS, row_bytes

FORMAT = "zhike-ledger-export/1"
_TIME = "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"


def _table(name: str, order: str, *columns: str, **expressions: str) -> tuple[tuple[str, ...], str]:
    chosen = ", ".join(expressions.get(column, column) for column in columns)
    return columns, f"SELECT {chosen} FROM {name} ORDER BY {order}"


TABLES: dict[str, tuple[tuple[str, ...], str]] = {
    "loyalty_funding": _table("loyalty_funding", "id", "id", "code", "split", split="split::text"),
    "loyalty_account": _table("loyalty_account", "id", "id", "program_id", "code", "balance", "debt"),
    "loyalty_transfer": (COLUMNS, f"SELECT {SEALED_COLUMNS} FROM loyalty_transfer ORDER BY id"),
    "loyalty_lot": _table(
        "loyalty_lot", "account_id, expires_on, funding_id",
        "account_id", "expires_on", "funding_id", "earned", "remaining", expires_on="expires_on::text",
    ),
    "loyalty_award": _table(
        "loyalty_award", "receipt_id",
        "receipt_id", "account_id", "tier_id", "points", "explanation", "occurred_at",
        receipt_id="receipt_id::text", explanation="explanation::text", occurred_at=_TIME.format("occurred_at"),
    ),
    "loyalty_pendingpoints": _table(
        "loyalty_pendingpoints", "receipt_id",
        "receipt_id", "account_id", "points", "remaining", "lots", "available_on", "released_at",
        receipt_id="receipt_id::text", lots="lots::text", available_on="available_on::text",
        released_at=_TIME.format("released_at"),
    ),
    "loyalty_hold": _table(
        "loyalty_hold", "loyalty_hold.id",
        "id", "account_id", "points", "used_points", "value_fen", "status", "held_at", "held_by", "merchant_id", "reference",
        id="loyalty_hold.id::text", held_at=_TIME.format("held_at"),
        account_id="(SELECT t.debit_account_id FROM loyalty_transfer t WHERE t.id = loyalty_hold.transfer_id)",
    ),
    "loyalty_redemption": _table(
        "loyalty_redemption", "id",
        "id", "points", "value_fen", "reversed_points", "transfer_id", "redeemed_at", "redeemed_by",
        "merchant_id", "reference",
        id="id::text", redeemed_at=_TIME.format("redeemed_at"),
    ),
    "loyalty_seal": _table(
        "loyalty_seal", "id",
        "id", "first_transfer_id", "last_transfer_id", "transfers", "previous", "digest", "fingerprints", "sealed_at",
        previous="encode(previous, 'hex')", digest="encode(digest, 'hex')",
        fingerprints="encode(fingerprints, 'hex')", sealed_at=_TIME.format("sealed_at"),
    ),
    "loyalty_dailydigest": _table(
        "loyalty_dailydigest", "day",
        "day", "document", "digest", "kid", "public_key", "signature", "signed_at",
        day="day::text", digest="encode(digest, 'hex')", public_key="encode(public_key, 'hex')",
        signature="encode(signature, 'hex')", signed_at=_TIME.format("signed_at"),
    ),
}  # fmt: skip
"""Each exported table: its columns, and the statement that reads them as JSON can hold them."""


def export_ledger(
    viewer: Viewer, target: IO[bytes], *, now: dt.datetime, progress: Callable[[int], None] | None = None
) -> dict[str, int]:
    """Write the ledger as it is at one moment to ``target``; rows by table. ``progress`` hears of rows as they go.

    One snapshot of the database: everything in the file fits together while tills go on. Raises NotAllowed.
    """
    require_touch(viewer, "ledger.verify")
    counts: dict[str, int] = {}
    with (
        one_snapshot(),
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive,
    ):
        for table, (_columns, sql) in TABLES.items():
            with archive.open(f"{table}.jsonl", "w", force_zip64=True) as file:
                counts[table] = _write_table(table, sql, file, progress)
        manifest = {
            "format": FORMAT,
            "made_at": moment(now),
            "columns": {table: columns for table, (columns, _sql) in TABLES.items()},
            "rows": counts,
        }
        archive.writestr("manifest.json", json.dumps(manifest, indent=1))
    return counts


def _write_table(table: str, sql: str, file: Any, progress: Callable[[int], None] | None) -> int:
    count = 0
    buffer = io.BytesIO()
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(5_000):
            for row in rows:
                buffer.write(row_bytes(row))
            file.write(buffer.getvalue())
            buffer.seek(0)
            buffer.truncate()
            count += len(rows)
            if progress:
                progress(len(rows))
    return count
