"""The day at a glance, what just happened, and the search box over everything."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import clock
from zhike.loyalty import queries
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.ui.components.formatting import DASH, grouped, percent, phone, yuan
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.dates import date_of
from zhike.ui.console.event_text import tell
from zhike.ui.console.founding import is_unfinished
from zhike.ui.console.navigation import home_url
from zhike.ui.console.pages import fragment, malls_of, page, wants_fragment
from zhike.ui.console.programmes import tier_names
from zhike.ui.console.told import Told

VIEW = "dashboard.view"
SEARCH_LIMIT = 6


@dataclass(frozen=True)
class Tile:
    """A figure of `DayFigures`: what it counts, and the list that shows what was counted."""

    figure: str
    label: Any
    definition: Any
    icon: str
    list_name: str
    filters: tuple[tuple[str, str], ...] = ()
    is_money: bool = False
    is_welcome: bool = True


SALES = (("kind", "sale"),)
OF_MEMBERS = (("kind", "sale"), ("member", "yes"))
TILES = (
    Tile(
        "receipts",
        _("Receipts"),
        _("Sales of this business date; returns are not counted."),
        "receipt-text",
        "receipts",
        SALES,
    ),
    Tile(
        "net_fen",
        _("Net sales"),
        _("What was paid after discounts, before refunds."),
        "wallet",
        "receipts",
        SALES,
        is_money=True,
    ),
    Tile(
        "with_member",
        _("Receipts of members"),
        _("Sales at which a membership was shown, or that were claimed since."),
        "id-card",
        "receipts",
        OF_MEMBERS,
    ),
    Tile(
        "points_issued",
        _("Points issued"),
        _("Points given to the receipts of this business date, before returns."),
        "coins",
        "receipts",
        OF_MEMBERS,
    ),
    Tile(
        "points_redeemed",
        _("Points redeemed"),
        _("Points spent on this day, before reversals."),
        "gift",
        "redemptions",
    ),
    Tile("new_members", _("New members"), _("Members enrolled on this day."), "user-plus", "members"),
    Tile(
        "returns",
        _("Returns"),
        _("Return receipts of this business date."),
        "undo-2",
        "receipts",
        (("kind", "return"),),
        is_welcome=False,
    ),
)
LISTS = {"receipts": "receipts.view", "members": "members.view", "redemptions": "points.view"}


@staff_page()
def dashboard(request: StaffRequest) -> HttpResponse:
    if not request.viewer.may(VIEW):
        url = home_url(request.viewer)
        if url != request.path:
            return HttpResponseRedirect(url)
    if is_unfinished(request):
        return HttpResponseRedirect(reverse("console:founding"))
    malls = malls_of(request)
    zone = (
        malls.chosen.time_zone if malls.chosen else malls.all[0].time_zone if malls.all else "Asia/Shanghai"
    )
    today = clock.business_date(request.now, zone)
    day = min(date_of(request.GET.get("day")) or today, today)
    figures = queries.dashboard(request.viewer, malls.chosen_id, day)
    last = gettext("today") if day == today else date_format(day, "MONTH_DAY_FORMAT")
    context = {
        "day": day,
        "today": today,
        "is_today": day == today,
        "before": day - dt.timedelta(days=1),
        "after": day + dt.timedelta(days=1) if day < today else None,
        "mall": malls.chosen,
        "tiles": _tiles(request, figures, day, is_over=day != today),
        "sales_chart": _chart(figures, last, "fen", (gettext("Net sales"), "net_fen")),
        "points_chart": _chart(
            figures,
            last,
            "points",
            (gettext("Points issued"), "points_issued"),
            (gettext("Points redeemed"), "points_redeemed"),
        ),
        "figures": figures,
        "feed": _feed(request) if day == today else [],
    }
    return page(request, "console/dashboard/dashboard.html", context, section="dashboard")


def _tiles(
    request: StaffRequest, figures: queries.Dashboard, day: dt.date, *, is_over: bool
) -> list[dict[str, Any]]:
    """Each figure with its definition, the same weekday a week ago, and the list behind it."""
    tiles = []
    for tile in TILES:
        value, before = getattr(figures.today, tile.figure), getattr(figures.week_ago, tile.figure)
        tiles.append({
            "label": tile.label,
            "value": _shown(tile, value),
            "note": _compared(value, before) if is_over else _week_ago(tile, before),
            "tone": _tone(value, before) if is_over and tile.is_welcome else "",
            "url": _list_url(request, tile, day),
            "icon": tile.icon,
            "definition": tile.definition,
        })  # fmt: skip
    tiles.append(_share(figures))
    return tiles


def _share(figures: queries.Dashboard) -> dict[str, Any]:
    """How many of the day's receipts were members'."""
    now, then = figures.today, figures.week_ago
    before = gettext("a week ago %(value)s") % {"value": _ratio(then)}
    return {
        "label": gettext("Members' share"),
        "value": _ratio(now),
        "note": before,
        "icon": "percent",
        "definition": gettext("Receipts of members out of all sales of this business date."),
    }


def _ratio(day: queries.DayFigures) -> str:
    return percent(day.with_member / day.receipts) if day.receipts else DASH


def _shown(tile: Tile, value: int) -> str:
    return yuan(value) if tile.is_money else grouped(value)


def _week_ago(tile: Tile, before: int) -> str:
    """While the day is not over, last week's whole day stands beside it, and no percentage that would mislead."""
    return gettext("a week ago %(value)s") % {"value": _shown(tile, before)}


