"""The one way out: every message passes these gates in this order, and each refusal has a name. Pure.

1. ``expired``     its moment is over (a code that no longer works)
2. ``address``     there is nowhere to send it to
3. ``consent``     marketing needs a consent for offers on this channel in force; silence is no consent
4. ``minor``       nobody under 18 gets marketing; whoever's birthday we do not know is taken for grown up
5. ``suppressed``  the address said stop, or the person is restricted or gone
6. ``frequency``   caps a day and a month, on this channel and on all; what a vendor lets anybody get, services too
7. ``quiet``       quiet hours of the house and of the member, holidays: postponed to their end, or dropped, as the policy
   says; postponed too late, it is dropped
8. ``template``    the wording is approved here and, where the vendor wants that, there; it passes the vendor's own rules
9. ``account``     somebody can carry it on this channel
10. ``budget``     the month's money for marketing is not spent

Codes and service messages are asked for or owed, so they pass 3, 4, 6, 7 and 10; of 5 they pass the refusal by reply, which is
a refusal of offers, but not a person who is gone. This is the whole of the exception.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Gate = Literal[
    "expired",
    "address",
    "consent",
    "minor",
    "suppressed",
    "frequency",
    "quiet",
    "template",
    "account",
    "budget",
]
GATES: tuple[Gate, ...] = (
    "expired", "address", "consent", "minor", "suppressed", "frequency", "quiet", "template", "account", "budget",
)  # fmt: skip
ADULT = 18
QUIET_FROM = dt.time(21, 0)
QUIET_UNTIL = dt.time(8, 0)
"""Vendors send commercial text messages from 08:00 to 21:00 (some to 22:00); nothing of ours goes outside that."""
LONGEST_POSTPONEMENT = dt.timedelta(days=3)
DAYS_LOOKED_AHEAD = 16
MARKETING = "marketing"


@dataclass(frozen=True, slots=True)
class Policy:
    """Caps count marketing messages in a rolling day and 30 days; 0 is none. ``budget`` in thousandths of a fen."""

    quiet_from: dt.time = QUIET_FROM
    quiet_until: dt.time = QUIET_UNTIL
    when_quiet: str = "postpone"
    total_per_day: int = 2
    total_per_month: int = 8
    channel_per_day: Mapping[str, int] = field(default_factory=dict)
    channel_per_month: Mapping[str, int] = field(default_factory=dict)
    budget: int | None = None


@dataclass(frozen=True, slots=True)
class Sendings:
    """How many marketing messages a person got: on the channel and on all, in a day and in 30 days."""

    channel_day: int = 0
    channel_month: int = 0
    total_day: int = 0
    total_month: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one message at the moment it would go. ``local`` is the moment in the member's zone."""

    kind: str
    channel: str
    local: dt.datetime
    created_at: dt.datetime
    expires_at: dt.datetime | None = None
    has_address: bool = True
    address_fault: str = "no_address"
    is_member: bool = True
    has_consent: bool = False
    birthday: dt.date | None = None
    is_gone: bool = False
    is_suppressed: bool = False
    sendings: Sendings = Sendings()
    own_quiet: tuple[dt.time, dt.time] | None = None
    holidays: frozenset[dt.date] = frozenset()
    wording_fault: str = ""
    has_account: bool = True
    spent: int = 0
    cost: int = 0
    vendor_sent: int = 0
    vendor_cap: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """``go`` without a gate; ``wait`` until a moment or ``refuse`` with the gate and the reason."""

    decision: Literal["go", "wait", "refuse"]
    gate: Gate | Literal[""] = ""
    reason: str = ""
    until: dt.datetime | None = None


GO = Verdict("go")


def decide(facts: Facts, policy: Policy) -> Verdict:
    """The first gate that does not open decides."""
    if facts.expires_at is not None and facts.local >= facts.expires_at:
        return _refused("expired", "expired")
    if not facts.has_address:
        return _refused("address", facts.address_fault)
    if facts.is_gone:
        return _refused("suppressed", "person_gone")
    if facts.kind == MARKETING:
        verdict = _marketing(facts, policy)
        if verdict is not None:
            return verdict
    if facts.vendor_cap and facts.vendor_sent >= facts.vendor_cap:
        return _refused("frequency", "vendor_cap")
    if facts.wording_fault:
        return _refused("template", facts.wording_fault)
    if not facts.has_account:
        return _refused("account", "no_account")
    over = policy.budget is not None and facts.spent + facts.cost > policy.budget
    if facts.kind == MARKETING and facts.cost and over:
        return _refused("budget", "budget_spent")
    return GO


