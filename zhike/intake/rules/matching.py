"""Which sale a returned line belongs to.

If the file names the sale, that one. Else, of the earlier sales of the same article to the same member at the same
merchant, the latest one. Either must have enough left (pieces and money not yet returned): a return is never spread
over several sales, and never takes back more than was paid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")
"""What a sale line is called by whoever asks."""


@dataclass(slots=True)
class OpenLine(Generic[S]):
    """A sold line and what is left of it to return."""

    sale: S
    number: str
    member: str
    quantity_milli: int
    fen: int


@dataclass(frozen=True, slots=True)
class ReturnedLine:
    """A returned line; `original_number` is the sale's number when the file names it."""

    row_no: int
    original_number: str
    member: str
    quantity_milli: int
    fen: int


def match_returns(moves: Iterable[OpenLine[S] | ReturnedLine]) -> Iterator[tuple[int, S]]:
    """Pairs of (row of the return, its sale) for one article of one merchant, whose moves come in order of time."""
    by_member: dict[str, list[OpenLine[S]]] = defaultdict(list)
    by_number: dict[str, list[OpenLine[S]]] = defaultdict(list)
    for move in moves:
        if isinstance(move, OpenLine):
            by_member[move.member].append(move)
            by_number[move.number].append(move)
            continue
        if move.original_number:
            candidates = by_number[move.original_number]
        else:
            candidates = by_member[move.member] if move.member else []
        if (found := _latest_with_enough(candidates, move)) is not None:
            found.quantity_milli -= move.quantity_milli
            found.fen -= move.fen
            yield move.row_no, found.sale


def _latest_with_enough(sold: list[OpenLine[S]], returned: ReturnedLine) -> OpenLine[S] | None:
    return next(
        (
            line
            for line in reversed(sold)
            if line.quantity_milli >= returned.quantity_milli and line.fen >= returned.fen
        ),
        None,
    )
