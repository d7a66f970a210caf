"""Journeys: the list with its templates, the canvas of one, who is in it, what it did."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.marketing import queries
from zhike.ui.components.formatting import grouped, yuan
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import effects, journey_labels, journey_text
from zhike.ui.console.journey_text import Names, names_of
from zhike.ui.console.pages import fragment, page, permissions, wants_fragment

VIEW, EDIT = "campaigns.view", "campaigns.edit"
SECTION = "journeys"


@staff_page(VIEW)
def journeys(request: StaffRequest) -> HttpResponse:
    """All journeys in scope, and the templates that make one with one click."""
    status = request.GET.get("status", "")
    found = queries.journeys_page(
        request.viewer,
        status=status if status in journey_labels.JOURNEY_STATES else "",
        q=request.GET.get("q", "")[:80],
        cursor=request.GET.get("cursor"),
    )
    names = names_of(request)
    context = {
        "page": found,
        "rows": [{"row": row, "trigger": journey_text.trigger(row.trigger, names)} for row in found.items],
        "q": request.GET.get("q", ""),
        "status": status,
        "states": journey_labels.JOURNEY_STATES.items(),
        "ready": queries.ready_journeys(),
        "may": permissions(request, edit=EDIT),
    }
    if wants_fragment(request):
        return fragment(request, "console/journeys/_rows.html", context)
    return page(request, "console/journeys/list.html", context, section=SECTION)


def tabs(journey_id: int, current: str) -> list[dict[str, Any]]:
    labels = {"journey": _("Canvas"), "journey_people": _("People in it"), "journey_results": _("Results")}
    return [
        {"label": label, "url": reverse(f"console:{name}", args=[journey_id]), "active": name == current}
        for name, label in labels.items()
    ]


@staff_page(VIEW)
def journey(request: StaffRequest, journey_id: int) -> HttpResponse:
    """One journey: its graph with the figures on it, and what may be done with it."""
    known = queries.journey(request.viewer, journey_id, request.now, number_of(request))
    context = {**head(known, "journey"), **canvas(request, known)}
    return page(request, "console/journeys/journey.html", context, section=SECTION)


@staff_page(VIEW, keeps_alive=False)
def figures(request: StaffRequest, journey_id: int) -> HttpResponse:
    """The canvas again, every few seconds while people walk it."""
    known = queries.journey(request.viewer, journey_id, request.now, number_of(request))
    return fragment(request, "console/journeys/_canvas.html", canvas(request, known))


@staff_page(VIEW)
def about(request: StaffRequest, journey_id: int) -> HttpResponse:
    """The panel as it is before anything is chosen."""
    known = queries.journey(request.viewer, journey_id, request.now, number_of(request))
    context = {
        "journey": known,
        "row": known.row,
        "version": known.shown,
        "may": permissions(request, edit=EDIT),
    }
    return fragment(request, "console/journeys/_about.html", context)


@staff_page(VIEW)
def people(request: StaffRequest, journey_id: int) -> HttpResponse:
    """Who is in it, where, and why."""
    known = queries.journey(request.viewer, journey_id, request.now)
    node, state = request.GET.get("node", "")[:8], request.GET.get("state", "")
    found = queries.journey_people(
        request.viewer,
        journey_id,
        node=node,
        state=state if state in ("active", "held", "done") else "",
        version=number_of(request),
        cursor=request.GET.get("cursor"),
    )
    names = names_of(request, known.shown.definition)
    context = {
        **head(known, "journey_people"),
        "page": found,
        "rows": [entry_line(one, names) for one in found.items],
        "node": node,
        "state": state,
    }
    if wants_fragment(request):
        return fragment(request, "console/journeys/_people.html", context)
    return page(request, "console/journeys/people.html", context, section=SECTION)


@staff_page(VIEW)
def walk(request: StaffRequest, journey_id: int, entry_id: int) -> HttpResponse:
    """One person's way through it, in words."""
    known = queries.journey(request.viewer, journey_id, request.now)
    path = queries.journey_path(request.viewer, journey_id, entry_id)
    names = names_of(request, known.shown.definition)
    context = {
        **head(known, "journey_people"),
        "line": entry_line(path.entry, names),
        "steps": [
            {
                "at": step.at,
                "icon": journey_labels.NODE_ICONS.get(step.node.kind, "circle"),
                "name": queries.node_name(step.node),
                "summary": journey_text.summary(step.node, names),
                "outcome": queries.outcome_name(step.outcome) if step.outcome else "",
                "reason": step.reason if step.node.kind == "ticket" else journey_text.reason(step.reason),
                "tone": "warning"
                if step.outcome == "refused"
                else "success"
                if step.node.kind == "goal"
                else "",
            }
            for step in path.steps
        ],
    }
    return page(request, "console/journeys/path.html", context, section=SECTION)


