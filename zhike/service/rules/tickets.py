"""The life of a ticket: its states, who may read what, when a complaint is a repeated one. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from zhike.service.rules.policies import SEVERITIES

Status = Literal["new", "open", "waiting", "resolved", "closed"]
Act = Literal["answer", "wait", "go_on", "member_reply", "resolve", "close", "reopen"]
LIVE: tuple[Status, ...] = ("new", "open", "waiting")

_MOVES: dict[Act, dict[Status, Status]] = {
    "answer": {"new": "open", "open": "open", "waiting": "open", "resolved": "resolved"},
    "wait": {"new": "waiting", "open": "waiting", "waiting": "waiting"},
    "go_on": {"waiting": "open"},
    "member_reply": {
        "new": "new",
        "open": "open",
        "waiting": "open",
        "resolved": "open",
        "closed": "open",
    },
    "resolve": {"new": "resolved", "open": "resolved", "waiting": "resolved"},
    "close": {"new": "closed", "open": "closed", "waiting": "closed", "resolved": "closed"},
    "reopen": {"resolved": "open", "closed": "open"},
}
REOPEN_WITHIN = dt.timedelta(days=30)
CHANNELS = ("app", "counter", "phone", "chat", "mail", "social", "api", "box")
TITLE_MAX = 120
TEXT_MAX = 4_000


def after(status: Status, act: Act) -> Status | None:
    """The next state; None when this cannot be done now."""
    return _MOVES[act].get(status)


def may_reopen(closed_at: dt.datetime | None, now: dt.datetime) -> bool:
    """A closed ticket can be taken up again for thirty days."""
    return closed_at is None or now - closed_at <= REOPEN_WITHIN


def title_of(title: str, text: str) -> str:
    """The title, or the beginning of what was said."""
    words = " ".join((title or text).split())
    return words if len(words) <= TITLE_MAX else words[: TITLE_MAX - 1] + "…"


# --- who reads what ------------------------------------------------------------------------------------------------

Audience = Literal["member", "merchant", "staff"]
_READABLE: dict[Audience, tuple[Audience, ...]] = {
    "member": ("member",),
    "merchant": ("merchant",),
    "staff": ("member", "merchant", "staff"),
}


def readable(reader: Audience) -> tuple[Audience, ...]:
    """Audiences whose entries a reader sees; a merchant sees what was written for merchants, and how it began."""
    return _READABLE[reader]


# --- repeated complaints -------------------------------------------------------------------------------------------

REPEAT_WITHIN = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A former ticket of the same person."""

    id: int
    type: str
    merchant_id: int | None
    cause_id: int | None
    opened_at: dt.datetime


def repeat_of(
    earlier: Iterable[Earlier],
    type_: str,
    merchant_id: int | None,
    cause_id: int | None,
    now: dt.datetime,
) -> int | None:
    """The newest complaint within thirty days about the same merchant, or for the same cause."""
    if type_ != "complaint":
        return None
    found = [
        one
        for one in earlier
        if one.type == "complaint"
        and now - one.opened_at <= REPEAT_WITHIN
        and (
            (merchant_id is not None and one.merchant_id == merchant_id)
            or (cause_id is not None and one.cause_id == cause_id)
        )
    ]
    return max(found, key=lambda one: one.opened_at).id if found else None


def severity_of(asked: str, *, is_repeat: bool) -> str:
    """Whoever has to complain again is heard one step higher, up to "high"; only people declare something major."""
    if is_repeat and asked == SEVERITIES[0]:
        return SEVERITIES[1]
    return asked


# --- the quality rule ----------------------------------------------------------------------------------------------

INSPECTION_WINDOW = dt.timedelta(days=30)
INSPECTION_PER_MILLE = 5
INSPECTION_COMPLAINTS_MIN = 3


def needs_inspection(complaints: int, receipts: int) -> bool:
    """More than 5 complaints per 1,000 receipts of the last 30 days, and at least three of them."""
    return complaints >= INSPECTION_COMPLAINTS_MIN and complaints * 1_000 > INSPECTION_PER_MILLE * receipts


# --- files ---------------------------------------------------------------------------------------------------------

FILE_BYTES_MAX = 10 * 1024 * 1024
FILES_MAX = 6
