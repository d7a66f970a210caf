"""What went before purchases, by rule, beside what the holdouts prove."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.marketing import queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import effects, message_labels
from zhike.ui.console.pages import malls_of, page
from zhike.ui.console.views.campaigns import SECTION, VIEW, tabs

PERIODS = (30, 60, 90)


@staff_page(VIEW)
def attribution(request: StaffRequest) -> HttpResponse:
    """Purchases of a period shared out among the messages before them."""
    days = _one_of(request.GET.get("days", ""), PERIODS, 30)
    window = _one_of(request.GET.get("window", ""), queries.WINDOW_DAYS, 7)
    chosen = malls_of(request).chosen_id
    found = queries.attribution(
        request.viewer,
        since=request.now - dt.timedelta(days=days),
        until=request.now,
        window_days=window,
        mall_id=chosen,
        now=request.now,
    )
    context = {
        "found": found,
        "campaigns": [_row(one) for one in found.campaigns],
        "channels": [_row(one) for one in found.channels],
        "chart": _chart(found.campaigns[:8]),
        "days": days,
        "window": window,
        "periods": PERIODS,
        "windows": queries.WINDOW_DAYS,
        "tabs": tabs("campaign_attribution"),
    }
    return page(request, "console/campaigns/attribution.html", context, section=SECTION)


def _one_of(text: str, known: Sequence[int], usual: int) -> int:
    return next((one for one in known if str(one) == text), usual)


def _row(one: queries.AttributionRow) -> dict[str, Any]:
    review = one.review
    is_told = review is not None and review.verdict in ("up", "down", "open") and review.extra is not None
    return {
        "row": one,
        "name": one.name if review is not None else message_labels.CHANNELS.get(one.key, one.key),
        "url": reverse("console:campaign", args=[one.campaign_id])
        if one.campaign_id
        else reverse("console:journey_results", args=[one.journey_id])
        if one.journey_id
        else "",
        "credits": [round(credit.fen) for credit in (one.last, one.position, one.driven)],
        "roi": one.last.fen / one.cost_fen if one.cost_fen else None,
        "proved": effects.range_text(review.extra.fen, review.extra.low, review.extra.high)
        if is_told and review is not None and review.extra is not None
        else "",
    }


def _chart(rows: Sequence[queries.AttributionRow]) -> dict[str, Any]:
    rules = ((_("Last touch"), "last"), (_("Position-based"), "position"), (_("Data-driven"), "driven"))
    return {
        "kind": "bar",
        "unit": "fen",
        "categories": [one.name for one in rows],
        "series": [
            {"name": name, "values": [round(getattr(one, key).fen) for one in rows]} for name, key in rules
        ],
    }
