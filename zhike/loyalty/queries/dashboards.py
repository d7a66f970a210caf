"""The day at a glance. Each figure says what it counts; lists behind the figures use the same conditions."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum

from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.clock import day_bounds
from zhike.kernel.models import Event
from zhike.loyalty.models import Award, Member, Redemption
from zhike.loyalty.queries.members import COLUMNS as MEMBER_COLUMNS
from zhike.organization import queries as organization
from zhike.sales import queries as sales

AWARD_COLUMNS = {
    "mall": "receipt__mall_id",
    "floor": "receipt__merchant__floor_id",
    "merchant": "receipt__merchant_id",
}
REDEMPTION_COLUMNS = {"mall": "merchant__mall_id", "floor": "merchant__floor_id", "merchant": "merchant_id"}
TREND_DAYS = 14


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One business date: sales before refunds, points given to that day's receipts, points redeemed, new members."""

    day: dt.date
    receipts: int
    net_fen: int
    returns: int
    with_member: int
    points_issued: int
    points_redeemed: int
    new_members: int


@dataclass(frozen=True, slots=True)
class MerchantFigures:
    merchant_id: int
    name: str
    receipts: int
    net_fen: int
    points: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    today: DayFigures
    week_ago: DayFigures
    trend: tuple[DayFigures, ...]
    by_merchant: tuple[MerchantFigures, ...]


def dashboard(viewer: Viewer, mall_id: int | None, day: dt.date) -> Dashboard:
    """Figures of a day in scope, the same weekday a week before, the last fortnight and the strongest merchants."""
    require(viewer, "dashboard.view")
    trend = _trend(viewer, mall_id, day)
    return Dashboard(
        today=trend[-1],
        week_ago=trend[-8],
        trend=tuple(trend),
        by_merchant=tuple(_by_merchant(viewer, mall_id, day)),
    )


def _trend(viewer: Viewer, mall_id: int | None, day: dt.date) -> list[DayFigures]:
    first = day - dt.timedelta(days=TREND_DAYS - 1)
    zone = organization.mall(mall_id).time_zone if mall_id else "Asia/Shanghai"
    start, end = day_bounds(first, zone)[0], day_bounds(day, zone)[1]
    receipts = sales.sales_by_day(viewer, mall_id, first, day)
    awards = _in_mall(
        visible(Award.objects.all(), viewer, "dashboard.view", AWARD_COLUMNS), "receipt__mall_id", mall_id
    )
    issued = dict(
        awards.filter(receipt__business_date__range=(first, day))
        .values_list("receipt__business_date")
        .annotate(total=Sum("points"))
    )
    redemptions = _in_mall(
        visible(Redemption.objects.all(), viewer, "dashboard.view", REDEMPTION_COLUMNS),
        "merchant__mall_id",
        mall_id,
    )
    redeemed = _per_local_day(redemptions, "redeemed_at", start, end, zone, Sum("points"))
    members = _in_mall(
        visible(Member.objects.all(), viewer, "dashboard.view", MEMBER_COLUMNS), "mall_id", mall_id
    )
    joined = _per_local_day(members, "enrolled_at", start, end, zone, Count("id"))
    figures = []
    for offset in range(TREND_DAYS):
        one = first + dt.timedelta(days=offset)
        sold = receipts.get(one, sales.DayOfSales(0, 0, 0, 0, 0))
        figures.append(
            DayFigures(
                one,
                sold.receipts,
                sold.net_fen,
                sold.returns,
                sold.with_person,
                issued.get(one) or 0,
                redeemed.get(one) or 0,
                joined.get(one) or 0,
            )
        )
    return figures


def _in_mall(rows: QuerySet[Any], column: str, mall_id: int | None) -> QuerySet[Any]:
    return rows if mall_id is None else rows.filter(**{column: mall_id})


