"""`POST /members/{id}/redemptions`: points are spent at a till, never more than there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from zhike.loyalty import operations as loyalty
from zhike.ui.api import body, gate, refs
from zhike.ui.api.once import ENCODER, answer, once_of
from zhike.ui.api.problems import MethodNotAllowed
from zhike.ui.api.shapes import ID_MAX, RedemptionIn, RedemptionOut

if TYPE_CHECKING:
    from zhike.ui.api.handler import ApiRequest
    from zhike.ui.api.responses import JsonResponse

REDEMPTION = msgspec.json.Decoder(RedemptionIn)


def redeem(request: ApiRequest, member_id: int) -> JsonResponse:
    """201 with the value and the new balance."""
    if request.method != "POST":
        raise MethodNotAllowed(method=request.method, allowed=["POST"])
    now = gate.admit(request, "points.redeem")
    payload = body.read(request)
    asked = body.decode(payload, REDEMPTION)
    once = once_of(request, payload)
    if member_id > ID_MAX:
        raise loyalty.MemberNotFound
    merchant = (
        refs.merchant_of(asked) if asked.merchant_id is not None or asked.merchant_code is not None else None
    )
    outcome = loyalty.redeem_points(
        actor=request.viewer,
        member_id=member_id,
        points=asked.points,
        merchant_id=merchant.id if merchant else None,
        mall_id=merchant.mall_id if merchant else None,
        reference=asked.reference,
        quote_id=asked.quote_id,
        now=now,
        once=once,
    )
    found = RedemptionOut(outcome.redemption_id, outcome.points, outcome.value_fen, outcome.balance)
    return answer(ENCODER.encode(found), 201, replayed=outcome.replayed)
