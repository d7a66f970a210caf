"""Models of uplift, what they are worth on people they have not seen; and purchases shared out among the messages before them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from ninja import Path, Query, Router
from ninja import Schema as Out

from zhike.marketing import queries
from zhike.ui.api.routes.base import ApiRequest, Needs
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["campaigns"])


class UpliftAtOut(Out):
    """Of the best `percent` of unseen people: extra buyers a person, within [`low`, `high`]."""

    percent: int
    uplift: float
    low: float
    high: float
    people: int


class UpliftRunOut(Out):
    """`fault` says why nothing was learnt, then the figures are empty. `qini` and `auuc`: 0 is chance, 1 the best order there is;
    `curve` is share, Qini and uplift in people. Fen are of one person."""

    run_id: int
    mall_id: int | None
    ran_at: dt.datetime
    fault: str
    learner: str
    beats_random: bool
    people: int
    treated: int
    buyers: int
    qini: float
    qini_low: float
    qini_high: float
    auuc: float
    at: list[UpliftAtOut]
    worth_fen: int
    cost_fen: int
    campaign_ids: list[int]
    curve: list[list[float]]


class UpliftRunsOut(Out):
    items: list[UpliftRunOut]


class TouchOut(Out):
    """A campaign, journey or channel; fen by rule. `extra_sales_fen` is what its holdout proves (middle, low, high), null without one."""

    key: str
    name: str
    campaign_id: int | None
    journey_id: int | None
    people: int
    messages: int
    cost_fen: int
    last_touch_fen: int
    position_fen: int
    data_driven_fen: int
    extra_sales_fen: list[int] | None


class AttributionOut(Out):
    """`purchases` with a message in the window before them, for `fen` altogether: every rule shares out this amount."""

    purchases: int
    lost_paths: int
    fen: int
    campaigns: list[TouchOut]
    channels: list[TouchOut]


@router.get("/campaign-attribution", auth=Needs("campaigns.view"), response=AttributionOut)
def campaign_attribution(
    request: ApiRequest,
    days: Annotated[int, Query(ge=1, le=90)] = 30,
    window_days: Annotated[Literal[3, 7, 14, 30], Query()] = 7,
    mall_id: Annotated[int | None, Query(ge=1, le=ID_MAX)] = None,
) -> AttributionOut:
    found = queries.attribution(
        request.viewer,
        since=request.now - dt.timedelta(days=days),
        until=request.now,
        window_days=window_days,
        mall_id=mall_id,
        now=request.now,
    )
    return AttributionOut(
        purchases=found.paths,
        lost_paths=found.lost,
        fen=found.fen,
        campaigns=[_touch(one) for one in found.campaigns],
        channels=[_touch(one) for one in found.channels],
    )


def _touch(one: queries.AttributionRow) -> TouchOut:
    review = one.review
    extra = review.extra if review is not None and review.is_told else None
    return TouchOut(
        key=one.key,
        name=one.name,
        campaign_id=one.campaign_id,
        journey_id=one.journey_id,
        people=one.people,
        messages=one.messages,
        cost_fen=one.cost_fen,
        last_touch_fen=round(one.last.fen),
        position_fen=round(one.position.fen),
        data_driven_fen=round(one.driven.fen),
        extra_sales_fen=[extra.fen, extra.low, extra.high] if extra else None,
    )


@router.get("/uplift-runs", auth=Needs("campaigns.view"), response=UpliftRunsOut)
def list_uplift_runs(request: ApiRequest) -> UpliftRunsOut:
    return UpliftRunsOut(items=[_out(one) for one in queries.uplift_runs(request.viewer)])


@router.get("/uplift-runs/{int:run_id}", auth=Needs("campaigns.view"), response=UpliftRunOut)
def get_uplift_run(request: ApiRequest, run_id: Annotated[int, Path(ge=1, le=ID_MAX)]) -> UpliftRunOut:
    return _out(queries.uplift_run(request.viewer, run_id))


def _out(one: queries.UpliftRunView) -> UpliftRunOut:
    names = (
        "mall_id", "ran_at", "fault", "learner", "beats_random", "people", "treated", "buyers", "qini", "qini_low",
        "qini_high", "auuc", "worth_fen", "cost_fen",
    )  # fmt: skip
    return UpliftRunOut(
        run_id=one.id,
        at=[
            UpliftAtOut(percent=at.percent, uplift=at.uplift, low=at.low, high=at.high, people=at.people)
            for at in one.at
        ],
        campaign_ids=[pk for pk, _name in one.campaigns],
        curve=[list(line) for line in one.curve],
        **{name: getattr(one, name) for name in names},
    )