def _per_local_day(
    rows: QuerySet[Any], column: str, start: dt.datetime, end: dt.datetime, zone: str, figure: Any
) -> dict[dt.date, int]:
    from zoneinfo import ZoneInfo

    from django.db.models.functions import TruncDate

    found = (
        rows.filter(**{f"{column}__gte": start, f"{column}__lt": end})
        .annotate(local_day=TruncDate(column, tzinfo=ZoneInfo(zone)))
        .values_list("local_day")
        .annotate(total=figure)
        .order_by()
    )
    return dict(found)


STRONGEST = 10
ALL_MERCHANTS = 100_000


def merchant_day(viewer: Viewer, merchant_id: int, mall_id: int, day: dt.date) -> MerchantFigures:
    """One merchant's business date, by the definitions of the dashboard; zeros when nothing was sold.

    Raises NotAllowed without dashboard.view; outside its scope everything is zero.
    """
    require(viewer, "dashboard.view")
    rows = sales.sales_by_merchant(viewer, mall_id, day, limit=ALL_MERCHANTS)
    mine = [row for row in rows if row[0] == merchant_id]
    found = _figures(viewer, mine, day)
    return found[0] if found else MerchantFigures(merchant_id, "", 0, 0, 0)


def _by_merchant(viewer: Viewer, mall_id: int | None, day: dt.date) -> list[MerchantFigures]:
    return _figures(viewer, sales.sales_by_merchant(viewer, mall_id, day, limit=STRONGEST), day)


def _figures(viewer: Viewer, rows: list[tuple[int, int, int]], day: dt.date) -> list[MerchantFigures]:
    points = dict(
        visible(Award.objects.all(), viewer, "dashboard.view", AWARD_COLUMNS)
        .filter(receipt__business_date=day, receipt__merchant_id__in=[row[0] for row in rows])
        .values_list("receipt__merchant_id")
        .annotate(total=Sum("points"))
    )
    figures = []
    for merchant_id, receipts, net_fen in rows:
        merchant = organization.merchant_ref(merchant_id)
        figures.append(
            MerchantFigures(
                merchant_id, merchant.name if merchant else "", receipts, net_fen, points.get(merchant_id, 0)
            )
        )
    return figures


@dataclass(frozen=True, slots=True)
class FeedItem:
    """Something that just happened; ``type`` without its prefix, ``data`` as the event carries it."""

    position: int
    recorded_at: dt.datetime
    type: str
    data: dict[str, Any]
    member_id: int | None
    merchant_name: str


FEED_TYPES = (
    "zhike.sales.receipt_recorded",
    "zhike.loyalty.points_redeemed",
    "zhike.loyalty.member_enrolled",
    "zhike.loyalty.tier_changed",
)


def live_feed(viewer: Viewer, mall_id: int | None = None, limit: int = 12) -> list[FeedItem]:
    """The newest events of interest of the malls in scope, newest first."""
    require(viewer, "dashboard.view")
    malls = {mall.id for mall in organization.malls(viewer)}
    newest = Event.objects.filter(type__in=FEED_TYPES).order_by("-position")[: limit * 20]
    items: list[FeedItem] = []
    for row in newest:
        data = dict(row.data)
        merchant = organization.merchant_ref(data["merchant_id"]) if data.get("merchant_id") else None
        in_mall = data.get("mall_id") or (merchant.mall_id if merchant else None)
        if in_mall is not None and (in_mall not in malls or (mall_id is not None and in_mall != mall_id)):
            continue
        items.append(
            FeedItem(
                row.position,
                row.recorded_at,
                row.type.removeprefix("zhike."),
                data,
                data.get("member_id"),
                merchant.name if merchant else "",
            )
        )
        if len(items) == limit:
            break
    return items


def estimated_members() -> int:
    """PostgreSQL's own estimate of the number of members, for headings over a list of millions."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT greatest(0, reltuples)::bigint FROM pg_class WHERE relname = 'loyalty_member'")
        return int(cursor.fetchone()[0])


__all__ = [
    "Dashboard",
    "DayFigures",
    "FeedItem",
    "MerchantFigures",
    "Q",
    "dashboard",
    "estimated_members",
    "live_feed",
    "merchant_day",
]
