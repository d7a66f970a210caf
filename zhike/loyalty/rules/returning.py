"""What a return takes back: the points the kept goods alone would not have earned, under the sale's own explanation.

Nothing is looked up: base rate, multipliers, minimum spend and caps of the sale stand in its explanation, so a rule
changed since then changes no return, and repeated partial returns end where one full return does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from zhike.loyalty.rules.accounts import (
    AccountState,
    LotParts,
    Movement,
    debit,
    has_one_payer,
    shares_between,
)
from zhike.loyalty.rules.calendar import FOR_EVER
from zhike.loyalty.rules.definition import UNIT_BP
from zhike.loyalty.rules.earning import Explanation, round_points


def part_of(amount: int, share: int, whole: int) -> int:
    """``share``/``whole`` of an amount, rounded down; it grows with the share and reaches the amount with the whole.

    Taken of cumulative shares and subtracted, parts of any sizes in any order sum to exactly the amount.
    """
    return amount * share // whole if whole else 0


def part_up(amount: int, share: int, whole: int) -> int:
    """As ``part_of``, rounded up: for money that a customer pays for points they get back."""
    return -(-amount * share // whole) if whole else 0


@dataclass(frozen=True, slots=True)
class Kept:
    """Of one rule's part of an award: points it gave and points it still gives for what was kept."""

    version_id: int
    rule_id: int
    points: int
    kept: int
    caps: tuple[str, ...]


def kept_points(
    explanation: Explanation, kept_fen: Mapping[int, tuple[int, int]], rounding: str
) -> list[Kept]:
    """What each rule of an award still gives when of each line (kept fen, net fen) remains."""
    kept_total = sum(kept for kept, _ in kept_fen.values())
    result = []
    for part in explanation["rules"]:
        if not part["points"]:
            continue
        kept = 0 if kept_total < part.get("minimum_fen", 0) else _points_of_kept(part, kept_fen, rounding)
        caps = tuple(cap for cap, _, _ in part["caps"] if cap != "receipt")
        result.append(Kept(part["version"], part["rule"], part["points"], min(kept, part["points"]), caps))
    return result


def _points_of_kept(part: Mapping[str, Any], kept_fen: Mapping[int, tuple[int, int]], rounding: str) -> int:
    common, denominator = part["base"][0], part["base"][1] * UNIT_BP ** (len(part["factors"]) + 1)
    for _, _, bp in part["factors"]:
        common *= bp
    weight = 0
    for line_no, fen, bp, _ in part["lines"]:
        kept, net = kept_fen.get(line_no, (1, 1))
        weight += (fen * kept // net if net else 0) * bp
    points = round_points(weight * common, denominator, rounding)
    for _, limit, used in part["caps"]:
        points = min(points, max(0, limit - used))
    return points


def cap_period(cap: str, day: date) -> date:
    return FOR_EVER if cap == "member_total" else day


@dataclass(frozen=True, slots=True)
class Clawback:
    """How ``due`` points were taken back: before they could be spent, from lots, as debt, out of the cash refund, or
    waived."""

    due: int
    movement: Movement | None
    deduct_cash_fen: int = 0
    deducted_points: int = 0
    waived_points: int = 0
    waiting_points: int = 0

    @property
    def taken(self) -> int:
        """Points that left: waiting ones, spendable ones, and what became debt."""
        return self.waiting_points + (self.movement.points if self.movement else 0)

    @property
    def debt_points(self) -> int:
        return self.movement.debt_points if self.movement else 0


class ReturnBlocked(ValueError):
    """The programme refuses returns whose points are spent; ``missing`` points are short."""

    def __init__(self, missing: int) -> None:
        super().__init__(missing)
        self.missing = missing


def claw_back(
    state: AccountState,
    due: int,
    shortfall: str,
    lots: LotParts,
    *,
    clawed: int = 0,
    refund_fen: int,
    redeem_points: int,
    redeem_fen: int,
) -> Clawback:
    """Take ``due`` points back by the programme's ``shortfall`` policy, from the ``lots`` that the sale made first.

    Where several parties paid for them, each gets back in proportion; ``clawed`` points went back before.
    debt: the rest becomes debt; block: ReturnBlocked, nothing changed; waive: the rest is let go; deduct_cash: the
    rest is paid from the refund at the redemption rate, rounded up, and what the refund cannot pay becomes debt.
    """
    if due <= 0:
        return Clawback(0, None)
    first = tuple((expires_on, funding_id) for expires_on, funding_id, _ in lots)
    shares = () if has_one_payer(lots) else shares_between(lots, clawed, clawed + due)
    missing = max(0, due - state.balance)
    if not missing or shortfall == "debt":
        return Clawback(due, debit(state, due, first=first, shares=shares, into_debt=True))
    if shortfall == "block":
        raise ReturnBlocked(missing)
    if shortfall == "waive":
        taken = due - missing
        return Clawback(
            due, debit(state, taken, first=first, shares=shares) if taken else None, waived_points=missing
        )
    payable = min(missing, refund_fen * redeem_points // redeem_fen)
    fen = min(refund_fen, -(-payable * redeem_fen // redeem_points))
    taken = due - payable
    movement = debit(state, taken, first=first, shares=shares, into_debt=True) if taken else None
    return Clawback(due, movement, deduct_cash_fen=fen, deducted_points=payable)
