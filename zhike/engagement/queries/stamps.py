"""Stamp cards: which there are, how they go, and what a member has collected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import Count, Q, QuerySet, Sum

from zhike.customers import queries as customers
from zhike.engagement.models import StampCard, StampHolding, StampReward
from zhike.engagement.queries.deeds import purchases_since
from zhike.engagement.queries.words import reward_text
from zhike.engagement.rules import stamps as rules
from zhike.engagement.rules.missions import Deed
from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.kernel.clock import business_date
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty import queries as members
from zhike.organization import queries as organization

VIEW = "engagement.view"
COLUMNS = {"mall": "mall_id", "merchant": "merchant_id"}
MEMBER_COLUMNS = {"mall": "member__mall_id", "merchant": "member__merchant_id"}
NEWEST = Keyset((("changed_at", "desc"), ("id", "desc")))
ENDED_SHOWN = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class StampCardView:
    """A card with what came of it: members with a stamp, cards filled and standing, points and coupons of these."""

    id: int
    mall_id: int
    merchant_id: int | None
    merchant: str
    name: str
    description: str
    terms: rules.StampTerms
    reward: str
    version: int
    is_open: bool
    opened_at: dt.datetime
    changed_at: dt.datetime
    changed_by: str
    collecting: int = 0
    stamps: int = 0
    filled: int = 0
    points: int = 0
    coupons: int = 0
    taken_back: int = 0


def stamp_cards(viewer: Viewer, mall_id: int) -> list[StampCardView]:
    """The cards of a mall and its merchants that the viewer may see, the newest first. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = visible(StampCard.objects.filter(mall_id=mall_id), viewer, VIEW, COLUMNS)
    return _with_figures([_view(row) for row in rows.order_by("-id")])


def stamp_card(viewer: Viewer, card_id: int) -> StampCardView:
    """Raises NotFound, NotAllowed."""
    require(viewer, VIEW)
    row = load_visible(StampCard.objects.all(), card_id, viewer, VIEW, COLUMNS)
    return _with_figures([_view(row)])[0]


def _view(row: StampCard) -> StampCardView:
    terms = rules.parse_stamps(row.terms)
    merchant = organization.merchant_ref(row.merchant_id) if row.merchant_id else None
    return StampCardView(
        row.pk,
        row.mall_id,
        row.merchant_id,
        merchant.name if merchant else "",
        row.name,
        row.description,
        terms,
        reward_text(terms.reward),
        row.version,
        row.closed_at is None,
        row.opened_at,
        row.changed_at,
        row.changed_by,
    )


