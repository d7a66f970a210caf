"""The editor: each change is one operation on the draft, and the answer is the panel with the canvas beside it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.insight import queries as insight
from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import queries as loyalty
from zhike.marketing import operations, queries
from zhike.messaging import queries as messaging
from zhike.offers import queries as offers
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import journey_labels, journey_text
from zhike.ui.console.forms import journeys as forms
from zhike.ui.console.journey_text import names_of
from zhike.ui.console.pages import add_problem, fragment
from zhike.ui.console.programmes import tier_choices
from zhike.ui.console.views.journeys import EDIT, VIEW, canvas, number_of
from zhike.webhooks import queries as webhooks

FIELDS = (
    "kind", "net_fen", "merchant_id", "mall_id", "after", "before", "source", "points", "name", "properties.category",
    "properties.total_fen", "channel", "campaign", "batch_id",
)  # fmt: skip
"""Fields of events that conditions often ask for; any other may be typed."""


@staff_page(VIEW)
def node(request: StaffRequest, journey_id: int, key: str) -> HttpResponse:
    """The panel of one node: its fields in a draft, what it says in a live version; and its change."""
    known = queries.journey(request.viewer, journey_id, request.now, number_of(request))
    found = known.shown.definition.nodes.get(key)
    if found is None:
        raise NotFound
    form = forms.NodeForm(
        request.POST or None, kind=found.kind, choices=_choices(request), initial=forms.node_initial(found)
    )
    if request.method == "POST" and form.is_valid():
        edit = operations.ChangeNode(key, form.params)
        return _edited(request, journey_id, edit, form=form)
    return fragment(
        request,
        "console/journeys/_panel.html",
        _panel(request, known, found, form),
        status=422 if form.errors else 200,
    )


@staff_page(EDIT)
def add(request: StaffRequest, journey_id: int) -> HttpResponse:
    """The kinds of nodes there are, and putting one in."""
    given = request.POST if request.method == "POST" else request.GET
    after, outcome, kind = given.get("after", "")[:8], given.get("outcome", "")[:20], given.get("kind", "")
    known = queries.journey(request.viewer, journey_id, request.now)
    if request.method == "POST":
        if kind not in queries.KINDS:
            raise NotFound
        return _edited(request, journey_id, operations.AddNode(kind, after, outcome))
    source = known.shown.definition.nodes.get(after)
    context = {
        "row": known.row,
        "version": known.shown,
        "after": after,
        "outcome": outcome,
        "where": queries.node_name(source) if source else "",
        "way": queries.outcome_name(outcome) if outcome else "",
        "kinds": [
            {
                "kind": kind,
                "name": queries.NODE_NAMES[kind],
                "hint": journey_labels.NODE_HINTS[kind],
                "icon": journey_labels.NODE_ICONS[kind],
            }
            for kind in queries.KINDS
        ],
    }
    return fragment(request, "console/journeys/_add.html", context)


@require_POST
@staff_page(EDIT)
def remove(request: StaffRequest, journey_id: int, key: str) -> HttpResponse:
    return _edited(request, journey_id, operations.RemoveNode(key))


@require_POST
@staff_page(EDIT)
def move(request: StaffRequest, journey_id: int) -> HttpResponse:
    """A node dragged to another place, or sent there from its panel."""
    after, outcome = request.POST.get("after", "")[:8], request.POST.get("outcome", "")[:20]
    if "@" in after:
        after, _at, outcome = after.partition("@")
    return _edited(request, journey_id, operations.MoveNode(request.POST.get("node", "")[:8], after, outcome))


@require_POST
@staff_page(EDIT)
def connect(request: StaffRequest, journey_id: int, key: str) -> HttpResponse:
    """Let a way lead elsewhere."""
    outcome, target = request.POST.get("outcome", "")[:20], request.POST.get("target", "")[:8]
    return _edited(request, journey_id, operations.Connect(key, outcome, target))


@staff_page(VIEW)
def settle(request: StaffRequest, journey_id: int) -> HttpResponse:
    """The journey's own settings."""
    known = queries.journey(request.viewer, journey_id, request.now, number_of(request))
    definition = known.shown.definition
    form = forms.SettingsForm(
        request.POST or None, choices=_choices(request), initial=forms.settings_initial(definition)
    )
    if request.method == "POST" and form.is_valid():
        return _edited(request, journey_id, form.edit, form=form)
    context = {
        "row": known.row,
        "version": known.shown,
        "form": form,
        "is_editable": known.is_editable,
        "fields": FIELDS,
        **_settings_in_words(request, known),
    }
    return fragment(request, "console/journeys/_settings.html", context, status=422 if form.errors else 200)


def _settings_in_words(request: StaffRequest, known: queries.JourneyFile) -> dict[str, Any]:
    definition = known.shown.definition
    return {
        "trigger": journey_text.trigger(definition.trigger, names_of(request, definition)),
        "goal": journey_text.watched(definition.goal),
        "leave": journey_text.watched(definition.leave),
    }


