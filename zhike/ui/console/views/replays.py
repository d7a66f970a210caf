"""The time machine: drafts replayed over the whole ledger before anybody is bound by them."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from zhike.kernel.errors import Problem
from zhike.loyalty import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import labels, rule_text
from zhike.ui.console.dates import date_of
from zhike.ui.console.forms.replays import DraftForm
from zhike.ui.console.pages import add_problem, done, fragment, page
from zhike.ui.console.programmes import first_programme, tier_names
from zhike.ui.console.rule_choices import choices

EDIT = "programme.edit"


@staff_page(EDIT)
def replays(request: StaffRequest) -> HttpResponse:
    """Replays so far, and a form for the next one: thresholds, expiry, or nothing at all as a proof."""
    programme = first_programme(request)
    if programme is None:
        return page(request, "console/replays/list.html", {"programme": None}, section="replays")
    form = DraftForm(request.POST or None, programme=programme)
    if request.method == "POST" and form.is_valid():
        try:
            run_id = operations.begin_replay(
                actor=request.viewer,
                program_id=programme.id,
                draft=form.draft,
                days=form.days,
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The replay has begun."), reverse("console:replay", args=[run_id]))
    runs = queries.replays(request.viewer, programme.id)
    rows = [{"run": run, "what": what_of(run, request)} for run in runs]
    context = {"programme": programme, "form": form, "rows": rows}
    return page(request, "console/replays/list.html", context, section="replays")


@staff_page(EDIT)
def replay(request: StaffRequest, run_id: UUID) -> HttpResponse:
    run = queries.replay(request.viewer, run_id)
    return page(request, "console/replays/replay.html", result_context(request, run), section="replays")


@staff_page(EDIT, keeps_alive=False)
def replay_state(request: StaffRequest, run_id: UUID) -> HttpResponse:
    """How far it is; the result once it is there."""
    run = queries.replay(request.viewer, run_id)
    return fragment(request, "console/replays/_result.html", result_context(request, run))


def what_of(run: queries.ReplayView, request: StaffRequest) -> str:
    """What the draft changes, in words."""
    parts = []
    if run.draft.get("rule") is not None:
        parts.append(_("rule %(code)s") % {"code": run.draft.get("rule_code") or _("(new)")})
    if run.draft.get("tiers"):
        parts.append(_("thresholds of tiers"))
    if run.draft.get("expiry"):
        expiry = labels.EXPIRIES.get(run.draft["expiry"], run.draft["expiry"])
        parts.append(_("expiry: %(expiry)s") % {"expiry": expiry})
    return ", ".join(parts) or _("today's rules (proof)")


def result_context(request: StaffRequest, run: queries.ReplayView) -> dict[str, Any]:
    context: dict[str, Any] = {"run": run, "what": what_of(run, request)}
    if run.result is None:
        return context
    result = run.result
    was, would = result["earned"]
    liability = result["outstanding"][1] - result["outstanding"][0]
    on = run.created_at.date()
    names = tier_names(request)
    order = {tier_id: at for at, tier_id in enumerate(names)}
    tiers = sorted(result["by_tier"].items(), key=lambda item: order.get(int(item[0]), 99))
    context |= {
        "changes": _changes(request, run),
        "result": result,
        "was": was,
        "would": would,
        "difference": would - was,
        "share": (would - was) / was if was else None,
        "cost_fen": queries.value_of_points(run.program_id, would - was, on),
        "liability": liability,
        "liability_fen": queries.value_of_points(run.program_id, liability, on),
        "chart": _chart(result["by_period"]),
        "periods": [_row(*row) for row in result["by_period"]],
        "tiers": [{"name": names.get(int(key), key), **row} for key, row in tiers],
        "moves": [(names.get(a, a), names.get(b, b), count) for a, b, count in result["moves"]],
        "merchants": [
            _row(_merchant(key), was, would, count) for key, count, was, would in result["by_merchant"]
        ],
    }
    return context


def _changes(request: StaffRequest, run: queries.ReplayView) -> list[rule_text.Change]:
    """What the draft of a rule says otherwise than the version in force."""
    if run.draft.get("rule") is None:
        return []
    rules = queries.rules(request.viewer, run.program_id, request.now)
    known = next((rule for rule in rules if rule.code == run.draft["rule_code"]), None)
    before = known.current.definition if known and known.current else {}
    return list(rule_text.changes(before, run.draft["rule"], choices(request)))


def _row(key: str, was: int, would: int, receipts: int = 0) -> dict[str, Any]:
    return {"key": key, "points_now": was, "points_draft": would, "receipts": receipts}


def _merchant(merchant_id: int) -> str:
    merchant = organization.merchant_ref(merchant_id)
    return merchant.name if merchant else str(merchant_id)


def _chart(periods: list[list[Any]]) -> dict[str, Any]:
    return {
        "kind": "line",
        "unit": "points",
        "categories": [_period(key) for key, _was, _would in periods],
        "series": [
            {"name": _("As it was"), "values": [was for _key, was, _would in periods]},
            {"name": _("With this draft"), "values": [would for _key, _was, would in periods]},
        ],
    }


def _period(key: str) -> str:
    day: dt.date | None = date_of(key)
    return date_format(day, "MONTH_DAY_FORMAT") if day else key


def started(request: StaffRequest, program_id: int, draft: dict[str, Any], days: int | None) -> HttpResponse:
    """Begin a replay for a form on another page; the fragment follows it until it is over."""
    run_id = operations.begin_replay(
        actor=request.viewer, program_id=program_id, draft=draft, days=days, now=request.now
    )
    run = queries.replay(request.viewer, run_id)
    return fragment(request, "console/replays/_result.html", result_context(request, run))
