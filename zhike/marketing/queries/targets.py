"""Were the promises of marketing kept? Each answered from holdouts alone, of campaigns and journeys whose windows are over.

Definitions. *Woken up*: of those who had not bought for 90 days when they were met, the share that bought in the window. *Bought again*:
the same of those who had bought in the 90 days before. *Conversion*: of everybody measured. Each against the same people of the
holdout, as a relative change over all of them together (Mantel-Haenszel), never against a time before. *Cost of an extra buyer*:
where a model chose, those it chose against those drawn at random from the same audience.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from zhike.kernel.access import Viewer
from zhike.marketing.queries.board import Ran, board
from zhike.marketing.queries.cells import Part, cell_sums, extras, part_of
from zhike.marketing.rules import pooling, targets
from zhike.marketing.rules.pooling import Relative
from zhike.marketing.rules.standing import ACTIVE, DORMANT
from zhike.marketing.rules.targets import CONVERT, COST, GOALS, REPEAT, WAKE

CUTS = {WAKE: ("standing", DORMANT), REPEAT: ("standing", ACTIVE), CONVERT: ("", "")}


@dataclass(frozen=True, slots=True)
class TargetLine:
    """One promise: ``goal`` and ``change`` are relative. Rates and people, treated and held, of the ``lines`` that tell."""

    name: str
    goal: float
    verdict: str
    change: Relative | None
    lines: tuple[tuple[str, int, str], ...]
    people: int = 0
    held: int = 0
    rate: float | None = None
    held_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """``left_out`` ran in the period and tell nothing: no holdout, or the window is still open."""

    lines: tuple[TargetLine, ...]
    told: int
    left_out: int


def marketing_targets(
    viewer: Viewer,
    now: dt.datetime,
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    mall_id: int | None = None,
) -> Targets:
    """For the campaigns and journeys of the board. Raises NotAllowed."""
    rans = [
        line.of
        for line in board(viewer, now, since=since, until=until, mall_id=mall_id).lines
        if not line.is_part
    ]
    told = [ran for ran in rans if ran.is_told and ran.has_ended]
    return Targets(
        (*(_rate_line(name, told) for name in CUTS), _cost_line(told)), len(told), len(rans) - len(told)
    )


def _rate_line(name: str, rans: Sequence[Ran]) -> TargetLine:
    cut, value = CUTS[name]
    found = [
        (ran, part)
        for ran in rans
        if (part := part_of(cell_sums(ran.sums, cut, value) if cut else ran.sums, ran.method)).rates.held_n
    ]
    rates = [part.rates for _ran, part in found]
    answer = targets.judged(name, pooling.relative(rates))
    people, held = sum(one.treated_n for one in rates), sum(one.held_n for one in rates)
    return TargetLine(
        name=name,
        goal=GOALS[name],
        verdict=answer.verdict,
        change=answer.change,
        lines=_names(found),
        people=people,
        held=held,
        rate=sum(one.treated for one in rates) / people if people else None,
        held_rate=sum(one.held for one in rates) / held if held else None,
    )


def _cost_line(rans: Sequence[Ran]) -> TargetLine:
    """Campaigns in which a model chose and a part was drawn at random."""
    found = []
    for ran in rans:
        chosen, drawn = (
            part_of(cell_sums(ran.sums, "chosen", one), ran.method) for one in ("score", "explore")
        )
        if chosen.visit is not None and drawn.visit is not None:
            found.append((ran, chosen, drawn))
    change = targets.cost_change(
        extras([one for _ran, one, _other in found], "visit"),
        extras([one for _ran, _other, one in found], "visit"),
    )
    answer = targets.judged(COST, change)
    return TargetLine(
        name=COST,
        goal=GOALS[COST],
        verdict=answer.verdict,
        change=change,
        lines=_names([(ran, part) for ran, part, _drawn in found]),
        people=sum(part.people for _ran, part, _drawn in found),
        held=sum(part.people for _ran, _part, part in found),
    )


def _names(found: Sequence[tuple[Ran, Part]]) -> tuple[tuple[str, int, str], ...]:
    return tuple((ran.kind, ran.id, ran.name) for ran, _part in found)
