"""Welcome offers: what is promised when, what came of it, and what a member sees of their own."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum

from zhike.engagement.models import Welcome, WelcomeOffer, WelcomeVersion
from zhike.engagement.rules.welcome import WelcomeTerms, parse_welcome
from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty import queries as members
from zhike.offers import queries as offers
from zhike.sales import queries as sales

COLUMNS = {"mall": "member__mall_id", "merchant": "member__merchant_id"}
VIEW = "engagement.view"
NEWEST = Keyset((("joined_at", "desc"), ("member_id", "desc")))
FOLLOWED = 20_000
"""So many welcomed members, the newest, are looked at for a second purchase."""
Status = Welcome.Status


@dataclass(frozen=True, slots=True)
class WelcomeVersionView:
    """``state`` is current, planned, or past."""

    version: int
    terms: WelcomeTerms
    is_open: bool
    effective_from: dt.datetime
    published_at: dt.datetime
    published_by: str
    reason: str
    state: str


def version_at(mall_id: int, at: dt.datetime) -> WelcomeVersion | None:
    """What was in force at a mall at a moment."""
    rows = WelcomeVersion.objects.filter(offer__mall_id=mall_id, effective_from__lte=at)
    return rows.select_related("offer").order_by("-effective_from", "-version").first()


def welcome_versions(viewer: Viewer, mall_id: int, now: dt.datetime) -> list[WelcomeVersionView]:
    """Every version of a mall's offer, the newest moment first. Raises NotAllowed."""
    require(viewer, VIEW)
    current = version_at(mall_id, now)
    rows = WelcomeVersion.objects.filter(offer__mall_id=mall_id).order_by("-effective_from", "-version")
    return [
        WelcomeVersionView(
            row.version,
            parse_welcome(row.terms),
            row.is_open,
            row.effective_from,
            row.published_at,
            row.published_by,
            row.reason,
            "current"
            if current is not None and row.pk == current.pk
            else ("planned" if row.effective_from > now else "past"),
        )
        for row in rows
    ]


def welcome_malls() -> list[int]:
    """Malls that ever made an offer, for the round that settles them."""
    return list(WelcomeOffer.objects.order_by("mall_id").values_list("mall_id", flat=True))


@dataclass(frozen=True, slots=True)
class WelcomeFigures:
    """How many members' welcomes came to what; what stands of points and coupons; how many came back.

    ``cost_fen``: standing points at what the programme redeems them for today, and what used coupons took off.
    ``returned_again``: of the welcomed, who has bought a second time after the purchase that counted.
    """

    counts: dict[str, int]
    points: int
    coupons: int
    coupons_used: int
    points_fen: int
    coupons_fen: int
    followed: int
    bought_again: int

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def cost_fen(self) -> int:
        return self.points_fen + self.coupons_fen

    @property
    def second_rate(self) -> float | None:
        return self.bought_again / self.followed if self.followed else None


def welcome_figures(viewer: Viewer, mall_id: int, now: dt.datetime) -> WelcomeFigures:
    """Of the members who joined at a mall, as far as the viewer sees them. Raises NotAllowed."""
    rows = _visible(viewer).filter(version__offer__mall_id=mall_id)
    counts = dict(rows.order_by().values_list("status").annotate(count=Count("member_id")))
    sums = rows.aggregate(points=Sum("points"), coupons=Count("coupon_id"))
    points = int(sums["points"] or 0)
    coupon_ids = list(rows.filter(coupon_id__isnull=False).values_list("coupon_id", flat=True))
    used, taken_off = offers.taken_off_by(coupon_ids)
    granted = list(
        rows.filter(status=Status.GRANTED, bought_at__isnull=False)
        .order_by("-bought_at")
        .values_list("member_id", "bought_at")[:FOLLOWED]
    )
    persons = members.person_ids_of([member_id for member_id, _at in granted])
    moment = dt.timedelta(microseconds=1)
    windows = [(persons[pk], at + moment, now) for pk, at in granted if at is not None and at < now]
    again = {one.person_id for one in sales.spent_within(windows) if one.sales}
    program_id = members.default_program_id()
    worth = members.value_of_points(program_id, points, now.date()) if program_id and points else 0
    return WelcomeFigures(
        counts,
        points,
        sums["coupons"],
        used,
        worth,
        taken_off,
        len(granted),
        len(again),
    )


