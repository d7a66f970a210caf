"""What outstanding points are worth in the books, and the postings of a month.

Nothing is hard-coded: value, expected redemption and accounts come from a version of the policy. Points that the mall
gives on a tenant's sale are no part of the mall's own price, so the default is a provision against selling expense;
points on one's own sale can be set up as a contract liability by naming other accounts (IFRS 15 B39–B41, ASBE 14).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

BP = 10_000


@dataclass(frozen=True, slots=True)
class Policy:
    """``value_fen`` is the cost of ``value_points``; ``redemption_bp`` of what is earned is expected to be spent."""

    version: int
    value_points: int
    value_fen: int
    redemption_bp: int
    accounts: Mapping[str, str]

    def fen(self, points: int, *, expected: bool) -> int:
        """The value of points, halves up; ``expected``: of the part that will be spent."""
        bp = self.redemption_bp if expected else BP
        numerator, denominator = points * self.value_fen * bp, self.value_points * BP
        sign = -1 if numerator < 0 else 1
        return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


@dataclass(frozen=True, slots=True)
class Flows:
    """Points of one payer in one month. ``earned`` less what returns took, ``spent`` less what came back."""

    opening: int
    earned: int
    spent: int
    expired: int
    adjusted: int
    closing: int


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of the journal; exactly one of the amounts is above zero."""

    entry: str
    account: str
    payer: str
    points: int
    debit_fen: int
    credit_fen: int


ACCOUNTS = ("expense", "receivable", "provision", "payable")
"""Selling expense, receivable from who pays, provision for points, payable to who honours them."""


def postings(payer: str, is_own: bool, flows: Flows, opening: Policy, closing: Policy) -> Iterator[Posting]:
    """The month of one payer: earned, spent, expired, and what the estimate changed.

    Each entry balances, and the provision account moves from the value of the opening to that of the closing points.
    What others pay for is claimed from them instead of being an expense.
    """
    cost = closing.accounts["expense" if is_own else "receivable"]
    provision, payable = closing.accounts["provision"], closing.accounts["payable"]
    begin = opening.fen(flows.opening, expected=True)
    end = closing.fen(flows.closing, expected=True)
    earned = closing.fen(flows.earned + flows.adjusted, expected=True)
    spent = closing.fen(flows.spent, expected=False)
    expired = closing.fen(flows.expired, expected=True)
    changed = end - (begin + earned - spent - expired)
    steps = (
        ("earned", flows.earned + flows.adjusted, earned, cost, provision),
        ("spent", flows.spent, spent, provision, payable),
        ("expired", flows.expired, expired, provision, cost),
        ("estimate", 0, changed, cost, provision),
    )
    for entry, points, fen, debit, credit in steps:
        if fen < 0:
            debit, credit, fen = credit, debit, -fen
        if fen:
            yield Posting(entry, debit, payer, points, fen, 0)
            yield Posting(entry, credit, payer, points, 0, fen)
