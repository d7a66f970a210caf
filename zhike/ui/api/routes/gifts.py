"""Gifts for what was spent, for other doors: the campaigns, how far a member is, reserving, handing out and bringing back."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Path, Query, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.rewards import operations, queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Id, Input, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["rewards"])
PathId = Annotated[int, Path(ge=1, le=ID_MAX)]
CampaignState = Literal["draft", "early", "open", "fetching", "over", "ended"]
RightState = Literal[
    "reserved", "handed_out", "owed", "returned", "charged", "waived", "revoked", "expired", "cancelled"
]


class GiftStepOut(Out):
    """From `threshold_fen` on there is this gift. `left_today` null: no daily number."""

    step: int
    threshold_fen: int
    item_id: int
    item_name: str
    left: int
    left_today: int | None


class GiftCampaignOut(Out):
    """Receipts of `starts_on` … `ends_on` (business days of the mall, inclusive) count; gifts are handed out until
    `collect_until`. `adds_up`: the receipts of one day, or all of the campaign."""

    campaign_id: int
    mall_id: int
    code: str
    name: str
    state: CampaignState
    starts_on: dt.date
    ends_on: dt.date
    collect_until: dt.date
    adds_up: Literal["day", "campaign"]
    steps: list[GiftStepOut]


class GiftCampaignsOut(Out):
    items: list[GiftCampaignOut]


class GiftReceiptOut(Out):
    """`fen` of the receipt count, `used_fen` stand behind gifts, `free_fen` are left; `reason` why not all of it counts."""

    receipt_id: UUID
    number: str
    business_date: dt.date
    net_fen: int
    fen: int
    used_fen: int
    free_fen: int
    reason: Literal["", "returned", "merchant", "category", "tender", "minimum"]


class GiftStepNowOut(Out):
    """A step for this member: `missing_fen` to it, `refusal` why they cannot have the gift (null: they can)."""

    step: int
    missing_fen: int
    refusal: Literal["ended", "owed", "limit", "limit_day", "stock", "stock_day", "spent"] | None


class GiftBasketOut(Out):
    """Receipts that add up: those of `basket`, a day, or of the whole campaign, named by its first day."""

    basket: dt.date
    counted_fen: int
    used_fen: int
    free_fen: int
    receipts: list[GiftReceiptOut]
    steps: list[GiftStepNowOut]


class GiftProgressOut(Out):
    campaign: GiftCampaignOut
    baskets: list[GiftBasketOut]


class GiftShareOut(Out):
    receipt_id: UUID
    fen: int


class GiftRightOut(Out):
    """A member's gift; `shares` are the receipts behind it. `gift_code` is what its QR says. `due_on`: it has to come back
    by then, or `points` are taken."""

    right_id: int
    campaign_id: int
    item_id: int
    item_name: str
    state: RightState
    threshold_fen: int
    basket: dt.date
    points: int
    gift_code: str
    reserved_at: dt.datetime
    collect_by: dt.datetime
    handed_at: dt.datetime | None
    due_on: dt.date | None
    shares: list[GiftShareOut]


class MemberGiftsOut(Out):
    """`owes`: a gift has to be brought back before there is another."""

    progress: list[GiftProgressOut]
    gifts: list[GiftRightOut]
    owes: bool


class GiftIn(Input):
    """`step` counts from 0. `basket` null: today's receipts, or the campaign's. `hand_out`: given at once, by a desk."""

    campaign_id: Id
    step: Annotated[int, Field(strict=True, ge=0, le=100)] = 0
    basket: dt.date | None = None
    hand_out: bool = False


class GiftCodeIn(Input):
    gift_code: Annotated[str, text(40, 1)]


class GiftBackIn(Input):
    """`is_good`: it can be given to somebody else."""

    is_good: bool = True
    reason: Annotated[str, text(200)] = ""


class GiftDoneOut(Out):
    """`replayed`: it stood so before. `points` were given back."""

    right_id: int
    gift_code: str
    state: RightState
    replayed: bool
    points: int


class ReceiptGiftOut(Out):
    """`fen` of the receipt stand behind this gift."""

    fen: int
    gift: GiftRightOut


class ReceiptGiftsOut(Out):
    items: list[ReceiptGiftOut]


@router.get("/gift-campaigns", auth=Needs("rewards.view"), response=GiftCampaignsOut)
def list_gift_campaigns(
    request: ApiRequest, mall_id: Annotated[int | None, Query(ge=1, le=ID_MAX)] = None
) -> GiftCampaignsOut:
    found = queries.gift_campaigns(request.viewer, request.now)
    return GiftCampaignsOut(items=[_campaign(one) for one in found if mall_id in (None, one.mall_id)])


@router.get("/members/{int:member_id}/gifts", auth=Needs("members.view"), response=MemberGiftsOut)
def list_gifts(request: ApiRequest, member_id: PathId) -> MemberGiftsOut:
    own = queries.member_gifts(request.viewer, member_id, request.now)
    return MemberGiftsOut(
        progress=[
            GiftProgressOut(campaign=_campaign(one.campaign), baskets=[_basket(each) for each in one.baskets])
            for one in own.progress
        ],
        gifts=[_right(one) for one in own.rights],
        owes=own.owes,
    )


@router.post(
    "/members/{int:member_id}/gifts",
    auth=Needs("rewards.exchange", "rewards.serve", body=True),
    response={201: GiftDoneOut},
)
def reserve_gift(request: ApiRequest, member_id: PathId, body: GiftIn) -> Any:
    def act() -> Outcome:
        done = operations.reserve_gift(
            actor=request.viewer,
            member_id=member_id,
            campaign_id=body.campaign_id,
            step=body.step,
            basket=body.basket,
            source="api",
            hand_out=body.hand_out,
            now=request.now,
        )
        return Outcome(201, _done(done))

    return run_once(request, act)


@router.post("/gifts/hand-over", auth=Needs("rewards.serve", body=True), response={200: GiftDoneOut})
def hand_out_gift(request: ApiRequest, body: GiftCodeIn) -> Any:
    def act() -> Outcome:
        found = queries.gift_by_code(request.viewer, body.gift_code)
        if found is None:
            raise operations.GiftRightNotFound
        done = operations.hand_out_gift(actor=request.viewer, right_id=found.id, now=request.now)
        return Outcome(200, _done(done))

    return run_once(request, act)


@router.post(
    "/gifts/{int:right_id}/return", auth=Needs("rewards.serve", body=True), response={200: GiftDoneOut}
)
def take_back_gift(request: ApiRequest, right_id: PathId, body: GiftBackIn) -> Any:
    def act() -> Outcome:
        done = operations.take_back_gift(
            actor=request.viewer,
            right_id=right_id,
            is_good=body.is_good,
            reason=body.reason,
            now=request.now,
        )
        return Outcome(200, _done(done))

    return run_once(request, act)


@router.get("/receipts/{uuid:receipt_id}/gifts", auth=Needs("rewards.view"), response=ReceiptGiftsOut)
def list_gifts_of_receipt(request: ApiRequest, receipt_id: UUID) -> ReceiptGiftsOut:
    found = queries.gifts_of_receipt(request.viewer, receipt_id)
    return ReceiptGiftsOut(items=[ReceiptGiftOut(fen=fen, gift=_right(one)) for one, fen in found])


def _campaign(one: queries.GiftCampaignView) -> GiftCampaignOut:
    return GiftCampaignOut(
        campaign_id=one.id,
        mall_id=one.mall_id,
        code=one.code,
        name=one.name,
        state=one.state,  # type: ignore[arg-type]
        starts_on=one.starts_on,
        ends_on=one.ends_on,
        collect_until=one.collect_until,
        adds_up=one.terms.adds_up,
        steps=[
            GiftStepOut(
                step=step.position,
                threshold_fen=step.threshold_fen,
                item_id=step.item.id,
                item_name=step.item.name,
                left=step.item.left,
                left_today=step.item.left_today,
            )
            for step in one.steps
        ],
    )


def _basket(one: queries.Basket) -> GiftBasketOut:
    return GiftBasketOut(
        basket=one.day,
        counted_fen=one.counted_fen,
        used_fen=one.used_fen,
        free_fen=one.free_fen,
        receipts=[
            GiftReceiptOut(
                receipt_id=each.receipt_id,
                number=each.number,
                business_date=each.day,
                net_fen=each.net_fen,
                fen=each.fen,
                used_fen=each.used,
                free_fen=each.free,
                reason=each.reason,  # type: ignore[arg-type]
            )
            for each in one.receipts
        ],
        steps=[
            GiftStepNowOut(
                step=each.step.position,
                missing_fen=each.missing_fen,
                refusal=each.refusal,  # type: ignore[arg-type]
            )
            for each in one.steps
        ],
    )


def _right(one: queries.GiftRightView) -> GiftRightOut:
    return GiftRightOut(
        right_id=one.id,
        campaign_id=one.campaign_id,
        item_id=one.item_id,
        item_name=one.item_name,
        state=one.state,  # type: ignore[arg-type]
        threshold_fen=one.threshold_fen,
        basket=one.basket,
        points=one.points,
        gift_code=one.payload,
        reserved_at=one.reserved_at,
        collect_by=one.collect_by,
        handed_at=one.handed_at,
        due_on=one.due_on,
        shares=[GiftShareOut(receipt_id=each.receipt_id, fen=each.fen) for each in one.shares],
    )


def _done(done: operations.GiftOutcome) -> dict[str, Any]:
    found = GiftDoneOut(
        right_id=done.right_id,
        gift_code=f"ZKE.{done.code}",
        state=done.state,  # type: ignore[arg-type]
        replayed=done.replayed,
        points=done.points,
    )
    return found.model_dump(mode="json")
