"""Auctions and lucky draws for other doors: what there is for a member, taking part, what came of it, and the proof."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.rewards import operations, queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Input, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["rewards"])
PathId = Annotated[int, Path(ge=1, le=ID_MAX)]
AuctionState = Literal["early", "open", "over", "closed", "cancelled"]
BidState = Literal["standing", "raised", "outbid", "won", "lost", "void"]
DrawState = Literal["early", "open", "over", "revealed"]


class AuctionOut(Out):
    """`units` pieces of a reward go to the highest bids. `head` is the last link of the chain of all bids."""

    auction_id: int
    code: str
    name: str
    kind: Literal["open", "sealed"]
    state: AuctionState
    reward_id: int
    reward_name: str
    units: int
    reserve_points: int
    step_points: int
    opens_at: dt.datetime
    ends_at: dt.datetime
    bids: int
    bidders: int
    digest: str
    head: str


class AuctionsOut(Out):
    items: list[AuctionOut]


class RankOut(Out):
    """A place of the ranking; members are numbers."""

    place: int
    bidder: int
    points: int
    is_own: bool
    has_won: bool


class BidOut(Out):
    """A member's bid. SHA-256 of `code|number|bidder|points|salt` is the commitment, their proof afterwards."""

    bid_id: int
    number: int
    bidder: int
    points: int
    state: BidState
    place: int | None
    order_id: int | None
    commitment: str
    salt: str
    bid_at: dt.datetime


class BidsOut(Out):
    items: list[BidOut]


class FloorOut(Out):
    """An auction in front of one member: `least` is the fewest points of their next bid, `free` what they could hold,
    `refusal` why they cannot bid (null: they can). A sealed auction has no ranking before its end."""

    auction: AuctionOut
    ranking: list[RankOut]
    own: BidOut | None
    least: int
    free: int
    refusal: Literal["early", "over", "tier", "points"] | None


class BidIn(Input):
    points: Annotated[int, Field(strict=True, ge=1, le=100_000_000)]


class BidMadeOut(Out):
    bid_id: int
    number: int
    points: int
    commitment: str
    balance: int
    ends_at: dt.datetime


class DrawPrizeOut(Out):
    """A prize with its odds, in millionths, and what is left; `stock` null: it never runs out."""

    name: str
    kind: Literal["goods", "coupon", "points"]
    odds_ppm: int
    stock: int | None
    left: int | None
    value_fen: int


class DrawOut(Out):
    """A lucky draw. `commitment` is the SHA-256 of its secret seed, `seed` the seed itself once it is over."""

    draw_id: int
    code: str
    name: str
    state: DrawState
    points: int
    daily_limit: int
    opens_at: dt.datetime
    closes_at: dt.datetime
    commitment: str
    digest: str
    seed: str
    tickets: int
    prizes: list[DrawPrizeOut]


class DrawsOut(Out):
    items: list[DrawOut]


class OwnDrawOut(Out):
    """A draw in front of one member, who may draw `left_today` times more."""

    draw: DrawOut
    left_today: int


class DrawIn(Input):
    """`nonce` is the member's own part of the roll: random, made where they press."""

    nonce: Annotated[str, text(64, 1)]


class DrawnOut(Out):
    ticket_id: int
    number: int
    prize: str
    is_fallback: bool
    balance: int


class DrawTicketOut(Out):
    """What one draw gave. Goods wait at the desk under `pick_up_code`."""

    ticket_id: int
    number: int
    prize: str
    kind: Literal["goods", "coupon", "points"]
    pick_up_code: str | None
    coupon_id: int | None
    drawn_at: dt.datetime
    collected_at: dt.datetime | None


class DrawTicketsOut(Out):
    items: list[DrawTicketOut]


class PrizeHandOverIn(Input):
    pick_up_code: Annotated[str, text(40, 1)]


class PrizeHandedOverOut(Out):
    """`handed_over` is false when it was before."""

    ticket_id: int
    prize: str
    handed_over: bool


@router.get(
    "/members/{int:member_id}/auctions", auth=Needs("members.view", "rewards.view"), response=AuctionsOut
)
def list_auctions(request: ApiRequest, member_id: PathId) -> AuctionsOut:
    found = queries.member_auctions(request.viewer, member_id, request.now)
    return AuctionsOut(items=[_auction_out(one) for one in found])


@router.get(
    "/members/{int:member_id}/auctions/{int:auction_id}",
    auth=Needs("members.view", "rewards.view"),
    response=FloorOut,
)
def get_auction(request: ApiRequest, member_id: PathId, auction_id: PathId) -> FloorOut:
    floor = queries.floor(request.viewer, member_id, auction_id, request.now)
    return FloorOut(
        auction=_auction_out(floor.auction),
        ranking=[
            RankOut(
                place=one.place, bidder=one.bidder, points=one.points, is_own=one.is_own, has_won=one.has_won
            )
            for one in floor.ranking
        ],
        own=_bid_out(floor.own) if floor.own else None,
        least=floor.least,
        free=floor.free,
        refusal=floor.refusal,  # type: ignore[arg-type]
    )


@router.get(
    "/members/{int:member_id}/auctions/{int:auction_id}/bids", auth=Needs("members.view"), response=BidsOut
)
def list_bids(request: ApiRequest, member_id: PathId, auction_id: PathId) -> BidsOut:
    queries.floor(request.viewer, member_id, auction_id, request.now)
    found = queries.member_bids(request.viewer, member_id, auction_id, request.now)
    return BidsOut(items=[_bid_out(one) for one in found])


