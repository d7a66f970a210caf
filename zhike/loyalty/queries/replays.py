"""Replays that were asked for, how far they are, and what came out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import NotFound
from zhike.loyalty.models import ReplayRun
from zhike.loyalty.queries.journals import PolicyView, policy_in_force
from zhike.loyalty.queries.snapshots import read_programme

PERMISSION = "programme.edit"


@dataclass(frozen=True, slots=True)
class ReplayView:
    """``result`` as loyalty.operations.replay.tally makes it: pairs are (as it was, with the draft)."""

    id: UUID
    program_id: int
    state: str
    draft: dict[str, Any]
    days: int | None
    receipts_total: int
    receipts_done: int
    result: dict[str, Any] | None
    failure: str
    seconds: float | None
    created_at: dt.datetime
    actor_label: str

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed")

    @property
    def is_proof(self) -> bool:
        """Today's rules over the whole history: nothing may differ."""
        return self.draft.get("rule") is None and not self.draft.get("tiers") and not self.draft.get("expiry")

    @property
    def per_second(self) -> int | None:
        return round(self.receipts_done / self.seconds) if self.seconds else None


def replays(viewer: Viewer, program_id: int, limit: int = 30) -> list[ReplayView]:
    """The latest ones, newest first. Raises NotAllowed."""
    require(viewer, PERMISSION)
    return [
        _view(row)
        for row in ReplayRun.objects.filter(program_id=program_id).order_by("-created_at", "-id")[:limit]
    ]


def replay(viewer: Viewer, run_id: UUID) -> ReplayView:
    """Raises NotFound, NotAllowed."""
    require(viewer, PERMISSION)
    row = ReplayRun.objects.filter(id=run_id).first()
    if row is None:
        raise NotFound
    return _view(row)


def value_of_points(program_id: int, points: int, on: dt.date) -> int:
    """What points cost in fen: by the valuation in force, without one at the rate at which they are redeemed."""
    from zhike.loyalty.models import ProvisionPolicy

    names = list(PolicyView.__dataclass_fields__)
    rows = ProvisionPolicy.objects.filter(program_id=program_id).order_by("-version")
    policy = policy_in_force(
        [PolicyView(*(getattr(row, name) for name in names)) for row in rows], on.replace(day=1)
    )
    if policy is not None:
        return policy.rules.fen(points, expected=False)
    programme = read_programme(program_id)
    return points * programme.redeem_fen // programme.redeem_points


def _view(row: ReplayRun) -> ReplayView:
    return ReplayView(
        row.pk,
        row.program_id,
        row.state,
        row.draft,
        row.days,
        row.receipts_total,
        row.receipts_done,
        row.result,
        row.failure,
        row.seconds,
        row.created_at,
        row.actor_label,
    )
