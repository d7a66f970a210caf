"""How a transfer becomes bytes to be hashed: every column, in order, as canonical JSON, one line each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

GENESIS = bytes(32)
SEALED_COLUMNS = (
    "id, debit_account_id, credit_account_id, points, reason, reference, rule_version_id, funding_id, lots::text,"
    " debt_points, balance_after, reverses_id, explanation::text, actor,"
    " to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'),"
    " to_char(posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
)


def row_bytes(row: Sequence[Any]) -> bytes:
    """One row of SEALED_COLUMNS as a line of JSON."""
    return json.dumps(list(row), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