@staff_page(VIEW)
def results(request: StaffRequest, journey_id: int) -> HttpResponse:
    """What it did, against the holdout."""
    known = queries.journey(request.viewer, journey_id, request.now)
    found = queries.journey_results(request.viewer, journey_id, request.now)
    names = names_of(request, known.shown.definition)
    live = next((one for one in known.versions if one.status == "live"), known.shown)
    counted = queries.node_figures(live.id)
    nodes = [
        {
            "icon": journey_labels.NODE_ICONS[node.kind],
            "name": queries.node_name(node),
            "summary": journey_text.summary(node, names),
            "figures": counted.get(node.key, queries.NodeFigures()),
            "ways": [
                (queries.outcome_name(outcome), counted[node.key].passed.get(outcome, 0))
                for outcome in node.outcomes
                if node.key in counted and len(node.outcomes) > 1
            ],
            "reasons": [
                (journey_text.reason(code), count)
                for code, count in (counted[node.key].reasons.items() if node.key in counted else ())
            ],
        }
        for node in live.definition.nodes.values()
    ]
    ab_nodes = live.definition.nodes
    context = {
        **head(known, "journey_results"),
        "results": found,
        "tiles": _tiles(known, found),
        "goal_name": journey_text.watched(live.definition.goal),
        "sides": _sides(found),
        "nodes": nodes,
        "ways": [
            {
                "node": queries.node_name(ab_nodes[one.node]),
                "way": one,
                "effect": effects.share_text(one.effect),
                "tone": effects.tone_of(one.effect),
            }
            for one in found.ways
        ],
        "version": live,
        "roi": effects.roi_text(found) if found.roi and found.verdict != "no_holdout" else "",
        "extra": effects.range_text(found.extra.fen, found.extra.low, found.extra.high)
        if found.extra
        else "",
    }
    return page(request, "console/journeys/results.html", context, section=SECTION)


