"""Batches of coupons, what a member holds, and coupons handed to many."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.offers import operations as offers
from zhike.offers import queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Id, Input, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["coupons"])
PathId = Annotated[int, Path(ge=1, le=ID_MAX)]


class CouponBatchOut(Out):
    """So many coupons of one kind. `value` and `condition` are in words; `state` is what it means now.

    From `early_from` members of some tiers claim up to `early_quota` of them before everybody; what is left of it then goes to
    everybody, or stays theirs.
    """

    batch_id: int
    code: str
    name: str
    kind: Literal["cash", "threshold", "percent", "gift", "parking", "service"]
    value: str
    condition: str
    stock: int
    issued: int
    per_member: int
    public: bool
    bearer: bool
    claim_from: dt.datetime
    claim_until: dt.datetime
    state: Literal["open", "paused", "closed", "sold-out", "early", "over"]
    early_from: dt.datetime | None
    early_tier_ids: list[int]
    early_quota: int
    early_taken: int
    early_stays: bool


class CouponBatchesOut(Out):
    items: list[CouponBatchOut]
    next_cursor: str | None


class CouponKeysOut(Out):
    """Public keys (Ed25519, hex) by their id, oldest first."""

    keys: dict[str, str]


class CouponOut(Out):
    """A member's coupon. `payload` is what its QR code says; `valid_until` is the first moment it is no longer good."""

    coupon_id: int
    code: str
    payload: str
    batch_id: int
    name: str
    kind: str
    value: str
    condition: str
    state: Literal["usable", "not-yet", "locked", "used", "expired", "void"]
    valid_from: dt.datetime
    valid_until: dt.datetime


class CouponsOut(Out):
    items: list[CouponOut]


class PushIn(Input):
    """Members who each get one coupon of the batch, public or not."""

    member_ids: Annotated[list[Id], Field(min_length=1, max_length=10_000)]
    reason: Annotated[str, text(200)] = ""


class PushOut(Out):
    """`skipped` were at their limit already, or may not receive."""

    issued: int
    skipped: int


@router.get("/coupon-batches", auth=Needs("offers.view"), response=CouponBatchesOut)
def list_coupon_batches(
    request: ApiRequest,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CouponBatchesOut:
    page = queries.batches_page(request.viewer, now=request.now, cursor=cursor, limit=limit)
    return CouponBatchesOut(items=[_batch_out(one) for one in page.items], next_cursor=page.next_cursor)


@router.get("/coupon-keys", auth=Needs("coupons.use"), response=CouponKeysOut)
def list_coupon_keys(request: ApiRequest) -> CouponKeysOut:
    return CouponKeysOut(keys=queries.signing_keys(request.viewer))


@router.get("/members/{int:member_id}/coupons", auth=Needs("members.view"), response=CouponsOut)
def list_member_coupons(request: ApiRequest, member_id: PathId) -> CouponsOut:
    found = queries.member_coupons(request.viewer, member_id, request.now)
    return CouponsOut(items=[_coupon_out(one) for one in found])


@router.post(
    "/coupon-batches/{int:batch_id}/coupons", auth=Needs("coupons.issue", body=True), response={201: PushOut}
)
def push_coupons(request: ApiRequest, batch_id: PathId, body: PushIn) -> Any:
    def push() -> Outcome:
        done = offers.issue_to_members(
            actor=request.viewer,
            batch_id=batch_id,
            member_ids=body.member_ids,
            reason=body.reason,
            source="api",
            now=request.now,
        )
        return Outcome(201, PushOut(issued=done.issued, skipped=done.skipped).model_dump(mode="json"))

    return run_once(request, push)


def _batch_out(one: queries.BatchView) -> CouponBatchOut:
    return CouponBatchOut(
        batch_id=one.id,
        code=one.code,
        name=one.name,
        kind=one.kind,  # type: ignore[arg-type]
        value=one.value_text,
        condition=one.condition_text,
        stock=one.stock,
        issued=one.issued,
        per_member=one.per_member,
        public=one.is_public,
        bearer=one.is_bearer,
        claim_from=one.claim_from,
        claim_until=one.claim_until,
        state=one.state,  # type: ignore[arg-type]
        early_from=one.early_from,
        early_tier_ids=list(one.early_tier_ids),
        early_quota=one.early_quota,
        early_taken=one.early_taken,
        early_stays=one.early_stays,
    )


def _coupon_out(one: queries.CouponView) -> CouponOut:
    return CouponOut(
        coupon_id=one.id,
        code=one.code,
        payload=one.payload,
        batch_id=one.batch_id,
        name=one.name,
        kind=one.kind,
        value=one.value_text,
        condition=one.condition_text,
        state=one.state,  # type: ignore[arg-type]
        valid_from=one.valid_from,
        valid_until=one.valid_until,
    )
