"""Whom to tell of an alert next: a chain of people, their quiet hours, patience. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

GRAVE = frozenset({"major", "escalation"})
"""These are told in anybody's quiet hours."""
PATIENCE_MIN, PATIENCE_MAX, PATIENCE = 1, 240, 10
"""Minutes until the next in the chain is told, while nobody took note."""
CHAIN_MAX = 10
KEPT = dt.timedelta(hours=24)
"""An alert that nobody could be told within a day is on the board all the same."""


@dataclass(frozen=True, slots=True)
class Contact:
    """How one of us is reached. ``quiet`` may pass midnight; one that ends as it begins is none."""

    staff_id: int
    has_address: bool = True
    is_off: bool = False
    absent_until: dt.datetime | None = None
    quiet: tuple[dt.time, dt.time] | None = None

    def is_there(self, now: dt.datetime) -> bool:
        is_absent = self.absent_until is not None and now < self.absent_until
        return self.has_address and not self.is_off and not is_absent

    def quiet_until(self, local: dt.datetime) -> dt.datetime | None:
        """When the quiet hours end in which the moment lies; None outside of them."""
        if self.quiet is None:
            return None
        begin, end = self.quiet
        time = local.time()
        if not (begin <= time < end if begin <= end else time >= begin or time < end):
            return None
        day = local.date() + dt.timedelta(days=int(time >= end))
        return dt.datetime.combine(day, end, local.tzinfo)


@dataclass(frozen=True, slots=True)
class Step:
    """``tell`` one of us now, ``wait`` until somebody's quiet hours end, or ``end``: there is nobody left."""

    act: Literal["tell", "wait", "end"]
    staff_id: int = 0
    at: dt.datetime | None = None


def next_step(chain: Sequence[Contact], told: Collection[int], level: str, local: dt.datetime) -> Step:
    """The first in the chain who was not told and can be. Whoever has no address, wants no messages or is absent is passed
    over; whoever is in quiet hours too, unless the matter is grave. When only quiet ones are left, it waits for the first.
    """
    left = [one for one in chain if one.staff_id not in told and one.is_there(local)]
    waits: list[dt.datetime] = []
    for one in left:
        until = None if level in GRAVE else one.quiet_until(local)
        if until is None:
            return Step("tell", one.staff_id)
        waits.append(until)
    return Step("wait", at=min(waits)) if waits else Step("end")
