"""Redemptions taken back."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from ninja import Path, Router

from zhike.kernel.idempotency import Outcome
from zhike.loyalty import operations as loyalty
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import ReversalIn, ReversalOut
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["redemptions"])
REVERSAL: Any = {"auth": Needs("points.redeem", body=True), "response": {201: ReversalOut}}


@router.post("/redemptions/{uuid:redemption_id}/reversal", **REVERSAL)
def reverse_redemption(request: ApiRequest, redemption_id: UUID, body: ReversalIn) -> Any:
    """Give points of a redemption back to the very lots they came from."""
    return _reverse(request, redemption_id, body, None)


@router.post("/members/{int:member_id}/redemptions/{uuid:redemption_id}/reversal", **REVERSAL)
def reverse_member_redemption(
    request: ApiRequest,
    member_id: Annotated[int, Path(ge=1, le=ID_MAX)],
    redemption_id: UUID,
    body: ReversalIn,
) -> Any:
    """The same, below the member it belongs to."""
    return _reverse(request, redemption_id, body, member_id)


def _reverse(request: ApiRequest, redemption_id: UUID, body: ReversalIn, member_id: int | None) -> Any:
    def reverse() -> Outcome:
        outcome = loyalty.reverse_redemption(
            actor=request.viewer,
            redemption_id=redemption_id,
            points=body.points,
            reason=body.reason,
            now=request.now,
        )
        if member_id is not None and outcome.member_id != member_id:
            raise loyalty.RedemptionNotFound  # another member's: all of it is rolled back
        found = ReversalOut(
            redemption_id=outcome.redemption_id,
            member_id=outcome.member_id,
            points=outcome.points,
            value_fen=outcome.value_fen,
            balance=outcome.balance,
        )
        return Outcome(201, found.model_dump(mode="json"))

    return run_once(request, reverse)
