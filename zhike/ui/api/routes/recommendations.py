"""Recommendations for one member."""

from __future__ import annotations

from typing import Annotated

from ninja import Path, Query, Router, Schema

from zhike.insight import queries
from zhike.ui.api.routes.base import ApiRequest, Needs
from zhike.ui.api.shapes import ID_MAX
from zhike.ui.components import recommend as words

router = Router(tags=["members"])
KIND = "^(product|merchant|coupon)$"


class RecommendedOut(Schema):
    """`source` is why it is recommended: repeat, together, viewed, rule or popular; `reason` says it to the member in a sentence."""

    kind: str
    id: int
    name: str
    merchant_id: int | None
    price_fen: int | None
    source: str
    reason: str
    score: float


class RecommendationsOut(Schema):
    """`basis`: personal; or popular only, because the member refused personalisation (refused), nothing is known of them yet
    (unknown), or nothing was worked out yet (not-fitted).
    """

    basis: str
    items: list[RecommendedOut]


@router.get(
    "/members/{int:member_id}/recommendations", auth=Needs("members.view"), response=RecommendationsOut
)
def get_recommendations(
    request: ApiRequest,
    member_id: Annotated[int, Path(ge=1, le=ID_MAX)],
    kind: Annotated[str, Query(pattern=KIND)] = "product",
    mall_id: Annotated[int | None, Query(ge=1, le=ID_MAX)] = None,
    merchant_id: Annotated[int | None, Query(ge=1, le=ID_MAX)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 12,
) -> RecommendationsOut:
    """What to show a member next, best first; what they did a moment ago counts."""
    found = queries.recommendations(
        request.viewer,
        member_id,
        request.now,
        kinds=(kind,),
        limit=limit,
        mall_id=mall_id,
        merchant_id=merchant_id,
    )
    return RecommendationsOut(
        basis=found.basis,
        items=[_out(one) for one in (*found.products, *found.merchants, *found.coupons)],
    )


def _out(one: queries.Recommended) -> RecommendedOut:
    return RecommendedOut(
        kind=one.kind,
        id=one.id,
        name=one.name,
        merchant_id=one.merchant_id,
        price_fen=one.price_fen,
        source=one.source,
        reason=words.reason(one),
        score=round(one.score, 6),
    )
