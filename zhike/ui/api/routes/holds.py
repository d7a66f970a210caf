"""Holds are confirmed or released."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from ninja import Router

from zhike.kernel.idempotency import Outcome
from zhike.loyalty import operations as loyalty
from zhike.ui.api.holds import hold_out
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import ConfirmIn, HoldView, ReleaseIn

router = Router(tags=["redemptions"])
ENDING: Any = {"auth": Needs("points.redeem", body=True), "response": {201: HoldView}}


@router.post("/holds/{uuid:hold_id}/confirm", **ENDING)
def confirm_hold(request: ApiRequest, hold_id: UUID, body: ConfirmIn) -> Any:
    """Spend the held points, or a part of them; the redemption has the hold's id."""

    def confirm() -> Outcome:
        outcome = loyalty.confirm_hold(
            actor=request.viewer, hold_id=hold_id, points=body.points, now=request.now
        )
        return _answer(outcome)

    return run_once(request, confirm)


@router.post("/holds/{uuid:hold_id}/release", **ENDING)
def release_hold(request: ApiRequest, hold_id: UUID, body: ReleaseIn) -> Any:
    """Give the held points back to the very lots they came from."""

    def release() -> Outcome:
        return _answer(loyalty.release_hold(actor=request.viewer, hold_id=hold_id, now=request.now))

    return run_once(request, release)


def _answer(outcome: loyalty.HoldOutcome) -> Outcome:
    return Outcome(201, msgspec.to_builtins(hold_out(outcome)))
