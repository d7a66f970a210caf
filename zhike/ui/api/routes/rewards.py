"""The points mall for other doors: what there is for a member, exchanging it, and handing it over."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

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
Kind = Literal["goods", "code", "coupon", "service", "seat", "donation", "tier"]
State = Literal["reserved", "ready", "collected", "cancelled", "expired"]


class RewardOut(Out):
    """A reward in front of one member. `points` is their own price, `refusal` why they cannot have it (null: they can).

    `tier_until` is the last day of a tier, were it taken today; `held` means that they have it for as long already.
    `is_early`: out of what is kept for their tier before everybody's opening."""

    reward_id: int
    code: str
    name: str
    kind: Kind
    category: str
    summary: str
    points: int
    cash_fen: int
    market_fen: int
    left: int | None
    most: int
    refusal: (
        Literal[
            "closed",
            "early",
            "early_quota",
            "late",
            "season",
            "started",
            "tier",
            "stock",
            "limit",
            "held",
            "points",
        ]
        | None
    )
    tier_until: dt.date | None
    is_early: bool


class RewardsOut(Out):
    balance: int
    items: list[RewardOut]


class ExchangeIn(Input):
    """`expected_points` is the price that was shown, for all of `quantity`; another price refuses the exchange."""

    reward_id: Id
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 1
    expected_points: Annotated[int, Field(strict=True, ge=1, le=10_000_000_000)] | None = None
    mall_id: Id | None = None


class OrderOut(Out):
    """An exchange order. `pick_up_code` is what its QR says; `collect_by` the first moment it is too late.

    `tier_until` is the last day of a tier."""

    order_id: int
    number: str
    reward_id: int
    name: str
    kind: Kind
    state: State
    quantity: int
    points: int
    cash_fen: int
    mall_id: int
    pick_up_code: str
    coupon_id: int | None
    tier_until: dt.date | None
    ordered_at: dt.datetime
    collect_by: dt.datetime | None
    collected_at: dt.datetime | None


class OrdersOut(Out):
    items: list[OrderOut]
    next_cursor: str | None


class ExchangedOut(Out):
    order_id: int
    state: State
    points: int
    cash_fen: int
    balance: int


class HandOverIn(Input):
    """`tender` is how the cash part was paid; needed when there is one."""

    pick_up_code: Annotated[str, text(40, 1)]
    tender: Annotated[str, text(20)] = ""


class CancelIn(Input):
    reason: Annotated[str, text(200, 1)]


class OrderDoneOut(Out):
    """`points` went back to the member; `cash_fen` is to be taken or refunded."""

    order_id: int
    state: State
    points: int
    cash_fen: int


@router.get(
    "/members/{int:member_id}/rewards", auth=Needs("members.view", "rewards.view"), response=RewardsOut
)
def list_rewards(
    request: ApiRequest,
    member_id: PathId,
    category: Annotated[str, Query(max_length=40)] = "",
    q: Annotated[str, Query(max_length=40)] = "",
) -> RewardsOut:
    shop = queries.shop(request.viewer, member_id, request.now, category=category, q=q)
    return RewardsOut(balance=shop.balance, items=[_reward_out(one) for one in shop.items])


@router.post(
    "/members/{int:member_id}/exchanges",
    auth=Needs("rewards.exchange", body=True),
    response={201: ExchangedOut},
)
def exchange_reward(request: ApiRequest, member_id: PathId, body: ExchangeIn) -> Any:
    def act() -> Outcome:
        made = operations.exchange_reward(
            actor=request.viewer,
            member_id=member_id,
            reward_id=body.reward_id,
            quantity=body.quantity,
            expected_points=body.expected_points,
            mall_id=body.mall_id,
            source="api",
            now=request.now,
        )
        found = ExchangedOut(
            order_id=made.order_id,
            state=made.state,  # type: ignore[arg-type]
            points=made.points,
            cash_fen=made.cash_fen,
            balance=made.balance,
        )
        return Outcome(201, found.model_dump(mode="json"))

    return run_once(request, act)


