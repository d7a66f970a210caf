"""What points are worth: quotes for a checkout, and the versions of the redemption rates."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Path, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.kernel.errors import NotFound
from zhike.kernel.idempotency import Outcome
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.ui.api import refs
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Id, Input, text
from zhike.ui.api.shapes import AMOUNT_FEN_MAX, ID_MAX

router = Router(tags=["redemptions"])
MemberId = Annotated[int, Path(ge=1, le=ID_MAX)]
Moment = dt.datetime
YEAR_MIN, YEAR_MAX = 2000, 9000


class QuoteIn(Input):
    """Without `points` as many as can be spent here; with `bill_fen` no more than points may pay of it."""

    points: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)] | None = None
    bill_fen: Annotated[int, Field(strict=True, ge=1, le=AMOUNT_FEN_MAX)] | None = None
    merchant_id: Id | None = None
    merchant_code: Annotated[str, text(40, 1)] | None = None
    mall_code: Annotated[str, text(40, 1)] | None = None


class QuotePartOut(Out):
    """Points at one rate; `promised`: an older one that they keep."""

    points: int
    rate_points: int
    rate_fen: int
    promised: bool


class QuoteOut(Out):
    """`points` pay `value_fen` until `valid_until`, once: name the `quote_id` in the redemption or the hold."""

    quote_id: UUID
    member_id: int
    points: int
    value_fen: int
    balance: int
    rate_points: int
    rate_fen: int
    parts: list[QuotePartOut]
    why: str
    version: int
    valid_until: dt.datetime


@router.post(
    "/members/{int:member_id}/redemption-quotes",
    auth=Needs("points.redeem", body=True),
    response={201: QuoteOut},
)
def quote_redemption(request: ApiRequest, member_id: MemberId, body: QuoteIn) -> Any:
    """Promise what points are worth at a till, for one checkout."""
    named = body.merchant_id is not None or body.merchant_code is not None
    merchant = refs.merchant_of(body) if named else None

    def execute() -> Outcome:
        done = loyalty.quote_redemption(
            actor=request.viewer,
            member_id=member_id,
            points=body.points,
            bill_fen=body.bill_fen,
            merchant_id=merchant.id if merchant else None,
            mall_id=merchant.mall_id if merchant else None,
            now=request.now,
        )
        return Outcome(201, _quote(done).model_dump(mode="json"))

    return run_once(request, execute)


def _quote(done: loyalty.Quote) -> QuoteOut:
    return QuoteOut(
        quote_id=done.quote_id,
        member_id=done.member_id,
        points=done.points,
        value_fen=done.value_fen,
        balance=done.balance,
        rate_points=done.terms.rate.points,
        rate_fen=done.terms.rate.fen,
        parts=[
            QuotePartOut(
                points=one.points,
                rate_points=one.rate_points,
                rate_fen=one.rate_fen,
                promised=one.is_promised,
            )
            for one in done.parts
        ],
        why=queries.rate_sentence(done.terms),
        version=done.terms.version,
        valid_until=done.valid_until,
    )


# --- the table


Bounded = Annotated[int, Field(strict=True, ge=1, le=100_000_000)]
Ids = Annotated[list[Id], Field(max_length=100)]


class RateDatesIn(Input):
    from_date: Annotated[dt.date, Field(alias="from")]
    to_date: Annotated[dt.date, Field(alias="to")]


class RateLineIn(Input):
    """Where it holds, and a price (`points` for `fen`) or a premium on the price that won, in basis points."""

    name: Annotated[str, text(60)] = ""
    points: Bounded | None = None
    fen: Bounded | None = None
    premium_bp: Annotated[int, Field(strict=True, ge=-9_000, le=100_000)] | None = None
    dates: Annotated[list[RateDatesIn], Field(max_length=40)] = []
    weekdays: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(max_length=7)] = []
    trade_categories: Ids = []
    tiers: Ids = []


class RateTableIn(Input):
    """The price where no line says otherwise, the lines, and how much may be spent at once."""

    points: Bounded
    fen: Bounded
    lines: Annotated[list[RateLineIn], Field(max_length=60)] = []
    step: Bounded = 1
    minimum: Bounded = 1
    maximum: Bounded = 1_000_000
    share_bp: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 10_000


class RatesIn(Input):
    """`keeps`: points given before keep what they were worth, when this makes points worth less."""

    table: RateTableIn
    effective_from: Moment
    keeps: bool = False
    note: Annotated[str, text(300)] = ""


class RateVersionOut(Out):
    """`state`: notice is one that cuts and was not announced to everybody yet; `starts_at` is null so long."""

    version_id: int
    version: int
    state: Literal["planned", "notice", "in_force", "past", "withdrawn"]
    table: dict[str, Any]
    effective_from: dt.datetime
    starts_at: dt.datetime | None
    cut_bp: int
    keeps: bool
    noticed_at: dt.datetime | None
    told: int
    note: str


class RateVersionsOut(Out):
    items: list[RateVersionOut]


class RateIdOut(Out):
    version_id: int


class RateImpactOut(Out):
    """Points outstanding at the rates before and after; redemptions of the last days at what they paid and would pay."""

    cut_bp: int
    earliest: dt.datetime
    points: int
    before_fen: int
    after_fen: int
    last_days: list[RateReplayOut]


class RateReplayOut(Out):
    days: int
    redemptions: int
    points: int
    paid_fen: int
    draft_fen: int


RateImpactOut.model_rebuild()


def default_program() -> int:
    program_id = queries.default_program_id()
    if program_id is None:
        raise NotFound
    return program_id


def _definition(body: RatesIn) -> dict[str, Any]:
    return body.table.model_dump(mode="json", by_alias=True, exclude_none=True)


def _moment(body: RatesIn) -> dt.datetime:
    moment = body.effective_from
    if moment.tzinfo is None or not YEAR_MIN <= moment.year <= YEAR_MAX:
        raise loyalty.InvalidRates(path="effective_from", reason="out_of_range")
    return moment


@router.get("/redemption-rates", auth=Needs("programme.view"), response=RateVersionsOut)
def list_redemption_rates(request: ApiRequest) -> RateVersionsOut:
    """Every version of the redemption rates, the newest first."""
    found = queries.rate_versions(request.viewer, default_program(), request.now)
    return RateVersionsOut(
        items=[
            RateVersionOut(
                version_id=one.version_id,
                version=one.version,
                state=one.state,  # type: ignore[arg-type]
                table=queries.plain_table(one.table),
                effective_from=one.effective_from,
                starts_at=one.starts_at,
                cut_bp=one.cut_bp,
                keeps=one.keeps,
                noticed_at=one.noticed_at,
                told=one.told,
                note=one.note,
            )
            for one in found
        ]
    )


@router.post("/redemption-rates/preview", auth=Needs("programme.edit", body=True), response=RateImpactOut)
def preview_redemption_rates(request: ApiRequest, body: RatesIn) -> RateImpactOut:
    """What a version would cost, before it is published. Nothing is written."""
    try:
        found = queries.rate_impact(
            request.viewer, default_program(), _definition(body), _moment(body), request.now, keeps=body.keeps
        )
    except queries.RateTableError as error:
        raise loyalty.InvalidRates(path=error.path, reason=error.reason) from None
    return RateImpactOut(
        cut_bp=found.cut_bp,
        earliest=found.earliest,
        points=found.points,
        before_fen=found.before_fen,
        after_fen=found.after_fen,
        last_days=[
            RateReplayOut(
                days=one.days,
                redemptions=one.redemptions,
                points=one.points,
                paid_fen=one.paid_fen,
                draft_fen=one.draft_fen,
            )
            for one in found.replayed
        ],
    )


@router.post("/redemption-rates", auth=Needs("programme.edit", body=True), response={201: RateIdOut})
def publish_redemption_rates(request: ApiRequest, body: RatesIn) -> Any:
    """Publish the next version; one that makes points worth less begins after its notice."""
    moment = _moment(body)

    def execute() -> Outcome:
        version_id = loyalty.publish_rates(
            actor=request.viewer,
            program_id=default_program(),
            definition=_definition(body),
            effective_from=moment,
            keeps=body.keeps,
            note=body.note,
            now=request.now,
        )
        return Outcome(201, {"version_id": version_id})

    return run_once(request, execute)


@router.post(
    "/redemption-rates/{int:version_id}/withdrawal",
    auth=Needs("programme.edit", body=True),
    response={200: RateIdOut},
)
def withdraw_redemption_rates(request: ApiRequest, version_id: Annotated[int, Path(ge=1, le=ID_MAX)]) -> Any:
    """A version that is not in force yet never will be."""

    def execute() -> Outcome:
        loyalty.withdraw_rates(actor=request.viewer, version_id=version_id, now=request.now)
        return Outcome(200, {"version_id": version_id})

    return run_once(request, execute)
