"""Auctions: what is for sale, who stands where, one's own bid, and the record with which everybody checks the result.

Other members are numbers. What a sealed bid is worth nobody reads here before the end, staff neither.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.kernel.errors import NotFound
from zhike.loyalty.queries import member_file, person_ids_of
from zhike.rewards.models import Auction, AuctionBid
from zhike.rewards.queries.catalogue import COLUMNS, VIEW, RewardView, reward_view
from zhike.rewards.queries.known import Places
from zhike.rewards.rules import auctions as rules

ROWS = 200
RANKING = 20
ENDED_DAYS = 30
State = AuctionBid.State


@dataclass(frozen=True, slots=True)
class AuctionView:
    """``state``: draft, early, open, over (being closed), closed or cancelled."""

    id: int
    reward: RewardView
    mall_id: int | None
    code: str
    name: str
    description: str
    kind: str
    units: int
    reserve_points: int
    step_points: int
    opens_at: dt.datetime
    closes_at: dt.datetime
    ends_at: dt.datetime
    extension_minutes: int
    extension_most: int
    digest: str
    head: str
    bids: int
    bidders: int
    ended_at: dt.datetime | None
    end_reason: str
    state: str

    @property
    def is_extended(self) -> bool:
        return self.ends_at > self.closes_at

    @property
    def is_hidden(self) -> bool:
        """What was bid is not to be seen yet, or never as nobody won."""
        return self.kind == "sealed" and self.state != "closed"


@dataclass(frozen=True, slots=True)
class Rank:
    """One place of the ranking. ``bidder`` is all that others see of a member."""

    place: int
    bidder: int
    points: int
    bid_at: dt.datetime
    is_own: bool
    has_won: bool


@dataclass(frozen=True, slots=True)
class BidView:
    """A bid, as its own bidder sees it. ``salt`` with the rest makes the commitment."""

    id: int
    auction_id: int
    number: int
    bidder: int
    points: int
    state: str
    place: int | None
    order_id: int | None
    commitment: str
    salt: str
    bid_at: dt.datetime


@dataclass(frozen=True, slots=True)
class BidRow:
    """A bid as staff see it, with its member; ``points`` None while it is sealed."""

    bid: BidView
    points: int | None
    member_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Floor:
    """An auction in front of one member: the ranking, their newest bid, and the fewest points they may bid now.

    ``refusal``: early, over, tier, points (too few for that), or None when they may bid. ``free`` is what they could hold.
    """

    auction: AuctionView
    ranking: tuple[Rank, ...]
    own: BidView | None
    own_place: int | None
    least: int
    free: int
    refusal: str | None


def terms_of(row: Auction) -> rules.Terms:
    """The row as the rules judge it; ``row.reward`` is loaded."""
    same = {name: getattr(row, name) for name in rules.Terms.__dataclass_fields__ if name != "reward"}
    return rules.Terms(reward=row.reward.name, **same)


def bid_of(row: AuctionBid) -> rules.Bid:
    return rules.Bid(row.number, row.bidder, row.points)


def _state(row: Auction, now: dt.datetime) -> str:
    if row.status != Auction.Status.PUBLISHED:
        return str(row.status)
    return "early" if now < row.opens_at else "open" if now < row.ends_at else "over"


def _view(row: Auction, now: dt.datetime, places: Places | None = None) -> AuctionView:
    same = {
        name: getattr(row, name)
        for name in AuctionView.__dataclass_fields__
        if name not in ("id", "state", "reward")
    }
    reward = reward_view(row.reward, now, places or Places(now))
    return AuctionView(id=row.pk, reward=reward, state=_state(row, now), **same)


def _rows() -> Any:
    return Auction.objects.select_related("reward__category")


def auctions(viewer: Viewer, now: dt.datetime) -> list[AuctionView]:
    """All in scope, and the whole group's, newest first."""
    require(viewer, VIEW)
    own = visible(Auction.objects.all(), viewer, VIEW, COLUMNS).values("pk")
    rows = _rows().filter(Q(pk__in=own) | Q(mall=None)).order_by("-id")[:ROWS]
    places = Places(now)
    return [_view(row, now, places) for row in rows]


def auction(viewer: Viewer, auction_id: int, now: dt.datetime) -> AuctionView:
    """One in scope. Raises NotFound."""
    shared = _rows().filter(pk=auction_id, mall=None).first() if viewer.may(VIEW) else None
    return _view(shared or load_visible(_rows(), auction_id, viewer, VIEW, COLUMNS), now)


def auction_names(auction_ids: Sequence[int]) -> Mapping[int, str]:
    return dict(Auction.objects.filter(id__in=auction_ids).values_list("id", "name"))


def bids(viewer: Viewer, auction_id: int, now: dt.datetime, limit: int = ROWS) -> list[BidRow]:
    """Who bid, newest first, with names; of a sealed auction the points at its end only. Raises NotFound."""
    found = auction(viewer, auction_id, now)
    rows = list(AuctionBid.objects.filter(auction_id=auction_id).order_by("-number")[:limit])
    persons = person_ids_of([row.member_id for row in rows])
    people = customers.summaries(list(set(persons.values())))
    return [
        BidRow(
            _bid(row),
            None if found.is_hidden else row.points,
            row.member_id,
            people[persons[row.member_id]].name,
        )
        for row in rows
    ]