@router.get("/members/{int:member_id}/exchanges", auth=Needs("members.view"), response=OrdersOut)
def list_exchanges(
    request: ApiRequest,
    member_id: PathId,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> OrdersOut:
    page = queries.member_orders(request.viewer, member_id, request.now, cursor=cursor, limit=limit)
    return OrdersOut(items=[_order_out(one) for one in page.items], next_cursor=page.next_cursor)


@router.post("/exchanges/hand-over", auth=Needs("rewards.serve", body=True), response={200: OrderDoneOut})
def hand_over_exchange(request: ApiRequest, body: HandOverIn) -> Any:
    def act() -> Outcome:
        found = queries.order_by_code(request.viewer, body.pick_up_code)
        if found is None:
            raise operations.OrderNotFound
        done = operations.collect_order(
            actor=request.viewer, order_id=found.id, tender=body.tender, now=request.now
        )
        return Outcome(200, _done_out(done))

    return run_once(request, act)


@router.post(
    "/exchanges/{int:order_id}/cancellation",
    auth=Needs("rewards.serve", body=True),
    response={200: OrderDoneOut},
)
def cancel_exchange(request: ApiRequest, order_id: PathId, body: CancelIn) -> Any:
    def act() -> Outcome:
        done = operations.cancel_order(
            actor=request.viewer, order_id=order_id, reason=body.reason, now=request.now
        )
        return Outcome(200, _done_out(done))

    return run_once(request, act)


class OwnBenefitOut(Out):
    """A benefit of the member's tier: `left` of `quota` in this period; both 0: it is always there, nothing is counted."""

    benefit_id: int
    code: str
    name: str
    kind: Literal["parking", "lounge", "gift", "service", "priority", "points"]
    unit: str
    quota: int
    left: int
    period: Literal["ever", "year", "month", "day"]
    refusal: Literal["uncounted", "birthday-unknown", "not-birth-month", "quota"] | None


class OwnBenefitsOut(Out):
    items: list[OwnBenefitOut]


class BenefitUseIn(Input):
    benefit_id: Id
    mall_id: Id
    quantity: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    note: Annotated[str, text(120)] = ""


class BenefitUsedOut(Out):
    use_id: int
    quantity: int
    left: int


class UseCancelledOut(Out):
    use_id: int


@router.get("/members/{int:member_id}/benefits", auth=Needs("members.view"), response=OwnBenefitsOut)
def list_benefits(request: ApiRequest, member_id: PathId) -> OwnBenefitsOut:
    own = queries.member_benefits(request.viewer, member_id, request.now)
    return OwnBenefitsOut(
        items=[
            OwnBenefitOut(
                benefit_id=one.benefit.id,
                code=one.benefit.code,
                name=one.benefit.name,
                kind=one.benefit.kind,  # type: ignore[arg-type]
                unit=one.benefit.unit,
                quota=one.quota,
                left=one.left,
                period=one.benefit.period,  # type: ignore[arg-type]
                refusal=one.refusal,  # type: ignore[arg-type]
            )
            for one in own.items
        ]
    )


@router.post(
    "/members/{int:member_id}/benefit-uses",
    auth=Needs("rewards.serve", body=True),
    response={201: BenefitUsedOut},
)
def use_benefit(request: ApiRequest, member_id: PathId, body: BenefitUseIn) -> Any:
    def act() -> Outcome:
        done = operations.use_benefit(
            actor=request.viewer,
            member_id=member_id,
            benefit_id=body.benefit_id,
            mall_id=body.mall_id,
            quantity=body.quantity,
            note=body.note,
            now=request.now,
        )
        found = BenefitUsedOut(use_id=done.use_id, quantity=done.quantity, left=done.left)
        return Outcome(201, found.model_dump(mode="json"))

    return run_once(request, act)


@router.post(
    "/benefit-uses/{int:use_id}/cancellation",
    auth=Needs("rewards.serve", body=True),
    response={200: UseCancelledOut},
)
def cancel_benefit_use(request: ApiRequest, use_id: PathId, body: CancelIn) -> Any:
    def act() -> Outcome:
        operations.cancel_use(actor=request.viewer, use_id=use_id, reason=body.reason, now=request.now)
        return Outcome(200, {"use_id": use_id})

    return run_once(request, act)


def _done_out(done: operations.OrderOutcome) -> dict[str, Any]:
    found = OrderDoneOut(
        order_id=done.order_id,
        state=done.state,  # type: ignore[arg-type]
        points=done.points,
        cash_fen=done.cash_fen,
    )
    return found.model_dump(mode="json")


def _reward_out(one: queries.ShopItem) -> RewardOut:
    reward = one.reward
    return RewardOut(
        reward_id=reward.id,
        code=reward.code,
        name=reward.name,
        kind=reward.kind,  # type: ignore[arg-type]
        category=reward.category.name,
        summary=reward.summary,
        points=one.points,
        cash_fen=reward.cash_fen,
        market_fen=reward.market_fen,
        left=reward.left,
        most=one.most,
        refusal=one.refusal,  # type: ignore[arg-type]
        tier_until=one.last_day,
        is_early=one.is_early,
    )


def _order_out(one: queries.OrderView) -> OrderOut:
    return OrderOut(
        order_id=one.id,
        number=one.number,
        reward_id=one.reward_id,
        name=one.reward_name,
        kind=one.kind,  # type: ignore[arg-type]
        state=one.state,  # type: ignore[arg-type]
        quantity=one.quantity,
        points=one.points,
        cash_fen=one.cash_fen,
        mall_id=one.mall_id,
        pick_up_code=one.payload,
        coupon_id=one.coupon_id,
        tier_until=one.tier_until,
        ordered_at=one.ordered_at,
        collect_by=one.collect_by,
        collected_at=one.collected_at,
    )
