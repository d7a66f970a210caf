"""Deeds as detectors see them, and what a detector may say of them. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

SALE, CLAIM, CLAWED, REDEEMED = "sale", "claim", "clawed", "redeemed"
ADJUSTED, JOINED, INVITED, COUPON, PHONE, SHARED, FORGED = (
    "adjusted", "joined", "invited", "coupon", "phone", "shared", "forged",
)  # fmt: skip
KINDS = (
    SALE, CLAIM, CLAWED, REDEEMED, ADJUSTED, JOINED, INVITED, COUPON, PHONE, SHARED, FORGED,
)  # fmt: skip

LOW, MEDIUM, HIGH = 1, 2, 3
SEVERITIES = (LOW, MEDIUM, HIGH)
DUE = {HIGH: dt.timedelta(hours=24), MEDIUM: dt.timedelta(days=3), LOW: dt.timedelta(days=7)}
"""How long an alert may wait for its decision."""

MEMBER, CASHIER, DESK = "member", "cashier", "desk"
"""Whose deeds are weighed together: a member's, those rung up by one cashier, the enrolments of one desk."""

Params = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Deed:
    """See models.Deed. ``local`` is ``at`` in the mall's zone."""

    position: int
    kind: str
    at: dt.datetime
    local: dt.datetime
    person_id: int = 0
    actor: str = ""
    merchant_id: int | None = None
    mall_id: int | None = None
    receipt: str | None = None
    points: int = 0
    fen: int = 0
    owed: int = 0
    other: int | None = None
    began_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Norms:
    """What is usual in the malls: of member-days with a purchase, 99 of 100 have at most so many receipts and points."""

    receipts_day: int = 0
    points_day: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector says of a subject: the figures of its sentence, and the deeds that speak for it.

    ``weight`` is how far beyond the limit it is, in hundredths (100: just reached it).
    """

    figures: Mapping[str, int]
    deeds: tuple[Deed, ...]
    weight: int
    gain_points: int = 0
    gain_fen: int = 0

    @property
    def severity(self) -> int:
        return severity_of(self.weight)


def severity_of(weight: int) -> int:
    """Twice the limit is serious, one and a half times it is more than a coincidence."""
    return HIGH if weight >= 200 else MEDIUM if weight >= 150 else LOW


Judge = Callable[[Sequence[Deed], Params, Norms], Finding | None]


@dataclass(frozen=True, slots=True)
class Param:
    """One number of a detector; ``unit`` is count, points, fen, hours, minutes, days or percent."""

    name: str
    default: int
    least: int
    most: int
    unit: str = "count"


@dataclass(frozen=True, slots=True)
class Detector:
    """``kinds`` are the deeds it weighs; a subject with fewer than ``least`` of the first ``counted`` of them is
    not looked at.

    ``days`` back are weighed. ``around`` are deeds of the persons concerned that are read too.
    """

    code: str
    subject: str
    kinds: tuple[str, ...]
    params: tuple[Param, ...]
    judge: Judge
    days: int = 30
    around: tuple[str, ...] = ()
    least: Callable[[Params], int] = field(default=lambda params: 1)
    counted: int = 1

    def defaults(self) -> dict[str, int]:
        return {param.name: param.default for param in self.params}

    def faults(self, params: Params) -> dict[str, tuple[int, int]]:
        """Names of parameters that are missing or out of bounds, with the bounds; {} when all fit."""
        found = {}
        for param in self.params:
            value = params.get(param.name)
            if not isinstance(value, int) or not param.least <= value <= param.most:
                found[param.name] = (param.least, param.most)
        return found


def ratio(found: int, limit: int) -> int:
    """How far beyond a limit, in hundredths."""
    return found * 100 // max(1, limit)


def gains(deeds: Sequence[Deed]) -> int:
    """Points that these deeds gave."""
    return sum(deed.points for deed in deeds if deed.kind in (SALE, CLAIM))