def _marketing(facts: Facts, policy: Policy) -> Verdict | None:
    if not facts.is_member:
        return _refused("consent", "not_a_member")
    if not facts.has_consent:
        return _refused("consent", "no_consent")
    if facts.birthday is not None and age(facts.birthday, facts.local.date()) < ADULT:
        return _refused("minor", "minor")
    if facts.is_suppressed:
        return _refused("suppressed", "refused_by_reply")
    cap = reached_cap(facts.channel, facts.sendings, policy)
    if cap:
        return _refused("frequency", cap)
    return _quiet(facts, policy)


def reached_cap(channel: str, sendings: Sendings, policy: Policy) -> str:
    """Which cap is reached, "" when none is."""
    caps = (
        ("channel_per_day", policy.channel_per_day.get(channel, 0), sendings.channel_day),
        ("channel_per_month", policy.channel_per_month.get(channel, 0), sendings.channel_month),
        ("total_per_day", policy.total_per_day, sendings.total_day),
        ("total_per_month", policy.total_per_month, sendings.total_month),
    )
    return next((name for name, cap, count in caps if cap and count >= cap), "")


def _quiet(facts: Facts, policy: Policy) -> Verdict | None:
    windows = [(policy.quiet_from, policy.quiet_until)]
    if facts.own_quiet is not None:
        windows.append(facts.own_quiet)
    until = end_of_quiet(facts.local, windows, facts.holidays)
    if until == facts.local:
        return None
    reason = "holiday" if facts.local.date() in facts.holidays else "quiet_hours"
    if policy.when_quiet != "postpone":
        return _refused("quiet", reason)
    limit = facts.created_at + LONGEST_POSTPONEMENT
    if facts.expires_at is not None:
        limit = min(limit, facts.expires_at)
    if until is None or until > limit:
        return _refused("quiet", "postponed_too_long")
    return Verdict("wait", "quiet", reason, until)


def end_of_quiet(
    local: dt.datetime, windows: list[tuple[dt.time, dt.time]], holidays: frozenset[dt.date]
) -> dt.datetime | None:
    """The next moment that no window and no holiday covers: now, if now is one; None when there is none in sight."""
    at = local
    last = local + dt.timedelta(days=DAYS_LOOKED_AHEAD)
    while at < last:
        later = at
        if at.date() in holidays:
            later = _midnight_after(at)
        for begin, end in windows:
            if is_in_window(later.timetz().replace(tzinfo=None), begin, end):
                later = _next(later, end)
        if later == at:
            return at
        at = later
    return None


def is_in_window(time: dt.time, begin: dt.time, end: dt.time) -> bool:
    """A window may pass midnight; one that ends as it begins is empty."""
    if begin <= end:
        return begin <= time < end
    return time >= begin or time < end


def age(birthday: dt.date, today: dt.date) -> int:
    """Whole years; who was born on 29 February has their birthday on 1 March in common years."""
    return today.year - birthday.year - ((today.month, today.day) < (birthday.month, birthday.day))


def _next(at: dt.datetime, time: dt.time) -> dt.datetime:
    moment = at.replace(hour=time.hour, minute=time.minute, second=time.second, microsecond=0)
    return moment if moment > at else moment + dt.timedelta(days=1)


def _midnight_after(at: dt.datetime) -> dt.datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)


def seconds_worth(kind: str, now: dt.datetime, expires_at: dt.datetime | None) -> int:
    """How long a notification is worth delivering: until it expires, else three days, an offer one day."""
    if expires_at is not None:
        return max(0, int((expires_at - now).total_seconds()))
    return int(dt.timedelta(days=1 if kind == MARKETING else 3).total_seconds())


def _refused(gate: Gate, reason: str) -> Verdict:
    return Verdict("refuse", gate, reason)
