"""Stamp cards: which purchases give how many stamps, when a card is full, and when it runs out."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zhike.engagement.rules.missions import PLACES_MAX, Deed
from zhike.engagement.rules.terms import Reward, Terms, parse

STAMPS_MAX = 50
FEN_MAX = 100_000_000
SKUS_MAX = 100


class StampTerms(Terms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``stamps`` fill a card and give ``reward``; then the next one begins, up to ``rounds_max`` (None: for ever).

    A receipt gives a stamp from ``minimum_fen`` on, or one for each ``each_fen`` of it; ``day_max`` stamps a day. Places and
    articles (``skus``): any of the named ones; none named is everything. ``days``: a card runs out so long after its first
    stamp. ``wait_days``: the reward comes so long after the last stamp; None: when the purchases can no longer be returned.
    """

    stamps: int
    reward: Reward
    minimum_fen: int = 1
    each_fen: int | None = None
    day_max: int | None = None
    rounds_max: int | None = None
    days: int | None = None
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    merchants: list[int] = []
    trade_categories: list[int] = []
    skus: list[str] = []
    wait_days: int | None = 0

    def conditions(self) -> list[tuple[str, bool]]:
        ends = self.starts_on is None or self.ends_on is None or self.starts_on <= self.ends_on
        return [
            *Terms.conditions(self),
            ("stamps", 2 <= self.stamps <= STAMPS_MAX),
            ("reward", self.reward.is_right),
            ("minimum_fen", 1 <= self.minimum_fen <= FEN_MAX),
            ("each_fen", self.each_fen is None or 1 <= self.each_fen <= FEN_MAX),
            ("day_max", self.day_max is None or 1 <= self.day_max <= 1_000),
            ("rounds_max", self.rounds_max is None or 1 <= self.rounds_max <= 1_000),
            ("days", self.days is None or 1 <= self.days <= 1_000),
            ("ends_on", ends),
            ("merchants", len(self.merchants) <= PLACES_MAX),
            ("trade_categories", len(self.trade_categories) <= PLACES_MAX),
            ("skus", len(self.skus) <= SKUS_MAX and all(0 < len(sku) <= 60 for sku in self.skus)),
            ("wait_days", self.wait_days is None or 0 <= self.wait_days <= 366),
        ]

    def stamps_of(self, deed: Deed) -> int:
        """How many a purchase gives by what is kept of it."""
        if deed.fen < self.minimum_fen or not self._takes(deed):
            return 0
        return 1 if self.each_fen is None else deed.fen // self.each_fen

    def _takes(self, deed: Deed) -> bool:
        if self.starts_on is not None and deed.day < self.starts_on:
            return False
        if self.ends_on is not None and deed.day > self.ends_on:
            return False
        if not (self.merchants or self.trade_categories):
            return True
        return deed.merchant_id in self.merchants or deed.trade_category_id in self.trade_categories


def parse_stamps(data: Mapping[str, Any]) -> StampTerms:
    """Raises TermsError."""
    return parse(StampTerms, data)


@dataclass(frozen=True, slots=True)
class Filled:
    """A card that is full since ``at``; its reward comes on ``due_on``."""

    at: dt.datetime
    due_on: dt.date


@dataclass(frozen=True, slots=True)
class Collected:
    """The cards a member has filled, the stamps (days) on the one they are filling, and when that runs out."""

    filled: tuple[Filled, ...]
    days: tuple[dt.date, ...]
    total: int
    runs_out_on: dt.date | None


def collect(terms: StampTerms, purchases: Sequence[Deed], today: dt.date) -> Collected:
    """All of it anew from what is kept of the purchases, so that returns need no counting back."""
    filled, card, total = list[Filled](), list[Deed](), 0
    by_day: dict[dt.date, int] = defaultdict(int)
    for deed in sorted(purchases, key=lambda one: (one.at, one.key)):
        count = terms.stamps_of(deed)
        if terms.day_max is not None:
            count = min(count, terms.day_max - by_day[deed.day])
        by_day[deed.day] += count
        for _stamp in range(count):
            if terms.rounds_max is not None and len(filled) >= terms.rounds_max:
                break
            if card and _last_day(terms, card[0].day) < deed.day:
                card = []
            card.append(deed)
            total += 1
            if len(card) == terms.stamps:
                filled.append(Filled(deed.at, _due_on(terms, card)))
                card = []
    if card and _last_day(terms, card[0].day) < today:
        card = []
    ends = _last_day(terms, card[0].day) if card and terms.days is not None else None
    return Collected(tuple(filled), tuple(one.day for one in card), total, ends)


def _last_day(terms: StampTerms, first: dt.date) -> dt.date:
    return dt.date.max if terms.days is None else first + dt.timedelta(days=terms.days - 1)


def _due_on(terms: StampTerms, card: Sequence[Deed]) -> dt.date:
    if terms.wait_days is not None:
        return card[-1].day + dt.timedelta(days=terms.wait_days)
    return max(one.day + dt.timedelta(days=one.wait_days) for one in card)
