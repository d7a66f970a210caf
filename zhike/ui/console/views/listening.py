"""What people say in their own words: topics and how content they are, quotes, corrections, what goes with scores."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.service import operations, queries
from zhike.ui.components import service as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.csv_export import csv_response
from zhike.ui.console.forms.listening import ReadingForm
from zhike.ui.console.pages import fragment, malls_of, page
from zhike.ui.console.views.inbox import in_dialog
from zhike.ui.console.views.service import HANDLE, zone_of

PERIODS = (7, 30, 90, 365)
USUAL = 30
SHOWN = 20
EXPORTED = 200


def _period(request: StaffRequest) -> int:
    return next((n for n in PERIODS if request.GET.get("days") == str(n)), USUAL)


def _heard(request: StaffRequest) -> queries.Heard:
    """The conditions of the address; whatever it does not know is none."""

    def one_of(name: str, known: Any) -> str:
        value = request.GET.get(name, "")
        return value if value in known else ""

    survey = request.GET.get("survey", "")
    return queries.Heard(
        mall_id=malls_of(request).chosen_id,
        since=request.now - dt.timedelta(days=_period(request)),
        until=request.now,
        topic=one_of("topic", words.TOPICS),
        sentiment=one_of("sentiment", ("positive", "neutral", "negative")),
        source=one_of("source", words.VERBATIM_SOURCES),
        survey_id=int(survey) if survey.isascii() and survey.isdecimal() and len(survey) < 10 else None,
        unsure=request.GET.get("unsure") == "1",
        words=request.GET.get("q", "").strip()[:40],
    )


@staff_page(HANDLE)
def report(request: StaffRequest) -> HttpResponse:
    """A period by topic and sentiment against the one before; the quotes below are filtered by themselves."""
    if request.htmx:
        return fragment(request, "console/listening/_quotes.html", _quotes(request))
    days, mall_id = _period(request), malls_of(request).chosen_id
    shown = queries.listening(
        request.viewer,
        queries.Heard(mall_id=mall_id),
        since=request.now - dt.timedelta(days=days),
        until=request.now,
        zone=zone_of(request),
    )
    quality = queries.reading_quality(request.viewer)
    parts = (
        ("blind", _("Whole comments, never seen")),
        ("families", _("Turns of phrase kept apart")),
        ("oblique", _("Hints and irony")),
    )
    context = _quotes(request) | {
        "listening": shown,
        "net": queries.net_of(shown.sentiments),
        "net_before": queries.net_of(shown.sentiments_before),
        "topics_chart": _topics_chart(request, shown),
        "trend": _trend(shown),
        "drivers": queries.score_drivers(request.viewer, mall_id=mall_id, now=request.now),
        "quality": quality,
        "measured": [(label, quality.figures[name]) for name, label in parts if name in quality.figures],
        "periods": [
            {"label": _("%(days)s days") % {"days": n}, "url": f"?days={n}", "active": n == days}
            for n in PERIODS
        ],
    }
    return page(request, "console/listening/report.html", context, section="listening")


def _quotes(request: StaffRequest) -> dict[str, Any]:
    heard = _heard(request)
    found = queries.verbatims_page(request.viewer, heard, cursor=request.GET.get("cursor"), limit=SHOWN)
    return {
        "quotes": found,
        "heard": heard,
        "days": _period(request),
        "choices": {
            "topic": words.TOPICS.items(),
            "sentiment": [(code, words.SENTIMENTS[code]) for code in ("negative", "neutral", "positive")],
            "source": words.VERBATIM_SOURCES.items(),
        },
    }


def _topics_chart(request: StaffRequest, shown: queries.Listening) -> dict[str, Any]:
    rows = shown.topics
    base = reverse("console:listening")
    return {
        "kind": "bar-horizontal",
        "unit": "count",
        "stacked": True,
        "categories": [str(words.TOPICS.get(row.code, row.title)) for row in rows],
        "series": [
            {
                "name": str(words.SENTIMENTS[how]),
                "values": [getattr(row, how) for row in rows],
                "tone": tone,
                "urls": [
                    f"{base}?days={_period(request)}&topic={row.code}&sentiment={how}#quotes" for row in rows
                ],
            }
            for how, tone in (("negative", "error"), ("neutral", "info"), ("positive", "success"))
        ],
    }


def _trend(shown: queries.Listening) -> dict[str, Any]:
    return {
        "kind": "line",
        "unit": "percent",
        "categories": [f"{week:%m-%d}" for week, _counts in shown.by_week],
        "series": [
            {
                "name": str(words.SENTIMENTS[how]),
                "values": [
                    counts.get(how, 0) / (sum(counts.values()) or 1) for _week, counts in shown.by_week
                ],
                "tone": tone,
            }
            for how, tone in (("negative", "error"), ("positive", "success"))
        ],
    }


@staff_page(HANDLE)
def export(request: StaffRequest) -> HttpResponseBase:
    """The comments of the filter, up to 200 of the newest, as CSV."""
    found = queries.verbatims_page(request.viewer, _heard(request), limit=EXPORTED)
    header = [
        _("Said"),
        _("From"),
        _("How content they are"),
        _("What it is about"),
        _("Merchant"),
        _("Words"),
    ]
    lines = [
        [
            row.said_at.isoformat(timespec="seconds"),
            words.VERBATIM_SOURCES[row.source],
            words.SENTIMENTS[row.sentiment],
            "; ".join(
                f"{words.TOPICS.get(code, title)}: {words.SENTIMENTS[how]}" for code, title, how in row.topics
            ),
            row.merchant_name,
            row.words,
        ]
        for row in found.items
    ]
    return csv_response("comments", header, lines)


@staff_page(HANDLE)
def decide(request: StaffRequest, verbatim_id: int) -> HttpResponse:
    """Confirm or correct how a comment was read."""
    known = queries.verbatim(request.viewer, verbatim_id)
    form = ReadingForm(
        request.POST or None,
        initial={"sentiment": known.sentiment, "topics": [code for code, _title, _how in known.topics]},
    )

    def act(data: dict[str, Any]) -> None:
        operations.decide_verbatim(actor=request.viewer, verbatim_id=verbatim_id, now=request.now, **data)

    return in_dialog(
        request,
        form,
        f"verbatim:{verbatim_id}",
        act,
        reverse("console:listening"),
        title=_("How is this to be read?"),
        lead=known.words[:400],
        label=_("Keep and learn"),
        wide=True,
    )
