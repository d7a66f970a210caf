"""How oversight does: what was found, how often it was right, what it saved, how long it took."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from zhike.kernel.access import Viewer, require, visible
from zhike.loyalty import queries as loyalty
from zhike.risk.models import Alert, Measure
from zhike.risk.queries.alerts import COLUMNS, VIEW
from zhike.risk.queries.sentences import detector_name
from zhike.risk.rules.detectors import DETECTORS


@dataclass(frozen=True, slots=True)
class DetectorFigures:
    """``precision``: confirmed of all decided; None before the first decision."""

    code: str
    name: str
    open: int
    confirmed: int
    dismissed: int
    points: int

    @property
    def precision(self) -> float | None:
        decided = self.confirmed + self.dismissed
        return self.confirmed / decided if decided else None


@dataclass(frozen=True, slots=True)
class Board:
    """``held_points`` are frozen now, ``recovered_points`` withdrawn and not given back; in fen by the points' value.

    ``hours`` is the median from alert to decision, ``overdue`` alerts wait longer than they should.
    """

    days: int
    detectors: tuple[DetectorFigures, ...]
    open: int
    overdue: int
    confirmed: int
    dismissed: int
    held_points: int
    held_fen: int
    recovered_points: int
    recovered_fen: int
    undone: int
    hours: float | None
    weeks: tuple[tuple[dt.date, int, int, int], ...]
    """Monday of each week; alerts raised, confirmed, dismissed in it."""

    @property
    def precision(self) -> float | None:
        decided = self.confirmed + self.dismissed
        return self.confirmed / decided if decided else None


def board(viewer: Viewer, *, now: dt.datetime, days: int = 90) -> Board:
    """Alerts raised in the last ``days``, and what became of them. Raises NotAllowed."""
    require(viewer, VIEW)
    since = now - dt.timedelta(days=days)
    rows = list(visible(Alert.objects.filter(opened_at__gt=since), viewer, VIEW, COLUMNS))
    measures = Measure.objects.filter(alert__in=[row.pk for row in rows])
    held = sum(measures.filter(kind="freeze", state="done").values_list("points", flat=True))
    recovered = sum(measures.filter(kind="withdraw", state="done").values_list("points", flat=True))
    decided = [row for row in rows if row.decided_at is not None]
    waited = [
        (row.decided_at - row.opened_at).total_seconds() / 3600
        for row in decided
        if row.decided_at is not None
    ]
    confirmed = sum(row.state == "confirmed" for row in rows)
    program_id = loyalty.default_program_id()
    return Board(
        days,
        tuple(_figures(rows)),
        len(rows) - len(decided),
        sum(row.decided_at is None and row.due_at < now for row in rows),
        confirmed,
        len(decided) - confirmed,
        held,
        _value(program_id, held, now),
        recovered,
        _value(program_id, recovered, now),
        measures.filter(state="undone").count(),
        median(waited) if waited else None,
        _weeks(rows, program_id, now),
    )


def _value(program_id: int | None, points: int, now: dt.datetime) -> int:
    if program_id is None or not points:
        return 0
    return loyalty.value_of_points(program_id, points, loyalty.program_today(program_id, now))


def _figures(rows: list[Alert]) -> list[DetectorFigures]:
    found = []
    for code in DETECTORS:
        own = [row for row in rows if row.detector == code]
        confirmed = [row for row in own if row.state == "confirmed"]
        dismissed = sum(row.state == "dismissed" for row in own)
        found.append(
            DetectorFigures(
                code, detector_name(code), len(own) - len(confirmed) - dismissed, len(confirmed), dismissed,
                sum(row.gain_points for row in confirmed),
            )
        )  # fmt: skip
    return found


def _weeks(
    rows: list[Alert], program_id: int | None, now: dt.datetime
) -> tuple[tuple[dt.date, int, int, int], ...]:
    if program_id is None:
        return ()
    counts: dict[dt.date, list[int]] = defaultdict(lambda: [0, 0, 0])
    today = loyalty.program_today(program_id, now)
    this = today - dt.timedelta(days=today.weekday())
    for back in range(8):
        counts[this - dt.timedelta(weeks=back)] = [0, 0, 0]
    for row in rows:
        moments = [(row.opened_at, 0), (row.decided_at, 1 if row.state == "confirmed" else 2)]
        for moment, column in moments:
            if moment is not None:
                day = loyalty.program_today(program_id, moment)
                week = day - dt.timedelta(days=day.weekday())
                if week in counts:
                    counts[week][column] += 1
    return tuple((week, *counts[week]) for week in sorted(counts))  # type: ignore[misc]