@staff_page(EDIT)
def trial(request: StaffRequest, journey_id: int) -> HttpResponse:
    """Which way one member would go, in words; nothing is sent."""
    known = queries.journey(request.viewer, journey_id, request.now, number_of(request))
    form = forms.TrialForm(request.POST or None)
    context: dict[str, Any] = {"row": known.row, "version": known.shown, "form": form}
    if request.method == "POST" and form.is_valid():
        try:
            member_id = member_of(request, form.cleaned_data["member"])
            found = operations.rehearse_journey(
                actor=request.viewer,
                journey_id=journey_id,
                number=known.shown.number,
                member_id=member_id,
                is_awaited=form.cleaned_data["awaited"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            context |= _told(request, known, found)
    return fragment(request, "console/journeys/_trial.html", context, status=422 if form.errors else 200)


def _told(request: StaffRequest, known: queries.JourneyFile, found: operations.Trial) -> dict[str, Any]:
    names = names_of(request, known.shown.definition)
    member = next(iter(loyalty.member_rows(request.viewer, [found.member_id])), None)
    return {
        "trial": found,
        "member": member,
        "steps": [
            {
                "at": step.at,
                "icon": journey_labels.NODE_ICONS.get(step.node.kind, "circle"),
                "name": queries.node_name(step.node),
                "summary": journey_text.summary(step.node, names),
                "outcome": queries.outcome_name(step.outcome) if len(step.node.outcomes) > 1 else "",
                "reason": journey_text.reason(step.reason),
                "tone": "warning" if step.outcome == "refused" else "",
            }
            for step in found.steps
        ],
    }


def member_of(request: StaffRequest, text: str) -> int:
    """The member a phone or card number names. Raises MemberNotFound, NotAllowed."""
    text = text.strip()
    try:
        return loyalty.member_id_by(request.viewer, card=text)
    except loyalty.MemberNotFound:
        return loyalty.member_id_by(request.viewer, phone=text)


# --- answers -------------------------------------------------------------------------------------------------------------


def _edited(request: StaffRequest, journey_id: int, edit: Any, form: Any = None) -> HttpResponse:
    """Carry an edit out; the answer is the panel of what was edited and, out of band, the canvas. A refusal stands in the panel."""
    revision = request.POST.get("revision", "")
    problem: Problem | None = None
    key = ""
    try:
        key = operations.edit_journey(
            actor=request.viewer,
            journey_id=journey_id,
            edit=edit,
            revision=int(revision) if revision.isascii() and revision.isdecimal() else None,
            now=request.now,
        )
    except Problem as refused:
        problem = refused
    known = queries.journey(request.viewer, journey_id, request.now)
    found = known.shown.definition.nodes.get(key)
    context = {**canvas(request, known), "problem": problem.sentence if problem else ""}
    if found is not None:
        fresh = forms.NodeForm(kind=found.kind, choices=_choices(request), initial=forms.node_initial(found))
        context |= _panel(request, known, found, fresh)
    context["saved"] = "" if problem else _("Saved.")
    return fragment(request, "console/journeys/_edited.html", context, status=422 if problem else 200)


def _panel(
    request: StaffRequest, known: queries.JourneyFile, found: queries.Node, form: forms.NodeForm
) -> dict[str, Any]:
    definition = known.shown.definition
    others = [(one.key, queries.node_name(one)) for one in definition.nodes.values() if one.key != found.key]
    return {
        "row": known.row,
        "version": known.shown,
        "node": found,
        "form": form,
        "kind_name": queries.NODE_NAMES[found.kind],
        "kind_hint": journey_labels.NODE_HINTS[found.kind],
        "summary": journey_text.summary(found, names_of(request, definition)),
        "is_editable": known.is_editable,
        "faults": [one.sentence for one in known.faults if one.node == found.key],
        "figures": known.figures.get(found.key, queries.NodeFigures()),
        "outs": [
            {"outcome": outcome, "name": queries.outcome_name(outcome), "target": found.outs.get(outcome, "")}
            for outcome in found.outcomes
        ],
        "others": others,
        "places": _places(definition, found.key),
        "fields": FIELDS,
        "reasons": [
            (journey_text.reason(code), count)
            for code, count in known.figures.get(found.key, queries.NodeFigures()).reasons.items()
        ],
    }


def _places(definition: queries.Definition, key: str) -> list[tuple[str, str]]:
    """Where a node might be moved to: after each way out of the others."""
    found = [("@", _("At the beginning"))]
    for one in definition.nodes.values():
        if one.key != key:
            found += [
                (f"{one.key}@{outcome}", f"{queries.node_name(one)} → {queries.outcome_name(outcome)}")
                for outcome in one.outcomes
            ]
    return found


def _choices(request: StaffRequest) -> forms.NodeChoices:
    viewer = request.viewer
    known = journey_labels.EVENT_NAMES
    others = [(one, one.removeprefix("zhike.")) for one in webhooks.event_types() if one not in known]
    batches = (
        offers.batches_page(viewer, now=request.now, limit=200).items if viewer.may("offers.view") else []
    )
    return forms.NodeChoices(
        events=[*known.items(), (_("Other events"), others)],
        segments=[(str(one.id), one.name) for one in queries.audiences(viewer) if one.id is not None],
        tiers=[(str(pk), name) for pk, name in tier_choices(request)],
        templates=[(one.code, one.name) for one in messaging.templates(viewer) if one.kind != "code"]
        if viewer.may("messages.view")
        else [],
        tags=[(str(pk), name) for pk, name in insight.live_tags().items()] if viewer.may("tags.give") else [],
        batches=[
            (str(one.id), f"{one.name} · {one.value_text}")
            for one in batches
            if not one.is_bearer and one.state in ("open", "early")
        ],
    )
