"""What a point is worth when it is spent: a table of rates by trade category, tier and calendar.

The rule by which one line of the table wins is one sentence: *the line that names more wins; of two that name as much,
dates go before weekdays, weekdays before trade categories, those before tiers; then the one further down.* It is applied
once to the lines that state a price (``points`` for ``fen``; the table's own price is the last resort) and once to those
that state a premium, of which only the winner counts. A rate is an exact fraction: nothing is rounded before the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import gcd
from typing import Any

import msgspec

WHOLE_BP = 10_000
POINTS_MAX, FEN_MAX, MAXIMUM_MAX = 1_000_000, 100_000_000, 100_000_000
PREMIUM_MIN_BP, PREMIUM_MAX_BP = -9_000, 100_000
LINES_MAX, DATES_MAX = 60, 40
LOOK_AHEAD_DAYS = 400


class Dates(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_date": "from", "to_date": "to"}
):
    """From one day to another, both included, in the programme's zone."""

    from_date: date
    to_date: date


class RateLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line: where it holds, and either a price (``points`` for ``fen``) or a ``premium_bp`` on the price that won."""

    name: str = ""
    points: int | None = None
    fen: int | None = None
    premium_bp: int | None = None
    dates: tuple[Dates, ...] = ()
    weekdays: tuple[int, ...] = ()
    trade_categories: tuple[int, ...] = ()
    tiers: tuple[int, ...] = ()

    @property
    def is_premium(self) -> bool:
        return self.premium_bp is not None

    @property
    def rank(self) -> tuple[int, bool, bool, bool, bool]:
        """Who names more goes first; then dates, weekdays, trade categories, tiers."""
        named = (bool(self.dates), bool(self.weekdays), bool(self.trade_categories), bool(self.tiers))
        return (sum(named), *named)

    def holds_on(self, day: date) -> bool:
        return (not self.dates or any(one.from_date <= day <= one.to_date for one in self.dates)) and (
            not self.weekdays or day.isoweekday() in self.weekdays
        )

    def holds(self, tier_id: int | None, trade_category_id: int | None, day: date) -> bool:
        return (
            (not self.trade_categories or trade_category_id in self.trade_categories)
            and (not self.tiers or tier_id in self.tiers)
            and self.holds_on(day)
        )


class RateTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON of a version: the price where no line says otherwise, the lines, and how much may be spent at once.

    ``share_bp`` is the part of a bill that points may pay, where the till names the bill.
    """

    points: int
    fen: int
    lines: tuple[RateLine, ...] = ()
    step: int = 1
    minimum: int = 1
    maximum: int = 1_000_000
    share_bp: int = WHOLE_BP


class RateTableError(ValueError):
    """The table cannot be used; ``path`` is the JSON path, ``reason`` a stable word."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


def parse_table(data: Mapping[str, Any]) -> RateTable:
    """Parse and check a table. Raises RateTableError naming the path."""
    try:
        table = msgspec.convert(data, RateTable, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        raise RateTableError(path.strip("`") or "$", reason) from None
    for path, wrong in _faults(table):
        if wrong:
            raise RateTableError(path, "out_of_range")
    return table


def _faults(table: RateTable) -> Iterable[tuple[str, bool]]:
    yield "$.points", not 1 <= table.points <= POINTS_MAX
    yield "$.fen", not 1 <= table.fen <= FEN_MAX
    yield "$.step", not 1 <= table.step <= POINTS_MAX
    yield "$.maximum", not 1 <= table.maximum <= MAXIMUM_MAX
    yield "$.minimum", not 1 <= table.minimum <= table.maximum
    yield "$.share_bp", not 1 <= table.share_bp <= WHOLE_BP
    yield "$.lines", len(table.lines) > LINES_MAX
    for at, line in enumerate(table.lines):
        path = f"$.lines[{at}]"
        if line.premium_bp is None:
            yield f"{path}.points", line.points is None or not 1 <= line.points <= POINTS_MAX
            yield f"{path}.fen", line.fen is None or not 1 <= line.fen <= FEN_MAX
        else:
            yield f"{path}.premium_bp", not PREMIUM_MIN_BP <= line.premium_bp <= PREMIUM_MAX_BP
            yield f"{path}.points", line.points is not None or line.fen is not None
        yield f"{path}.name", len(line.name) > 60 or "\0" in line.name
        yield f"{path}.weekdays", any(not 1 <= day <= 7 for day in line.weekdays)
        yield f"{path}.dates", len(line.dates) > DATES_MAX
        yield f"{path}.dates", any(one.from_date > one.to_date for one in line.dates)


@dataclass(frozen=True, slots=True)
class Rate:
    """``points`` are worth ``fen``; in lowest terms where a premium made it."""

    points: int
    fen: int

    def of(self, points: int) -> Fraction:
        """What points are worth, in fen, exactly."""
        return Fraction(points * self.fen, self.points)

    def is_above(self, other: Rate) -> bool:
        return self.fen * other.points > other.fen * self.points

    def as_list(self) -> list[int]:
        return [self.points, self.fen]


@dataclass(frozen=True, slots=True)
class Found:
    """The rate here and now, and the lines that made it: positions in the table, None for the table's own price."""

    rate: Rate
    price: int | None = None
    premium: int | None = None


