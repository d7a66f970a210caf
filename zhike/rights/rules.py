"""Deadlines, what a request may become, and what a certificate says. Pure."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

WORKING_DAYS = 15
"""Within so many working days an account is closed and a request answered (GB/T 35273—2020, 8.5 and 8.7; PIPL 50)."""
STOP_DAYS = 30
"""The last day there is, whatever holidays there are (GB/T 35273—2020, 8.7)."""
WAITING_DAYS = 7
"""How long a member can call the closing of the account off."""
DOWNLOAD_DAYS = 7
DOWNLOADS_MAX = 5
SOON_DAYS = 3

OPEN = ("asked", "waiting", "blocked", "working", "ready")
ENDED = ("done", "refused", "cancelled")
ERASING = ("erasure", "closing")
KINDS = ("access", "correction", "restriction", "erasure", "closing")
CORRECTABLE = ("name", "sex", "birthday", "occupation", "address")

FORMAT = "zhike-erasure-1"
_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Deadline:
    """``counted`` tells of each day from the first after the asking: (day, why it does not count or "")."""

    due_on: dt.date
    stop_on: dt.date
    counted: tuple[tuple[dt.date, str], ...]

    @property
    def skipped(self) -> tuple[tuple[dt.date, str], ...]:
        return tuple((day, why) for day, why in self.counted if why)


def deadline(
    asked_on: dt.date, special: Mapping[dt.date, tuple[str, bool]], working_days: int = WORKING_DAYS
) -> Deadline:
    """The fifteenth working day after the day of asking, but no later than the thirtieth day.

    ``special`` are public holidays (name, True) and weekend days on which everybody works instead (name, False).
    """
    stop_on = asked_on + dt.timedelta(days=STOP_DAYS)
    day, left = asked_on, working_days
    counted: list[tuple[dt.date, str]] = []
    while left and day < stop_on:
        day += dt.timedelta(days=1)
        why = not_worked(day, special)
        counted.append((day, why))
        left -= not why
    return Deadline(day, stop_on, tuple(counted))


def not_worked(day: dt.date, special: Mapping[dt.date, tuple[str, bool]]) -> str:
    """ "weekend", the name of a holiday, or "" for a working day."""
    if day in special:
        name, is_off = special[day]
        return name if is_off else ""
    return "weekend" if day.weekday() >= 5 else ""


def standing(due_on: dt.date, today: dt.date) -> str:
    """How an open request stands: late, soon or fine."""
    if today > due_on:
        return "late"
    return "soon" if (due_on - today).days <= SOON_DAYS else "fine"


@dataclass(frozen=True, slots=True)
class Block:
    """Something that must be settled before an erasure: ``what`` is a code, ``which`` names it, ``count`` how much."""

    what: str
    which: tuple[str, ...] = ()
    count: int = 0


def blocks(
    debt: int,
    holds: int,
    orders: Sequence[str],
    tickets: Sequence[str],
    coupons_locked: int = 0,
    household: str = "",
) -> list[Block]:
    """What stands in the way of an erasure, as it is told beforehand."""
    found = []
    if debt:
        found.append(Block("debt", count=debt))
    if holds:
        found.append(Block("holds", count=holds))
    if orders:
        found.append(Block("orders", tuple(orders), len(orders)))
    if tickets:
        found.append(Block("tickets", tuple(tickets), len(tickets)))
    if coupons_locked:
        found.append(Block("coupons", count=coupons_locked))
    if household:
        found.append(Block("household", (household,), 1))
    return found


def first_state(kind: str, by_member: bool) -> str:
    """An access is ready and a restriction done at once; a closing waits; the rest is for staff to look at."""
    if kind == "access":
        return "ready"
    if kind == "restriction":
        return "done"
    return "waiting" if kind == "closing" and by_member else "asked"


def may_cancel(kind: str, state: str) -> bool:
    """Until work has begun, whoever asked may say no again."""
    return state in ("asked", "waiting", "blocked")


def canonical(document: Mapping[str, Any]) -> str:
    """The one text of a document that is hashed and signed (RFC 8785 for the values used here: no floats)."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def totals(outcomes: Sequence[Sequence[Any]]) -> dict[str, int]:
    """Rows by what was done with them, of [[table, what, why, rows], …]."""
    found = {"delete": 0, "blank": 0, "keep": 0}
    for _table, what, _why, rows in outcomes:
        found[what] = found.get(what, 0) + rows
    return found


def number_of(request_id: int, asked_on: dt.date) -> str:
    """What people say: DSR-2611-00042."""
    return f"DSR-{asked_on:%y%m}-{request_id:05d}"


# --- the compliance report -------------------------------------------------------------------------------------------

REPORT_FORMAT = "zhike-compliance-1"
REPORT: Mapping[str, tuple[str, ...]] = {
    "collection": ("what", "source", "basis", "count"),
    "use": ("purpose", "channel", "sent", "refused", "persons"),
    "retention": ("class", "days", "nights", "rows", "unfinished"),
    "consents": ("purpose", "version", "granted", "refused", "withdrawn", "persons"),
    "requests": ("kind", "asked", "done", "refused", "cancelled", "open", "in_time", "late", "days_average"),
    "exports": ("action", "purpose", "count", "actors", "rows"),
    "processors": ("vendor", "channel", "sent", "persons"),
    "systems": ("system", "since", "event_kinds", "is_active", "undelivered"),
    "sensitive": ("what", "count"),
    "access": ("what", "count"),
    "exceptions": ("what", "count"),
}
"""Sections of a compliance report and the columns of their rows, in the order in which they are read."""
REPORT_DAYS_MAX = 400


@dataclass(frozen=True, slots=True)
class Period:
    """Days of the mainland, the last one included."""

    first: dt.date
    last: dt.date

    @property
    def since(self) -> dt.datetime:
        return dt.datetime.combine(self.first, dt.time(), _ZONE)

    @property
    def until(self) -> dt.datetime:
        """The first moment after it."""
        return dt.datetime.combine(self.last + dt.timedelta(days=1), dt.time(), _ZONE)


def period_fault(period: Period, today: dt.date) -> str:
    """Why it cannot be reported on: order, long, future; "" where it can."""
    if period.first > period.last:
        return "order"
    if (period.last - period.first).days >= REPORT_DAYS_MAX:
        return "long"
    return "future" if period.last > today else ""


def last_half_year(today: dt.date) -> Period:
    """The half of a calendar year that ended last."""
    if today.month > 6:
        return Period(dt.date(today.year, 1, 1), dt.date(today.year, 6, 30))
    return Period(dt.date(today.year - 1, 7, 1), dt.date(today.year - 1, 12, 31))


def findings(sections: Mapping[str, Sequence[Sequence[Any]]]) -> int:
    """How many things a report says should not have been."""
    return sum(row[1] for row in sections["exceptions"])
