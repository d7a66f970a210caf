"""What every plan's terms share: rewards, who pays, how long the points live. Parsed once from JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

UNIT_BP = 10_000
POINTS_MAX = 100_000
DAYS_MAX = 3_660
OWN = {"mall": UNIT_BP}


class TermsError(ValueError):
    """``path`` is the JSON path of what is wrong, ``reason`` a stable word."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Reward(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Points, a coupon of a batch, or both."""

    points: int = 0
    batch_id: int | None = None

    @property
    def is_right(self) -> bool:
        return 0 <= self.points <= POINTS_MAX and (self.points > 0 or self.batch_id is not None)


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``validity_days`` None: the points live as long as the programme's own; ``funding``: who pays, in basis points."""

    validity_days: int | None = None
    funding: dict[str, int] = {}

    def last_day(self, today: dt.date) -> dt.date | None:
        return None if self.validity_days is None else today + dt.timedelta(days=self.validity_days)

    def conditions(self) -> list[tuple[str, bool]]:
        """(path, whether it can be so) of everything that may be wrong."""
        shares = self.funding.values()
        return [
            ("validity_days", self.validity_days is None or 1 <= self.validity_days <= DAYS_MAX),
            ("funding", not self.funding or (sum(shares) == UNIT_BP and all(share > 0 for share in shares))),
        ]


T = TypeVar("T", bound=Terms)


def parse(kind: type[T], data: Mapping[str, Any]) -> T:
    """Parse and check. Raises TermsError naming the path."""
    try:
        terms = msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        raise TermsError(path.strip("`").removeprefix("$.") or "$", reason) from None
    for path, is_right in terms.conditions():
        if not is_right:
            raise TermsError(path, "out-of-range")
    return terms