def _list_url(request: StaffRequest, tile: Tile, day: dt.date) -> str:
    if not request.viewer.may(LISTS[tile.list_name]):
        return ""
    query = {"from": day.isoformat(), "to": day.isoformat(), **dict(tile.filters)}
    mall_id = malls_of(request).chosen_id
    if mall_id is not None:
        query["mall"] = str(mall_id)
    return f"{reverse(f'console:{tile.list_name}')}?{urlencode(query)}"


def _compared(value: int, before: int) -> str:
    if before == 0:
        return gettext("nothing a week ago")
    change = (value - before) / before
    sign = "+" if change > 0 else ""
    return gettext("%(change)s against a week ago") % {"change": f"{sign}{percent(change)}"}


def _tone(value: int, before: int) -> str:
    return "success" if value > before else "" if value == before else "error"


def _chart(figures: queries.Dashboard, last: str, unit: str, *series: tuple[str, str]) -> dict[str, Any]:
    """`last` names the day that is shown, for it may not be over."""
    return {
        "kind": "area",
        "unit": unit,
        "categories": [date_format(day.day, "MONTH_DAY_FORMAT") for day in figures.trend[:-1]] + [last],
        "series": [
            {"name": name, "values": [getattr(day, field) for day in figures.trend]} for name, field in series
        ],
    }


# --- live ------------------------------------------------------------


@staff_page(VIEW, keeps_alive=False)
def feed(request: StaffRequest) -> HttpResponse:
    """What just happened; asked for every few seconds while the page is in view."""
    return fragment(request, "console/dashboard/_feed.html", {"feed": _feed(request)})


def _feed(request: StaffRequest) -> list[dict[str, Any]]:
    tiers = tier_names(request)
    items = queries.live_feed(request.viewer, malls_of(request).chosen_id)
    return [{"at": item.recorded_at, "told": _told(request, item, tiers)} for item in items]


def _told(request: StaffRequest, item: queries.FeedItem, tiers: dict[int, str]) -> Told:
    told = tell(item.type, item.data, tiers)
    if not told.url and item.member_id and request.viewer.may("members.view"):
        return Told(
            told.title, told.detail, told.icon, told.tone, reverse("console:member", args=[item.member_id])
        )
    return told


# --- search ------------------------------------------------------------


@staff_page()
def search(request: StaffRequest) -> HttpResponse:
    """Members, receipts and merchants that a text may mean."""
    text = request.GET.get("q", "").strip()[:80]
    context = {"text": text, "groups": _found(request, text) if text else []}
    if wants_fragment(request):
        return fragment(request, "console/dashboard/_search.html", context)
    return page(request, "console/dashboard/search.html", context)


def _found(request: StaffRequest, text: str) -> list[dict[str, Any]]:
    viewer = request.viewer
    groups = []
    if viewer.may("members.view"):
        groups.append({"label": gettext("Members"), "icon": "user-round", "items": _members(request, text)})
    if viewer.may("receipts.view"):
        groups.append(
            {"label": gettext("Receipts"), "icon": "receipt-text", "items": _receipts(request, text)}
        )
    if viewer.may("organization.view"):
        groups.append({"label": gettext("Merchants"), "icon": "store", "items": _merchants(request, text)})
    return [group for group in groups if group["items"]]


def _members(request: StaffRequest, text: str) -> list[dict[str, str]]:
    hits = customers.search(request.viewer, text, SEARCH_LIMIT)
    ids = queries.visible_member_ids(request.viewer, [hit.person_id for hit in hits])
    return [
        {
            "label": hit.name,
            "detail": phone(hit.masked_phone) if hit.masked_phone else hit.masked_card,
            "url": _member_url(ids[hit.person_id]),
        }
        for hit in hits
        if hit.person_id in ids
    ]


def _member_url(member_id: int) -> str:
    return reverse("console:member", args=[member_id])


def _receipts(request: StaffRequest, text: str) -> list[dict[str, str]]:
    found = sales.receipts_page(request.viewer, q=text, limit=SEARCH_LIMIT)
    return [
        {
            "label": row.number,
            "detail": f"{row.merchant_name} · {yuan(row.net_fen)}",
            "url": reverse("console:receipt", args=[row.id]),
        }
        for row in found.items
    ]


def _merchants(request: StaffRequest, text: str) -> list[dict[str, str]]:
    wanted = text.casefold()
    found = [
        ref
        for ref in organization.merchants(request.viewer)
        if wanted in ref.name.casefold() or wanted in ref.code.casefold()
    ]
    return [
        {"label": ref.name, "detail": ref.code, "url": reverse("console:merchant", args=[ref.id])}
        for ref in found[:SEARCH_LIMIT]
    ]
