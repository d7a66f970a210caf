"""Campaigns: planned and looked at by programs; approved and launched by people."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.marketing import operations, queries
from zhike.organization import queries as organization
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Day, Fen, Id, Input, Moment, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["campaigns"])
PathId = Annotated[int, Path(ge=1, le=ID_MAX)]
Share = Annotated[int, Field(strict=True, ge=0, le=10_000)]
State = Literal[
    "draft", "submitted", "approved", "waiting", "running", "paused", "stopped", "sent", "done", "cancelled"
]


class ArmIn(Input):
    """One content: a wording by its code, perhaps with a coupon of a batch or points."""

    key: Annotated[str, text(20, 1)] = "A"
    template: Annotated[str, text(60, 1)]
    batch_id: Id | None = None
    points: Annotated[int, Field(strict=True, ge=0, le=100_000)] = 0
    weight: Annotated[int, Field(strict=True, ge=1, le=100)] = 1


class CampaignIn(Input):
    """A plan. Shares are hundredths of a per cent; `segment_id` null is every member in scope; budget in fen by who pays."""

    name: Annotated[str, text(80, 1)]
    goal: Literal["visit", "revenue"] = "visit"
    theme: Annotated[str, text(500)] = ""
    arms: Annotated[list[ArmIn], Field(min_length=1, max_length=6)]
    mall_id: Id | None = None
    segment_id: Id | None = None
    holdout_bp: Share = 1_000
    test_bp: Share = 10_000
    window_days: Annotated[int, Field(strict=True, ge=1, le=90)] = 14
    budget: Annotated[dict[Literal["mall", "merchant", "brand"], Fen], Field(max_length=3)] = {}
    rhythm: Literal["once", "daily"] = "once"
    starts_at: Moment | None = None
    ends_on: Day | None = None


class CampaignMade(Out):
    campaign_id: int


class StepIn(Input):
    """What is to be done with it. People approve and launch."""

    step: Literal["submit", "pause", "resume", "cancel"]


class CampaignOut(Out):
    """A campaign; `code` is how its messages, coupons and points are known elsewhere."""

    campaign_id: int
    code: str
    name: str
    state: State
    stop_reason: str
    mall_id: int | None
    holdout_bp: int
    rhythm: str
    starts_at: dt.datetime | None
    ends_on: dt.date | None
    window_ends_at: dt.datetime | None


class CampaignsOut(Out):
    items: list[CampaignOut]
    next_cursor: str | None


class EffectOut(Out):
    """Arms less holdout, within [`low`, `high`]."""

    difference: float
    low: float
    high: float
    p_value: float


class ArmOut(Out):
    """What the measured people of an arm did. Comparisons are null without a holdout."""

    key: str
    people: int
    given: int
    clicked: int
    bought: int
    sales_fen: int
    withdrawn: int
    complained: int
    bought_lift: EffectOut | None
    sales_lift_fen: EffectOut | None


class CampaignReviewOut(Out):
    """`verdict`: no_holdout, not_measured, broken_split, up, down or open. `extra_sales_fen` and `roi`: middle, low, high."""

    measured_at: dt.datetime | None
    method: Literal["sequential", "fixed"]
    verdict: Literal["no_holdout", "not_measured", "broken_split", "up", "down", "open"]
    together: ArmOut | None
    holdout: ArmOut | None
    arms: list[ArmOut]
    split_p_value: float
    extra_sales_fen: list[int] | None
    cost_fen: int
    cost_by_party: dict[str, int]
    roi: list[float] | None
    sent: int
    delivered: int
    opened: int
    clicked: int
    bought: int


@router.get("/campaigns", auth=Needs("campaigns.view"), response=CampaignsOut)
def list_campaigns(
    request: ApiRequest,
    status: Annotated[Literal["", "planned", "started"], Query()] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CampaignsOut:
    page = queries.campaigns_page(request.viewer, now=request.now, status=status, cursor=cursor, limit=limit)
    return CampaignsOut(items=[_out(one) for one in page.items], next_cursor=page.next_cursor)


@router.post("/campaigns", auth=Needs("campaigns.edit", body=True), response={201: CampaignMade})
def plan_campaign(request: ApiRequest, body: CampaignIn) -> Any:
    def make() -> Outcome:
        plan = operations.Plan(
            **body.model_dump(exclude={"arms", "segment_id"}),
            arms=tuple(operations.ArmPlan(**arm.model_dump()) for arm in body.arms),
            segment=body.segment_id,
        )
        campaign_id = operations.plan_campaign(
            actor=request.viewer, group_id=organization.default_group().id, plan=plan, now=request.now
        )
        return Outcome(201, CampaignMade(campaign_id=campaign_id).model_dump(mode="json"))

    return run_once(request, make)


@router.get("/campaigns/{int:campaign_id}", auth=Needs("campaigns.view"), response=CampaignOut)
def get_campaign(request: ApiRequest, campaign_id: PathId) -> CampaignOut:
    return _out(queries.campaign(request.viewer, campaign_id, request.now).row)


@router.get("/campaigns/{int:campaign_id}/review", auth=Needs("campaigns.view"), response=CampaignReviewOut)
def review_campaign(request: ApiRequest, campaign_id: PathId) -> CampaignReviewOut:
    found = queries.review(request.viewer, campaign_id, request.now)
    extra = found.extra
    return CampaignReviewOut(
        measured_at=found.measured_at,
        method=found.method,  # type: ignore[arg-type]
        verdict=found.verdict,  # type: ignore[arg-type]
        together=_arm(found.together),
        holdout=_arm(found.holdout),
        arms=[one for arm in found.arms if (one := _arm(arm)) is not None],
        split_p_value=found.split.p_value,
        extra_sales_fen=[extra.fen, extra.low, extra.high] if extra else None,
        cost_fen=found.cost.total,
        cost_by_party=dict(found.cost.by_party),
        roi=list(found.roi) if found.roi else None,
        sent=found.funnel.sent,
        delivered=found.funnel.delivered,
        opened=found.funnel.opened,
        clicked=found.funnel.clicked,
        bought=found.funnel.bought,
    )


@router.post(
    "/campaigns/{int:campaign_id}/steps", auth=Needs("campaigns.edit", body=True), response=CampaignOut
)
def step_campaign(request: ApiRequest, campaign_id: PathId, body: StepIn) -> Any:
    def take() -> Outcome:
        operation = getattr(operations, f"{body.step}_campaign")
        operation(actor=request.viewer, campaign_id=campaign_id, now=request.now)
        row = queries.campaign(request.viewer, campaign_id, request.now).row
        return Outcome(200, _out(row).model_dump(mode="json"))

    return run_once(request, take)


def _out(one: queries.CampaignRow) -> CampaignOut:
    return CampaignOut(
        campaign_id=one.id,
        code=one.code,
        name=one.name,
        state=one.state,  # type: ignore[arg-type]
        stop_reason=one.stop_reason,
        mall_id=one.mall_id,
        holdout_bp=one.holdout_bp,
        rhythm=one.rhythm,
        starts_at=one.starts_at,
        ends_on=one.ends_on,
        window_ends_at=one.window_ends_at,
    )


def _arm(arm: queries.ArmFigures | None) -> ArmOut | None:
    if arm is None:
        return None
    names = ("key", "people", "given", "clicked", "bought", "sales_fen", "withdrawn", "complained")
    return ArmOut(
        **{name: getattr(arm, name) for name in names},
        bought_lift=_effect(arm.visit),
        sales_lift_fen=_effect(arm.revenue),
    )


def _effect(effect: queries.Effect | None) -> EffectOut | None:
    if effect is None:
        return None
    return EffectOut(difference=effect.difference, low=effect.low, high=effect.high, p_value=effect.p_value)
