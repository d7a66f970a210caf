"""Two accounts become one, and two again as if they had never been one.

While two members are one, their points are one: whoever spends takes the earliest lots of both. Each movement says by
which side it came. When they part, each side's movements since are played again on what that side had; what one side
spent of the other's is then its debt. Nothing is made or lost: the two results sum to what the one account held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from zhike.loyalty.rules.accounts import AccountState, LotKey, LotParts, Movement, credit_lots, debit


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One side as it was at the merge; ``caps`` are (rule, cap, period, points used)."""

    lots: LotParts
    debt: int
    tier_id: int
    caps: tuple[tuple[int, str, date, int], ...] = ()

    def state(self) -> AccountState:
        """To play later movements on."""
        lots = {(day, funding): points for day, funding, points in self.lots}
        return AccountState(0, 0, sum(lots.values()), self.debt, 0, self.tier_id, lots)

    def as_json(self) -> dict[str, Any]:
        return {
            "lots": [[day.isoformat(), funding, points] for day, funding, points in self.lots],
            "debt": self.debt,
            "tier": self.tier_id,
            "caps": [[rule, cap, period.isoformat(), used] for rule, cap, period, used in self.caps],
        }


def snapshot_of_json(stored: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        tuple((date.fromisoformat(day), funding, points) for day, funding, points in stored["lots"]),
        stored["debt"],
        stored["tier"],
        tuple((rule, cap, date.fromisoformat(period), used) for rule, cap, period, used in stored["caps"]),
    )


def lots_of(state: AccountState) -> LotParts:
    """The lots that hold something, earliest first."""
    return tuple((*key, points) for key, points in sorted(state.lots.items()) if points)


@dataclass(frozen=True, slots=True)
class Moved:
    """One transfer of the shared account since the merge; ``is_own``: it came by the side that leaves."""

    transfer_id: int
    sign: int
    points: int
    lots: LotParts
    reason: str
    is_own: bool
    reverses_id: int | None = None


def replay(
    stays: AccountState, leaves: AccountState, moved: Iterable[Moved], spare: LotKey
) -> tuple[AccountState, AccountState]:
    """Both sides as their own movements alone would have left them; the states given are changed in place.

    ``spare`` is the lot for points of which no expiry is known, because they repaid a debt in the shared account that
    this side does not have. Lots that lapsed in the shared account are taken from whoever has them.
    """
    taken: dict[int, Movement] = {}
    given: dict[int, int] = {}
    for one in moved:
        state = leaves if one.is_own else stays
        if one.reason == "expire":
            _lapse(stays, leaves, one)
        elif one.sign < 0:
            first = tuple((day, funding) for day, funding, _ in one.lots)
            taken[one.transfer_id] = debit(
                state, one.points, first=first if one.reason == "clawback" else (), into_debt=True
            )
        else:
            origin = taken.get(one.reverses_id or 0)
            parts = one.lots if origin is None else _last_of(origin.lots, given.get(one.reverses_id or 0, 0))
            if origin is not None and one.reverses_id is not None:
                given[one.reverses_id] = given.get(one.reverses_id, 0) + one.points
            credit_lots(state, _as_many(parts, one.points, spare))
    return stays, leaves


def _last_of(lots: LotParts, skip: int) -> LotParts:
    """The lots in the order in which they are given back, without the ``skip`` points that were."""
    left: list[tuple[date, int, int]] = []
    for day, funding, part in reversed(lots):
        gone = min(part, skip)
        skip -= gone
        if part > gone:
            left.append((day, funding, part - gone))
    return tuple(left)


def _as_many(lots: LotParts, points: int, spare: LotKey) -> LotParts:
    """Exactly so many points of these lots, the rest of the spare one."""
    chosen: list[tuple[date, int, int]] = []
    for day, funding, part in lots:
        amount = min(part, points)
        points -= amount
        if amount:
            chosen.append((day, funding, amount))
    return (*chosen, (*spare, points)) if points else tuple(chosen)


def _lapse(stays: AccountState, leaves: AccountState, one: Moved) -> None:
    """Points that lapsed: out of the same lot, then out of whatever is earliest."""
    for day, funding, points in one.lots:
        left = points
        for state in (stays, leaves):
            part = min(left, state.lots.get((day, funding), 0))
            if part:
                debit(state, part, first=((day, funding),))
                left -= part
        for state in (stays, leaves):
            part = min(left, state.balance)
            if part:
                debit(state, part)
                left -= part
        if left:
            debit(stays, left, into_debt=True)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What has to leave and to enter an account so that it becomes another; debt counts as points of no lot."""

    out_lots: LotParts
    out_debt: int
    in_lots: LotParts
    in_debt: int

    @property
    def out_points(self) -> int:
        return sum(part for *_, part in self.out_lots) + self.out_debt

    @property
    def in_points(self) -> int:
        return sum(part for *_, part in self.in_lots) + self.in_debt


def settle(now: AccountState, wanted: AccountState) -> Settlement:
    """From one state to another, the fewest points moved."""
    keys = sorted(now.lots.keys() | wanted.lots.keys())
    change = {key: wanted.lots.get(key, 0) - now.lots.get(key, 0) for key in keys}
    return Settlement(
        tuple((*key, -points) for key, points in change.items() if points < 0),
        max(0, wanted.debt - now.debt),
        tuple((*key, points) for key, points in change.items() if points > 0),
        max(0, now.debt - wanted.debt),
    )


def union(stays: AccountState, joins: AccountState) -> AccountState:
    """Both in one: lots side by side, and whoever owes is paid by the earliest points of the other."""
    both = AccountState(
        stays.account_id, stays.version, stays.balance, stays.debt, 0, stays.tier_id, dict(stays.lots)
    )
    if joins.debt:
        debit(both, joins.debt, into_debt=True)
    credit_lots(both, lots_of(joins))
    return both


def used_caps(
    parts: Iterable[tuple[Mapping[str, Any], date]], forever: date
) -> dict[tuple[int, str, date], int]:
    """What awards used up of the caps that count: (explanation, day of the sale) of each."""
    used: dict[tuple[int, str, date], int] = {}
    for explanation, day in parts:
        for rule in explanation.get("rules", ()):
            for cap, *_ in rule.get("caps", ()):
                if cap != "receipt" and rule["points"]:
                    key = (rule["rule"], cap, forever if cap == "member_total" else day)
                    used[key] = used.get(key, 0) + rule["points"]
    return used


def changes(used: Mapping[tuple[int, str, date], int], sign: int) -> Sequence[tuple[int, str, date, int]]:
    """As a posting takes them."""
    return [(*key, sign * points) for key, points in sorted(used.items()) if points]
