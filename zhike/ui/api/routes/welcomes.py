"""Welcome offers: what a mall promises new members, and where one member's stands."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.engagement import operations, queries
from zhike.kernel.errors import NotFound
from zhike.kernel.idempotency import Outcome
from zhike.loyalty import queries as members
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Id, Input, text
from zhike.ui.api.shapes import ID_MAX
from zhike.ui.components.welcome import gift_words

router = Router(tags=["engagement"])


class WelcomeTermsIn(Input):
    """`multiplier_bp` 20000 doubles the purchase's own points; `wait_days` null: as long as those wait; `funding`: who pays,
    in basis points, the mall when empty."""

    points: Annotated[int, Field(ge=0, le=100_000)] = 0
    multiplier_bp: Annotated[int, Field(ge=10_000, le=100_000)] = 10_000
    points_max: Annotated[int, Field(ge=1, le=100_000)] | None = None
    batch_id: Id | None = None
    coupon_on: Literal["joining", "purchase"] = "joining"
    minimum_fen: Annotated[int, Field(ge=1, le=100_000_000)] = 10_000
    days_to_buy: Annotated[int, Field(ge=1, le=366)] = 30
    wait_days: Annotated[int, Field(ge=0, le=366)] | None = 0
    quota: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    budget_points: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    per_device: bool = True
    validity_days: Annotated[int, Field(ge=1, le=3_660)] | None = None
    funding: dict[Annotated[str, text(40)], Annotated[int, Field(ge=1, le=10_000)]] = {}


class WelcomeOfferIn(Input):
    """It holds for those who join from `effective_from` (null: now) on; not `open` ends the offer from then on."""

    mall_id: Id
    terms: WelcomeTermsIn
    open: bool = True
    effective_from: dt.datetime | None = None
    reason: Annotated[str, text(300)] = ""


class PublishedWelcomeOut(Out):
    version: int


class WelcomeVersionOut(Out):
    """`state`: current, planned or past; `gift` says what it gives."""

    version: int
    state: str
    open: bool
    effective_from: dt.datetime
    minimum_fen: int
    days_to_buy: int
    gift: list[str]


class WelcomeOfferOut(Out):
    """Every version, the latest moment first, and what came of the promises; `cost_fen` of what stands."""

    versions: list[WelcomeVersionOut]
    counts: dict[str, int]
    points: int
    coupons: int
    cost_fen: int
    bought_again: int


class WelcomeOut(Out):
    """`status`: promised, waiting (the points come on `due_on`), granted, taken_back, refused (`refusal` says why), missed
    (quota or budget used up), lapsed. `until`: the last day on which a first purchase counts."""

    status: str
    refusal: str
    gift: list[str]
    minimum_fen: int
    until: dt.date
    due_on: dt.date | None
    points: int
    coupon_id: int | None


@router.post("/welcome-offers", auth=Needs("engagement.edit", body=True), response={201: PublishedWelcomeOut})
def publish_welcome_offer(request: ApiRequest, body: WelcomeOfferIn) -> Any:
    """Publish what a mall promises new members."""

    def execute() -> Outcome:
        version = operations.save_welcome_offer(
            actor=request.viewer,
            mall_id=body.mall_id,
            terms=body.terms.model_dump(),
            is_open=body.open,
            effective_from=body.effective_from,
            reason=body.reason,
            now=request.now,
        )
        return Outcome(201, {"version": version})

    return run_once(request, execute)


@router.get("/welcome-offers", auth=Needs("engagement.view"), response=WelcomeOfferOut)
def welcome_offer(request: ApiRequest, mall_id: Annotated[int, Query(ge=1, le=ID_MAX)]) -> WelcomeOfferOut:
    """A mall's offer with all its versions and figures."""
    figures = queries.welcome_figures(request.viewer, mall_id, request.now)
    return WelcomeOfferOut(
        versions=[
            WelcomeVersionOut(
                version=one.version,
                state=one.state,
                open=one.is_open,
                effective_from=one.effective_from,
                minimum_fen=one.terms.minimum_fen,
                days_to_buy=one.terms.days_to_buy,
                gift=gift_words(one.terms, queries.coupon_name(one.terms)),
            )
            for one in queries.welcome_versions(request.viewer, mall_id, request.now)
        ],
        counts=figures.counts,
        points=figures.points,
        coupons=figures.coupons,
        cost_fen=figures.cost_fen,
        bought_again=figures.bought_again,
    )


@router.get("/members/{int:member_id}/welcome", auth=Needs("members.view"), response=WelcomeOut)
def member_welcome(request: ApiRequest, member_id: Annotated[int, Path(ge=1, le=ID_MAX)]) -> WelcomeOut:
    """What a member was promised on joining, and where it stands."""
    members.member_file(request.viewer, member_id, request.now)
    own = queries.own_welcome(member_id, request.now)
    if own is None:
        raise NotFound
    return WelcomeOut(
        status=own.status,
        refusal=own.refusal,
        gift=gift_words(own.terms, own.coupon_name),
        minimum_fen=own.terms.minimum_fen,
        until=own.until,
        due_on=own.due_on,
        points=own.points,
        coupon_id=own.coupon_id,
    )
