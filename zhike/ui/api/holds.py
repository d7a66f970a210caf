"""`POST /members/{id}/holds`: points are set aside while a purchase is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from zhike.loyalty import operations as loyalty
from zhike.ui.api import body, gate, refs
from zhike.ui.api.once import ENCODER, answer, once_of
from zhike.ui.api.problems import MethodNotAllowed
from zhike.ui.api.shapes import ID_MAX, HoldIn, HoldOut

if TYPE_CHECKING:
    from zhike.ui.api.handler import ApiRequest
    from zhike.ui.api.responses import JsonResponse

HOLD = msgspec.json.Decoder(HoldIn)


def hold(request: ApiRequest, member_id: int) -> JsonResponse:
    """201 with the hold and what is left to spend."""
    if request.method != "POST":
        raise MethodNotAllowed(method=request.method, allowed=["POST"])
    now = gate.admit(request, "points.redeem")
    payload = body.read(request)
    asked = body.decode(payload, HOLD)
    once = once_of(request, payload)
    if member_id > ID_MAX:
        raise loyalty.MemberNotFound
    named = asked.merchant_id is not None or asked.merchant_code is not None
    merchant = refs.merchant_of(asked) if named else None
    outcome = loyalty.hold_points(
        actor=request.viewer,
        member_id=member_id,
        points=asked.points,
        merchant_id=merchant.id if merchant else None,
        mall_id=merchant.mall_id if merchant else None,
        reference=asked.reference,
        quote_id=asked.quote_id,
        minutes=asked.minutes,
        now=now,
        once=once,
    )
    return answer(ENCODER.encode(hold_out(outcome)), 201, replayed=outcome.replayed)


def hold_out(outcome: loyalty.HoldOutcome) -> HoldOut:
    return HoldOut(
        outcome.hold_id,
        outcome.member_id,
        outcome.status,  # type: ignore[arg-type]
        outcome.points,
        outcome.used_points,
        outcome.value_fen,
        outcome.balance,
        outcome.expires_at,
    )