def find_rate(table: RateTable, tier_id: int | None, trade_category_id: int | None, day: date) -> Found:
    """The rate for a member of this tier at a shop of this trade category on this day."""
    price = premium = None
    for at, line in enumerate(table.lines):
        if not line.holds(tier_id, trade_category_id, day):
            continue
        if line.is_premium:
            if premium is None or line.rank >= table.lines[premium].rank:
                premium = at
        elif price is None or line.rank >= table.lines[price].rank:
            price = at
    points, fen = table.points, table.fen
    if price is not None:
        points, fen = table.lines[price].points or 1, table.lines[price].fen or 1
    if premium is not None:
        points, fen = points * WHOLE_BP, fen * (WHOLE_BP + (table.lines[premium].premium_bp or 0))
        points, fen = points // (common := gcd(points, fen)), fen // common
    return Found(Rate(points, fen), price, premium)


@dataclass(frozen=True, slots=True)
class Version:
    """A table in force from ``starts_at``; None: its notice has not been given yet, so it is not in force at all.

    ``keeps``: points given before its notice stay worth what the table before it made of them.
    """

    id: int
    number: int
    table: RateTable
    starts_at: datetime | None
    keeps: bool = False


def in_force(versions: Sequence[Version], at: datetime) -> Version | None:
    """The version in force; of two that start together the later one."""
    started = [one for one in versions if one.starts_at is not None and one.starts_at <= at]
    return max(started, key=lambda one: (one.starts_at, one.number), default=None)


def promises_of(versions: Sequence[Version], since: int, own: RateTable, at: datetime) -> Iterable[RateTable]:
    """The tables that points of fundings since version ``since`` (0: the first) were promised, beside today's."""
    for one in versions:
        if one.keeps and one.id > since and one.starts_at is not None and one.starts_at <= at:
            before = in_force(versions, one.starts_at - timedelta(microseconds=1))
            yield before.table if before else own


@dataclass(frozen=True, slots=True)
class Terms:
    """What points are worth at one till at one moment, and how many may be spent at once.

    ``promised`` are the rates of fundings whose points keep an older promise that is worth more than ``rate``.
    """

    rate: Rate
    step: int
    minimum: int
    maximum: int
    share_bp: int = WHOLE_BP
    promised: Mapping[int, Rate] = field(default_factory=dict)
    version: int = 0
    price: str = ""
    premium: str = ""
    premium_bp: int = 0

    def rate_of(self, funding_id: int) -> Rate:
        return self.promised.get(funding_id, self.rate)

    def told(self, parts: Parts) -> dict[str, Any]:
        """What a transfer says of its rate: ``rate``, and where lots had different ones ``promises`` by funding."""
        used = sorted({funding_id for funding_id, _ in parts if funding_id in self.promised})
        told: dict[str, Any] = {"rate": self.rate.as_list()}
        if used:
            told["promises"] = [[one, *self.promised[one].as_list()] for one in used]
        if self.version:
            told["rates"] = self.version
        return told

    def fen(self, parts: Parts) -> int:
        return int(worth(parts, self.rate, self.promised))


