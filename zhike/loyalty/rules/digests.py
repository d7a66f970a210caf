"""The document of a day: its form, and how totals grow from one to the next."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

FORMAT = "zhike-ledger-digest/1"
EMPTY: dict[str, Any] = {
    "last_transfer_id": 0,
    "transfers": 0,
    "members": {"balance": 0, "debt": 0},
    "system": {},
    "outstanding": {},
}


def canonical(document: Mapping[str, Any]) -> str:
    """JSON with sorted keys, no spaces, characters as they are: the text whose UTF-8 is hashed."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def parse(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def moment(at: datetime) -> str:
    """UTC with microseconds, as in the rows that are sealed."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def added(before: Mapping[str, int], changes: Iterable[tuple[int, int]]) -> dict[str, int]:
    """Totals by id (as text, JSON has no other keys), what is zero left out."""
    totals = dict(before)
    for key, change in changes:
        totals[str(key)] = totals.get(str(key), 0) + change
    return {key: total for key, total in sorted(totals.items()) if total}
