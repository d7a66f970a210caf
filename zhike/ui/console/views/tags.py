"""Tags: the list, the editor that reads as a sentence, one in full, what staff suggested."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from zhike.insight import operations, queries
from zhike.insight.queries import tag_rule as rules
from zhike.kernel.access import may_touch
from zhike.kernel.errors import NotFound, Problem
from zhike.organization import queries as organization
from zhike.ui.components import tags as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import tags as forms
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, carry_out, done, fragment, page, permissions, refused
from zhike.ui.console.tag_names import member_tag_names

VIEW, EDIT = "segments.view", "segments.edit"
SECTION = "tags"


@staff_page(VIEW)
def tags(request: StaffRequest) -> HttpResponse:
    """Every tag with how many have it, by category."""
    counts, names = queries.tag_counts(request.viewer), member_tag_names(request)
    rows = []
    for ref in queries.tags(request.viewer):
        found = queries.tag(request.viewer, ref.id)
        rule = found.rule or found.draft
        rows.append(
            {
                "ref": ref, "name": words.name_of(ref), "category": words.CATEGORIES[ref.category],
                "state": words.STATES[ref.state], "tone": words.STATE_TONES[ref.state], "found": found,
                "sentence": words.sentence(rule, names) if rule else found.note, "count": counts.get(ref.id, 0),
            }
        )  # fmt: skip
    waiting = len(queries.suggestion_groups(request.viewer)) if _sees_all(request) else 0
    context = {
        "rows": rows,
        "waiting": waiting,
        "may": {**permissions(request, edit=EDIT), "decide": _sees_all(request)},
    }
    return page(request, "console/tags/list.html", context, section=SECTION)


def _sees_all(request: StaffRequest) -> bool:
    return may_touch(request.viewer, VIEW)


# --- the editor ----------------------------------------------------------------------------------------------------


@staff_page(EDIT)
def edit_tag(request: StaffRequest, tag_id: int | None = None) -> HttpResponse:
    """The editor; sent, it keeps the draft. A tag that is given by hand has no rule."""
    known = None if tag_id is None else queries.tag(request.viewer, tag_id)
    by_rule = known.ref.kind == "rule" if known else request.GET.get("kind") != "manual"
    draft = forms.draft_of_rule(known.draft if known else None)
    form = forms.TagForm(
        request.POST or None, is_known=known is not None, by_rule=by_rule, initial=_initial(known)
    )
    if request.method == "POST":
        draft = forms.draft_of_form(request.POST)
        if form.is_valid():
            rule = _rule(request, draft, known) if by_rule else None
            try:
                run_once(request, f"tag:{tag_id}", form, lambda: _save(request, form, rule, known, by_rule))
            except Problem as problem:
                add_problem(form, problem)
            else:
                return _saved(request, form, known)
    context = {"form": form, "known": known, "by_rule": by_rule, **_editor(request, draft)}
    return page(
        request, "console/tags/form.html", context, section=SECTION, status=422 if form.is_bound else 200
    )


def _initial(known: queries.TagView | None) -> dict[str, Any]:
    if known is None:
        return {}
    ref = known.ref
    return {
        "name": ref.name, "name_en": ref.name_en, "category": ref.category, "note": known.note, "ttl_days": known.ttl_days
    }  # fmt: skip


def _rule(request: StaffRequest, draft: forms.Draft, known: queries.TagView | None) -> Any:
    """A rule that the form cannot show stays as it is."""
    if known and known.draft and "row" not in request.POST:
        return rules.stored(known.draft)
    return forms.rule_of(draft)


def _save(
    request: StaffRequest, form: forms.TagForm, rule: Any, known: queries.TagView | None, by_rule: bool
) -> None:
    data = form.cleaned_data
    operations.save_tag(
        actor=request.viewer,
        group_id=organization.default_group().id,
        code=data.get("code", ""),
        name=data["name"],
        name_en=data["name_en"],
        category=data["category"],
        kind="rule" if by_rule else "manual",
        note=data["note"],
        rule=rule,
        ttl_days=data.get("ttl_days"),
        tag_id=known.ref.id if known else None,
        now=request.now,
    )


def _saved(request: StaffRequest, form: forms.TagForm, known: queries.TagView | None) -> HttpResponse:
    tag_id = known.ref.id if known else queries.tag_by_code(request.viewer, form.cleaned_data["code"]).id
    return done(request, _("The tag is saved."), reverse("console:tag", args=[tag_id]))


def _editor(request: StaffRequest, draft: forms.Draft) -> dict[str, Any]:
    return {"draft": draft, "offered": forms.offered(member_tag_names(request))}


@require_POST
@staff_page(EDIT)
def builder(request: StaffRequest) -> HttpResponse:
    """The conditions after one was added, taken out, or asks for something else."""
    draft = forms.changed(forms.draft_of_form(request.POST), request.POST.get("act", ""))
    response = fragment(request, "console/tags/_builder.html", _editor(request, draft))
    return trigger_client_event(response, "builder-changed", after="settle")


@require_POST
@staff_page(EDIT)
def reading(request: StaffRequest) -> HttpResponse:
    """What the form says by now: the sentence, how many would have the tag, who would gain and lose it."""
    draft = forms.draft_of_form(request.POST)
    ttl, known = request.POST.get("ttl_days", ""), request.POST.get("tag", "")
    context: dict[str, Any] = {}
    try:
        ttl_days = int(ttl) if ttl.isascii() and ttl.isdecimal() and len(ttl) < 6 else None
        root = queries.checked_rule(forms.rule_of(draft), ttl_days)
    except queries.TagRuleInvalid as problem:
        context["unfinished"] = problem.sentence
        return fragment(request, "console/tags/_reading.html", context)
    tag_id = int(known) if known.isascii() and known.isdecimal() and len(known) < 18 else None
    context["sentence"] = words.sentence(root, member_tag_names(request))
    context["lasting"] = words.lasting(ttl_days)
    context["moves"] = queries.tag_moves(request.viewer, root, ttl_days, tag_id, request.now)
    context["is_new"] = tag_id is None
    return fragment(request, "console/tags/_reading.html", context)


# --- one in full ---------------------------------------------------------------------------------------------------


@staff_page(VIEW)
def tag(request: StaffRequest, tag_id: int) -> HttpResponse:
    found = queries.tag(request.viewer, tag_id)
    names = member_tag_names(request)
    history = queries.tag_history(request.viewer, tag_id) if _sees_all(request) else []
    versions = queries.tag_versions(request.viewer, tag_id)
    context = {
        "found": found,
        "name": words.name_of(found.ref),
        "category": words.CATEGORIES[found.ref.category],
        "kind": words.KINDS[found.ref.kind],
        "state": words.STATES[found.ref.state],
        "tone": words.STATE_TONES[found.ref.state],
        "sentence": words.sentence(found.rule, names) if found.rule else "",
        "draft_sentence": words.sentence(found.draft, names) if found.draft else "",
        "lasting": words.lasting(versions[0].ttl_days if versions else found.ttl_days),
        "draft_lasting": words.lasting(found.ttl_days),
        "is_changed": found.has_changes or bool(versions and versions[0].ttl_days != found.ttl_days),
        "history": history,
        "trend": _trend(history),
        "versions": [{"row": one, "sentence": words.sentence(one.rule, names)} for one in versions],
        "publish_form": forms.PublishForm(),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/tags/tag.html", context, section=SECTION)


def _trend(history: list[Any]) -> dict[str, Any]:
    values = [count for _day, count in history]
    return {
        "kind": "area",
        "unit": "count",
        "categories": [f"{day:%m-%d}" for day, _count in history],
        "series": [{"name": str(_("Members")), "values": values, "tone": "primary"}],
    }


@staff_page(VIEW)
def tag_now(request: StaffRequest, tag_id: int) -> HttpResponse:
    """Figures of this moment, for who is looking: how many, some of them."""
    queries.tag(request.viewer, tag_id)
    context = {
        "count": queries.tag_counts(request.viewer).get(tag_id, 0),
        "sample": queries.tag_sample(request.viewer, tag_id, request.now.date()),
    }
    return fragment(request, "console/tags/_now.html", context)


@staff_page(EDIT)
def tag_moves(request: StaffRequest, tag_id: int) -> HttpResponse:
    """Who would gain and lose the tag if the draft were published."""
    found = queries.tag(request.viewer, tag_id)
    if found.draft is None:
        raise NotFound
    moves = queries.tag_moves(request.viewer, found.draft, found.ttl_days, tag_id, request.now)
    return fragment(request, "console/tags/_moves.html", {"moves": moves})


@require_POST
@staff_page(EDIT)
def publish(request: StaffRequest, tag_id: int) -> HttpResponse:
    form = forms.PublishForm(request.POST)
    url = reverse("console:tag", args=[tag_id])
    note = form.cleaned_data["note"] if form.is_valid() else ""
    try:
        operations.publish_tag(actor=request.viewer, tag_id=tag_id, note=note, now=request.now)
    except operations.TagIsRetired as problem:
        return refused(request, problem, url)
    return done(request, _("The rule is published; members are judged by it in a moment."), url)


@require_POST
@staff_page(EDIT)
def retire(request: StaffRequest, tag_id: int) -> HttpResponse:
    operations.retire_tag(actor=request.viewer, tag_id=tag_id, now=request.now)
    return done(request, _("The tag is put away."), reverse("console:tags"))


# --- what staff suggested ------------------------------------------------------------------------------------------


@staff_page(VIEW)
def suggestions(request: StaffRequest) -> HttpResponse:
    """Words that staff wrote of members, and what becomes of them."""
    groups = queries.suggestion_groups(request.viewer)
    context = {"groups": groups, "may": permissions(request, edit=EDIT)}
    return page(request, "console/tags/suggestions.html", context, section=SECTION)


@staff_page(EDIT)
def take_suggestion(request: StaffRequest) -> HttpResponse:
    """A dialog: make these words a tag, new or known."""
    wording = request.POST.get("w") or request.GET.get("w", "")
    group = next((one for one in queries.suggestion_groups(request.viewer) if one.wording == wording), None)
    if group is None:
        raise NotFound
    known = [(str(ref.id), words.name_of(ref)) for ref in queries.tags(request.viewer) if ref.state == "live"]
    form = forms.TakeForm(
        request.POST or None, tags=known, initial={"w": wording, "name": group.text, "category": "note"}
    )

    def act() -> None:
        data = form.cleaned_data
        operations.take_suggestions(
            actor=request.viewer, wording=wording, group_id=organization.default_group().id,
            tag_id=int(data["tag"]) if data["tag"] else None, code=data["code"], name=data["name"],
            category=data["category"], now=request.now,
        )  # fmt: skip

    return carry_out(
        request, form, lambda: run_once(request, f"take:{wording}", form, act), success=_("It is a tag now."),
        url=reverse("console:tag_suggestions"), title=_("Make “%(text)s” a tag") % {"text": group.text},
        lead=_("Whoever it was written of has the tag from here on, with who wrote it and when."), label=_("Make it a tag"),
    )  # fmt: skip


@require_POST
@staff_page(EDIT)
def decline_suggestion(request: StaffRequest) -> HttpResponse:
    operations.decline_suggestions(actor=request.viewer, wording=request.POST.get("w", ""), now=request.now)
    return done(request, _("It becomes no tag."), reverse("console:tag_suggestions"))