@dataclass(frozen=True, slots=True)
class WelcomeRow:
    member_id: int
    name: str
    status: str
    refusal: str
    points: int
    has_coupon: bool
    joined_at: dt.datetime
    bought_at: dt.datetime | None
    due_on: dt.date | None


def welcomes(
    viewer: Viewer, mall_id: int, *, status: str = "", cursor: str | None = None, limit: int = 30
) -> Listing[WelcomeRow]:
    """Members with a promise, the newest first. Raises NotAllowed, BadCursor."""
    rows = _visible(viewer).filter(version__offer__mall_id=mall_id)
    if status:
        rows = rows.filter(status=status)
    page = NEWEST.page(rows, cursor, limit)
    known = {row.member_id: row.name for row in members.member_rows(viewer, [one.pk for one in page.items])}
    items = [
        WelcomeRow(
            one.pk,
            known.get(one.pk, ""),
            one.status,
            one.refusal,
            one.points,
            one.coupon_id is not None,
            one.joined_at,
            one.bought_at,
            one.due_on,
        )
        for one in page.items
    ]
    return Listing(items, page.next_cursor, page.previous_cursor)


def _visible(viewer: Viewer) -> QuerySet[Welcome]:
    require(viewer, VIEW)
    return visible(Welcome.objects.all(), viewer, VIEW, COLUMNS)


@dataclass(frozen=True, slots=True)
class OwnWelcome:
    """A member's own: ``status`` as in the model; ``until`` the last day to buy; ``coupon_id`` when there is one."""

    member_id: int
    mall_id: int
    terms: WelcomeTerms
    coupon_name: str
    status: str
    refusal: str
    until: dt.date
    due_on: dt.date | None
    points: int
    coupon_id: int | None


def own_welcome(member_id: int, now: dt.datetime) -> OwnWelcome | None:
    """What a member was promised and where it stands; also just after joining, before it was looked at. None without a
    promise, and for one that others of the same person have. The caller has authorised the member."""
    member_id = members.owner_id_of(member_id)
    row = (
        Welcome.objects.filter(Q(member_id__in=members.family_of(member_id)))
        .exclude(status=Status.REFUSED, refusal="same_person")
        .select_related("version__offer")
        .order_by("given_at", "member_id")
        .first()
    )
    joined = members.membership(member_id)
    if row is None:
        version = version_at(joined.mall_id, joined.enrolled_at) if joined.mall_id else None
        if version is None or not version.is_open or Welcome.objects.filter(member_id=member_id).exists():
            return None
        row = Welcome(member_id=member_id, version=version, joined_at=joined.enrolled_at)
    terms = parse_welcome(row.version.terms)
    last = row.joined_at + dt.timedelta(days=terms.days_to_buy)
    until = last.astimezone(ZoneInfo(members.program_zone(joined.program_id))).date()
    status = row.status
    if status == Status.PROMISED and last < now:
        status = Status.LAPSED
    return OwnWelcome(
        row.pk,
        row.version.offer.mall_id,
        terms,
        coupon_name(terms),
        status,
        row.refusal,
        until,
        row.due_on,
        row.points,
        row.coupon_id,
    )


def coupon_name(terms: WelcomeTerms) -> str:
    return offers.batch_name(terms.batch_id) if terms.batch_id is not None else ""


def welcome_ahead(mall_id: int, now: dt.datetime) -> WelcomeTerms | None:
    """What somebody who joins at a mall now is promised."""
    version = version_at(mall_id, now)
    return parse_welcome(version.terms) if version is not None and version.is_open else None
