"""What a draft would have changed, summed over accounts; pure."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from zhike.loyalty.operations.replay.engine import Life

MERCHANTS_MAX = 20
SAMPLES_MAX = 20
DAYS_BY_DAY = 62


def _pair() -> list[int]:
    return [0, 0]


@dataclass(slots=True)
class Tally:
    """Pairs are (as it was, with the draft)."""

    since: dt.date | None
    last_day: dt.date
    accounts: int = 0
    receipts: int = 0
    up: int = 0
    down: int = 0
    unmet: int = 0
    differences: int = 0
    samples: list[list[str]] = field(default_factory=list)
    flows: dict[str, list[int]] = field(default_factory=lambda: defaultdict(_pair))
    outstanding: list[int] = field(default_factory=_pair)
    debt: list[int] = field(default_factory=_pair)
    tiers: dict[int, dict[str, int]] = field(default_factory=dict)
    moves: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    merchants: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))
    periods: dict[str, list[int]] = field(default_factory=lambda: defaultdict(_pair))

    def add(self, life: Life) -> None:
        story = life.story
        self.accounts += 1
        self.differences += len(life.differences)
        for one in life.differences[: max(0, SAMPLES_MAX - len(self.samples))]:
            self.samples.append([str(one.account_id), one.what, one.field, one.ledger, one.replay])
        for posted in story.transfers:
            self.flows[posted.reason][0] += posted.points
        for reason, points in life.points.items():
            self.flows[reason][1] += points
        self._outcome(life)
        for merchant_id, day, was, would in life.earned:
            if self.since is not None and day < self.since:
                continue
            self.receipts += 1
            merchant = self.merchants[merchant_id]
            merchant[0] += 1
            merchant[1] += was
            merchant[2] += would
            period = self.periods[self._period(day)]
            period[0] += was
            period[1] += would

    def _outcome(self, life: Life) -> None:
        story = life.story
        was, would = story.balance - story.debt, life.balance - life.debt
        self.unmet += life.unmet
        self.up += would > was
        self.down += would < was
        self.outstanding[0] += story.balance
        self.outstanding[1] += life.balance
        self.debt[0] += story.debt
        self.debt[1] += life.debt
        tier = self.tiers.setdefault(
            story.tier_id, {"members": 0, "up": 0, "down": 0, "points_now": 0, "points_draft": 0}
        )
        tier["members"] += 1
        tier["up"] += would > was
        tier["down"] += would < was
        tier["points_now"] += was
        tier["points_draft"] += would
        if life.tier_id != story.tier_id:
            self.moves[story.tier_id, life.tier_id] += 1

    def _period(self, day: dt.date) -> str:
        by_day = self.since is not None and (self.last_day - self.since).days <= DAYS_BY_DAY
        return day.isoformat() if by_day else f"{day:%Y-%m}"

    def result(self) -> dict[str, Any]:
        """As it is kept with the run."""
        by_difference = sorted(self.merchants.items(), key=lambda item: -abs(item[1][2] - item[1][1]))
        earned = [sum(pair[at] for pair in self.periods.values()) for at in (0, 1)]
        return {
            "accounts": self.accounts,
            "receipts": self.receipts,
            "earned": earned,
            "outstanding": self.outstanding,
            "debt": self.debt,
            "up": self.up,
            "down": self.down,
            "unmet": self.unmet,
            "differences": self.differences,
            "samples": self.samples,
            "flows": dict(sorted(self.flows.items())),
            "by_tier": {str(tier_id): row for tier_id, row in self.tiers.items()},
            "moves": [[before, after, count] for (before, after), count in sorted(self.moves.items())],
            "by_merchant": [[merchant_id, *row] for merchant_id, row in by_difference[:MERCHANTS_MAX]],
            "by_period": [[key, *pair] for key, pair in sorted(self.periods.items())],
        }
