"""What an account looks like while a decision is made, and how points enter and leave its lots.

``AccountState`` is changed in place by the functions here; each change is returned as a ``Movement`` that the posting
writes. Points leave the earliest-expiring lots first; what a movement took is remembered on it, so giving it back
restores exactly those lots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from zhike.loyalty.rules.calendar import NEVER
from zhike.loyalty.rules.funding import portions

LotKey = tuple[date, int]
LotParts = tuple[tuple[date, int, int], ...]


@dataclass(slots=True)
class AccountState:
    """One member's account as read: ``lots`` maps (expires_on, funding_id) to remaining points.

    ``tier_id`` is the tier that counts; ``earned_id`` what was earned, where a temporary one stands above it, else 0.
    """

    account_id: int
    version: int
    balance: int
    debt: int
    qualifying_fen: int
    tier_id: int
    lots: dict[LotKey, int] = field(default_factory=dict)
    caps: dict[tuple[int, str, date], int] = field(default_factory=dict)
    earned_id: int = 0

    @property
    def earned_tier_id(self) -> int:
        return self.earned_id or self.tier_id

    @property
    def net(self) -> int:
        return self.balance - self.debt


@dataclass(frozen=True, slots=True)
class Movement:
    """One change of an account: ``points`` = |Σ lots| + ``debt_points``; ``sign`` +1 enters, −1 leaves."""

    sign: int
    points: int
    lots: tuple[tuple[date, int, int], ...]
    debt_points: int
    balance_after: int


@dataclass(slots=True)
class Waiting:
    """Points of one receipt that may not be spent before ``available_on``; ``lots`` are those of what remains."""

    points: int
    remaining: int
    lots: LotParts
    available_on: date

    def take(self, points: int) -> LotParts:
        """Take points away again, the earliest expiry first, or from all payers alike; the parts taken."""
        self.remaining -= points
        if has_one_payer(self.lots):
            taken = first_of(self.lots, points)
            self.lots = without_first(self.lots, points)
            return taken
        kept = portions([part for _, _, part in self.lots], self.remaining)
        taken = _parts(self.lots, [part - left for (_, _, part), left in zip(self.lots, kept, strict=True)])
        self.lots = _parts(self.lots, kept)
        return taken


class NotEnoughPoints(ValueError):
    """The account holds ``available`` points, fewer than asked."""

    def __init__(self, available: int) -> None:
        super().__init__(available)
        self.available = available


def credit(state: AccountState, points: int, expires_on: date, funding_id: int) -> Movement:
    """Let points in: they repay debt first, the rest joins the lot of their expiry and funding."""
    return credit_lots(state, ((expires_on, funding_id, points),))


def credit_lots(state: AccountState, lots: LotParts) -> Movement:
    """Let points of several lots in; those that expire first repay debt, the rest joins its lots."""
    points = sum(part for _, _, part in lots)
    repaid = min(points, state.debt)
    kept = without_first(lots, repaid)
    for expires_on, funding_id, part in kept:
        state.lots[expires_on, funding_id] = state.lots.get((expires_on, funding_id), 0) + part
    state.debt -= repaid
    state.balance += points - repaid
    return Movement(1, points, kept, repaid, state.net)


def has_one_payer(lots: LotParts) -> bool:
    return len({funding_id for _, funding_id, _ in lots}) <= 1


def _parts(lots: LotParts, points: Sequence[int]) -> LotParts:
    """The same lots with other points, without the empty ones."""
    return tuple((day, payer, part) for (day, payer, _), part in zip(lots, points, strict=True) if part)


def shares_between(lots: LotParts, before: int, after: int) -> LotParts:
    """What falls on each lot of the points from ``before`` to ``after`` of those that were earned together."""
    weights = [part for _, _, part in lots]
    had = portions(weights, before)
    return _parts(lots, [now - then for now, then in zip(portions(weights, after), had, strict=True)])


def first_of(lots: LotParts, points: int) -> LotParts:
    """The parts of ``lots`` that make up their first ``points``, earliest expiry first."""
    taken: list[tuple[date, int, int]] = []
    for expires_on, funding_id, part in sorted(lots):
        amount = min(part, points)
        points -= amount
        if amount:
            taken.append((expires_on, funding_id, amount))
    return tuple(taken)


def without_first(lots: LotParts, points: int) -> LotParts:
    """What is left of ``lots`` when their first ``points``, earliest expiry first, are gone."""
    left: list[tuple[date, int, int]] = []
    for expires_on, funding_id, part in sorted(lots):
        gone = min(part, points)
        points -= gone
        if part > gone:
            left.append((expires_on, funding_id, part - gone))
    return tuple(left)


def debit(
    state: AccountState,
    points: int,
    *,
    first: tuple[LotKey, ...] = (),
    shares: LotParts = (),
    into_debt: bool = False,
) -> Movement:
    """Take points out: these ``shares`` of lots, then from the lots named ``first``, then the earliest expiry first; the
    rest becomes debt if allowed.

    Raises NotEnoughPoints, changing nothing, when the balance is short and ``into_debt`` is False.
    """
    if points > state.balance and not into_debt:
        raise NotEnoughPoints(state.balance)
    left = points
    taken: dict[LotKey, int] = {}
    named = [key for key in first if state.lots.get(key)]
    others = [*named, *sorted(key for key in state.lots if key not in named)]
    wanted = [*(((day, payer), part) for day, payer, part in shares), *((key, points) for key in others)]
    for key, most in wanted:
        if not left:
            break
        part = min(left, most, state.lots.get(key, 0))
        if part:
            state.lots[key] -= part
            taken[key] = taken.get(key, 0) + part
            left -= part
    state.balance -= points - left
    state.debt += left
    return Movement(-1, points, tuple((*key, part) for key, part in taken.items()), left, state.net)


def restore(
    state: AccountState, taken: tuple[tuple[date, int, int], ...], given_back: int, points: int
) -> Movement:
    """Give ``points`` of an earlier debit back to the very lots it took them from, last taken first.

    ``given_back`` points of that debit were restored before. Debt is repaid first, out of the same points.
    """
    repaid = min(points, state.debt)
    state.debt -= repaid
    skip, left = given_back + repaid, points - repaid
    lots: list[tuple[date, int, int]] = []
    for expires_on, funding_id, part in reversed(taken):
        passed = min(skip, part)
        skip -= passed
        amount = min(part - passed, left)
        if amount:
            state.lots[expires_on, funding_id] = state.lots.get((expires_on, funding_id), 0) + amount
            lots.append((expires_on, funding_id, amount))
            left -= amount
    state.balance += points - repaid - left
    if left:
        raise ValueError("more points given back than were taken")
    return Movement(1, points, tuple(lots), repaid, state.net)


def expire(state: AccountState, today: date) -> list[Movement]:
    """Take out every lot that expired before ``today``, one movement per lot."""
    movements = []
    for key in sorted(state.lots):
        points = state.lots[key]
        if key[0] >= today or key[0] == NEVER or not points:
            continue
        state.lots[key] = 0
        state.balance -= points
        movements.append(Movement(-1, points, ((*key, points),), 0, state.net))
    return movements
