"""Segments: the list, the builder that reads as a sentence, one in full, overlaps, exports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from zhike.insight import operations, queries
from zhike.kernel.errors import NotAllowed, Problem
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.ui.components import clusters as cluster_words
from zhike.ui.components import segments as words
from zhike.ui.components import standing
from zhike.ui.components.formatting import grouped
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.csv_export import csv_response
from zhike.ui.console.forms import segments as forms
from zhike.ui.console.labels import BEHAVIOUR
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, fragment, number_or_404, page, permissions

VIEW, EDIT, EXPORT = "segments.view", "segments.edit", "segments.export"
SECTION = "segments"
EXPORT_CHUNK = 500


def _names(request: StaffRequest) -> words.Names:
    return words.names_for(request.viewer, BEHAVIOUR)


@staff_page(VIEW)
def segments(request: StaffRequest) -> HttpResponse:
    names = _names(request)
    rows = []
    for ref in queries.segments(request.viewer):
        found = queries.segment(request.viewer, ref.id)
        rows.append({"ref": ref, "sentence": words.sentence(found.definition, names)})
    places = dict(names.choices["malls"])
    context = {"rows": rows, "places": places, "may": permissions(request, edit=EDIT)}
    return page(request, "console/segments/list.html", context, section=SECTION)


# --- the builder ---------------------------------------------------------------------------------------------------


@staff_page(EDIT)
def edit_segment(request: StaffRequest, segment_id: int | None = None) -> HttpResponse:
    """The builder; sent, it saves."""
    known = None if segment_id is None else queries.segment(request.viewer, segment_id)
    draft = forms.draft_of_definition(known.definition) if known else forms.empty_draft()
    initial = {"name": known.ref.name, "note": known.ref.note} if known else {}
    form = forms.SegmentForm(
        request.POST or None, places=_places(request), is_known=known is not None, initial=initial
    )
    if request.method == "POST":
        draft = forms.draft_of_form(request.POST)
        if form.is_valid():
            try:
                run_once(request, f"segment:{segment_id}", form, lambda: _save(request, form, draft, known))
            except Problem as problem:
                add_problem(form, problem)
            else:
                return _saved(request, form, known)
    context = {"form": form, "known": known, **_builder(request, draft)}
    status = 422 if form.is_bound else 200
    return page(request, "console/segments/form.html", context, section=SECTION, status=status)


def _places(request: StaffRequest) -> list[tuple[str, str]]:
    malls = [(str(mall.id), mall.name) for mall in organization.malls(request.viewer, EDIT)]
    return [*malls, ("0", _("All malls"))]


def _save(
    request: StaffRequest, form: forms.SegmentForm, draft: forms.Draft, known: queries.SegmentView | None
) -> None:
    data = form.cleaned_data
    place = number_or_404(data["place"]) or None if known is None else known.ref.mall_id
    operations.save_segment(
        actor=request.viewer,
        group_id=organization.default_group().id,
        code=data.get("code", ""),
        name=data["name"],
        note=data["note"],
        definition=forms.definition_of(draft),
        mall_id=place,
        segment_id=known.ref.id if known else None,
        now=request.now,
    )


def _saved(request: StaffRequest, form: forms.SegmentForm, known: queries.SegmentView | None) -> HttpResponse:
    code = form.cleaned_data.get("code")
    segment_id = (
        known.ref.id
        if known
        else next(one.id for one in queries.segments(request.viewer) if one.code == code)
    )
    return done(request, _("The segment is saved."), reverse("console:segment", args=[segment_id]))


def _builder(request: StaffRequest, draft: forms.Draft) -> dict[str, Any]:
    choices = forms.choices_of(_names(request), BEHAVIOUR)
    return {"root": forms.furnish(draft, choices), "choices": choices}


@require_POST
@staff_page(EDIT)
def builder(request: StaffRequest) -> HttpResponse:
    """The tree after a condition was added, taken out, or asks for something else."""
    draft = forms.changed(forms.draft_of_form(request.POST), request.POST.get("act", ""))
    response = fragment(request, "console/segments/_builder.html", _builder(request, draft))
    return trigger_client_event(response, "builder-changed", after="settle")


@require_POST
@staff_page(EDIT)
def reading(request: StaffRequest) -> HttpResponse:
    """What the form says by now: the sentence, how many belong, and with ``sample`` some of them."""
    draft = forms.draft_of_form(request.POST)
    place = request.POST.get("place", "0")
    mall_id = int(place) if place.isascii() and place.isdecimal() and len(place) < 18 and int(place) else None
    context: dict[str, Any] = {}
    try:
        tree = queries.parse(forms.definition_of(draft))
    except queries.BadDefinition as fault:
        context["unfinished"] = queries.fault_sentence(fault)
        return fragment(request, "console/segments/_reading.html", context)
    context["sentence"] = words.sentence(tree, _names(request))
    try:
        context["count"] = queries.preview_count(request.viewer, tree, mall_id, request.now)
    except queries.TooSlow as problem:
        context["problem"] = problem.sentence
    else:
        if "sample" in request.POST:
            context["sample"] = queries.segment_sample(request.viewer, tree, mall_id, request.now)
    return fragment(request, "console/segments/_reading.html", context)


# --- one in full ---------------------------------------------------------------------------------------------------


@staff_page(VIEW)
def segment(request: StaffRequest, segment_id: int) -> HttpResponse:
    found = queries.segment(request.viewer, segment_id)
    names = _names(request)
    history = queries.segment_history(request.viewer, segment_id)
    versions = queries.segment_versions(request.viewer, segment_id)
    context = {
        "found": found,
        "sentence": words.sentence(found.definition, names),
        "place": names.of("malls", found.ref.mall_id) if found.ref.mall_id else _("All malls"),
        "trend": _trend(history),
        "history": history,
        "snapshots": queries.snapshots(request.viewer, segment_id),
        "versions": [{"row": one, "sentence": words.sentence(one.definition, names)} for one in versions],
        "freeze_form": forms.FreezeForm(),
        "may": permissions(request, edit=EDIT, export=EXPORT),
    }
    return page(request, "console/segments/segment.html", context, section=SECTION)


def _trend(history: list[Any]) -> dict[str, Any]:
    return {
        "kind": "area",
        "unit": "count",
        "categories": [f"{day:%m-%d}" for day, _count in history],
        "series": [
            {"name": str(_("Members")), "values": [count for _day, count in history], "tone": "primary"}
        ],
    }


@staff_page(VIEW)
def segment_now(request: StaffRequest, segment_id: int) -> HttpResponse:
    """Figures of this moment, for who is looking: how many, how many may be reached, some of them."""
    found = queries.segment(request.viewer, segment_id)
    context = {
        "reach": queries.segment_reach(request.viewer, segment_id, request.now),
        "sample": queries.segment_sample(request.viewer, found.definition, found.ref.mall_id, request.now),
    }
    return fragment(request, "console/segments/_now.html", context)


@staff_page(VIEW)
def segment_persona(request: StaffRequest, segment_id: int) -> HttpResponse:
    """Who they are and what they like."""
    likes, make = queries.segment_persona(request.viewer, segment_id, request.now)
    named = {str(one.id): cluster_words.name_of(one) for one in queries.cluster_lines()}
    context = {"likes": standing.persona_parts(likes), "make": standing.make_parts(make, named)}
    return fragment(request, "console/segments/_persona.html", context)


@require_POST
@staff_page(EDIT)
def freeze(request: StaffRequest, segment_id: int) -> HttpResponse:
    form = forms.FreezeForm(request.POST)
    url = reverse("console:segment", args=[segment_id])
    if not form.is_valid():
        raise operations.SegmentInvalid
    label = form.cleaned_data["label"]

    def act() -> None:
        operations.freeze_segment(actor=request.viewer, segment_id=segment_id, label=label, now=request.now)

    run_once(request, f"freeze:{segment_id}", form, act)
    return done(request, _("Who belongs now is kept."), url)


@require_POST
@staff_page(EDIT)
def archive(request: StaffRequest, segment_id: int) -> HttpResponse:
    operations.archive_segment(actor=request.viewer, segment_id=segment_id, now=request.now)
    return done(request, _("The segment is put away."), reverse("console:segments"))


@staff_page(EXPORT)
def export(request: StaffRequest, segment_id: int) -> HttpResponseBase:
    """Ask what for; then the file, with only those who agreed to it. Audited before the first row."""
    found = queries.segment(request.viewer, segment_id)
    form = forms.ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        purpose, _dot, channel = form.cleaned_data["purpose"].partition(".")
        ids = operations.begin_export(
            actor=request.viewer,
            segment_id=segment_id,
            purpose=purpose,
            channel=channel,
            reason=form.cleaned_data["reason"],
            now=request.now,
        )
        header = [_("Member number"), _("Name"), _("Phone"), _("Tier"), _("Points"), _("Mall")]
        name = f"segment-{found.ref.code}-{request.now:%Y%m%d-%H%M%S}"
        return csv_response(name, header, _export_rows(request, ids))
    context = {"form": form, "found": found}
    status = 422 if form.is_bound else 200
    return page(request, "console/segments/export.html", context, section=SECTION, status=status)


def _export_rows(request: StaffRequest, ids: list[int]) -> Iterator[list[object]]:
    for start in range(0, len(ids), EXPORT_CHUNK):
        for row in loyalty.member_rows(request.viewer, ids[start : start + EXPORT_CHUNK]):
            yield [row.number, row.name, row.phone_masked, row.tier.name, row.balance, row.mall_name]


# --- overlaps ------------------------------------------------------------------------------------------------------


@staff_page(VIEW)
def overlap(request: StaffRequest) -> HttpResponse:
    """Two to four segments laid over each other."""
    ids = [number_or_404(text) for text in request.GET.getlist("s")]
    context: dict[str, Any] = {"all": queries.segments(request.viewer), "chosen": ids}
    if ids:
        try:
            found = queries.overlap(request.viewer, ids, request.now)
        except NotAllowed:
            raise
        except Problem as problem:
            context["problem"] = (
                " ".join(text for texts in problem.fields.values() for text in texts) or problem.sentence
            )
        else:
            context |= {"found": found, "rows": _parts(found)}
    return page(request, "console/segments/overlap.html", context, section=SECTION)


def _parts(found: queries.Overlap) -> list[dict[str, Any]]:
    """One line for each part, largest first: who is in it, and nobody else."""
    largest = max([*found.only.values(), 1])
    rows = [
        {
            "dots": [at in part for at in range(len(found.segments))],
            "names": words.listing([found.segments[at].name for at in part]),
            "count": count,
            "text": grouped(count),
            "max": largest,
        }
        for part, count in found.only.items()
    ]
    return sorted(rows, key=lambda row: -row["count"])
