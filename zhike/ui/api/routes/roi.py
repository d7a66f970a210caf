"""What campaigns and journeys brought and cost, the targets, and what is left of a yuan of sales."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Query, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.marketing import operations, queries
from zhike.organization import queries as organization
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Day, Id, Input
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["campaigns"])
Days = Annotated[int, Query(ge=1, le=730)]
MallId = Annotated[int | None, Query(ge=1, le=ID_MAX)]
Verdict = Literal["no_holdout", "not_measured", "broken_split", "up", "down", "open"]


class StretchOut(Out):
    """An amount with the ends of its interval."""

    middle: float
    low: float
    high: float


class BoardFigures(Out):
    """Extra sales and margin and the cost of a new customer in fen; null where nothing can be told: no holdout, or unknown margins."""

    people: int
    cost_fen: int | None
    attributed_fen: int | None
    extra_sales: StretchOut | None
    extra_margin: StretchOut | None
    roi: StretchOut | None
    new_customers: int
    new_customer_cost: StretchOut | None


class BoardLineOut(BoardFigures):
    """A campaign or journey. `is_part`: the whole group's, with sales of the mall asked for only. `margin_known`: share of the sales."""

    kind: Literal["campaign", "journey"]
    id: int
    code: str
    name: str
    began_at: dt.datetime
    verdict: Verdict
    reached: int
    bought: int
    margin_known: float
    is_part: bool


class BoardPartOut(BoardFigures):
    """A channel, audience, standing (new, active, dormant) or line of business; `told` of `lines` have a holdout."""

    key: str
    name: str
    lines: int
    told: int
    margin_bp: int | None


class BoardOut(Out):
    lines: list[BoardLineOut]
    total: BoardPartOut
    channels: list[BoardPartOut]
    audiences: list[BoardPartOut]
    standings: list[BoardPartOut]
    categories: list[BoardPartOut]


class MarketingTargetOut(Out):
    """`goal` and `change` are relative to the holdout; null where no holdout tells."""

    name: Literal["wake", "repeat", "convert", "cost"]
    goal: float
    change: StretchOut | None
    verdict: Literal["no_control", "reached", "missed", "open"]
    people: int
    held: int


class MarketingTargetsOut(Out):
    """`told` campaigns and journeys have a holdout and are over; `left_out` say nothing."""

    targets: list[MarketingTargetOut]
    told: int
    left_out: int


class MarginRateIn(Input):
    """Of one merchant or one line of business; `margin_bp` null: none of its own from `valid_from` on."""

    merchant_id: Id | None = None
    category_id: Id | None = None
    margin_bp: Annotated[int, Field(strict=True, ge=0, le=10_000)] | None
    valid_from: Day


class MarginRateOut(Out):
    rate_id: int
    kind: Literal["merchant", "category"]
    subject_id: int
    name: str
    margin_bp: int | None
    valid_from: dt.date
    state: Literal["past", "now", "coming"]


class MarginRatesOut(Out):
    items: list[MarginRateOut]


class MarginRateMade(Out):
    rate_id: int


@router.get("/marketing-board", auth=Needs("campaigns.view"), response=BoardOut)
def marketing_board(request: ApiRequest, days: Days = 90, mall_id: MallId = None) -> BoardOut:
    found = queries.board(
        request.viewer, request.now, since=request.now - dt.timedelta(days=days), mall_id=mall_id
    )
    return BoardOut(
        lines=[_line(one) for one in found.lines],
        total=_part(found.total),
        channels=[_part(one) for one in found.channels],
        audiences=[_part(one) for one in found.audiences],
        standings=[_part(one) for one in found.standings],
        categories=[_part(one) for one in found.categories],
    )


@router.get("/marketing-targets", auth=Needs("campaigns.view"), response=MarketingTargetsOut)
def marketing_targets(request: ApiRequest, days: Days = 90, mall_id: MallId = None) -> MarketingTargetsOut:
    found = queries.marketing_targets(
        request.viewer, request.now, since=request.now - dt.timedelta(days=days), mall_id=mall_id
    )
    return MarketingTargetsOut(
        targets=[
            MarketingTargetOut(
                name=one.name,  # type: ignore[arg-type]
                goal=one.goal,
                change=StretchOut(middle=one.change.change, low=one.change.low, high=one.change.high)
                if one.change
                else None,
                verdict=one.verdict,  # type: ignore[arg-type]
                people=one.people,
                held=one.held,
            )
            for one in found.lines
        ],
        told=found.told,
        left_out=found.left_out,
    )


@router.get("/margin-rates", auth=Needs("campaigns.view"), response=MarginRatesOut)
def list_margin_rates(request: ApiRequest) -> MarginRatesOut:
    found = queries.margin_rates(request.viewer, organization.default_group().id, request.now.date())
    names = ("kind", "subject_id", "name", "margin_bp", "valid_from", "state")
    return MarginRatesOut(
        items=[MarginRateOut(rate_id=one.id, **{name: getattr(one, name) for name in names}) for one in found]
    )


@router.post("/margin-rates", auth=Needs("campaigns.approve", body=True), response={201: MarginRateMade})
def set_margin_rate(request: ApiRequest, body: MarginRateIn) -> Any:
    def make() -> Outcome:
        rate_id = operations.set_margin_rate(
            actor=request.viewer,
            group_id=organization.default_group().id,
            merchant_id=body.merchant_id,
            category_id=body.category_id,
            margin_bp=body.margin_bp,
            valid_from=body.valid_from,
            now=request.now,
        )
        return Outcome(201, MarginRateMade(rate_id=rate_id).model_dump(mode="json"))

    return run_once(request, make)


def _line(one: queries.BoardLine) -> BoardLineOut:
    of = one.of
    return BoardLineOut(
        kind=of.kind,  # type: ignore[arg-type]
        id=of.id,
        code=of.code,
        name=of.name,
        began_at=of.began_at,
        verdict=of.verdict,  # type: ignore[arg-type]
        reached=of.reached,
        people=one.people,
        bought=one.bought,
        cost_fen=of.cost.total if one.is_open else None,
        attributed_fen=one.attributed_fen,
        margin_known=of.covered,
        is_part=one.is_part,
        **_figures(one),
    )


def _part(one: queries.PartLine) -> BoardPartOut:
    return BoardPartOut(
        key=one.key,
        name=one.name,
        lines=one.lines,
        told=one.told,
        people=one.people,
        cost_fen=one.cost_fen,
        attributed_fen=one.attributed_fen,
        margin_bp=one.rate_bp,
        **_figures(one),
    )


def _figures(one: queries.BoardLine | queries.PartLine) -> dict[str, Any]:
    return {
        "extra_sales": _stretch(one.extra),
        "extra_margin": _stretch(one.margin),
        "roi": _stretch(one.roi),
        "new_customers": one.acquired.people,
        "new_customer_cost": _stretch(one.acquired.unit),
    }


def _stretch(one: queries.Stretch | None) -> StretchOut | None:
    return StretchOut(middle=one.middle, low=one.low, high=one.high) if one else None