def member_auctions(viewer: Viewer, member_id: int, now: dt.datetime) -> list[AuctionView]:
    """The published auctions of the member's group: open ones first, then those to come, then the last ended.

    Raises MemberNotFound.
    """
    file = member_file(viewer, member_id, now)
    rows = (
        _rows()
        .filter(reward__group_id=file.programme.group_id)
        .exclude(status=Auction.Status.DRAFT)
        .filter(Q(ended_at=None) | Q(ended_at__gt=now - dt.timedelta(days=ENDED_DAYS)))
        .order_by("ends_at", "id")
    )
    places = Places(now)
    return sorted((_view(row, now, places) for row in rows[:ROWS]), key=lambda one: _ORDER.index(one.state))


_ORDER = ("open", "over", "early", "closed", "cancelled")


def floor(viewer: Viewer, member_id: int, auction_id: int, now: dt.datetime) -> Floor:
    """A published auction in front of a member. Raises NotFound, MemberNotFound."""
    file = member_file(viewer, member_id, now)
    row = (
        _rows()
        .filter(id=auction_id, reward__group_id=file.programme.group_id)
        .exclude(status=Auction.Status.DRAFT)
        .first()
    )
    if row is None:
        raise NotFound
    found = _view(row, now)
    mine = AuctionBid.objects.filter(auction=row, member_id=member_id).order_by("-number").first()
    board = list(AuctionBid.objects.filter(auction=row, state__in=_SHOWN[found.state]))
    standing = [bid_of(one) for one in board]
    least = rules.least(terms_of(row), standing, mine.bidder if mine else None)
    held = mine.points if mine is not None and mine.state == State.STANDING else 0
    ranking = _ranking(board, mine.bidder if mine else None)
    own_place = next((one.place for one in ranking if one.is_own), None)
    return Floor(
        found,
        () if found.is_hidden else tuple(ranking[:RANKING]),
        _bid(mine) if mine else None,
        None if found.is_hidden else own_place,
        least,
        file.balance + held,
        _refusal(found, row, file.tier.id, file.balance + held, least),
    )


_SHOWN = {
    "draft": (), "early": (), "open": (State.STANDING,), "over": (State.STANDING,),
    "closed": (State.WON, State.LOST), "cancelled": (),
}  # fmt: skip


def _refusal(found: AuctionView, row: Auction, tier_id: int, free: int, least: int) -> str | None:
    if found.state == "early":
        return "early"
    if found.state != "open":
        return "over"
    if row.reward.tier_ids and tier_id not in row.reward.tier_ids:
        return "tier"
    return "points" if free < least else None


def _ranking(board: Iterable[AuctionBid], own: int | None) -> list[Rank]:
    by_number = {one.number: one for one in board}
    order = [by_number[one.number] for one in rules.ranked(map(bid_of, by_number.values()))]
    return [
        Rank(place, one.bidder, one.points, one.bid_at, one.bidder == own, one.state == State.WON)
        for place, one in enumerate(order, 1)
    ]


def _bid(row: AuctionBid) -> BidView:
    same = {name: getattr(row, name) for name in BidView.__dataclass_fields__ if name != "id"}
    return BidView(id=row.pk, **same)


def member_bids(viewer: Viewer, member_id: int, auction_id: int, now: dt.datetime) -> list[BidView]:
    """A member's own, newest first. Raises MemberNotFound."""
    member_file(viewer, member_id, now)
    rows = AuctionBid.objects.filter(auction_id=auction_id, member_id=member_id).order_by("-number")
    return [_bid(row) for row in rows[:RANKING]]


def result(auction_id: int) -> list[Rank]:
    """The ranking of an auction that is closed, for everybody; empty before."""
    rows = AuctionBid.objects.filter(
        auction_id=auction_id, auction__status=Auction.Status.CLOSED, state__in=_SHOWN["closed"]
    )
    return _ranking(rows, None)[:ROWS]


def auction_record(auction_id: int) -> dict[str, Any]:
    """The whole auction for everybody to check, without any person: see tools/verify_auction.py. Raises NotFound.

    What was bid is in it once the auction is closed; before, the commitments alone.
    """
    row = _rows().filter(id=auction_id).exclude(status=Auction.Status.DRAFT).first()
    if row is None:
        raise NotFound
    is_closed = row.status == Auction.Status.CLOSED
    rows = AuctionBid.objects.filter(auction=row).order_by("number")
    return {
        "terms": rules.terms_record(terms_of(row)),
        "digest": row.digest,
        "head": row.head,
        "status": row.status,
        "ends_at": row.ends_at.isoformat(),
        "bids": [_shown(one, is_closed) for one in rows],
    }


def _shown(one: AuctionBid, is_closed: bool) -> dict[str, Any]:
    shut = {"number": one.number, "commitment": one.commitment}
    if not is_closed:
        return shut
    return {
        **shut,
        "bidder": one.bidder,
        "points": one.points,
        "salt": one.salt,
        "bid_at": one.bid_at.isoformat(),
        "state": one.state,
        "place": one.place,
    }
