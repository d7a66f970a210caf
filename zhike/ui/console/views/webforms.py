"""Forms: the list, the builder with its preview, how answers are taken, the link to share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST

from zhike.insight import queries as insight
from zhike.kernel.errors import NotFound, Problem
from zhike.organization import queries as organization
from zhike.ui.components import webforms as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import webforms as forms
from zhike.ui.console.once import dialog_once
from zhike.ui.console.pages import (
    add_problem,
    carry_out,
    done,
    fragment,
    malls_of,
    page,
    permissions,
    refused,
)
from zhike.webforms import operations, queries

VIEW, EDIT, ANSWERS, EXPORT = queries.VIEW, queries.EDIT, queries.ANSWERS, queries.EXPORT
SECTION = "forms"


def tag_choices(request: StaffRequest) -> list[tuple[int, str]]:
    """Live tags that may be given; a marketer who may not see tags gives none."""
    if not request.viewer.may("segments.view"):
        return []
    return [(one.id, one.name) for one in insight.tags(request.viewer) if one.state == "live"]


@staff_page(VIEW)
def all_forms(request: StaffRequest) -> HttpResponse:
    mall_id = malls_of(request).chosen_id
    found = queries.forms(request.viewer, request.now, mall_id)
    context = {
        "rows": [
            {"form": one, "state": words.STATES[one.state], "tone": words.STATE_TONES.get(one.state, "")}
            for one in found
        ],
        "places": {mall.id: mall.name for mall in malls_of(request).all},
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/forms/list.html", context, section=SECTION)


# --- a new one -----------------------------------------------------------------------------------------------------


def _patterns() -> dict[str, tuple[str, Callable[[str], queries.Definition]]]:
    return {
        "empty": (_("An empty form"), queries.Definition),
        "satisfaction": (_("How content visitors are"), _satisfaction),
        "sign_up": (_("Sign-up for an event"), _sign_up),
    }


def _satisfaction(name: str) -> queries.Definition:
    low = queries.Condition("q1", "at_most", "3")
    fields = (
        queries.Field("q1", "rating", _("How content are you with your visit?"), is_required=True),
        queries.Field(
            "q2", "many", _("What could be better?"), when=low,
            options=(_("Parking"), _("Cleanliness"), _("Service"), _("Choice of shops")),
        ),
        queries.Field("q3", "nps", _("Would you recommend us to friends?")),
        queries.Field("q4", "long", _("Anything else you would like to tell us")),
    )  # fmt: skip
    return queries.Definition(name, thanks=_("Thank you for your time."), fields=fields)


def _sign_up(name: str) -> queries.Definition:
    fields = (
        queries.Field("q1", "text", _("Your name"), is_required=True),
        queries.Field("q2", "phone", _("Your phone"), is_required=True),
        queries.Field("q3", "number", _("How many will come?"), is_required=True, low=1, high=10),
        queries.Field(
            "q4", "consent", _("Tell me of coming events by text message"), purpose="marketing", channel="sms"
        ),
    )
    thanks = _("You are on the list. See you there!")
    return queries.Definition(name, thanks=thanks, fields=fields, enrol=queries.EnrolDeed("q1", "q2"))


@staff_page(EDIT)
def new(request: StaffRequest) -> HttpResponse:
    malls, patterns = malls_of(request), _patterns()
    form = forms.NewForm(
        request.POST or None,
        malls=[*((str(key), name) for key, name in malls.choices), ("", _("All malls"))],
        patterns=[(code, name) for code, (name, _make) in patterns.items()],
        initial={"mall_id": malls.chosen_id or (malls.all[0].id if malls.all else "")},
    )
    made: list[int] = []

    def act() -> None:
        data = form.cleaned_data
        made.append(
            operations.create_form(
                actor=request.viewer,
                group_id=organization.default_group().id,
                name=data["name"],
                mall_id=data["mall_id"],
                draft=patterns[data["pattern"]][1](data["name"]),
                now=request.now,
            )
        )

    if request.method == "POST" and form.is_valid():
        try:
            act()
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(
                request,
                _("The form is there. Put in what you want to ask."),
                reverse("console:form", args=made),
            )
    context = {"form": form, "action": request.path, "title": _("New form"), "label": _("Create")}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


# --- the builder ---------------------------------------------------------------------------------------------------


@staff_page(VIEW)
def form(request: StaffRequest, form_id: int) -> HttpResponse:
    """The fields in their order beside what people will see."""
    view = queries.form(request.viewer, form_id, request.now)
    context = {**head(request, view, "form"), **_builder(request, view)}
    return page(request, "console/forms/form.html", context, section=SECTION)


def head(request: StaffRequest, view: queries.FormView, active: str) -> dict[str, Any]:
    """What the pages of one form share: its name, state and tabs."""
    tabs = (
        ("form", _("Build"), ""),
        ("form_share", pgettext("form", "Share"), ""),
        ("form_results", pgettext("form", "Results"), view.answered or ""),
    )
    return {
        "form": view,
        "state": words.STATES[view.state],
        "tone": words.STATE_TONES.get(view.state, ""),
        "may": permissions(request, edit=EDIT, answers=ANSWERS, export=EXPORT),
        "tabs": [
            {
                "label": label,
                "url": reverse(f"console:{name}", args=[view.id]),
                "active": name == active,
                "badge": badge,
            }
            for name, label, badge in tabs
        ],
    }


def _builder(request: StaffRequest, view: queries.FormView) -> dict[str, Any]:
    draft = view.draft
    labels = {one.key: one.label for one in draft.fields}
    faults: dict[str, list[str]] = {}
    for fault in view.faults:
        faults.setdefault(fault.key, []).append(str(words.FAULTS[fault.code]))
    tags = dict(tag_choices(request)) if any(one.tags for one in draft.fields) else {}
    return {
        "form": view,
        "may": permissions(request, edit=EDIT),
        "fields": [
            {
                "field": one,
                "kind": words.KINDS[one.kind],
                "icon": words.ICONS[one.kind],
                "when": _condition(one.when, labels),
                "profile": words.PROFILE.get(one.profile, ""),
                "tags": [f"{option} → {tags.get(tag_id, tag_id)}" for option, tag_id in one.tags.items()],
                "faults": faults.get(one.key, []),
                "is_first": place == 0,
                "is_last": place == len(draft.fields) - 1,
            }
            for place, one in enumerate(draft.fields)
        ],
        "faults": faults.get("", []),
        "kinds": [
            {"kind": kind, "name": words.KINDS[kind], "icon": words.ICONS[kind]} for kind in queries.KINDS
        ],
        "rows": words.rows_of(draft),
        "is_preview": True,
        "ticket_when": _condition(draft.ticket.when, labels) if draft.ticket else "",
    }


def _condition(when: queries.Condition | None, labels: dict[str, str]) -> str:
    if when is None:
        return ""
    names = {
        "field": labels.get(when.field, "?"),
        "op": words.OPERATORS.get(when.op, when.op),
        "value": when.value,
    }
    return _("if “%(field)s” %(op)s “%(value)s”") % names


@require_POST
@staff_page(EDIT)
def change(request: StaffRequest, form_id: int) -> HttpResponse:
    """One step in the builder (``act``: add:KIND, up:KEY, down:KEY, place:KEY:N, remove:KEY), and the builder anew."""
    view = queries.form(request.viewer, form_id, request.now, EDIT)
    act, _colon, rest = request.POST.get("act", "").partition(":")
    problem = ""
    try:
        draft = _changed(view, act, rest)
        _save(request, view.id, _revision(request, view), draft)
    except Problem as refusal:
        problem = refusal.sentence
    context = {**_builder(request, queries.form(request.viewer, form_id, request.now)), "problem": problem}
    return fragment(request, "console/forms/_builder.html", context)


def _changed(view: queries.FormView, act: str, rest: str) -> queries.Definition:
    draft = view.draft
    if act == "add" and rest in queries.KINDS:
        options = (_("First option"), _("Second option")) if rest in (*queries.CHOOSING, "matrix") else ()
        rows = (_("First row"),) if rest == "matrix" else ()
        label = str(words.KINDS[rest])
        key = queries.next_key(draft, view.used_keys)
        return queries.added(draft, queries.Field(key, rest, label, options=options, rows=rows))
    key, _colon, place = rest.partition(":")
    stands = draft.place(key)
    if stands is None:
        raise NotFound
    if act == "remove":
        return queries.removed(draft, key)
    places = {"up": stands - 1, "down": stands + 1}
    if act == "place" and place.isascii() and place.isdecimal() and len(place) < 4:
        places["place"] = int(place)
    if act not in places:
        raise NotFound
    return queries.moved(draft, key, places[act])


def _revision(request: StaffRequest, view: queries.FormView) -> int:
    """Of the draft that the page showed."""
    text = request.POST.get("revision", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else view.revision


def _save(request: StaffRequest, form_id: int, revision: int, draft: queries.Definition) -> None:
    operations.change_draft(
        actor=request.viewer, form_id=form_id, revision=revision, draft=draft, now=request.now
    )


@staff_page(EDIT)
def field(request: StaffRequest, form_id: int, key: str) -> HttpResponse:
    """One field in a dialog."""
    view = queries.form(request.viewer, form_id, request.now, EDIT)
    known = view.draft.field(key)
    if known is None:
        raise NotFound
    tags = tag_choices(request) if known.kind in queries.CHOOSING else []
    form = forms.FieldForm(request.POST or None, known=known, tags=tags, earlier=view.draft.earlier(key))
    return carry_out(
        request,
        form,
        lambda: _save(request, form_id, view.revision, queries.replaced(view.draft, form.changed_field)),
        success=_("The field is saved."),
        url=reverse("console:form", args=[form_id]),
        title=str(words.KINDS[known.kind]),
    )


@staff_page(EDIT)
def wording(request: StaffRequest, form_id: int) -> HttpResponse:
    view = queries.form(request.viewer, form_id, request.now, EDIT)
    names = ("title", "intro", "thanks")
    form = forms.WordsForm(request.POST or None, initial={name: getattr(view.draft, name) for name in names})

    def act() -> None:
        draft = replace(view.draft, **{name: form.cleaned_data[name] for name in names})
        _save(request, form_id, view.revision, draft)

    url = reverse("console:form", args=[form_id])
    return carry_out(
        request, form, act, success=_("The words are saved."), url=url, title=_("Title and thanks")
    )


@staff_page(EDIT)
def deeds(request: StaffRequest, form_id: int) -> HttpResponse:
    view = queries.form(request.viewer, form_id, request.now, EDIT)
    form = forms.DeedsForm(request.POST or None, draft=view.draft)
    return carry_out(
        request,
        form,
        lambda: _save(
            request, form_id, view.revision, replace(view.draft, ticket=form.ticket, enrol=form.enrol)
        ),
        success=_("What answers set off is saved."),
        url=reverse("console:form", args=[form_id]),
        title=_("What answers set off"),
    )


@staff_page(EDIT)
def taking(request: StaffRequest, form_id: int) -> HttpResponse:
    """How answers are taken."""
    view = queries.form(request.viewer, form_id, request.now, EDIT)
    names = (
        "name",
        "opens_at",
        "closes_at",
        "answers_max",
        "members_only",
        "once_per_member",
        "kiosk_seconds",
    )
    form = forms.TakingForm(request.POST or None, initial={name: getattr(view, name) for name in names})

    def act() -> None:
        data = {name: form.cleaned_data[name] for name in names}
        operations.set_taking(
            actor=request.viewer, form_id=form_id, taking=operations.Taking(**data), now=request.now
        )

    url = reverse("console:form_share", args=[form_id])
    return dialog_once(request, form, act, _("How answers are taken"), _("It is saved."), url)


@require_POST
@staff_page(EDIT)
def publish(request: StaffRequest, form_id: int) -> HttpResponse:
    try:
        version = operations.publish_form(actor=request.viewer, form_id=form_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, reverse("console:form", args=[form_id]))
    sentence = _("Version %(version)s is published.") % {"version": version}
    return done(request, sentence, reverse("console:form_share", args=[form_id]))


@require_POST
@staff_page(EDIT)
def close(request: StaffRequest, form_id: int) -> HttpResponse:
    url = reverse("console:form_share", args=[form_id])
    try:
        operations.close_form(actor=request.viewer, form_id=form_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, _("The form takes no more answers."), url)


@staff_page(VIEW)
def share(request: StaffRequest, form_id: int) -> HttpResponse:
    """Link, code to print, kiosk; how answers are taken; the versions."""
    view = queries.form(request.viewer, form_id, request.now)
    context = {
        **head(request, view, "form_share"),
        "url": settings.PUBLIC_URL + reverse("member:form", args=[view.code]),
        "kiosk_url": settings.PUBLIC_URL + reverse("member:form_kiosk", args=[view.code]),
        "versions": queries.versions(request.viewer, form_id),
    }
    return page(request, "console/forms/share.html", context, section=SECTION)
