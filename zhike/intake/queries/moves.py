"""Moves of balances from another system, as the console shows them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from zhike.intake.models import BalanceMove
from zhike.intake.queries.reasons import reason_sentence
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import NotFound

VIEW = "imports.view"
NEWEST = 50
REASONS: dict[str, str | Promise] = {
    "unknown_member": _("There is no member with this phone or card."),
    "not_a_number": _("The points are no whole number."),
    "not_a_date": _("The last day cannot be read; write it as 2027-03-31."),
    "out_of_range": _("A lot has at least one point and at most 10,000,000."),
    "expired": _("The last day is over."),
}


@dataclass(frozen=True, slots=True)
class MoveCounts:
    """``refused`` are the first of ``refusals`` rows that nobody got: row number, reason in words."""

    rows: int
    brought: int
    points: int
    already: int
    refusals: int
    refused: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class MoveView:
    """A move; ``counts`` is what came in, and before that what the dry run says will."""

    id: uuid.UUID
    batch: str
    file_name: str
    rows: int
    state: str
    counts: MoveCounts | None
    failure: str
    created_at: dt.datetime
    finished_at: dt.datetime | None
    actor_label: str

    @property
    def is_working(self) -> bool:
        return self.state in ("checking", "running")


def balance_moves(viewer: Viewer) -> list[MoveView]:
    """The newest fifty. Raises NotAllowed."""
    require(viewer, VIEW)
    return [_view(row) for row in BalanceMove.objects.order_by("-created_at")[:NEWEST]]


def balance_move(viewer: Viewer, move_id: uuid.UUID) -> MoveView:
    """Raises NotFound, NotAllowed."""
    require(viewer, VIEW)
    row = BalanceMove.objects.filter(id=move_id).first()
    if row is None:
        raise NotFound
    return _view(row)


def _view(row: BalanceMove) -> MoveView:
    found = row.counts or row.checked
    return MoveView(
        row.pk, row.batch, row.file_name, row.rows, row.state, _counts(found) if found else None, row.failure,
        row.created_at, row.finished_at, row.actor_label,
    )  # fmt: skip


def _counts(found: dict[str, Any]) -> MoveCounts:
    refused = [(row_no, str(REASONS.get(code) or reason_sentence(code))) for row_no, code in found["refused"]]
    return MoveCounts(
        found["rows"], found["brought"], found["points"], found["already"], found["refusals"], refused
    )
