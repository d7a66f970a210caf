"""Surveys: what is asked and what it brings; places with their codes; a wave sent to a sample."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.service import operations, queries
from zhike.ui.components import service as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.csv_export import csv_response
from zhike.ui.console.forms import surveys as survey_forms
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, fragment, malls_of, page, permissions
from zhike.ui.console.views.service import HANDLE, zone_of

MANAGE = "tickets.manage"
PERIODS = (30, 90, 365)
EXPORT_MAX = 20_000


@staff_page(HANDLE)
def surveys(request: StaffRequest) -> HttpResponse:
    """Every survey with its score and how many of those asked answered; the places below."""
    group_id = organization.default_group().id
    context = {
        "surveys": queries.surveys(request.viewer, group_id),
        "places": queries.touchpoints(request.viewer, mall_id=malls_of(request).chosen_id),
        "may": permissions(request, manage=MANAGE),
    }
    return page(request, "console/surveys/list.html", context, section="surveys")


@require_POST
@staff_page(MANAGE)
def found(request: StaffRequest) -> HttpResponse:
    operations.found_surveys(actor=request.viewer, group_id=organization.default_group().id, now=request.now)
    return done(request, _("The usual surveys are there. Look at their words."), reverse("console:surveys"))


@staff_page(HANDLE)
def survey(request: StaffRequest, survey_id: int) -> HttpResponse:
    """The score with its interval, how far people came, what they chose and said."""
    days = next((n for n in PERIODS if request.GET.get("days") == str(n)), PERIODS[1])
    verdict = request.GET.get("verdict", "")
    verdict = verdict if verdict in ("low", "high") else ""
    mall_id = malls_of(request).chosen_id
    results = queries.survey_results(
        request.viewer,
        survey_id,
        mall_id=mall_id,
        since=request.now - dt.timedelta(days=days),
        until=request.now,
        zone=zone_of(request),
    )
    context = {
        "results": results,
        "survey": results.survey,
        "listening": queries.listening(
            request.viewer,
            queries.Heard(mall_id=mall_id, survey_id=survey_id),
            since=request.now - dt.timedelta(days=days),
            until=request.now,
            zone=zone_of(request),
        ),
        "funnel": _funnel(results),
        "scores": _scores(results),
        "trend": _trend(results),
        "days": days,
        "periods": [
            {"label": _("%(days)s days") % {"days": n}, "url": f"?days={n}", "active": n == days}
            for n in PERIODS
        ],
        "tabs": [
            {"label": label, "url": f"?days={days}&verdict={code}", "active": code == verdict}
            for code, label in (("", _("All")), ("low", _("Low scores")), ("high", _("High scores")))
        ],
        "answers": queries.answers_page(
            request.viewer,
            survey_id,
            mall_id=mall_id,
            verdict=verdict,
            cursor=request.GET.get("cursor"),
            limit=20,
        ),
        "may": permissions(request, manage=MANAGE),
    }
    return page(request, "console/surveys/results.html", context, section="surveys")


def _funnel(results: queries.Results) -> list[dict[str, Any]]:
    """How far people came, each step with its share of the first."""
    first = _("Scanned") if results.survey.trigger == "link" else _("Asked")
    steps = [(first, results.asked)]
    if results.survey.trigger != "link":
        steps.append((_("Opened the form"), results.opened))
    steps.append((_("Answered"), results.answered))
    most = max(1, results.asked, results.answered)
    return [{"label": label, "count": count, "most": most} for label, count in steps]


def _scores(results: queries.Results) -> dict[str, Any]:
    return {
        "kind": "bar",
        "unit": "count",
        "categories": [str(score) for score, _n in results.by_score],
        "series": [
            {
                "name": _("Answers given"),
                "values": [n for _s, n in results.by_score],
                "tone": "primary",
            }
        ],
    }


def _trend(results: queries.Results) -> dict[str, Any]:
    scale = 100 if results.survey.kind == "csat" else 1
    return {
        "kind": "line",
        "unit": "count",
        "categories": [month.strftime("%Y-%m") for month, _score in results.by_month],
        "series": [
            {
                "name": str(words.SURVEY_KINDS[results.survey.kind]),
                "values": [round((score.value or 0) * scale, 1) for _month, score in results.by_month],
                "tone": "primary",
            }
        ],
    }


@staff_page(HANDLE)
def export(request: StaffRequest, survey_id: int) -> HttpResponseBase:
    """Every answer in scope as a file for a spreadsheet; nobody's name is in it."""
    view = queries.survey(request.viewer, survey_id)
    rows: list[queries.AnswerView] = []
    cursor = None
    while len(rows) < EXPORT_MAX:
        found = queries.answers_page(
            request.viewer, survey_id, mall_id=malls_of(request).chosen_id, cursor=cursor, limit=200
        )
        rows += found.items
        cursor = found.next_cursor
        if cursor is None:
            break
    header = [
        _("Time"),
        _("Score"),
        _("About"),
        _("Ticket"),
        _("Comment"),
        _("Late"),
        _("Answers given"),
    ]
    lines = [
        [
            row.answered_at.isoformat(timespec="seconds"),
            row.score,
            row.about,
            row.number,
            row.comment,
            _("yes") if row.is_late else "",
            "; ".join(f"{question}: {answer}" for question, answer in row.answers),
        ]
        for row in rows
    ]
    return csv_response(f"survey-{view.code}", header, lines)


