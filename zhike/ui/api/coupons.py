"""Coupons at a till, in two phases, and claims: what many wait for at once. No ORM on the way to the operation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import msgspec

from zhike.loyalty import queries as loyalty
from zhike.offers import operations as offers
from zhike.offers import queries
from zhike.ui.api import body, gate, refs
from zhike.ui.api.offer_shapes import (
    CouponClaimIn,
    CouponConfirmIn,
    CouponIssuedOut,
    CouponLockIn,
    CouponLockOut,
    CouponQuotedOut,
    CouponQuoteIn,
    CouponQuoteOut,
    CouponReleaseIn,
    CouponTakenOut,
    LineOffOut,
)
from zhike.ui.api.once import ENCODER, answer, once_of
from zhike.ui.api.problems import MethodNotAllowed
from zhike.ui.api.shapes import ID_MAX, MemberRef

if TYPE_CHECKING:
    from zhike.ui.api.handler import ApiRequest
    from zhike.ui.api.responses import JsonResponse

USE, CLAIM = "coupons.use", "coupons.claim"
QUOTE = msgspec.json.Decoder(CouponQuoteIn)
LOCK = msgspec.json.Decoder(CouponLockIn)
CONFIRM = msgspec.json.Decoder(CouponConfirmIn)
RELEASE = msgspec.json.Decoder(CouponReleaseIn)
CLAIMED = msgspec.json.Decoder(CouponClaimIn)


def quote(request: ApiRequest) -> JsonResponse:
    """200 whether the coupons can be used or not: the answer says so for each."""
    now, payload = admit(request, USE)
    asked = body.decode(payload, QUOTE)
    basket = _basket(request, asked, now)
    found = queries.quote_coupons(request.viewer, basket, asked.codes, now)
    coupons = [_quoted(one) for one in found.coupons]
    reply = CouponQuoteOut(
        found.basket_fen,
        found.discount_fen,
        found.basket_fen - found.discount_fen,
        found.is_usable,
        basket.member_id,
        coupons,
    )
    return answer(ENCODER.encode(reply), 200, replayed=False)


def lock(request: ApiRequest) -> JsonResponse:
    """201 with the lock."""
    now, payload = admit(request, USE)
    asked = body.decode(payload, LOCK)
    once = once_of(request, payload)
    if (
        asked.member is not None
        and asked.member.code is not None
        and (known := offers.lock_answer(actor=request.viewer, once=once))
    ):
        return _lock_answer(known, 201)  # before the scanned code is read, which the first call used up
    outcome = offers.lock_coupons(
        actor=request.viewer,
        basket=_basket(request, asked, now),
        codes=asked.codes,
        receipt=offers.ReceiptKey(asked.till, asked.number, asked.business_date),
        lock_for=dt.timedelta(seconds=asked.lock_seconds),
        once=once,
        now=now,
    )
    return _lock_answer(outcome, 201)


def confirm(request: ApiRequest, lock_id: UUID) -> JsonResponse:
    """200, the first time and every time after it."""
    now, payload = admit(request, USE)
    asked = body.decode(payload, CONFIRM)
    gate.idempotency_key(request)
    receipt = offers.ReceiptKey(asked.till, asked.number, asked.business_date)
    return _lock_answer(
        offers.confirm_lock(actor=request.viewer, lock_id=lock_id, receipt=receipt, now=now), 200
    )


def release(request: ApiRequest, lock_id: UUID) -> JsonResponse:
    """200, the first time and every time after it."""
    now, payload = admit(request, USE)
    body.decode(payload, RELEASE)
    gate.idempotency_key(request)
    return _lock_answer(offers.release_lock(actor=request.viewer, lock_id=lock_id, now=now), 200)


def claim(request: ApiRequest, batch_id: int) -> JsonResponse:
    """201 with the coupon."""
    now, payload = admit(request, CLAIM)
    asked = body.decode(payload, CLAIMED)
    if batch_id > ID_MAX:
        raise queries.BatchNotFound
    issued = offers.claim_coupon(
        actor=request.viewer,
        batch_id=batch_id,
        member_id=asked.member_id,
        once=once_of(request, payload),
        now=now,
    )
    reply = CouponIssuedOut(
        issued.coupon_id,
        issued.code,
        issued.batch_id,
        issued.member_id,
        issued.valid_from,
        issued.valid_until,
    )
    return answer(ENCODER.encode(reply), 201, replayed=issued.replayed)


def admit(request: ApiRequest, scope: str) -> tuple[dt.datetime, bytes]:
    if request.method != "POST":
        raise MethodNotAllowed(method=request.method, allowed=["POST"])
    now = gate.admit(request, scope)
    return now, body.read(request)


def _basket(request: ApiRequest, asked: CouponQuoteIn, now: dt.datetime) -> offers.BasketAsked:
    merchant = refs.merchant_of(asked)
    member_id = member_of(request, asked.member, now)
    places = numbers_and_categories(asked.lines, merchant.group_id)
    lines = tuple(
        offers.BasketLine(number, line.net_fen, line.sku, category_id)
        for line, (number, category_id) in zip(asked.lines, places, strict=True)
    )
    return offers.BasketAsked(merchant.id, lines, member_id)


def member_of(request: ApiRequest, ref: MemberRef | None, now: dt.datetime) -> int | None:
    """The member a body names. Raises MemberUnknown and what `refs.buyer_of` does."""
    buyer = refs.buyer_of(ref, request.viewer, now)
    if buyer.member_id is not None or buyer.person_id is None:
        return buyer.member_id
    member_id = loyalty.member_id_of_person(buyer.person_id)
    if member_id is None:
        raise refs.MemberUnknown
    return member_id


class NamesLine(Protocol):
    line_no: int | None
    category_code: str | None


def numbers_and_categories(lines: Sequence[NamesLine], group_id: int) -> list[tuple[int, int | None]]:
    """Each line's number and its category's id. Raises CategoryUnknown, LineTwice."""
    codes = {line.category_code for line in lines if line.category_code is not None}
    categories = refs.category_ids(group_id) if codes else {}
    if codes - categories.keys():
        raise refs.CategoryUnknown
    numbers = [line.line_no or position for position, line in enumerate(lines, start=1)]
    if len(set(numbers)) < len(numbers):
        raise refs.LineTwice
    return [
        (number, categories[line.category_code] if line.category_code is not None else None)
        for number, line in zip(numbers, lines, strict=True)
    ]


def _quoted(one: queries.QuotedCoupon) -> CouponQuotedOut:
    return CouponQuotedOut(
        one.code,
        one.coupon.id if one.coupon else None,
        one.coupon.name if one.coupon else "",
        one.coupon.kind if one.coupon else "",
        one.discount_fen,
        [LineOffOut(*line) for line in one.lines],
        one.funding,
        one.refusal or None,
        one.sentence,
    )


def _lock_answer(outcome: offers.LockOutcome, status: int) -> JsonResponse:
    coupons = [
        CouponTakenOut(
            one.coupon_id,
            one.code,
            one.name,
            one.kind,
            one.discount_fen,
            [LineOffOut(*line) for line in one.lines],
            one.funding,
        )
        for one in outcome.coupons
    ]
    reply = CouponLockOut(
        outcome.lock_id,
        outcome.state,  # type: ignore[arg-type]
        outcome.basket_fen,
        outcome.discount_fen,
        outcome.basket_fen - outcome.discount_fen,
        outcome.lock_until,
        coupons,
    )
    return answer(ENCODER.encode(reply), status, replayed=outcome.replayed)
