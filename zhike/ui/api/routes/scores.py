"""What the models say of a member, and how good the models are."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from ninja import Path, Query, Router, Schema

from zhike.insight import queries
from zhike.loyalty import queries as loyalty
from zhike.ui.api.routes.base import ApiRequest, Needs
from zhike.ui.api.shapes import ID_MAX
from zhike.ui.components import churn as words
from zhike.ui.components import clusters as cluster_words

router = Router(tags=["segments"])


class ScoreReasonOut(Schema):
    """`value` null: not known. `adds`: to the log-odds; above 0 it speaks for leaving. `text` says it in a sentence."""

    figure: str
    value: float | None
    adds: float
    text: str


class ChurnOut(Schema):
    """`risk`: chance of no purchase in the next `horizon_days`. `source`: trees or baseline. `band`: high, middle or low."""

    risk: float
    band: str
    source: str
    horizon_days: int
    action: str
    reasons: list[ScoreReasonOut]
    run_id: int
    scored_at: dt.datetime


class ExpectedOut(Schema):
    """In the next 90 days. `risk_percent`: the chance that they are no customer any more, by BG/NBD; null where it cannot tell."""

    value_fen: int
    purchases: float
    risk_percent: int | None


class MemberClusterOut(Schema):
    """`name` by staff, or from the figures. `kin` stays the same from run to run while the cluster goes on."""

    id: int
    kin: int
    name: str
    codes: list[str]
    run_id: int


class MemberClassesOut(Schema):
    """How they buy, what they prefer, what they are worth; none: no purchase in the window. The guide “Segments” lists the classes."""

    behaviour: str
    preference: str
    value: str


class MemberScoresOut(Schema):
    churn: ChurnOut | None
    expected: ExpectedOut | None
    cluster: MemberClusterOut | None
    classes: MemberClassesOut | None


class ClusterOut(MemberClusterOut):
    """`members` and `share` are those in the key's scope. `means`: averages of the figures; `effects`: how many standard deviations
    from the average member's they lie; `apart`: what sets the cluster apart, the farthest first."""

    number: int
    members: int
    share: float
    means: dict[str, float]
    effects: dict[str, float]
    apart: list[str]


class ClustersOut(Schema):
    items: list[ClusterOut]


class ModelRunOut(Schema):
    """`holdout` by mall id ("0": all malls). Of churn: ranking figures of both models on days they had not seen, and the winner;
    of clusters: what was tried, and which was used for what reason."""

    id: int
    kind: str
    state: str
    fault: str
    started_at: dt.datetime
    started_by: str
    members: int
    holdout: dict[str, Any]
    drift: dict[str, Any]


class ModelRunsOut(Schema):
    items: list[ModelRunOut]


@router.get("/members/{int:member_id}/scores", auth=Needs("segments.view"), response=MemberScoresOut)
def get_member_scores(
    request: ApiRequest, member_id: Annotated[int, Path(ge=1, le=ID_MAX)]
) -> MemberScoresOut:
    """What the newest runs say of a member."""
    person_id, _mall_id = loyalty.member_place(request.viewer, member_id)
    if not queries.may_be_profiled(person_id, request.now):
        return MemberScoresOut(churn=None, expected=None, cluster=None, classes=None)
    score, forecast = queries.churn_of(member_id), queries.forecast_of(member_id)
    expected = None
    if forecast is not None:
        purchases = forecast.purchases_milli / 1_000
        expected = ExpectedOut(
            value_fen=forecast.value_fen, purchases=purchases, risk_percent=forecast.risk_percent
        )
    found, classes = queries.cluster_of(member_id), queries.classes_of(member_id)
    return MemberScoresOut(
        classes=MemberClassesOut(
            behaviour=classes.behaviour, preference=classes.preference, value=classes.value
        )
        if classes
        else None,
        churn=_churn(score) if score else None,
        expected=expected,
        cluster=MemberClusterOut(**_cluster(found)) if found else None,
    )


def _cluster(found: queries.ClusterRef | queries.ClusterView) -> dict[str, Any]:
    return {
        "id": found.id,
        "kin": found.kin,
        "name": cluster_words.name_of(found),
        "codes": list(found.proposed),
        "run_id": found.run_id,
    }


@router.get("/clusters", auth=Needs("segments.view"), response=ClustersOut)
def list_clusters(request: ApiRequest) -> ClustersOut:
    """The clusters of the newest run, the largest first; empty before the first one."""
    return ClustersOut(
        items=[
            ClusterOut(
                **_cluster(one), number=one.number, members=one.members, share=round(one.share, 4), means=one.means,
                effects=one.effects, apart=list(one.apart),
            )
            for one in queries.clusters(request.viewer)
        ]
    )  # fmt: skip


def _churn(score: queries.ChurnView) -> ChurnOut:
    return ChurnOut(
        risk=score.risk_bp / 10_000,
        band=score.band,
        source=score.source,
        horizon_days=score.horizon_days,
        action=score.action,
        reasons=[
            ScoreReasonOut(
                figure=one.code, value=one.value, adds=one.adds / 1_000, text=words.reason_text(one)
            )
            for one in score.reasons
        ],
        run_id=score.run_id,
        scored_at=score.scored_at,
    )


@router.get("/model-runs", auth=Needs("segments.view"), response=ModelRunsOut)
def list_model_runs(
    request: ApiRequest,
    kind: Annotated[str, Query(pattern="^(churn|clusters)$")] = "churn",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ModelRunsOut:
    """For keys that are valid everywhere."""
    return ModelRunsOut(
        items=[
            ModelRunOut(
                id=run.id, kind=run.kind, state=run.state, fault=run.fault, started_at=run.ran_at, started_by=run.ran_by,
                members=run.members, holdout=run.holdout, drift=run.drift,
            )
            for run in queries.model_runs(request.viewer, kind, limit)
        ]
    )  # fmt: skip
