"""Models of uplift: what they were learnt from, and what they are worth on people they have not seen."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from ninja import Path, Router
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
