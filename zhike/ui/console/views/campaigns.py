"""Campaigns: the list with its scenarios, the plan, the page of one, the board and the month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.kernel.errors import Problem
from zhike.marketing import operations, queries
from zhike.messaging import queries as messaging
from zhike.offers import queries as offers
from zhike.organization import queries as organization
from zhike.ui.components.formatting import grouped, yuan
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import effects, message_labels
from zhike.ui.console.forms import campaigns as forms
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, fragment, malls_of, page, permissions, wants_fragment
from zhike.ui.console.uplift_figures import figures
from zhike.ui.console.views.coupons import places_of

VIEW, EDIT = "campaigns.view", "campaigns.edit"
SECTION = "campaigns"


def tabs(current: str) -> list[dict[str, Any]]:
    names = {
        "campaigns": _("Campaigns"),
        "campaign_board": _("ROI board"),
        "campaign_targets": _("Targets"),
        "campaign_attribution": _("Attribution"),
        "campaign_calendar": _("Marketing calendar"),
        "uplift_runs": _("Uplift models"),
        "margin_rates": _("Margins"),
    }
    return [
        {"label": label, "url": reverse(f"console:{name}"), "active": name == current}
        for name, label in names.items()
    ]


@staff_page(VIEW)
def campaigns(request: StaffRequest) -> HttpResponse:
    """All campaigns in scope, and the scenarios that make one with one click."""
    status = request.GET.get("status", "")
    context = {
        "page": queries.campaigns_page(
            request.viewer,
            now=request.now,
            status=status if status in ("planned", "started") else "",
            q=request.GET.get("q", "")[:80],
            cursor=request.GET.get("cursor"),
        ),
        "q": request.GET.get("q", ""),
        "status": status,
        "tabs": tabs("campaigns"),
        "scenarios": queries.scenarios(),
        "may": permissions(request, edit=EDIT),
    }
    if wants_fragment(request):
        return fragment(request, "console/campaigns/_rows.html", context)
    return page(request, "console/campaigns/list.html", context, section=SECTION)


@staff_page(EDIT)
def edit(request: StaffRequest, campaign_id: int | None = None) -> HttpResponse:
    """A new draft, or the change of one."""
    known = queries.campaign(request.viewer, campaign_id, request.now) if campaign_id is not None else None
    zone = known.zone if known else _zone(request)
    initial = forms.initial_of(known.plan, zone) if known else _first(request)
    form = forms.CampaignForm(request.POST or None, choices=_choices(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        kept: dict[str, int] = {}
        try:
            run_once(request, "campaign", form, lambda: kept.update(id=_save(request, form, known, zone)))
        except Problem as problem:
            add_problem(form, problem)
        else:
            found = kept.get("id") or (known.row.id if known else 0)
            url = reverse("console:campaign", args=[found]) if found else reverse("console:campaigns")
            return done(request, _("The campaign is saved."), url)
    context = {"form": form, "campaign": known}
    return page(
        request, "console/campaigns/form.html", context, section=SECTION, status=422 if form.errors else 200
    )


def _save(
    request: StaffRequest, form: forms.CampaignForm, known: queries.CampaignFile | None, zone: str
) -> int:
    plan = form.plan(zone, known.plan.scenario if known else "")
    if known is None:
        return operations.plan_campaign(
            actor=request.viewer, group_id=organization.default_group().id, plan=plan, now=request.now
        )
    operations.edit_campaign(
        actor=request.viewer, campaign_id=known.row.id, plan=plan, version=known.version, now=request.now
    )
    return known.row.id


def _first(request: StaffRequest) -> dict[str, Any]:
    chosen = malls_of(request).chosen_id
    return {
        "place": str(chosen or 0), "goal": "visit", "rhythm": "once", "holdout": 10, "test": 100,
        "window_days": 14, "A_weight": 1, "B_weight": 1, "C_weight": 1, "target_rule": "top", "target_share": 30,
        "target_explore": queries.EXPLORE_BP // 100, "target_run": request.GET.get("target", ""),
    }  # fmt: skip


def _zone(request: StaffRequest) -> str:
    malls = malls_of(request)
    first = malls.chosen or (malls.all[0] if malls.all else None)
    return first.time_zone if first else "Asia/Shanghai"


def _choices(request: StaffRequest) -> forms.PlanChoices:
    audiences = queries.audiences(request.viewer)
    batches = offers.batches_page(request.viewer, now=request.now, limit=200).items
    runs = queries.uplift_runs(request.viewer)
    return forms.PlanChoices(
        models=[(str(run.id), _model_name(run)) for run in runs if run.beats_random],
        is_refused=any(not run.fault for run in runs) and not any(run.beats_random for run in runs),
        places=places_of(request),
        audiences=[("" if one.id is None else str(one.id), one.name) for one in audiences],
        templates=[(one.code, one.name) for one in messaging.templates(request.viewer) if one.kind != "code"],
        batches=[
            (str(one.id), f"{one.name} · {one.value_text}")
            for one in batches
            if not one.is_bearer and one.state in ("open", "early")
        ],
    )


def _model_name(run: queries.UpliftRunView) -> str:
    return _("%(day)s · Qini %(qini)s") % {"day": f"{run.ran_at:%Y-%m-%d %H:%M}", "qini": f"{run.qini:.3f}"}


@staff_page(VIEW)
def campaign(request: StaffRequest, campaign_id: int) -> HttpResponse:
    """One campaign: what was planned, what is happening, what it did. While it works the page asks again."""
    return page(request, "console/campaigns/campaign.html", _whole(request, campaign_id), section=SECTION)


@staff_page(VIEW, keeps_alive=False)
def campaign_live(request: StaffRequest, campaign_id: int) -> HttpResponse:
    """The same again every few seconds, while it works."""
    return fragment(request, "console/campaigns/_live.html", _whole(request, campaign_id))


def _whole(request: StaffRequest, campaign_id: int) -> dict[str, Any]:
    found = queries.campaign(request.viewer, campaign_id, request.now)
    context: dict[str, Any] = {
        "campaign": found,
        "wordings": _wordings(request, found),
        "forecast": _forecast(found.forecast) if found.forecast else None,
        "is_live": found.row.state in ("waiting", "running") or found.is_reckoning,
        "may": permissions(request, edit=EDIT),
    }
    if found.plan.target is not None:
        context["target"] = _target(request, found)
    if found.launched_at is not None:
        review = queries.review(request.viewer, campaign_id, request.now)
        context |= {
            "review": review,
            "tiles": _tiles(review),
            "arms": effects.arm_rows(review),
            "funnel": _funnel(review.funnel),
            "trend": _trend(queries.trend(request.viewer, campaign_id)),
            "compared": _compared(found, review),
        }
    return context


def _target(request: StaffRequest, found: queries.CampaignFile) -> dict[str, Any]:
    """The model that chooses, what it is expected to add among those it chooses, and how many it chose."""
    assert found.plan.target is not None
    run = queries.uplift_run(request.viewer, found.plan.target.run)
    share = max(1, min(10, round(found.plan.target.share_bp / 1_000)))
    at = next((one for one in run.at if one.percent == share * 10), None)
    told = found.forecast or {}
    by_score = told.get("by_score", 0)
    expected = None
    if at is not None and found.plan.target.rule == "top" and by_score:
        expected = tuple(round(by_score * one) for one in (at.uplift, at.low, at.high))
    return {
        "plan": found.plan.target,
        "run": run,
        "expected": expected,
        "chosen": queries.chosen_counts(found.row.id) if found.launched_at else None,
        "figures": figures(run),
    }


def _wordings(request: StaffRequest, found: queries.CampaignFile) -> list[dict[str, Any]]:
    names = {one.code: one for one in messaging.templates(request.viewer)}
    rows = []
    for arm in found.plan.arms:
        template = names.get(arm.template)
        batch = offers.batch(request.viewer, arm.batch_id, request.now) if arm.batch_id is not None else None
        rows.append(
            {
                "arm": arm,
                "template": template,
                "name": template.name if template else arm.template,
                "batch": batch,
            }
        )
    return rows


def _forecast(told: Mapping[str, Any]) -> dict[str, Any]:
    benefits = told["benefits_fen"]
    return {
        **told,
        "at": dt.datetime.fromisoformat(told["at"]),
        "made_at": dt.datetime.fromisoformat(told["made_at"]),
        "cost_fen": -(-told["cost"] // 1_000),
        "points_fen": benefits["points"],
        "coupons_fen": benefits["coupons_at_most"],
        "channels": [
            (message_labels.CHANNELS.get(code, code), count) for code, count in told["by_channel"].items()
        ],
    }


def _tiles(review: queries.Review) -> list[dict[str, Any]]:
    together = review.together
    is_told = review.verdict in ("up", "down", "open")
    return [
        {
            "label": _("Reached"),
            "value": grouped(review.funnel.sent),
            "note": _("of %(count)s given something") % {"count": grouped(review.funnel.given)},
            "hint": _("People to whom a message went, each counted once."),
        },
        {
            "label": _("Lift in buyers"),
            "value": effects.share_text(together.visit) if together and is_told else _("cannot be told"),
            "tone": effects.tone_of(together.visit) if together and is_told else "",
            "hint": _("The share that bought in the window, less the same share of the holdout."),
        },
        {
            "label": _("Extra sales"),
            "value": effects.range_text(review.extra.fen, review.extra.low, review.extra.high)
            if review.extra and is_told
            else _("cannot be told"),
            "hint": _("The lift in sales a person times the people."),
        },
        {
            "label": _("Cost"),
            "value": yuan(review.cost.total),
            "note": _("ROI %(roi)s") % {"roi": effects.roi_text(review)} if is_told and review.roi else "",
            "hint": _("Messages and points as given, coupons as used. ROI: extra sales times the margin, less cost, over cost."),
        },
    ]  # fmt: skip


def _funnel(funnel: queries.Funnel) -> dict[str, Any]:
    steps = [
        (_("Given something"), funnel.given),
        (_("Reached"), funnel.sent),
        (_("Delivered"), funnel.delivered),
        (_("Opened"), funnel.opened),
        (_("Clicked"), funnel.clicked),
        (_("Bought"), funnel.bought),
    ]
    return {
        "rows": steps,
        "chart": {
            "kind": "bar-horizontal",
            "unit": "count",
            "categories": [name for name, _value in steps],
            "series": [{"name": _("People"), "values": [value for _name, value in steps]}],
        },
    }


def _trend(points: list[queries.TrendPoint]) -> dict[str, Any] | None:
    if len(points) < 2:
        return None
    lines = (
        (_("Lift"), "primary", [one.effect.difference for one in points]),
        (_("Lower end"), "info", [one.effect.low for one in points]),
        (_("Upper end"), "info", [one.effect.high for one in points]),
    )
    return {
        "points": points,
        "chart": {
            "kind": "line",
            "unit": "percent",
            "categories": [f"{one.day:%m-%d}" for one in points],
            "series": [{"name": name, "values": values, "tone": tone} for name, tone, values in lines],
            "marks": [{"name": "0", "value": 0}],
        },
    }


def _compared(found: queries.CampaignFile, review: queries.Review) -> list[tuple[str, int, int]]:
    """What the reach planner said and what came of it."""
    told = found.forecast
    if not told:
        return []
    waves = found.waves[:1] if found.plan.rhythm == "once" else found.waves
    return [
        (
            _("In the audience"),
            told["people"] - told["global"] - told["rest"],
            sum(one.people for one in waves),
        ),
        (_("Holdout"), told["held"], sum(one.held for one in waves)),
        (
            _("Refused at the gates"),
            sum(one[2] for one in told["refused"]),
            sum(one.refused for one in waves),
        ),
        (_("Given something"), told["reached"], sum(one.given for one in waves)),
    ]


@staff_page(VIEW)
def sizes(request: StaffRequest) -> HttpResponse:
    """How many people an experiment takes."""
    form = forms.SizeForm(request.GET or None)
    context: dict[str, Any] = {}
    if form.is_valid():
        shares = [float(form.cleaned_data[name] or 0) / 100 for name in ("base", "lift", "holdout")]
        try:
            context["size"] = queries.sample_size(*shares)
        except Problem as problem:
            context["problem"] = problem.sentence
    else:
        context["problem"] = _("Both shares lie between 0 and 100 %, and they differ.")
    return fragment(request, "console/campaigns/_size.html", context)


@staff_page(VIEW)
def calendar(request: StaffRequest) -> HttpResponse:
    """The month, with what is sent on each day."""
    first = _month(request.GET.get("month", ""), request.now.date())
    before, after = first - dt.timedelta(days=1), first + dt.timedelta(days=31)
    context = {
        "weeks": queries.calendar(request.viewer, first.year, first.month, request.now),
        "first": first,
        "before": f"{before:%Y-%m}",
        "after": f"{after:%Y-%m}",
        "today": request.now.date(),
        "tabs": tabs("campaign_calendar"),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/campaigns/calendar.html", context, section=SECTION)


def _month(text: str, today: dt.date) -> dt.date:
    try:
        found = dt.datetime.strptime(text, "%Y-%m").replace(tzinfo=dt.UTC).date()
    except ValueError:
        return today.replace(day=1)
    return found if 2000 <= found.year < 2100 else today.replace(day=1)
