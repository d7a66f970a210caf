"""When there is a reason to turn to a member, how long it counts, and whether it is over. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

KINDS = ("birthday", "first_purchase", "quiet", "points", "coupon", "ticket", "own")
"""Reasons the rules find, and "own": set by hand."""
SERVICE_KINDS = frozenset({"ticket"})
"""A member with a ticket waits to be called; everything else is an offer, for which they were asked."""
OUTCOMES = ("reached", "visit", "bought", "not_reached", "not_interested", "later")
SKIP_REASONS = ("no_way", "not_fitting", "known")
SNOOZE_DAYS_MAX = 30
LAPSES_AFTER = dt.timedelta(days=14)
"""How long after its last day a reason that has no end of its own is kept open."""
ENDS_WITH_LAST_DAY = frozenset({"birthday", "points", "coupon"})


@dataclass(frozen=True, slots=True)
class Terms:
    """The reminder rules of a mall. Days of the calendar; 0 switches a rule off."""

    birthday_days_before: int = 7
    first_purchase_days_after: int = 7
    quiet_days: int = 60
    quiet_purchases_min: int = 3
    points_days_before: int = 14
    points_min: int = 500
    coupon_days_before: int = 5
    ticket_days: int = 1
    patience_days: int = 3


LIMITS: Mapping[str, tuple[int, int]] = {
    "birthday_days_before": (0, 30),
    "first_purchase_days_after": (0, 60),
    "quiet_days": (0, 365),
    "quiet_purchases_min": (1, 50),
    "points_days_before": (0, 60),
    "points_min": (1, 1_000_000),
    "coupon_days_before": (0, 30),
    "ticket_days": (0, 7),
    "patience_days": (1, 14),
}


def terms_of(stored: Mapping[str, Any]) -> Terms:
    """As kept in the database; what an older version did not know has its usual value."""
    known = {one.name for one in fields(Terms)}
    return Terms(**{name: int(value) for name, value in stored.items() if name in known})


def faults(values: Mapping[str, Any]) -> list[str]:
    """The names of values that are missing, no whole numbers, or out of LIMITS."""
    found = []
    for name, (low, high) in LIMITS.items():
        value = values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            found.append(name)
    return found + sorted(set(values) - set(LIMITS))


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one member on a day; dates are days of the mall."""

    person_id: int
    birthday_on: dt.date | None = None
    first_bought_on: dt.date | None = None
    last_bought_on: dt.date | None = None
    purchases: int = 0
    points_ending: int = 0
    points_end_on: dt.date | None = None
    coupon_id: int | None = None
    coupon_name: str = ""
    coupon_last_on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    person_id: int
    kind: str
    key: str
    due_on: dt.date
    last_on: dt.date
    facts: Mapping[str, Any]


CAUGHT_UP_DAYS = 3
"""A worker that stood still finds the reasons of so many days before; older ones are no reason any more."""


def reasons(known: Known, terms: Terms, today: dt.date) -> Iterator[Reason]:
    """Everything that is a reason to turn to this member today. The same reason has the same key on every day."""
    if terms.birthday_days_before and known.birthday_on is not None:
        due = known.birthday_on - _days(terms.birthday_days_before)
        if due <= today <= known.birthday_on:
            day = known.birthday_on.isoformat()
            yield Reason(known.person_id, "birthday", day, due, known.birthday_on, {"on": day})
    if terms.first_purchase_days_after and known.first_bought_on is not None and known.purchases == 1:
        due = known.first_bought_on + _days(terms.first_purchase_days_after)
        if due <= today <= due + _days(CAUGHT_UP_DAYS):
            facts = {"on": known.first_bought_on.isoformat(), "days": terms.first_purchase_days_after}
            last = due + _days(terms.patience_days)
            yield Reason(known.person_id, "first_purchase", "1", due, last, facts)
    if (quiet := _quiet(known, terms, today)) is not None:
        yield quiet
    if terms.points_days_before and known.points_end_on is not None:
        due = known.points_end_on - _days(terms.points_days_before)
        if known.points_ending >= terms.points_min and due <= today <= known.points_end_on:
            day = known.points_end_on.isoformat()
            facts = {"points": known.points_ending, "on": day}
            yield Reason(known.person_id, "points", day, due, known.points_end_on, facts)
    if terms.coupon_days_before and known.coupon_last_on is not None:
        due = known.coupon_last_on - _days(terms.coupon_days_before)
        if due <= today <= known.coupon_last_on:
            facts = {"name": known.coupon_name, "on": known.coupon_last_on.isoformat()}
            yield Reason(known.person_id, "coupon", str(known.coupon_id), due, known.coupon_last_on, facts)


def _quiet(known: Known, terms: Terms, today: dt.date) -> Reason | None:
    """A member who used to come has not for so long; once for each time they fell silent."""
    last = known.last_bought_on
    if not terms.quiet_days or last is None or known.purchases < terms.quiet_purchases_min:
        return None
    due = last + _days(terms.quiet_days)
    if not due <= today <= due + _days(CAUGHT_UP_DAYS):
        return None
    facts = {"on": last.isoformat(), "days": terms.quiet_days}
    return Reason(known.person_id, "quiet", last.isoformat(), due, due + _days(terms.patience_days), facts)


def ticket_reason(person_id: int, number: str, opened_on: dt.date, terms: Terms) -> Reason | None:
    """A member opened a ticket; None when the rule is off."""
    if not terms.ticket_days:
        return None
    last = opened_on + _days(terms.ticket_days)
    return Reason(person_id, "ticket", number, opened_on, last, {"number": number})


def is_over(kind: str, last_on: dt.date, today: dt.date) -> bool:
    """Whether an open follow-up lapses: it came too late, or nobody did anything for too long."""
    return today > (last_on if kind in ENDS_WITH_LAST_DAY else last_on + LAPSES_AFTER)


def _days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)