def _with_figures(cards: Sequence[StampCardView]) -> list[StampCardView]:
    ids = [one.id for one in cards]
    held = {
        card_id: (collecting, stamps)
        for card_id, collecting, stamps in StampHolding.objects.filter(card_id__in=ids, total__gt=0)
        .values_list("card_id")
        .annotate(count=Count("id"), sum=Sum("total"))
    }
    rewards = {
        card_id: tuple(figures)
        for card_id, *figures in StampReward.objects.filter(holding__card_id__in=ids)
        .values_list("holding__card_id")
        .annotate(
            standing=Count("id", filter=Q(is_standing=True)),
            gone=Count("id", filter=Q(is_standing=False)),
            sum=Sum("points"),
            given=Count("coupon_id", filter=Q(is_standing=True)),
        )
    }
    found = []
    for one in cards:
        collecting, stamps = held.get(one.id, (0, 0))
        filled, taken_back, points, coupons = rewards.get(one.id, (0, 0, 0, 0))
        found.append(
            replace(
                one, collecting=collecting, stamps=stamps, filled=filled, taken_back=taken_back, points=points,
                coupons=coupons,
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class StampHoldingView:
    member_id: int
    name: str
    stamps: int
    total: int
    rounds: int
    due_on: dt.date | None
    changed_at: dt.datetime


def stamp_holdings(
    viewer: Viewer, card_id: int, cursor: str | None = None, limit: int = 20
) -> Listing[StampHoldingView]:
    """Who collects on a card, whoever moved last first. Raises NotFound, NotAllowed, BadCursor."""
    stamp_card(viewer, card_id)
    rows = visible(StampHolding.objects.filter(card_id=card_id, total__gt=0), viewer, VIEW, MEMBER_COLUMNS)
    page = NEWEST.page(rows, cursor, limit)
    persons = members.person_ids_of([one.member_id for one in page.items])
    names = customers.summaries(list(persons.values()))
    shown = []
    for one in page.items:
        person = names.get(persons.get(one.member_id, 0))
        shown.append(
            StampHoldingView(
                one.member_id,
                person.name if person else "",
                one.stamps,
                one.total,
                one.rounds,
                one.due_on,
                one.changed_at,
            )
        )
    return Listing(shown, page.next_cursor, page.previous_cursor)


def open_cards(since: dt.datetime) -> QuerySet[StampCard]:
    """Cards that purchases since a moment may still count on."""
    return StampCard.objects.filter(Q(closed_at=None) | Q(closed_at__gt=since)).order_by("id")


def counted_purchases(
    person_id: int, program_id: int, card: StampCard, terms: rules.StampTerms
) -> list[Deed]:
    """What somebody bought that the card looks at: at its mall or merchant, of its articles, while it was open."""
    found = purchases_since(customers.family(person_id), program_id, card.opened_at, terms.skus)
    return [
        one
        for one in found
        if one.mall_id == card.mall_id
        and (card.merchant_id is None or one.merchant_id == card.merchant_id)
        and (card.closed_at is None or one.at < card.closed_at)
    ]


@dataclass(frozen=True, slots=True)
class OwnStampCard:
    """A card to one member: the days of the stamps on the one being filled, how many places are left to fill, cards
    filled, when it runs out, and when a reward that waits comes."""

    card_id: int
    name: str
    description: str
    merchant: str
    terms: rules.StampTerms
    reward: str
    days: Sequence[dt.date]
    left: int
    rounds: int
    runs_out_on: dt.date | None
    due_on: dt.date | None
    is_open: bool

    @property
    def places(self) -> range:
        """The empty places, numbered on."""
        return range(len(self.days) + 1, self.terms.stamps + 1)


def own_stamp_cards(viewer: Viewer, member_id: int, now: dt.datetime) -> list[OwnStampCard]:
    """Cards a member can fill, those they have stamps on first. Raises MemberNotFound."""
    return stamp_cards_of(members.member_file(viewer, member_id, now), now)


def stamp_cards_of(file: members.MemberFile, now: dt.datetime) -> list[OwnStampCard]:
    """The same of a member whose file the caller has opened."""
    today = business_date(now, members.program_zone(file.programme.id))
    found = []
    for row in open_cards(now - ENDED_SHOWN):
        if organization.mall(row.mall_id).group_id != file.programme.group_id:
            continue
        view = _view(row)
        if view.terms.ends_on is not None and view.terms.ends_on < today - ENDED_SHOWN:
            continue
        bought = counted_purchases(file.person.id, file.programme.id, row, view.terms)
        got = rules.collect(view.terms, bought, today)
        over = view.terms.ends_on is not None and view.terms.ends_on < today
        if not got.total and (over or not view.is_open):
            continue
        waiting = [one.due_on for one in got.filled if one.due_on > today]
        found.append(
            OwnStampCard(
                view.id,
                view.name,
                view.description,
                view.merchant,
                view.terms,
                view.reward,
                got.days,
                view.terms.stamps - len(got.days),
                len(got.filled),
                got.runs_out_on,
                min(waiting, default=None),
                view.is_open and not over,
            )
        )
    return sorted(found, key=lambda one: (not one.days, one.left, one.card_id))


def has_stamp_cards(now: dt.datetime) -> bool:
    return open_cards(now).exists()


def stamp_malls() -> list[int]:
    """Malls with a reward that waits, for the round that gives them."""
    rows = StampHolding.objects.filter(due_on__isnull=False)
    return sorted(set(rows.values_list("card__mall_id", flat=True)))
