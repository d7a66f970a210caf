"""Growth value (成长值): a currency beside points that is earned by spending, visits and deeds, never spent, and raises tiers.

How much of it comes of what stands in the terms of the tiers (rules.tier_policy), so it changes in versions, and members are
told before it gets less. What one version says counts for whole business days: the one in force when the day began, or the
first one that knows growth value for the days since its own ``since``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from zhike.loyalty.rules.awards import REASONS as DEEDS

SPEND, VISIT, DEED = "spend", "visit", "deed"
SOURCES = (SPEND, VISIT, DEED)
GROWTH_MAX, PER_FEN_MAX = 100_000, 10**8
GENESIS = bytes(32)


class GrowthRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``growth`` for every ``per_fen`` of spend that counts, ``visit`` once a day with a purchase, ``deeds`` by reason.

    ``since``: purchases from this day on count, though the terms began later. ``returns``: goods that go back take theirs.
    """

    growth: int = 1
    per_fen: int = 100
    visit: int = 0
    deeds: dict[str, int] = {}
    since: date | None = None
    returns: bool = True

    def of_spend(self, fen: int) -> int:
        """What a purchase gives of which ``fen`` are kept; rounded down, so that parts never come to more than the whole."""
        return fen * self.growth // self.per_fen


def faults(rules: GrowthRules) -> Iterator[tuple[str, bool]]:
    """(JSON path, whether it is wrong)."""
    yield "$.growth.growth", not 0 <= rules.growth <= GROWTH_MAX
    yield "$.growth.per_fen", not 1 <= rules.per_fen <= PER_FEN_MAX
    yield "$.growth.visit", not 0 <= rules.visit <= GROWTH_MAX
    yield (
        "$.growth.deeds",
        any(deed not in DEEDS or not 0 <= growth <= GROWTH_MAX for deed, growth in rules.deeds.items()),
    )
    yield "$.growth", not (rules.growth or rules.visit or any(rules.deeds.values()))


def is_less(before: GrowthRules | None, after: GrowthRules | None) -> bool:
    """Whether somebody gets less of it, or loses it sooner, than before."""
    if before is None or after is None:
        return after is None and before is not None
    never = date.max
    return (
        after.growth * before.per_fen < before.growth * after.per_fen
        or (after.per_fen > before.per_fen and after.per_fen % before.per_fen != 0)
        or after.visit < before.visit
        or any(after.deeds.get(deed, 0) < growth for deed, growth in before.deeds.items())
        or (after.returns and not before.returns)
        or (after.since or never) > (before.since or never)
    )


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules of one version and the business days they are for, both included."""

    version: int
    first: date
    last: date
    rules: GrowthRules


def in_force(versions: Sequence[tuple[int, date, GrowthRules | None]]) -> list[InForce]:
    """Which version's rules are for which days, of (version, the day it began, its rules) in the order they began.

    A version that follows other rules counts from the next day, so what a day gave does not change during it.
    """
    found: list[InForce] = []
    before: GrowthRules | None = None
    for place, (version, began, rules) in enumerate(versions):
        following = versions[place + 1][1] if place + 1 < len(versions) else date.max
        first = began if before is None else began + timedelta(days=1)
        if rules is not None and not found and rules.since is not None:
            first = min(first, rules.since)
        if rules is not None and first <= following:
            found.append(InForce(version, first, following, rules))
        before = rules
    return found


def mark_of(previous: bytes, row: Mapping[str, Any]) -> bytes:
    """SHA-256 over the mark before it and the entry as canonical JSON: each account's entries are one chain."""
    text = json.dumps(
        {name: _plain(value) for name, value in row.items()},
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=True,
    )
    return hashlib.sha256(previous + text.encode()).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, date) else value