Parts = Sequence[tuple[int, int]]
"""What was taken, in the order it was taken: (funding, points)."""


def worth(parts: Parts, rate: Rate, promised: Mapping[int, Rate], first: int | None = None) -> Fraction:
    """What the ``first`` points of the parts (None: all) are worth in fen, exactly."""
    total, left = Fraction(0), sum(points for _, points in parts) if first is None else first
    for funding_id, points in parts:
        taken = min(points, left)
        left -= taken
        total += promised.get(funding_id, rate).of(taken)
    return total


def rates_told(told: Mapping[str, Any]) -> tuple[Rate, dict[int, Rate]]:
    """The rates that a transfer's explanation names: its own, and those promised to fundings."""
    return Rate(*told["rate"]), {one: Rate(points, fen) for one, points, fen in told.get("promises", ())}


def cost_of_back(told: Mapping[str, Any], parts: Parts, back: int) -> int:
    """What a customer pays for the last ``back`` points of a redemption, rounded up; all of them cost its whole value."""
    rate, promised = rates_told(told)
    whole = sum(points for _, points in parts)
    return int(worth(parts, rate, promised)) - int(worth(parts, rate, promised, whole - back))


def points_for_back(told: Mapping[str, Any], parts: Parts, share: int, of: int) -> int:
    """How many of the last points of a redemption come back for ``share``/``of`` of what it paid: never worth more."""
    rate, promised = rates_told(told)
    if share >= of:
        return sum(points for _, points in parts)
    left, back = worth(parts, rate, promised) * share / of, 0
    for funding_id, points in reversed(parts):
        one = promised.get(funding_id, rate)
        fitting = min(points, int(left * one.points / one.fen))
        left, back = left - one.of(fitting), back + fitting
        if fitting < points:
            break
    return back


# --- before a table is published


def cut_bp(before: RateTable, after: RateTable, tiers: Iterable[int], since: date) -> int:
    """By how much a table makes points worth less where it cuts deepest, in basis points; 0 when it does nowhere.

    Both are compared for every trade category and tier that either names and every day of the coming year or so: days
    on which the same lines hold are alike.
    """
    lines = (*before.lines, *after.lines)
    categories = {None, *(one for line in lines for one in line.trade_categories)}
    ladder = {None, *tiers, *(one for line in lines for one in line.tiers)}
    days: dict[tuple[bool, ...], date] = {}
    for ahead in range(LOOK_AHEAD_DAYS):
        day = since + timedelta(days=ahead)
        days.setdefault(tuple(line.holds_on(day) for line in lines), day)
    worst = Fraction(1)
    for day in days.values():
        for category in categories:
            for tier in ladder:
                old, new = (find_rate(table, tier, category, day).rate for table in (before, after))
                worst = min(worst, Fraction(new.fen * old.points, new.points * old.fen))
    return -int((worst - 1) * WHOLE_BP // 1)


def fitting(terms: Terms, parts: Parts, most_fen: int | None) -> int:
    """How many points of these lots may be spent at once, in whole steps: for a bill, worth no more than ``most_fen``."""
    most = min(sum(points for _, points in parts), terms.maximum)
    if most_fen is not None:
        left, within = Fraction(most_fen + 1), 0
        for funding_id, points in parts:
            rate = terms.rate_of(funding_id)
            # the value is rounded down once, over all: anything below the next fen fits
            taken = min(points, -int(-left * rate.points // rate.fen) - 1)
            left, within = left - rate.of(taken), within + taken
            if taken < points:
                break
        most = min(most, within)
    return most - most % terms.step
