"""The best price of a basket under promotions: exact, pure, explained line by line.

A promotion applies to the lines it covers and takes fen off them, or adds gifts. Promotions of one ``group`` exclude each
other: at most one of a group is applied, once. An ``exclusive`` one is applied alone. Promotions are applied in the order of
their ``priority`` and each sees what the earlier ones left of a line, so a choice of promotions has exactly one price, and the
best price is the best of all choices. The search visits choices in that order and cuts a branch only when even the most
that the rest could take off (a bound that is never too low) would not beat what was found; so it is exact, which a test
holds against trying every choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from zhike.offers.rules.promotions import Promotion
from zhike.offers.rules.shares import UNIT_BP, split
from zhike.offers.rules.terms import Scope

STEPS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line of whole pieces at one price; ``unit_price_fen`` each."""

    line_no: int
    quantity: int
    unit_price_fen: int
    sku: str = ""
    product_category_id: int | None = None

    @property
    def gross_fen(self) -> int:
        return self.quantity * self.unit_price_fen


@dataclass(frozen=True, slots=True)
class Applied:
    """One promotion of a choice: fen off by line, gifts, and what it counted on."""

    promotion_id: int
    discount_fen: int
    lines: tuple[tuple[int, int], ...]
    gifts: tuple[tuple[str, int], ...] = ()
    eligible_fen: int = 0
    eligible_quantity: int = 0


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A promotion that a little more would have brought: fen or pieces that are missing."""

    promotion_id: int
    missing_fen: int = 0
    missing_quantity: int = 0


@dataclass(frozen=True, slots=True)
class Priced:
    """``is_exact`` False: the search was stopped at its limit; the price is right for its choice but maybe not the best."""

    gross_fen: int
    discount_fen: int
    applied: tuple[Applied, ...]
    near: tuple[NearMiss, ...]
    is_exact: bool

    @property
    def net_fen(self) -> int:
        return self.gross_fen - self.discount_fen

    def line_discounts(self) -> dict[int, int]:
        """Fen off by line, all promotions together."""
        off: dict[int, int] = {}
        for one in self.applied:
            for line_no, fen in one.lines:
                off[line_no] = off.get(line_no, 0) + fen
        return off


def best_price(lines: Sequence[PricedLine], promotions: Sequence[Promotion]) -> Priced:
    """The choice with the most taken off; of equal ones that with the more valuable gifts, then the one with fewer promotions.

    ``promotions`` are those that hold here and now; what they cover is judged by line.
    """
    search = _Search(tuple(lines), sorted(promotions, key=lambda one: (one.rule.priority, one.id)))
    search.run()
    gross = sum(line.gross_fen for line in lines)
    applied = search.best
    taken = {one.promotion_id for one in applied}
    near = tuple(
        miss for one in promotions if one.id not in taken and (miss := near_miss(one, lines)) is not None
    )
    return Priced(gross, sum(one.discount_fen for one in applied), applied, near, search.steps <= STEPS_MAX)


class _Stackable:
    """A promotion of the search: which lines it covers, and what was worked out before for the same rest of them."""

    __slots__ = (
        "at",
        "gift_value",
        "group",
        "least_fen",
        "one",
        "pieces",
        "rules",
        "seen_most",
        "seen_taken",
        "several",
    )

    def __init__(self, one: Promotion, lines: Sequence[PricedLine], groups: dict[str, int]) -> None:
        self.one = one
        self.at = [place for place, line in enumerate(lines) if covers(one.rule.scope, line)]
        self.several = [lines[place] for place in self.at]
        self.pieces = sum(line.quantity for line in self.several)
        self.least_fen = one.rule.minimum_fen
        self.gift_value = one.rule.gift_value_fen
        self.group = 1 << groups.setdefault(one.rule.group or f"#{one.id}", len(groups))
        self.seen_most: dict[int, int] = {}
        self.seen_taken: dict[tuple[int, ...], tuple[int, tuple[tuple[int, int], ...]] | None] = {}

    def most(self, eligible: int) -> int:
        """What it could take off of so much, or of less, in any state of the lines."""
        found = self.seen_most.get(eligible)
        if found is None:
            found = self.seen_most[eligible] = _most_off(self.one, eligible, self.pieces)
        return found

    def taken(self, left: Sequence[int]) -> tuple[int, tuple[tuple[int, int], ...]] | None:
        """(fen off, the parts by place of the line); None when it does nothing."""
        rest = tuple([left[place] for place in self.at])
        try:
            return self.seen_taken[rest]
        except KeyError:
            applied = _apply_to(self.one, self.several, rest)
        found = None
        if applied is not None:
            places = {line.line_no: place for line, place in zip(self.several, self.at, strict=True)}
            found = applied.discount_fen, tuple((places[line_no], part) for line_no, part in applied.lines)
        self.seen_taken[rest] = found
        return found


_Key = tuple[int, int, int]


@dataclass(slots=True)
class _Search:
    """``best_key`` is (fen off, value of gifts, −promotions) of the best choice so far."""

    lines: tuple[PricedLine, ...]
    promotions: list[Promotion]
    best: tuple[Applied, ...] = ()
    best_key: _Key = (0, 0, 0)
    steps: int = 0
    stackable: list[_Stackable] = field(default_factory=list)
    later: list[list[int]] = field(default_factory=list)
    chosen: tuple[_Stackable, ...] | None = None
    seen: dict[tuple[int, int, tuple[int, ...]], _Key] = field(default_factory=dict)

    def run(self) -> None:
        full = {line.line_no: line.gross_fen for line in self.lines}
        useful = [one for one in self.promotions if apply(one, self.lines, full) is not None]
        for one in useful:
            if one.rule.exclusive and (alone := apply(one, self.lines, full)) is not None:
                key = (alone.discount_fen, one.rule.gift_value_fen, -1)
                if key > self.best_key:
                    self.best, self.best_key = (alone,), key
        groups: dict[str, int] = {}
        self.stackable = [_Stackable(one, self.lines, groups) for one in useful if not one.rule.exclusive]
        places: set[int] = set()
        self.later = [[]]
        for stackable in reversed(self.stackable):
            places.update(stackable.at)
            self.later.append(sorted(places))
        self.later.reverse()
        self._visit(0, tuple(line.gross_fen for line in self.lines), (), 0, (0, 0, 0))
        if self.chosen is not None:
            self.best = self._replayed(self.chosen)

    def _visit(
        self, at: int, left: tuple[int, ...], chosen: tuple[_Stackable, ...], groups: int, key: _Key
    ) -> None:
        """``left`` of each line, ``groups`` that are taken (bits), ``key`` of what is chosen."""
        self.steps += 1
        if key > self.best_key:
            self.chosen, self.best_key = chosen, key
        if at == len(self.stackable) or self.steps > STEPS_MAX:
            return
        fen, gifts = self._most(at, left, groups)
        if (key[0] + fen, key[1] + gifts, key[2]) <= self.best_key:
            return
        if not self._is_news(at, left, groups, key):
            return
        one = self.stackable[at]
        if not groups & one.group and (found := one.taken(left)) is not None:
            off, parts = found
            rest = list(left)
            for place, part in parts:
                rest[place] -= part
            further = (key[0] + off, key[1] + one.gift_value, key[2] - 1)
            self._visit(at + 1, tuple(rest), (*chosen, one), groups | one.group, further)
        self._visit(at + 1, left, chosen, groups, key)

    def _most(self, at: int, left: tuple[int, ...], groups: int) -> tuple[int, int]:
        """(fen, gift value) that the promotions from a place on could add at most: of each free group only the best of it."""
        best_fen: dict[int, int] = {}
        best_gift: dict[int, int] = {}
        for one in self.stackable[at:]:
            group = one.group
            if groups & group:
                continue
            eligible = sum([left[place] for place in one.at])
            if eligible < one.least_fen:
                continue
            most = one.most(eligible)
            if most > best_fen.get(group, 0):
                best_fen[group] = most
            if one.gift_value > best_gift.get(group, 0):
                best_gift[group] = one.gift_value
        return min(sum(best_fen.values()), sum(left)), sum(best_gift.values())

    def _is_news(self, at: int, left: tuple[int, ...], groups: int, key: _Key) -> bool:
        """Whether the rest of the search has not been made before from the same state with at least as much taken off."""
        free = 0
        for one in self.stackable[at:]:
            free |= one.group
        state = at, groups & free, tuple([left[place] for place in self.later[at]])
        earlier = self.seen.get(state)
        if earlier is not None and earlier >= key:
            return False
        self.seen[state] = key
        return True

    def _replayed(self, chosen: Sequence[_Stackable]) -> tuple[Applied, ...]:
        """The choice line by line."""
        left = {line.line_no: line.gross_fen for line in self.lines}
        found = []
        for one in chosen:
            applied = apply(one.one, self.lines, left)
            assert applied is not None
            for line_no, part in applied.lines:
                left[line_no] -= part
            found.append(applied)
        return tuple(found)


def covers(scope: Scope, line: PricedLine) -> bool:
    return scope.product_categories.covers(line.product_category_id) and (
        not scope.skus or line.sku in scope.skus
    )


def apply(one: Promotion, lines: Sequence[PricedLine], left: dict[int, int]) -> Applied | None:
    """What one promotion does to what is left of the lines; None when its condition is not met or it would do nothing."""
    covered = [line for line in lines if covers(one.rule.scope, line)]
    return _apply_to(one, covered, [left[line.line_no] for line in covered])


def _apply_to(one: Promotion, covered: Sequence[PricedLine], rest: Sequence[int]) -> Applied | None:
    """As `apply`, of the lines it covers and what is left of each."""
    eligible, pieces = sum(rest), sum(line.quantity for line in covered)
    if eligible < one.rule.minimum_fen or pieces < one.rule.minimum_quantity or not covered:
        return None
    off = min(_off(one, covered, rest, eligible, pieces), eligible)
    gifts = _gifts(one, eligible, pieces)
    if off <= 0 and not gifts:
        return None
    weights = _weights(one, covered, rest, pieces)
    parts = split(off, weights) if sum(weights) >= off else split(off, rest)
    taken = tuple((line.line_no, part) for line, part in zip(covered, parts, strict=True) if part)
    return Applied(one.id, off, taken, gifts, eligible, pieces)


def _most_off(one: Promotion, eligible: int, pieces: int) -> int:
    """More cannot come off of ``eligible`` fen, or of less, however it lies on the lines."""
    if one.rule.kind in ("reach", "every"):
        most = _reach_off(one, eligible)
    elif one.rule.kind == "percent":
        most = _capped(one, _share_of(eligible, one.rule.percent_bp))
    elif one.rule.kind == "pieces":
        most = _share_of(eligible, _step_bp(one, pieces))
    elif one.rule.kind == "nth":
        # of every full group the reduced piece is its cheapest, so at most its nth part; each is rounded by itself
        most = _share_of(eligible // one.rule.nth + 1, one.rule.percent_bp) + pieces
    else:
        most = 0
    return min(eligible, most)


def _off(
    one: Promotion, covered: Sequence[PricedLine], rest: Sequence[int], eligible: int, pieces: int
) -> int:
    if one.rule.kind in ("reach", "every"):
        return _reach_off(one, eligible)
    if one.rule.kind == "percent":
        return _capped(one, _share_of(eligible, one.rule.percent_bp))
    if one.rule.kind == "pieces":
        return _share_of(eligible, _step_bp(one, pieces))
    if one.rule.kind == "nth":
        return sum(_share_of(price, one.rule.percent_bp) for price in _nth_prices(one, covered, rest))
    return 0


def _reach_off(one: Promotion, eligible: int) -> int:
    """满减: the highest step reached; 每满减: once for every ``minimum_fen``, at most ``cap_fen``."""
    if one.rule.kind == "every":
        off = (
            eligible // one.rule.minimum_fen * one.rule.off_fen if one.rule.minimum_fen else one.rule.off_fen
        )
    else:
        off = max((fen for minimum, fen in one.rule.steps if eligible >= minimum), default=0)
    return _capped(one, off)


def _capped(one: Promotion, off: int) -> int:
    return off if one.rule.cap_fen is None else min(off, one.rule.cap_fen)


def _step_bp(one: Promotion, pieces: int) -> int:
    """N件M折: the step of the most pieces reached."""
    return max(((need, bp) for need, bp in one.rule.steps if pieces >= need), default=(0, 0))[1]


def _share_of(fen: int, bp: int) -> int:
    """Half up to the fen."""
    return (2 * fen * bp + UNIT_BP) // (2 * UNIT_BP)


def _nth_prices(one: Promotion, covered: Sequence[PricedLine], rest: Sequence[int]) -> list[int]:
    """第 N 件: pieces dear to cheap in groups of ``nth``; the cheapest of every full group is the one that is reduced."""
    prices = sorted(_piece_prices(covered, rest), reverse=True)
    return prices[one.rule.nth - 1 :: one.rule.nth]


def _piece_prices(covered: Sequence[PricedLine], rest: Sequence[int]) -> list[int]:
    return [part for line, fen in zip(covered, rest, strict=True) for part in split(fen, [1] * line.quantity)]


def _weights(one: Promotion, covered: Sequence[PricedLine], rest: Sequence[int], pieces: int) -> list[int]:
    """Where the discount lies: on all that is covered, by what is left of it; 第 N 件 on the lines whose pieces it reduced."""
    if one.rule.kind != "nth":
        return list(rest)
    reduced = _nth_prices(one, covered, rest)
    weights = []
    for line, fen in zip(covered, rest, strict=True):
        mine = 0
        for price in split(fen, [1] * line.quantity):
            if price in reduced:
                reduced.remove(price)
                mine += price
        weights.append(mine)
    return weights


def _gifts(one: Promotion, eligible: int, pieces: int) -> tuple[tuple[str, int], ...]:
    if not one.rule.gift:
        return ()
    times = 1
    if one.rule.gift_every and one.rule.minimum_fen:
        times = eligible // one.rule.minimum_fen
    return ((one.rule.gift, min(times, one.rule.gift_most or times)),)


def near_miss(one: Promotion, lines: Sequence[PricedLine]) -> NearMiss | None:
    """What is missing of the condition, when something it covers is in the basket already."""
    covered = [line for line in lines if covers(one.rule.scope, line)]
    eligible, pieces = sum(line.gross_fen for line in covered), sum(line.quantity for line in covered)
    minimum = (
        min((step for step, _fen in one.rule.steps), default=0)
        if one.rule.kind == "reach"
        else one.rule.minimum_fen
    )
    fewest = (
        min((step for step, _bp in one.rule.steps), default=0)
        if one.rule.kind == "pieces"
        else one.rule.minimum_quantity
    )
    fewest = max(fewest, one.rule.nth if one.rule.kind == "nth" else 0)
    miss = NearMiss(one.id, max(0, minimum - eligible), max(0, fewest - pieces))
    return miss if covered and (miss.missing_fen or miss.missing_quantity) else None
