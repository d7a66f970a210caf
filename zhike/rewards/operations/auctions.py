"""Auctions: written, published for good, bid in, closed exactly once. A bid holds its points in the ledger.

Locks: the auction, then the accounts it moves, in the order of ids, then counters. So bids of one auction come one after
the other, and two auctions cannot wait for each other.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.rewards.events import (
    AuctionCancelled,
    AuctionClosed,
    AuctionLost,
    AuctionPublished,
    AuctionWon,
    BidOutbid,
    BidPlaced,
)
from zhike.rewards.models import Auction, AuctionBid, Reward
from zhike.rewards.operations import notices
from zhike.rewards.operations._words import GIVER, ReasonMissing, RewardNotFound
from zhike.rewards.operations.catalogue import EDIT, CodeTaken
from zhike.rewards.operations.exchanging import EXCHANGE, WrongTier, put_back, set_aside, won_order
from zhike.rewards.queries.auctions import bid_of, terms_of
from zhike.rewards.rules import auctions as rules

KINDS = (Reward.Kind.GOODS, Reward.Kind.SERVICE, Reward.Kind.SEAT)
Status, State = Auction.Status, AuctionBid.State


class AuctionNotFound(NotFound):
    code = "auction-not-found"
    title = _("There is no such auction.")


class AuctionUnusable(Invalid):
    code = "auction-unusable"
    title = _("An auction cannot be like this.")


class AuctionIsPublished(Conflict):
    code = "auction-published"
    title = _("A published auction cannot be changed.")


class AuctionNotOpen(Conflict):
    code = "auction-not-open"
    title = _("Nobody can bid in this auction now.")


class AuctionOver(Conflict):
    code = "auction-over"
    title = _("This auction is over.")


class BidTooLow(Conflict):
    code = "bid-too-low"
    title = _("Bid at least %(least)s points.")


class BidOffStep(Invalid):
    code = "bid-off-step"
    title = _("Bids rise from %(reserve)s points in steps of %(step)s.")


@dataclass(frozen=True, slots=True)
class NewAuction:
    """All that is said of an auction. ``extension_minutes`` after a late bid it is still open, ``extension_most`` in all."""

    code: str
    name: str
    kind: str
    reward_id: int
    units: int
    reserve_points: int
    step_points: int
    opens_at: dt.datetime
    closes_at: dt.datetime
    extension_minutes: int = 0
    extension_most: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True)
class BidMade:
    """A bid that stands. ``commitment`` is its bidder's proof, ``balance`` what can be spent now."""

    bid_id: int
    number: int
    points: int
    commitment: str
    balance: int
    ends_at: dt.datetime


@transaction.atomic
def save_auction(*, actor: Viewer, auction: NewAuction, now: dt.datetime) -> int:
    """Write a draft, or the one with this code anew; its id. It belongs to where its reward does.

    Raises AuctionUnusable, AuctionIsPublished, RewardNotFound, CodeTaken (another mall's), NotAllowed.
    """
    reward = Reward.objects.filter(id=auction.reward_id).first()
    if reward is None:
        raise RewardNotFound
    require_touch(actor, EDIT, mall=reward.mall_id)
    code, name = auction.code.strip(), auction.name.strip()
    if not (0 < len(code) <= 40 and 0 < len(name) <= 60 and auction.kind in Auction.Kind.values):
        raise AuctionUnusable
    if reward.kind not in KINDS:
        raise AuctionUnusable(fields={"reward_id": [_("Only what is collected at a desk can be auctioned.")]})
    row = Auction.objects.select_for_update(of=("self",)).filter(code=code).first()
    if row is not None and row.mall_id != reward.mall_id:
        raise CodeTaken
    if row is not None and row.status != Status.DRAFT:
        raise AuctionIsPublished
    row = row or Auction(code=code, created_at=now, created_by=actor.audit_id)
    for field in _PLAIN:
        setattr(row, field, getattr(auction, field))
    row.reward, row.mall_id, row.name, row.ends_at = reward, reward.mall_id, name, auction.closes_at
    if not rules.is_sound(terms_of(row)):
        raise AuctionUnusable
    row.save()
    _record(actor, "save", row, now, name=name)
    return row.pk


