"""An auction for points: what a bid must be, who stands, who wins, and the proof that nobody came in afterwards. Pure.

Bids are the reserve plus whole steps. The highest win; of equal ones the earlier. Of the open kind only as many stand as
there are units, and the points of whoever is outbid are free at once; of the sealed kind all stand until the end.

Each bid has a commitment, SHA-256 of ``code|number|bidder|points|salt``, which its bidder gets at once; they form a chain,
SHA-256 of ``before|commitment``, whose head everybody sees. Afterwards bids and salts are published.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

POINTS_MAX = 100_000_000
UNITS_MAX = 1_000
LONGEST = dt.timedelta(days=31)
EXTENSION_MINUTES_MAX = 30
EXTENSION_MOST_MAX = 240
GRACE = dt.timedelta(days=7)
"""So much longer than an auction can last its bids hold their points: closing may be late, the points may not be gone."""


@dataclass(frozen=True, slots=True)
class Bid:
    number: int
    bidder: int
    points: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What is promised before the start; points of one unit."""

    code: str
    name: str
    kind: str
    reward: str
    units: int
    reserve_points: int
    step_points: int
    opens_at: dt.datetime
    closes_at: dt.datetime
    extension_minutes: int = 0
    extension_most: int = 0

    @property
    def latest_end(self) -> dt.datetime:
        """It cannot end later, however often it is extended."""
        return self.closes_at + dt.timedelta(minutes=self.extension_most)


def is_sound(terms: Terms) -> bool:
    """Whether an auction can be like this."""
    extends = terms.extension_minutes or terms.extension_most
    return (
        0 < terms.units <= UNITS_MAX
        and 0 < terms.reserve_points <= POINTS_MAX
        and 0 < terms.step_points <= POINTS_MAX
        and dt.timedelta(0) < terms.closes_at - terms.opens_at <= LONGEST
        and 0 <= terms.extension_minutes <= EXTENSION_MINUTES_MAX
        and 0 <= terms.extension_most <= EXTENSION_MOST_MAX
        and (not extends or (terms.kind == "open" and 0 < terms.extension_minutes <= terms.extension_most))
    )


def ranked(bids: Iterable[Bid]) -> list[Bid]:
    """Highest first; of equal ones the earlier."""
    return sorted(bids, key=lambda one: (-one.points, one.number))


def least(terms: Terms, standing: Sequence[Bid], bidder: int | None) -> int:
    """The fewest points that whoever has this number (None: nobody yet) may bid now."""
    own = next((one.points for one in standing if one.bidder == bidder), None)
    if own is not None:
        return own + terms.step_points
    if terms.kind == "sealed" or len(standing) < terms.units:
        return terms.reserve_points
    return ranked(standing)[-1].points + terms.step_points


def is_bid(terms: Terms, points: int, fewest: int) -> bool:
    """Not too few, not too many, and the reserve plus whole steps."""
    return fewest <= points <= POINTS_MAX and (points - terms.reserve_points) % terms.step_points == 0


def outbid(terms: Terms, standing: Sequence[Bid]) -> Bid | None:
    """Who has to make room, the newest bid being among the standing."""
    if terms.kind == "sealed" or len(standing) <= terms.units:
        return None
    return ranked(standing)[-1]


def end_after(terms: Terms, ends_at: dt.datetime, now: dt.datetime) -> dt.datetime:
    """When it ends after a bid at ``now``: a late one leaves others the time to answer."""
    return max(ends_at, min(now + dt.timedelta(minutes=terms.extension_minutes), terms.latest_end))


def commitment(code: str, bid: Bid, salt: str) -> str:
    return _sha256(f"{code}|{bid.number}|{bid.bidder}|{bid.points}|{salt}")


def link(head: str, added: str) -> str:
    """The chain's head after one more commitment."""
    return _sha256(f"{head}|{added}")


def terms_record(terms: Terms) -> dict[str, Any]:
    """The terms as they are published, and as `digest` reads them."""
    return {
        name: value.isoformat() if isinstance(value, dt.datetime) else value
        for name in Terms.__dataclass_fields__
        for value in [getattr(terms, name)]
    }


def digest(terms: Terms) -> str:
    """SHA-256 of the terms as canonical JSON."""
    text = json.dumps(terms_record(terms), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return _sha256(text)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
