"""`POST /members/{id}/holds` and what ends a hold: points are set aside while a purchase is paid, in two phases."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from zhike.loyalty import operations as loyalty
from zhike.ui.api import body, gate, refs
from zhike.ui.api.once import ENCODER, answer, once_of
from zhike.ui.api.problems import MethodNotAllowed
from zhike.ui.api.shapes import ID_MAX, ConfirmIn, HoldIn, HoldOut, ReleaseIn

if TYPE_CHECKING:
    import datetime as dt

    from zhike.ui.api.handler import ApiRequest
    from zhike.ui.api.responses import JsonResponse

HOLD = msgspec.json.Decoder(HoldIn)
CONFIRM = msgspec.json.Decoder(ConfirmIn)
RELEASE = msgspec.json.Decoder(ReleaseIn)


def hold(request: ApiRequest, member_id: int) -> JsonResponse:
    """201 with the hold and what is left to spend."""
    now, payload = _admit(request)
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


def confirm(request: ApiRequest, hold_id: UUID) -> JsonResponse:
    """201: the held points, or a part of them, are spent; the redemption has the hold's id."""
    now, payload = _admit(request)
    asked = body.decode(payload, CONFIRM)
    once = once_of(request, payload)
    outcome = loyalty.confirm_hold(
        actor=request.viewer, hold_id=hold_id, points=asked.points, now=now, once=once
    )
    return _ended(outcome, once)


def release(request: ApiRequest, hold_id: UUID) -> JsonResponse:
    """201: the held points are back in the very lots they came from."""
    now, payload = _admit(request)
    body.decode(payload, RELEASE)
    once = once_of(request, payload)
    return _ended(loyalty.release_hold(actor=request.viewer, hold_id=hold_id, now=now, once=once), once)


def _admit(request: ApiRequest) -> tuple[dt.datetime, bytes]:
    if request.method != "POST":
        raise MethodNotAllowed(method=request.method, allowed=["POST"])
    now = gate.admit(request, "points.redeem")
    return now, body.read(request)


def _ended(outcome: loyalty.HoldOutcome, once: loyalty.Once | None) -> JsonResponse:
    """Only a key can tell that the very same request came before."""
    return answer(ENCODER.encode(hold_out(outcome)), 201, replayed=outcome.replayed and once is not None)


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