_PLAIN = (
    "kind", "units", "reserve_points", "step_points", "opens_at", "closes_at", "extension_minutes", "extension_most",
    "description",
)  # fmt: skip


@transaction.atomic
def publish_auction(*, actor: Viewer, auction_id: int, now: dt.datetime) -> str:
    """From now on its terms stay; their digest. Its units are set aside from the reward's stock. Again: the same.

    Raises AuctionNotFound, AuctionUnusable (over, or its activity begins before the end), SoldOut, NotAllowed.
    """
    row = _locked(auction_id)
    require_touch(actor, EDIT, mall=row.mall_id)
    if row.status != Status.DRAFT:
        return row.digest
    terms, reward = terms_of(row), row.reward
    begins_early = reward.starts_at is not None and reward.starts_at <= terms.latest_end
    if row.closes_at <= now or begins_early or reward.status == Reward.Status.CLOSED:
        raise AuctionUnusable
    row.digest = rules.digest(terms)
    row.head = row.digest
    row.status, row.published_at = Status.PUBLISHED, now
    row.save(update_fields=["digest", "head", "status", "published_at"])
    set_aside(reward, row.units)
    notices.begin_templates(reward.group_id, now)
    _record(actor, "publish", row, now, digest=row.digest)
    events.publish(AuctionPublished(row.pk, row.digest), actor=actor, now=now)
    return row.digest


def _locked(auction_id: int) -> Auction:
    row = (
        Auction.objects.select_for_update(of=("self",)).select_related("reward").filter(id=auction_id).first()
    )
    if row is None:
        raise AuctionNotFound
    return row


def _standing(row: Auction) -> list[AuctionBid]:
    return list(AuctionBid.objects.filter(auction=row, state=State.STANDING).order_by("number"))


@transaction.atomic
def place_bid(*, actor: Viewer, member_id: int, auction_id: int, points: int, now: dt.datetime) -> BidMade:
    """Bid ``points`` for one unit, or raise one's own bid to it. They are held until the bid is outbid or it is over.

    Whoever has to make room gets their points back in the same transaction; raising frees the former bid's. Raises
    AuctionNotFound (drafts and other groups' too), AuctionNotOpen, AuctionOver, BidTooLow, BidOffStep, WrongTier,
    InsufficientPoints, MemberFrozen, MemberNotFound, NotAllowed.
    """
    person_id = members.person_id_of(member_id)
    row = _locked(auction_id)
    require_touch(actor, EXCHANGE, mall=row.mall_id, person=person_id)
    file = members.member_file(GIVER, member_id, now)
    _require_open(row, now)
    if file.programme.group_id != row.reward.group_id:
        raise AuctionNotFound
    if row.reward.tier_ids and file.tier.id not in row.reward.tier_ids:
        raise WrongTier
    standing = _standing(row)
    former = next((one for one in standing if one.member_id == member_id), None)
    bidder = former.bidder if former else _bidder(row, member_id)
    _require_bid(row, standing, bidder, points)
    bid = _new_bid(row, bidder, points)
    left = [bid_of(one) for one in standing if one is not former]
    weakest = rules.outbid(terms_of(row), [*left, rules.Bid(bid.number, bidder, points)])
    loser = next((one for one in standing if weakest is not None and one.number == weakest.number), None)
    loyalty.lock_accounts(actor=GIVER, member_ids=[member_id, *([loser.member_id] if loser else [])])
    if former is not None:
        _free(former, State.RAISED, now)
    held = loyalty.pledge_points(
        actor=GIVER,
        member_id=member_id,
        points=points,
        purpose=f"auction:{row.code}",
        until=terms_of(row).latest_end + rules.GRACE,
        now=now,
    )
    bid.member_id, bid.hold_id, bid.bid_at = member_id, held.hold_id, now
    bid.save()
    if loser is not None:
        _free(loser, State.OUTBID, now)
        _tell_outbid(row, loser, now)
    row.ends_at = rules.end_after(terms_of(row), row.ends_at, now)
    row.save(update_fields=["bids", "bidders", "head", "ends_at"])
    if actor.kind != "member":
        _record(actor, "bid", row, now, member=member_id, points=points)
    events.publish(BidPlaced(row.pk, bid.pk, member_id, person_id), actor=actor, now=now)
    return BidMade(bid.pk, bid.number, points, bid.commitment, held.balance, row.ends_at)


