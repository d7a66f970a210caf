"""Whom to spend on first: classes of value times risk, and a budget laid out by what each yuan brings back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

VALUES = ("top", "middle", "rest")
"""Of the scored members in scope by expected spend: the best fifth, down to the better half, the rest."""
BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One class: members, what they are expected to spend, and of that what may be lost, in fen."""

    value: str
    band: str
    members: int
    value_fen: int
    at_risk_fen: int


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a plan takes for granted. Costs are fen a contacted member, by class of value; shares are hundredths of a per cent.

    ``saved_bp``: of what may be lost, how much a contact saves, by band of risk. ``margin_bp``: of what is saved, what is ours.
    """

    budget_fen: int = 2_000_000
    cost_fen: Mapping[str, int] = field(default_factory=lambda: {"top": 3_000, "middle": 800, "rest": 100})
    saved_bp: Mapping[str, int] = field(default_factory=lambda: {"high": 1_000, "middle": 1_500, "low": 200})
    margin_bp: int = 3_000


@dataclass(frozen=True, slots=True)
class Planned:
    """``worth_fen``: what contacting everybody in it would bring; ``each_bp``: that for each yuan of cost, less the yuan itself.

    ``spend_fen`` and ``contacts`` are the suggestion; ``back_fen`` what it should bring.
    """

    cell: Cell
    rank: int
    cost_fen: int
    worth_fen: int
    each_bp: int
    contacts: int
    spend_fen: int
    back_fen: int


def plan(cells: Sequence[Cell], given: Assumptions) -> list[Planned]:
    """The classes, what brings most for a yuan first; the budget goes down the list until it is used up.

    A class that brings less than it costs gets nothing. Whole members only, so a little of the budget may remain.
    """
    rows = [(cell, *_worth(cell, given)) for cell in cells if cell.members]
    rows.sort(key=lambda row: (-row[3], -row[2], row[0].value, row[0].band))
    left, found = given.budget_fen, []
    for rank, (cell, cost, worth, each) in enumerate(rows, start=1):
        one = given.cost_fen[cell.value]
        contacts = 0
        if each > 0:
            contacts = cell.members if one == 0 else min(cell.members, left // one)
        spend = contacts * one
        left -= spend
        back = worth * contacts // cell.members
        found.append(Planned(cell, rank, cost, worth, each, contacts, spend, back))
    return found


def _worth(cell: Cell, given: Assumptions) -> tuple[int, int, int]:
    cost = cell.members * given.cost_fen[cell.value]
    saved = cell.at_risk_fen * given.saved_bp[cell.band] // BASIS_POINTS
    worth = saved * given.margin_bp // BASIS_POINTS
    each = (worth - cost) * BASIS_POINTS // cost if cost else (BASIS_POINTS * 1_000 if worth else 0)
    return cost, worth, each
