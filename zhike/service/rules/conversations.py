"""The life of a conversation, who of us answers it, and how long it will take. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["bot", "queued", "open", "snoozed", "closed"]
Act = Literal["hand_over", "assign", "release", "snooze", "member_says", "staff_says", "close"]
LIVE: tuple[Status, ...] = ("bot", "queued", "open", "snoozed")
TEXT_MAX = 2_000
SKILLS = ("points", "coupons", "orders", "complaints", "places", "general")
STATES = ("available", "busy", "away")
CHANNELS = ("app",)

_MOVES: dict[Act, dict[Status, Status]] = {
    "hand_over": {"bot": "queued"},
    "assign": {"bot": "open", "queued": "open", "open": "open", "snoozed": "open"},
    "release": {"open": "queued", "snoozed": "queued"},
    "snooze": {"open": "snoozed"},
    "member_says": {"bot": "bot", "queued": "queued", "open": "open", "snoozed": "open"},
    "staff_says": {"bot": "open", "queued": "open", "open": "open", "snoozed": "open"},
    "close": {"bot": "closed", "queued": "closed", "open": "closed", "snoozed": "closed"},
}


def after(status: Status, act: Act) -> Status | None:
    """The next state; None when this cannot be done now."""
    return _MOVES[act].get(status)


# --- who answers ---------------------------------------------------------------------------------------------------

SEEN_WITHIN = dt.timedelta(seconds=90)
"""Without a sign of the inbox for so long an agent counts as away."""
LOOKING_WITHIN = dt.timedelta(seconds=45)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent who may be given a conversation. No skill named: everything."""

    staff_id: int
    skills: Collection[str]
    places: int
    load: int
    assigned_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation in the queue, in the order of the queue."""

    id: int
    skill: str


def is_there(state: str, seen_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether an agent takes conversations at this moment."""
    return state == "available" and seen_at is not None and now - seen_at <= SEEN_WITHIN


def can_take(candidate: Candidate, skill: str) -> bool:
    return candidate.load < candidate.places and (
        not skill or not candidate.skills or skill in candidate.skills
    )


def share_out(queue: Sequence[Waiting], candidates: Iterable[Candidate]) -> list[tuple[int, int]]:
    """(conversation, agent) for everybody who can be answered now.

    The queue is gone through from the front. Among those with the skill and a free place the one with the smallest
    share of places taken gets it; among equals whoever was given something longest ago, so that work goes round.
    One conversation for which nobody has the skill does not hold up those behind it.
    """
    agents = {one.staff_id: one for one in candidates}
    given: list[tuple[int, int]] = []
    turns = 0
    order: dict[int, int] = {}
    for waiting in queue:
        able = [one for one in agents.values() if can_take(one, waiting.skill)]
        if not able:
            continue
        chosen = min(able, key=lambda one: _order(one, order.get(one.staff_id, 0)))
        given.append((waiting.id, chosen.staff_id))
        turns += 1
        order[chosen.staff_id] = turns
        agents[chosen.staff_id] = Candidate(
            chosen.staff_id, chosen.skills, chosen.places, chosen.load + 1, chosen.assigned_at
        )
    return given


def _order(one: Candidate, turn: int) -> tuple[float, int, float, int]:
    last = one.assigned_at.timestamp() if one.assigned_at else 0.0
    return one.load / one.places, turn, last, one.staff_id


RANK_MAX = 100


def rank_of(tier_place: int) -> int:
    """How far to the front a member of this tier stands; the lowest tier is 0."""
    return max(0, min(tier_place, RANK_MAX))


ANSWER_S_USUAL = 300


def wait_estimate_s(place: int, agents: int, handling_s: float | None) -> int | None:
    """How long the member at this place (counted from 1) waits, in seconds; None when nobody is there.

    With n agents a place is free about every handling time divided by n (mean of an M/M/n queue with all busy).
    """
    if agents <= 0 or place <= 0:
        return None
    return int(place * (handling_s or ANSWER_S_USUAL) / agents)


# --- what is written -----------------------------------------------------------------------------------------------

_GAP = re.compile(r"\{([a-z_]+)\}")
GAPS = ("member", "agent", "mall", "tier", "points", "hours")


def fill(text: str, values: Mapping[str, str]) -> str:
    """A phrase with its gaps filled; a gap without a value stays visible, so that nobody sends it unseen."""
    return _GAP.sub(lambda match: values.get(match[1]) or match[0], text)


def unknown_gaps(text: str) -> list[str]:
    return sorted({name for name in _GAP.findall(text) if name not in GAPS})


_MENTION = re.compile(r"@([^\s@，。；：！？,.;:!?]{1,40})")


def mentioned(text: str, staff: Iterable[tuple[int, str]]) -> list[int]:
    """Whom a note calls by name; the longest name that fits, and each once."""
    by_name = sorted(((name, pk) for pk, name in staff), key=lambda pair: -len(pair[0]))
    found: list[int] = []
    for called in _MENTION.findall(text):
        pk = next((pk for name, pk in by_name if called.startswith(name)), None)
        if pk is not None and pk not in found:
            found.append(pk)
    return found
