"""How a transfer becomes bytes to be hashed: every column, in order, as canonical JSON, one line each.

A seal also keeps a fingerprint of every row: its id and four bytes per column. The digest proves that something was
changed; the fingerprints say which column of which row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

GENESIS = bytes(32)
COLUMNS = (
    "id", "debit_account_id", "credit_account_id", "points", "reason", "reference", "rule_version_id", "funding_id",
    "lots", "debt_points", "balance_after", "reverses_id", "explanation", "actor", "occurred_at", "posted_at",
)  # fmt: skip
ID_BYTES, MARK_BYTES = 8, 4
SLIP_LENGTH = 16
SEALED_COLUMNS = (
    "id, debit_account_id, credit_account_id, points, reason, reference, rule_version_id, funding_id, lots::text,"
    " debt_points, balance_after, reverses_id, explanation::text, actor,"
    " to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'),"
    " to_char(posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
)


def row_bytes(row: Sequence[Any]) -> bytes:
    """One row of SEALED_COLUMNS as a line of JSON."""
    return json.dumps(list(row), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def slip(merchant_id: int | None, reference: str) -> list[Any]:
    """What a sealed transfer keeps of the shop, and of the till's own number, that its hold or redemption is for."""
    return [merchant_id, hashlib.sha256(reference.encode()).hexdigest()[:SLIP_LENGTH]]


def fingerprint(row: Sequence[Any]) -> bytes:
    """The row's id (8 bytes, big-endian) and BLAKE2b of each column's JSON, cut to four bytes."""
    marks = [hashlib.blake2b(_json(value), digest_size=MARK_BYTES).digest() for value in row]
    return int(row[0]).to_bytes(ID_BYTES, "big") + b"".join(marks)


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _json(value: Any) -> bytes:
    return _JSON.encode(value).encode()


def fingerprints_by_id(blob: bytes, rows: int) -> dict[int, bytes]:
    """What a seal of ``rows`` transfers remembered of each; nothing when the blob has not the length it must have."""
    size = len(blob) // rows if rows else 0
    if not size or size * rows != len(blob) or (size - ID_BYTES) % MARK_BYTES:
        return {}
    parts = [blob[start : start + size] for start in range(0, len(blob), size)]
    return {int.from_bytes(part[:ID_BYTES], "big"): part for part in parts}


def changed_columns(before: bytes, after: bytes) -> list[str]:
    """The columns whose marks differ between two fingerprints of one row."""
    return [name for at, name in enumerate(COLUMNS) if _mark(before, at) != _mark(after, at)]


def _mark(print_: bytes, at: int) -> bytes:
    start = ID_BYTES + at * MARK_BYTES
    return print_[start : start + MARK_BYTES]
