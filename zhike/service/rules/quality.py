"""Conversation quality: what is looked at, which conversations, how a score comes about, how far reviewers agree. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

SECTIONS = ("quality", "process", "attitude", "innovation")
ANSWERS = ("yes", "partly", "no", "na")
CREDIT = {"yes": 2, "partly": 1, "no": 0}
"""Halves of an item's weight that an answer earns; "na" takes the item out."""
SEATS = ("first", "second", "appeal")
REASONS = ("random", "low_csat", "words", "handoff", "vip")
"""Why a conversation is looked at; all but the first are taken whatever the draw says."""
OUTCOMES = ("upheld", "changed")
WEIGHT_MAX = 20
ITEMS_MAX = 40
QUOTES_MAX = 10
COMPARED_MIN = 5
"""Reviews below which a mean is shown but neither ranked nor coloured."""
KAPPA_MIN = 20
"""Answers given twice below which no kappa is shown."""
LATE_HANDOFF = dt.timedelta(minutes=10)
"""A hand-over of the bot that nobody answered within this has failed."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at. ``fatal``: a "no" makes the whole score 0. ``fact``: the computed fact shown beside it."""

    code: str
    section: str
    text: str
    weight: int
    fatal: bool = False
    fact: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """Evidence: a message by number, and from where to where in it ([start, end), both 0: all of it)."""

    number: int
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """In tenths of a percent, 0 to 1,000; a section without an item that applies has none."""

    total: int
    sections: Mapping[str, int]
    fatal: tuple[str, ...]


def items_are_right(items: Sequence[Item]) -> bool:
    """Between 1 and 40 items, each with its own code, a section, a text, and a weight of 1 to 20."""
    codes = {one.code for one in items}
    return 0 < len(items) <= ITEMS_MAX and len(codes) == len(items) and all(map(_is_right, items))


def _is_right(item: Item) -> bool:
    return (
        item.section in SECTIONS
        and 0 < len(item.text) <= 160
        and 1 <= item.weight <= WEIGHT_MAX
        and item.fact in ("", *FACTS)
    )


def answers_are_right(items: Sequence[Item], answers: Mapping[str, str]) -> bool:
    """Every item answered, nothing else; a knock-out item is kept or not kept, never partly; something applies."""
    if set(answers) != {one.code for one in items}:
        return False
    given = [(one, answers[one.code]) for one in items]
    if any(answer not in ANSWERS or (one.fatal and answer == "partly") for one, answer in given):
        return False
    return any(answer != "na" for _one, answer in given)


def score(items: Sequence[Item], answers: Mapping[str, str]) -> Score:
    """1000 × Σ weight × credit ÷ Σ weight over the items that apply (yes 1, partly ½, no 0), rounded half up.

    A knock-out item answered "no" makes the total 0; sections keep theirs.
    """
    sections: dict[str, int] = {}
    for section in SECTIONS:
        share = _share([one for one in items if one.section == section], answers)
        if share is not None:
            sections[section] = share
    fatal = tuple(one.code for one in items if one.fatal and answers[one.code] == "no")
    return Score(0 if fatal else _share(items, answers) or 0, sections, fatal)


def _share(items: Sequence[Item], answers: Mapping[str, str]) -> int | None:
    apply = [one for one in items if answers[one.code] != "na"]
    whole = 2 * sum(one.weight for one in apply)
    got = sum(one.weight * CREDIT[answers[one.code]] for one in apply)
    return (2 * 1_000 * got + whole) // (2 * whole) if whole else None


def quote_of(text: str) -> Quote | None:
    """Reads "7" or "7:3-12"; None when it is neither."""
    number, _colon, span = text.partition(":")
    start, _dash, end = span.partition("-")
    parts = [number, start, end] if span else [number]
    if not all(part.isascii() and part.isdecimal() and len(part) < 7 for part in parts):
        return None
    found = Quote(*map(int, parts))
    return found if found.number > 0 and (not span or found.start < found.end) else None


# --- which conversations -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidate:
    """A closed conversation; ``agent_id`` who answered it at the end, None when nobody did."""

    id: int
    number: str
    agent_id: int | None
    reasons: tuple[str, ...] = ()


def order_key(seed: str, number: str) -> str:
    """Where a conversation stands in the draw: nobody can know before the seed is made, and everybody can repeat it after."""
    return hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()


def draw(candidates: Iterable[Candidate], seed: str, percent: int, at_least: int) -> list[int]:
    """Of each agent's conversations the first ``percent`` (rounded up) in the order of the draw, at least ``at_least``."""
    by_agent: dict[int, list[Candidate]] = {}
    for one in candidates:
        if one.agent_id is not None:
            by_agent.setdefault(one.agent_id, []).append(one)
    found: list[int] = []
    for agent_id in sorted(by_agent):
        rows = sorted(by_agent[agent_id], key=lambda one: order_key(seed, one.number))
        many = max(-(-len(rows) * percent // 100), at_least)
        found += [one.id for one in rows[:many]]
    return found


def is_double(seed: str, number: str, percent: int) -> bool:
    """Whether a second reviewer looks too: the first eight digits of another hash of the same seed, as a share."""
    return int(order_key(f"{seed}/double", number)[:8], 16) * 100 < percent * 16**8


def share_out(
    waiting: Sequence[tuple[int, frozenset[int]]], quota: Mapping[int, int]
) -> list[tuple[int, int]]:
    """(pick, reviewer) in the order given: whoever has the most of the quota left and is not barred; the rest waits."""
    left = dict(quota)
    given = []
    for pick_id, barred in waiting:
        able = [staff for staff, many in left.items() if many > 0 and staff not in barred]
        if able:
            chosen = min(able, key=lambda staff: (-left[staff], staff))
            left[chosen] -= 1
            given.append((pick_id, chosen))
    return given


# --- how far reviewers agree ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Agreement:
    """``observed`` and ``expected`` agreement as shares; ``kappa`` None when there are too few or nothing to differ on."""

    pairs: int
    observed: float | None
    expected: float | None
    kappa: float | None


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Cohen's kappa: (observed - expected) ÷ (1 - expected), expected from how often each side gives each answer."""
    many = len(pairs)
    if not many:
        return Agreement(0, None, None, None)
    observed = sum(one == other for one, other in pairs) / many
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    expected = sum(ones[answer] * others[answer] for answer in ANSWERS) / many**2
    kappa = (observed - expected) / (1 - expected) if many >= KAPPA_MIN and expected < 1 else None
    return Agreement(many, observed, expected, kappa)


def may_decide(staff_id: int | None, reviewers: Collection[int], agent_id: int | None) -> bool:
    """An appeal is decided by somebody who neither reviewed nor is reviewed."""
    return staff_id is not None and staff_id not in reviewers and staff_id != agent_id


# --- facts out of the messages -------------------------------------------------------------------------------------

FACTS = ("first_answer", "longest_wait", "greeting", "farewell", "identity", "watched_words", "satisfaction")