@staff_page(MANAGE)
def edit(request: StaffRequest, survey_id: int = 0) -> HttpResponse:
    """A new survey, or other words for a known one: they make a new version."""
    group_id = organization.default_group().id
    known = queries.survey(request.viewer, survey_id) if survey_id else None
    form = survey_forms.SurveyForm(request.POST or None, is_new=known is None, initial=_initial(known))
    if request.method == "POST" and form.is_valid():
        data = {name: value for name, value in form.cleaned_data.items() if name != "once"}
        try:
            made: list[int] = []
            run_once(
                request,
                "survey",
                form,
                lambda: made.append(
                    operations.save_survey(actor=request.viewer, group_id=group_id, now=request.now, **data)
                ),
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            url = reverse("console:survey", args=made) if made else reverse("console:surveys")
            return done(request, _("The survey is saved."), url)
    return page(
        request,
        "console/surveys/edit.html",
        {"form": form, "survey": known},
        section="surveys",
        status=422 if form.is_bound else 200,
    )


def _initial(known: queries.SurveyView | None) -> dict[str, Any]:
    if known is None:
        return {"thanks": _("Thank you for your answer.")}
    names = ("code", "name", "kind", "trigger", "question", "thanks", "window_days", "remind_after_days",
             "quarantine_days", "quota", "counts_late", "is_open")  # fmt: skip
    return {name: getattr(known, name) for name in names} | {
        "questions": survey_forms.written(known.questions)
    }


@staff_page(MANAGE)
def send(request: StaffRequest, survey_id: int) -> HttpResponse:
    """Ask a sample of the members in scope."""
    view = queries.survey(request.viewer, survey_id)
    form = survey_forms.SendForm(request.POST or None, initial={"wave": request.now.strftime("%Y-%m")})
    if request.method == "POST" and form.is_valid():
        asked: list[int] = []
        try:
            run_once(
                request,
                f"survey-send:{survey_id}",
                form,
                lambda: asked.append(
                    operations.invite_sample(
                        actor=request.viewer,
                        survey_id=survey_id,
                        percent=form.cleaned_data["percent"],
                        wave=form.cleaned_data["wave"],
                        now=request.now,
                    )
                ),
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            sentence = _("%(count)s members will be asked.") % {"count": sum(asked)}
            return done(request, sentence, reverse("console:survey", args=[survey_id]))
    context = {
        "form": form,
        "action": request.path,
        "title": _("Ask a sample"),
        "lead": view.question,
        "label": _("Ask"),
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


# --- places --------------------------------------------------------------------------------------------------------


@staff_page(MANAGE)
def edit_touchpoint(request: StaffRequest, touchpoint_id: int = 0) -> HttpResponse:
    known = queries.touchpoint(request.viewer, touchpoint_id) if touchpoint_id else None
    malls = malls_of(request)
    group_id = organization.default_group().id
    found = [one for one in queries.surveys(request.viewer, group_id) if one.trigger == "link"]
    merchants = organization.merchants(request.viewer, malls.chosen_id, HANDLE)
    names = ("name", "kind", "survey_id", "mall_id", "merchant_id", "department_id", "is_open")
    form = survey_forms.TouchpointForm(
        request.POST or None,
        surveys=[(str(one.id), one.name) for one in found],
        malls=malls.choices,
        merchants=[(str(ref.id), ref.name) for ref in merchants],
        departments=[(str(ref.id), ref.name) for ref in queries.departments(group_id)],
        initial={name: getattr(known, name) for name in names} if known else {"mall_id": malls.chosen_id},
    )
    if request.method == "POST" and form.is_valid():
        data = {name: form.cleaned_data[name] for name in names}
        try:
            run_once(
                request,
                "touchpoint",
                form,
                lambda: operations.save_touchpoint(
                    actor=request.viewer, touchpoint_id=touchpoint_id or None, now=request.now, **data
                ),
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The place is saved."), reverse("console:surveys"))
    title = _("Change the place") if known else _("New place")
    context = {"form": form, "action": request.path, "title": title, "wide": True}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


@staff_page(HANDLE)
def touchpoint(request: StaffRequest, touchpoint_id: int) -> HttpResponse:
    """A sheet to print: the code, the question, the place."""
    place = queries.touchpoint(request.viewer, touchpoint_id)
    context = {
        "place": place,
        "survey": queries.survey(request.viewer, place.survey_id),
        "answers": queries.answers_page(request.viewer, place.survey_id, touchpoint_id=place.id, limit=10),
    }
    return page(request, "console/surveys/place.html", context, section="surveys")