def number_of(request: StaffRequest) -> int | None:
    """Which version is asked for."""
    given = request.GET.get("version", "") or request.POST.get("version", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 6 else None


def head(known: queries.JourneyFile, current: str) -> dict[str, Any]:
    """What every page of a journey shows on top."""
    return {"journey": known, "row": known.row, "tabs": tabs(known.row.id, current), "version": known.shown}


def canvas(request: StaffRequest, known: queries.JourneyFile) -> dict[str, Any]:
    """The graph as boxes and lines, with figures and faults."""
    definition = known.shown.definition
    names = names_of(request, definition)
    drawing = queries.draw(definition)
    wrong = {one.node for one in known.faults}
    return {
        "journey": known,
        "row": known.row,
        "version": known.shown,
        "drawing": drawing,
        "box": {"width": queries.drawing.BOX_WIDTH, "height": queries.drawing.BOX_HEIGHT},
        "boxes": [_box(known, names, drawing, node, node.key in wrong) for node in definition.nodes.values()],
        "lines": [
            {
                "line": line,
                "label": _line_label(definition, line.source, line.outcome),
                "after": queries.node_name(definition.nodes[line.source]) if line.source else "",
            }
            for line in drawing.lines
        ],
        "trigger": journey_text.trigger(definition.trigger, names),
        "goal": journey_text.watched(definition.goal),
        "leave": journey_text.watched(definition.leave),
        "is_live": known.shown.inside > 0 or known.row.status in ("running", "closing"),
        "may": permissions(request, edit=EDIT),
    }


def _box(
    known: queries.JourneyFile, names: Names, drawing: queries.Drawing, node: queries.Node, is_wrong: bool
) -> dict[str, Any]:
    x, y = drawing.places[node.key]
    found = known.figures.get(node.key, queries.NodeFigures())
    return {
        "node": node,
        "x": x,
        "y": y,
        "name": str(node.params.get("title") or queries.NODE_NAMES[node.kind]),
        "summary": journey_text.summary(node, names),
        "icon": journey_labels.NODE_ICONS[node.kind],
        "tone": journey_labels.NODE_TONES[node.kind],
        "here": found.here,
        "total": found.total,
        "is_wrong": is_wrong,
        "is_movable": bool(node.outcomes),
    }


def _line_label(definition: queries.Definition, source: str, outcome: str) -> str:
    """Only where there is a choice to be told apart."""
    if not source or len(definition.nodes[source].outcomes) < 2:
        return ""
    return queries.outcome_name(outcome)


def entry_line(one: queries.EntryRow, names: Names) -> dict[str, Any]:
    """A walk as a line of a list."""
    return {
        "entry": one,
        "cause": journey_text.cause(one.cause, names),
        "where": queries.node_name(one.node) if one.node and one.state == "active" else "",
        "summary": journey_text.summary(one.node, names) if one.node and one.state == "active" else "",
    }


def lines_of_member(request: StaffRequest, person_id: int) -> list[dict[str, Any]]:
    """The journeys a member is or was in, for their own page."""
    found = queries.journeys_of_person(request.viewer, person_id, limit=5)
    names = names_of(request) if found else Names()
    return [{"of": one, **entry_line(one.entry, names)} for one in found]


def _tiles(known: queries.JourneyFile, found: queries.JourneyResults) -> list[dict[str, Any]]:
    tally = known.row.tally
    share = found.walked.goal_rate if found.walked else None
    tiles: list[dict[str, Any]] = [
        {"label": _("Entered"), "value": grouped(tally.entered), "note": _("held: %(count)s") % {"count": grouped(tally.held)},
         "hint": _("People who walk it, each entry counted; held are the holdout and the global holdout.")},
        {"label": _("In it now"), "value": grouped(tally.inside), "hint": _("Entered and not left yet.")},
        {"label": _("Reached the goal"), "value": grouped(tally.goals),
         "note": f"{share:.1%}" if share is not None else "",
         "hint": _("The goal happened in the window from their entry on.")},
        {"label": _("Cost"), "value": yuan(found.cost.total),
         "hint": _("Messages and points as given, coupons as used.")},
    ]  # fmt: skip
    return tiles


def _sides(found: queries.JourneyResults) -> list[dict[str, Any]]:
    """Walkers and the holdout as lines, the comparison in the first."""
    rows = []
    for side, name in ((found.walked, _("Walks")), (found.held, _("Holdout"))):
        if side is None:
            continue
        is_first = side is found.walked
        revenue = side.figures.revenue
        rows.append(
            {
                "name": name,
                "side": side,
                "goal": effects.share_text(found.goal) if is_first else "",
                "goal_tone": effects.tone_of(found.goal) if is_first else "",
                "visit": effects.share_text(side.figures.visit) if is_first else "",
                "visit_tone": effects.tone_of(side.figures.visit) if is_first else "",
                "revenue": effects.money_text(revenue) if is_first else "",
                "revenue_tone": effects.tone_of(revenue) if is_first else "",
            }
        )
    return rows
