"""The ROI board with its file, the targets, margins, and the people behind a campaign's figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.kernel import clock
from zhike.marketing import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.formatting import grouped, yuan
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import effects, message_labels
from zhike.ui.console.csv_export import csv_response
from zhike.ui.console.dates import date_of
from zhike.ui.console.forms import campaigns as forms
from zhike.ui.console.marketing_labels import CAMPAIGN_SHOWN, STANDINGS, TARGETS
from zhike.ui.console.once import dialog_once
from zhike.ui.console.pages import fragment, malls_of, page, permissions, wants_fragment
from zhike.ui.console.roi_file import HEADER, file_rows
from zhike.ui.console.spreadsheet import xlsx_response
from zhike.ui.console.views.campaigns import SECTION, VIEW, tabs

APPROVE = "campaigns.approve"
DAYS = 90


@dataclass(frozen=True)
class Period:
    """Whole days of the mall, the last one included."""

    first: dt.date
    last: dt.date
    since: dt.datetime
    until: dt.datetime

    @property
    def query(self) -> str:
        return urlencode({"from": self.first.isoformat(), "to": self.last.isoformat()})


def period_of(request: StaffRequest) -> Period:
    """The days asked for; by default the last 90."""
    chosen = malls_of(request).chosen
    zone = ZoneInfo(chosen.time_zone if chosen else settings.TIME_ZONE)
    today = request.now.astimezone(zone).date()
    last = min(date_of(request.GET.get("to")) or today, today)
    first = min(date_of(request.GET.get("from")) or last - dt.timedelta(days=DAYS - 1), last)
    first = max(first, dt.date(2000, 1, 1))
    last = max(last, first)
    return Period(first, last, clock.day_bounds(first, zone)[0], clock.day_bounds(last, zone)[1])


@staff_page(VIEW)
def board(request: StaffRequest) -> HttpResponse:
    """What campaigns and journeys brought and what they cost, side by side and by part."""
    period = period_of(request)
    found = queries.board(
        request.viewer,
        request.now,
        since=period.since,
        until=period.until,
        mall_id=malls_of(request).chosen_id,
    )
    context = {
        "period": period,
        "rows": [_line(one, period) for one in found.lines],
        "tiles": _tiles(found.total),
        "parts": [part for part in _parts(found, period) if part["rows"]],
        "tabs": tabs("campaign_board"),
        "policy": queries.marketing_policy(organization.default_group().id),
        "sizes": forms.SizeForm(initial={"base": 10, "lift": 2, "holdout": 10}),
        "may": permissions(request, approve=APPROVE),
        "days": queries.ATTRIBUTION_DAYS,
    }
    return page(request, "console/campaigns/board.html", context, section=SECTION)


def _line(one: queries.BoardLine, period: Period) -> dict[str, Any]:
    of = one.of
    is_campaign = of.kind == "campaign"
    url = people = messages = ""
    if one.is_open:
        url = reverse("console:campaign" if is_campaign else "console:journey_results", args=[of.id])
        people = reverse("console:campaign_people" if is_campaign else "console:journey_people", args=[of.id])
        days = {"from": of.began_at.date().isoformat(), "to": period.last.isoformat()}
        asked = urlencode({"campaign": of.code, "status": "went", **days})
        messages = f"{reverse('console:sent_messages')}?{asked}"
    return {
        "line": one,
        "of": of,
        "url": url,
        "people_url": people,
        "bought_url": f"{people}?show=bought" if people and is_campaign else people,
        "new_url": f"{people}?show=new" if people and is_campaign else people,
        "messages_url": messages,
        "visit": effects.share_text(one.visit),
        "tone": effects.tone_of(one.visit),
        "extra": _two_lines(one.extra),
        "margin": _two_lines(one.margin),
        "is_margin_unknown": of.is_told and one.extra is not None and one.margin is None,
        "roi": _times(one.roi),
        "unit": _two_lines(one.acquired.unit),
    }


def _two_lines(one: queries.Stretch | None) -> tuple[str, str]:
    """An amount, and its interval for the line below."""
    return (yuan(round(one.middle)), _range(one)) if one else ("–", "")


def _times(one: queries.Stretch | None) -> tuple[str, str]:
    if one is None:
        return "–", ""
    ends = {"low": f"{one.low:.1f}".replace("-", "−"), "high": f"{one.high:.1f}"}
    return f"{one.middle:.1f}".replace("-", "−"), _("%(low)s to %(high)s") % ends


def _tiles(total: queries.PartLine) -> list[dict[str, Any]]:
    told = _("of %(told)s of %(lines)s with a holdout") % {"told": total.told, "lines": total.lines}
    unit = total.acquired.unit
    return [
        {
            "label": _("Cost"),
            "value": yuan(total.cost_fen or 0),
            "note": _("%(count)s campaigns and journeys") % {"count": grouped(total.lines)},
            "hint": _("Messages and points as given, coupons as used."),
        },
        {
            "label": _("Extra sales"),
            "value": yuan(round(total.extra.middle)) if total.extra else _("cannot be told"),
            "note": _range(total.extra) or told,
            "hint": _("The lifts of all that have a holdout, added up."),
        },
        {
            "label": _("Extra margin"),
            "value": yuan(round(total.margin.middle)) if total.margin else _("cannot be told"),
            "note": _range(total.margin) or (_("margins are not known") if total.extra else told),
            "hint": _("What is left of the extra sales, each receipt at the rate of its merchant and day."),
        },
        {
            "label": _("ROI"),
            "value": _times(total.roi)[0] if total.roi else _("cannot be told"),
            "note": _times(total.roi)[1] or told,
            "hint": _("Extra margin less the cost of the same campaigns and journeys, over that cost."),
        },
        {
            "label": _("A new customer costs"),
            "value": yuan(round(unit.middle)) if unit else _("cannot be told"),
            "note": _("%(count)s bought for the first time") % {"count": grouped(total.acquired.people)},
            "hint": _("Cost by one extra customer who had never bought before; told only when that lift is certain."),
        },
    ]  # fmt: skip


def _range(one: queries.Stretch | None) -> str:
    if one is None:
        return ""
    return _("%(low)s to %(high)s") % {"low": yuan(round(one.low)), "high": yuan(round(one.high))}


def _parts(found: queries.Board, period: Period) -> list[dict[str, Any]]:
    channels = [
        _part(one, message_labels.CHANNELS.get(one.key, one.key), channel=one.key, period=period)
        for one in found.channels
    ]
    return [
        {
            "name": _("By channel"),
            "note": _("Compared with those of the holdout whom the same channel would have reached."),
            "rows": channels,
            "is_costed": True,
        },
        {
            "name": _("By audience"),
            "note": _("Campaigns and journeys that were meant for the same people, together."),
            "rows": [_part(one, one.name) for one in found.audiences],
            "is_costed": True,
        },
        {
            "name": _("By customer’s standing"),
            "note": _("As they stood when they were met, before anybody was drawn."),
            "rows": [_part(one, STANDINGS[one.key]) for one in found.standings],
            "is_costed": False,
        },
        {
            "name": _("By line of business"),
            "note": _("Where the extra sales were made, and what is left of them."),
            "rows": [_part(one, one.name or _("No line of business")) for one in found.categories],
            "is_costed": False,
            "is_rated": True,
        },
    ]


def _part(
    one: queries.PartLine, name: object, *, channel: str = "", period: Period | None = None
) -> dict[str, Any]:
    url = ""
    if channel and period:
        days = {"from": period.first.isoformat(), "to": period.last.isoformat()}
        asked = urlencode({"channel": channel, "kind": "marketing", "status": "went", **days})
        url = f"{reverse('console:sent_messages')}?{asked}"
    return {
        "part": one,
        "name": name,
        "url": url,
        "change": effects.relative_text(one.visit),
        "extra": effects.stretch_text(one.extra),
        "margin": effects.stretch_text(one.margin),
        "roi": effects.times_text(one.roi),
        "rate": f"{one.rate_bp / 100:g}%" if one.rate_bp is not None else "",
    }


@staff_page(VIEW)
def board_file(request: StaffRequest) -> HttpResponseBase:
    """The same as a file, for Excel or as CSV; it goes on record first."""
    period = period_of(request)
    found = operations.export_board(
        actor=request.viewer,
        since=period.since,
        until=period.until,
        mall_id=malls_of(request).chosen_id,
        now=request.now,
    )
    name, header = f"roi-{request.now:%Y%m%d-%H%M%S}", [str(one) for one in HEADER]
    rows = file_rows(found)
    if request.GET.get("format") == "xlsx":
        return xlsx_response(name, header, [[_number(cell) for cell in row] for row in rows])
    return csv_response(name, header, rows)


def _number(cell: object) -> object:
    """Amounts as numbers in a sheet."""
    return float(cell) if isinstance(cell, Decimal) else cell


@staff_page(VIEW)
def targets(request: StaffRequest) -> HttpResponse:
    """What was promised and what the holdouts say."""
    period = period_of(request)
    found = queries.marketing_targets(
        request.viewer,
        request.now,
        since=period.since,
        until=period.until,
        mall_id=malls_of(request).chosen_id,
    )
    context = {
        "period": period,
        "found": found,
        "rows": [_target(one) for one in found.lines],
        "tabs": tabs("campaign_targets"),
    }
    return page(request, "console/campaigns/targets.html", context, section=SECTION)


def _target(one: queries.TargetLine) -> dict[str, Any]:
    name, note = TARGETS[one.name]
    return {
        "line": one,
        "name": name,
        "note": note,
        "goal": effects.signed_percent(one.goal),
        "change": effects.relative_text(one.change),
        "of": [
            (
                title,
                reverse("console:campaign" if kind == "campaign" else "console:journey_results", args=[pk]),
            )
            for kind, pk, title in one.lines
        ],
    }


@staff_page(VIEW)
def margin_rates(request: StaffRequest) -> HttpResponse:
    """What is left of a yuan of sales, with the day from which each rate holds."""
    group_id = organization.default_group().id
    context = {
        "rows": queries.margin_rates(request.viewer, group_id, request.now.date()),
        "policy": queries.marketing_policy(group_id),
        "unknown": _unrated(request, group_id),
        "tabs": tabs("margin_rates"),
        "may": permissions(request, approve=APPROVE),
    }
    return page(request, "console/campaigns/margins.html", context, section=SECTION)


def _unrated(request: StaffRequest, group_id: int) -> Sequence[str]:
    """Lines of business that nobody has given a rate."""
    known = {
        one.subject_id
        for one in queries.margin_rates(request.viewer, group_id, request.now.date())
        if one.kind == "category" and one.state == "now" and one.margin_bp is not None
    }
    return [
        one.name
        for one in organization.trade_categories(group_id)
        if one.id not in known and one.parent_id not in known
    ]


@staff_page(APPROVE)
def set_margin(request: StaffRequest) -> HttpResponse:
    group_id = organization.default_group().id
    choices = [(f"category:{one.id}", one.name) for one in organization.trade_categories(group_id)]
    merchants = organization.merchants(request.viewer, malls_of(request).chosen_id, APPROVE)
    choices += [(f"merchant:{one.id}", f"{one.code} {one.name}") for one in merchants]
    initial = {"subject": request.GET.get("subject", ""), "valid_from": request.now.date()}
    form = forms.MarginForm(request.POST or None, subjects=choices, initial=initial)

    def act() -> None:
        kind, subject_id = form.cleaned_data["subject"].split(":")
        margin = form.cleaned_data["margin"]
        operations.set_margin_rate(
            actor=request.viewer,
            group_id=group_id,
            merchant_id=int(subject_id) if kind == "merchant" else None,
            category_id=int(subject_id) if kind == "category" else None,
            margin_bp=None if margin is None else round(margin * 100),
            valid_from=form.cleaned_data["valid_from"],
            now=request.now,
        )

    url = reverse("console:margin_rates")
    return dialog_once(
        request, form, act, _("Set a margin"), _("Saved; figures follow with the next measure."), url
    )


@staff_page(VIEW)
def people(request: StaffRequest, campaign_id: int) -> HttpResponse:
    """Who is behind the figures of a campaign."""
    show = request.GET.get("show", "")
    show = show if show in queries.SHOWN else ""
    context = {
        "campaign": queries.campaign(request.viewer, campaign_id, request.now),
        "page": queries.campaign_people(
            request.viewer, campaign_id, request.now, show=show, cursor=request.GET.get("cursor")
        ),
        "show": show,
        "shown": CAMPAIGN_SHOWN.items(),
    }
    if wants_fragment(request):
        return fragment(request, "console/campaigns/_people.html", context)
    return page(request, "console/campaigns/people.html", context, section=SECTION)
