"""Invitations: which ones count, which purchase makes them good, and what looks like somebody inviting themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, Protocol

from zhike.engagement.rules.terms import Reward, Terms, parse

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 8
NEW_FOR = timedelta(days=1)
"""Who joined longer ago is not new any more."""
BURST = 3
BURST_WITHIN = timedelta(hours=1)
FEN_MAX = 100_000_000

Refusal = Literal[
    "", "self", "same_person", "same_device", "same_payment", "ring", "not_new", "daily_limit", "inviter"
]


class ReferralTerms(Terms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Both get theirs after the new member's first purchase of at least ``minimum_fen`` within ``days_to_buy``, when its
    return window is over (``wait_days``; None: as long as its points wait). ``daily_max`` invitations a day count."""

    inviter: Reward = Reward(points=200)
    invitee: Reward = Reward(points=100)
    minimum_fen: int = 10_000
    days_to_buy: int = 30
    wait_days: int | None = None
    daily_max: int = 5
    year_max: int | None = None

    def conditions(self) -> list[tuple[str, bool]]:
        return [
            *Terms.conditions(self),
            ("inviter", self.inviter.is_right),
            ("invitee", self.invitee.is_right),
            ("minimum_fen", 1 <= self.minimum_fen <= FEN_MAX),
            ("days_to_buy", 1 <= self.days_to_buy <= 366),
            ("wait_days", self.wait_days is None or 0 <= self.wait_days <= 366),
            ("daily_max", 1 <= self.daily_max <= 1_000),
            ("year_max", self.year_max is None or 1 <= self.year_max <= 1_000_000),
        ]


def parse_referral(data: Mapping[str, Any]) -> ReferralTerms:
    """Raises TermsError."""
    return parse(ReferralTerms, data)


def code_of(random: bytes) -> str:
    """A code without letters that look alike, of CODE_LENGTH random bytes."""
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in random)


def read_code(text: str) -> str:
    """A code as somebody typed it; "" when it is none."""
    code = text.strip().upper()
    return code if len(code) == CODE_LENGTH and all(letter in ALPHABET for letter in code) else ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known when a new member comes by an invitation; ``inviters`` are the inviter and who invited them, up the
    tree. ``today`` invitations of the inviter counted today already."""

    inviter: int
    invitee: int
    inviters: Sequence[int]
    inviter_is_active: bool
    shares_identifier: bool
    shares_device: bool
    joined_for: timedelta
    has_bought: bool
    today: int


def judge(terms: ReferralTerms, found: Evidence) -> Refusal:
    """Why an invitation does not count; "" when it does. The gravest reason first."""
    if found.inviter == found.invitee:
        return "self"
    if found.shares_identifier:
        return "same_person"
    if found.invitee in found.inviters:
        return "ring"
    if found.shares_device:
        return "same_device"
    if found.joined_for > NEW_FOR or found.has_bought:
        return "not_new"
    if not found.inviter_is_active:
        return "inviter"
    return "daily_limit" if found.today >= terms.daily_max else ""


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase with what of it is kept today."""

    receipt_id: str
    occurred_at: datetime
    day: date
    kept_fen: int
    waits_days: int


class Asks(Protocol):
    """What makes a purchase count: enough of it, soon enough."""

    @property
    def minimum_fen(self) -> int: ...

    @property
    def days_to_buy(self) -> int: ...


def valid_purchase(
    terms: Asks, joined_at: datetime, purchases: Sequence[Bought], loose_returns_fen: int
) -> Bought | None:
    """The first purchase in time that is large enough by what is kept of it; goods returned without their receipt
    (``loose_returns_fen``) count against every one."""
    until = joined_at + timedelta(days=terms.days_to_buy)
    fitting = (
        one
        for one in sorted(purchases, key=lambda one: (one.occurred_at, one.receipt_id))
        if joined_at <= one.occurred_at <= until and one.kept_fen - loose_returns_fen >= terms.minimum_fen
    )
    return next(fitting, None)


def due_on(terms: ReferralTerms, bought: Bought) -> date:
    """The day on which both get theirs."""
    return bought.day + timedelta(days=bought.waits_days if terms.wait_days is None else terms.wait_days)


@dataclass(frozen=True, slots=True)
class Joined:
    """One invitation for `flags`."""

    joined_at: datetime
    address: str
    status: str


def flags(invitations: Sequence[Joined]) -> list[str]:
    """What a person should look at: many in one hour, several from one address, refusals, rewards taken back."""
    found = []
    times = sorted(one.joined_at for one in invitations)
    if any(later - first <= BURST_WITHIN for first, later in zip(times, times[BURST - 1 :], strict=False)):
        found.append("burst")
    addresses = [one.address for one in invitations if one.address]
    if len(addresses) - len(set(addresses)) >= 1:
        found.append("same_address")
    statuses = [one.status for one in invitations]
    found += [status for status in ("refused", "taken_back") if status in statuses]
    return found