@router.post(
    "/members/{int:member_id}/auctions/{int:auction_id}/bids",
    auth=Needs("rewards.exchange", body=True),
    response={201: BidMadeOut},
)
def place_bid(request: ApiRequest, member_id: PathId, auction_id: PathId, body: BidIn) -> Any:
    def act() -> Outcome:
        made = operations.place_bid(
            actor=request.viewer,
            member_id=member_id,
            auction_id=auction_id,
            points=body.points,
            now=request.now,
        )
        found = BidMadeOut(**{name: getattr(made, name) for name in BidMadeOut.model_fields})
        return Outcome(201, found.model_dump(mode="json"))

    return run_once(request, act)


@router.get("/auctions/{int:auction_id}/record", auth=Needs("rewards.view"), response=dict[str, Any])
def get_auction_record(request: ApiRequest, auction_id: PathId) -> dict[str, Any]:
    queries.auction(request.viewer, auction_id, request.now)
    return queries.auction_record(auction_id)


@router.get("/members/{int:member_id}/draws", auth=Needs("members.view", "rewards.view"), response=DrawsOut)
def list_draws(request: ApiRequest, member_id: PathId) -> DrawsOut:
    found = queries.member_draws(request.viewer, member_id, request.now)
    return DrawsOut(items=[_draw_out(one) for one in found])


@router.get(
    "/members/{int:member_id}/draws/{int:draw_id}",
    auth=Needs("members.view", "rewards.view"),
    response=OwnDrawOut,
)
def get_draw(request: ApiRequest, member_id: PathId, draw_id: PathId) -> OwnDrawOut:
    found, left = queries.member_draw(request.viewer, member_id, draw_id, request.now)
    return OwnDrawOut(draw=_draw_out(found), left_today=max(0, left))


@router.post(
    "/members/{int:member_id}/draws/{int:draw_id}/tickets",
    auth=Needs("rewards.exchange", body=True),
    response={201: DrawnOut},
)
def draw_ticket(request: ApiRequest, member_id: PathId, draw_id: PathId, body: DrawIn) -> Any:
    def act() -> Outcome:
        drawn = operations.draw_ticket(
            actor=request.viewer, member_id=member_id, draw_id=draw_id, nonce=body.nonce, now=request.now
        )
        found = DrawnOut(
            ticket_id=drawn.ticket_id,
            number=drawn.number,
            prize=drawn.prize_name,
            is_fallback=drawn.is_fallback,
            balance=drawn.balance,
        )
        return Outcome(201, found.model_dump(mode="json"))

    return run_once(request, act)


@router.get(
    "/members/{int:member_id}/draws/{int:draw_id}/tickets",
    auth=Needs("members.view"),
    response=DrawTicketsOut,
)
def list_draw_tickets(request: ApiRequest, member_id: PathId, draw_id: PathId) -> DrawTicketsOut:
    queries.member_draw(request.viewer, member_id, draw_id, request.now)
    found = queries.member_tickets(request.viewer, member_id, draw_id, request.now)
    return DrawTicketsOut(items=[_ticket_out(one) for one in found])


@router.get("/draws/{int:draw_id}/record", auth=Needs("rewards.view"), response=dict[str, Any])
def get_draw_record(request: ApiRequest, draw_id: PathId) -> dict[str, Any]:
    queries.draw(request.viewer, draw_id, request.now)
    return queries.draw_record(draw_id)


@router.post("/draws/hand-over", auth=Needs("rewards.serve", body=True), response={200: PrizeHandedOverOut})
def hand_over_prize(request: ApiRequest, body: PrizeHandOverIn) -> Any:
    def act() -> Outcome:
        found = queries.ticket_by_code(request.viewer, body.pick_up_code)
        if found is None:
            raise operations.TicketNotFound
        done = operations.collect_prize(actor=request.viewer, ticket_id=found.id, now=request.now)
        told = PrizeHandedOverOut(ticket_id=found.id, prize=found.prize.name, handed_over=done)
        return Outcome(200, told.model_dump(mode="json"))

    return run_once(request, act)


def _auction_out(one: queries.AuctionView) -> AuctionOut:
    same = {
        name: getattr(one, name)
        for name in AuctionOut.model_fields
        if name not in ("auction_id", "reward_id", "reward_name")
    }
    return AuctionOut(auction_id=one.id, reward_id=one.reward.id, reward_name=one.reward.name, **same)


def _bid_out(one: queries.BidView) -> BidOut:
    same = {name: getattr(one, name) for name in BidOut.model_fields if name != "bid_id"}
    return BidOut(bid_id=one.id, **same)


def _draw_out(one: queries.DrawView) -> DrawOut:
    same = {
        name: getattr(one, name) for name in DrawOut.model_fields if name not in ("draw_id", "seed", "prizes")
    }
    prizes = [
        DrawPrizeOut(**{name: getattr(prize, name) for name in DrawPrizeOut.model_fields})
        for prize in one.prizes
    ]
    return DrawOut(draw_id=one.id, seed=one.revealed, prizes=prizes, **same)


def _ticket_out(one: queries.TicketView) -> DrawTicketOut:
    return DrawTicketOut(
        ticket_id=one.id,
        number=one.number,
        prize=one.prize.name,
        kind=one.prize.kind,  # type: ignore[arg-type]
        pick_up_code=one.payload if one.prize.kind == "goods" else None,
        coupon_id=one.coupon_id,
        drawn_at=one.drawn_at,
        collected_at=one.collected_at,
    )
