"""The account of a run: where every row of the file went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

SAMPLES_PER_REASON = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """A row that was set aside, shown after a dry run."""

    row_no: int
    reason: str
    detail: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Rows of the file, and what became of them.

    `lines` = `accepted` (they are lines of receipts of this run) + `merged` (exact repetitions inside a receipt)
    + `already` (of receipts that were here before this run) + all `quarantined`. The rest tells what the accepted rows
    made: receipts and returns (fen and points are theirs), how many returned rows found their sale.
    """

    lines: int = 0
    accepted: int = 0
    merged: int = 0
    already: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    receipts: int = 0
    returns: int = 0
    returns_matched: int = 0
    returns_unmatched: int = 0
    receipts_already: int = 0
    members_created: int = 0
    members_unknown: int = 0
    products_created: int = 0
    merchants_created: int = 0
    net_fen: int = 0
    returned_fen: int = 0
    points: int = 0
    samples: tuple[Sample, ...] = ()

    @property
    def set_aside(self) -> int:
        return sum(self.quarantined.values())

    @property
    def balanced(self) -> bool:
        return self.lines == self.accepted + self.merged + self.already + self.set_aside

    def as_json(self) -> dict[str, Any]:
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data | {"balanced": self.balanced}


def reconciliation_of(data: Mapping[str, Any] | None) -> Reconciliation | None:
    """What `as_json` kept; fields that are newer than the data are empty."""
    return None if data is None else msgspec.convert(data, Reconciliation, strict=False)