def _require_open(row: Auction, now: dt.datetime) -> None:
    if row.status == Status.DRAFT:
        raise AuctionNotFound
    if row.status != Status.PUBLISHED or now >= row.ends_at:
        raise AuctionOver
    if now < row.opens_at:
        raise AuctionNotOpen


def _require_bid(row: Auction, standing: Sequence[AuctionBid], bidder: int, points: int) -> None:
    terms = terms_of(row)
    fewest = rules.least(terms, [bid_of(one) for one in standing], bidder)
    if points < fewest:
        raise BidTooLow(least=fewest)
    if not rules.is_bid(terms, points, fewest):
        raise BidOffStep(reserve=row.reserve_points, step=row.step_points)


def _bidder(row: Auction, member_id: int) -> int:
    """The number under which others see this member; a new one at their first bid."""
    known = (
        AuctionBid.objects.filter(auction=row, member_id=member_id).values_list("bidder", flat=True).first()
    )
    if known is not None:
        return known
    row.bidders += 1
    return row.bidders


def _new_bid(row: Auction, bidder: int, points: int) -> AuctionBid:
    """Not written yet; the chain goes on with it."""
    row.bids += 1
    salt = secrets.token_hex(16)
    said = rules.commitment(row.code, rules.Bid(row.bids, bidder, points), salt)
    row.head = rules.link(row.head, said)
    return AuctionBid(auction=row, number=row.bids, bidder=bidder, points=points, salt=salt, commitment=said)


def _free(bid: AuctionBid, state: str, now: dt.datetime) -> None:
    """The bid no longer stands, and its points go back."""
    loyalty.release_pledge(actor=GIVER, hold_id=bid.hold_id, now=now)
    bid.state, bid.released_at = state, now
    bid.save(update_fields=["state", "released_at"])


def _tell_outbid(row: Auction, bid: AuctionBid, now: dt.datetime) -> None:
    person_id = members.person_id_of(bid.member_id)
    notices.tell(
        notices.OUTBID, person_id, row.name, bid.points, once=f"outbid:{bid.pk}", until=row.ends_at, now=now
    )
    fact = BidOutbid(bid.auction_id, bid.pk, bid.member_id, person_id, bid.points)
    events.publish(fact, actor=GIVER, now=now)


@transaction.atomic
def _cancel(actor: Viewer, auction_id: int, reason: str, now: dt.datetime) -> bool:
    row = _locked(auction_id)
    require_touch(actor, EDIT, mall=row.mall_id)
    if row.status == Status.CANCELLED:
        return False
    if row.status == Status.CLOSED:
        raise AuctionOver
    was_published = row.status == Status.PUBLISHED
    AuctionBid.objects.filter(auction=row, state=State.STANDING).update(state=State.VOID)
    row.status, row.ended_at, row.end_reason = Status.CANCELLED, now, reason[:200]
    row.save(update_fields=["status", "ended_at", "end_reason"])
    if was_published:
        put_back(row.reward_id, row.units)
    _record(actor, "cancel", row, now, reason=reason)
    events.publish(AuctionCancelled(row.pk, reason), actor=actor, now=now)
    return True


def cancel_auction(*, actor: Viewer, auction_id: int, reason: str, now: dt.datetime) -> bool:
    """Nobody wins, everybody's points go back and the units to the stock; False when it was before.

    Raises AuctionNotFound, AuctionOver, ReasonMissing, NotAllowed.
    """
    if not reason.strip():
        raise ReasonMissing
    done = _cancel(actor, auction_id, reason.strip(), now)
    _release_rest(auction_id, now)
    return done


def close_auctions(*, actor: Viewer, now: dt.datetime) -> int:
    """Decide the auctions that are over; how many. Each in one transaction, then the losers one by one: it can be
    stopped anywhere and run again, by two at once."""
    require(actor, EDIT)
    due = Auction.objects.filter(status=Status.PUBLISHED, ends_at__lte=now).order_by("id")
    closed = sum(_close(actor, auction_id, now) for auction_id in list(due.values_list("id", flat=True)))
    waiting = AuctionBid.objects.filter(state__in=(State.LOST, State.VOID), released_at=None)
    for auction_id in sorted(set(waiting.values_list("auction_id", flat=True))):
        _release_rest(auction_id, now)
    return closed


@transaction.atomic
def _close(actor: Viewer, auction_id: int, now: dt.datetime) -> int:
    row = _locked(auction_id)
    if row.status != Status.PUBLISHED or row.ends_at > now:
        return 0
    by_number = {one.number: one for one in _standing(row)}
    ranking = [by_number[one.number] for one in rules.ranked(map(bid_of, by_number.values()))]
    loyalty.lock_accounts(actor=GIVER, member_ids=[one.member_id for one in ranking[: row.units]])
    won: list[AuctionBid] = []
    for bid in ranking:
        if len(won) == row.units:
            bid.state = State.LOST
        elif _win(row, bid, len(won) + 1, now):
            won.append(bid)
        else:
            bid.state = State.VOID
    AuctionBid.objects.bulk_update(ranking, ["state", "place", "order"], batch_size=500)
    row.status, row.ended_at = Status.CLOSED, now
    row.save(update_fields=["status", "ended_at"])
    if len(won) < row.units:
        put_back(row.reward_id, row.units - len(won))
    total = sum(one.points for one in won)
    events.publish(AuctionClosed(row.pk, row.bids, len(won), total, row.head), actor=actor, now=now)
    return 1


def _win(row: Auction, bid: AuctionBid, place: int, now: dt.datetime) -> bool:
    """The held points become an order; False when the member may not have it any more, or the points are gone."""
    try:
        with transaction.atomic():
            spent = loyalty.spend_pledge(actor=GIVER, hold_id=bid.hold_id, now=now)
    except (loyalty.MemberFrozen, loyalty.HoldHasEnded):
        return False
    order = won_order(
        actor=GIVER,
        reward=row.reward,
        member_id=bid.member_id,
        points=bid.points,
        redemption_id=spent.hold_id,
        now=now,
    )
    bid.state, bid.place, bid.order = State.WON, place, order
    person_id = members.person_id_of(bid.member_id)
    until = now + notices.WON_FOR
    notices.tell(
        notices.WON, person_id, row.name, bid.points, once=f"auction-won:{bid.pk}", until=until, now=now
    )
    fact = AuctionWon(row.pk, bid.pk, bid.member_id, person_id, order.pk, bid.points)
    events.publish(fact, actor=GIVER, now=now)
    return True


def _release_rest(auction_id: int, now: dt.datetime) -> None:
    """The points of those who did not win, each in a transaction of its own."""
    waiting = AuctionBid.objects.filter(
        auction_id=auction_id, state__in=(State.LOST, State.VOID), released_at=None
    )
    for bid_id in list(waiting.order_by("id").values_list("id", flat=True)):
        with transaction.atomic():
            bid = AuctionBid.objects.select_for_update(of=("self",)).get(id=bid_id)
            if bid.released_at is not None:
                continue
            _free(bid, bid.state, now)
            person_id = members.person_id_of(bid.member_id)
            fact = AuctionLost(auction_id, bid.pk, bid.member_id, person_id, bid.points)
            events.publish(fact, actor=GIVER, now=now)


def _record(actor: Viewer, action: str, row: Auction, now: dt.datetime, **after: object) -> None:
    audit.record(
        actor=actor,
        action=f"auction.{action}",
        subject=("auction", row.pk),
        after={"status": str(row.status), **after},
        now=now,
    )
