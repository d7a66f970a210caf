"""Sources of behaviour: what sends, with which keys, what came of it, and what was set aside."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.collection import operations, queries
from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.sources import MessageForm, RotateForm, SourceForm, SourceSettingsForm
from zhike.ui.console.pages import (
    add_problem,
    done,
    fragment,
    malls_of,
    page,
    permissions,
    refused,
    wants_fragment,
)

VIEW = "collection.view"
EDIT = "collection.edit"
STATUSES = ("open", "taken", "discarded")
HOURS = 48
SHOWN = 8


@staff_page(VIEW)
def sources(request: StaffRequest) -> HttpResponse:
    context = {
        "sources": queries.sources(request.viewer, request.now),
        "malls_by_id": {mall.id: mall.name for mall in malls_of(request).all},
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/sources/list.html", context, section="sources")


@staff_page(EDIT)
def new_source(request: StaffRequest) -> HttpResponse:
    malls = [(mall.id, mall.name) for mall in organization.malls(request.viewer, EDIT)]
    form = SourceForm(request.POST or None, malls=malls)
    if request.method == "POST" and form.is_valid():
        try:
            source_id = operations.create_source(
                actor=request.viewer,
                group_id=organization.default_group().id,
                now=request.now,
                **form.cleaned_data,
            )
            return _made(request, source_id, dt.timedelta())
        except Problem as problem:
            add_problem(form, problem)
    return page(request, "console/sources/new.html", {"form": form}, section="sources")


def _made(request: StaffRequest, source_id: int, overlap: dt.timedelta) -> HttpResponse:
    """The page that shows a new key, this once."""
    _key_id, raw = operations.make_write_key(
        actor=request.viewer, source_id=source_id, overlap=overlap, now=request.now
    )
    source = queries.source(request.viewer, source_id, request.now)
    context = {"source": source, "raw": raw, "address": _address(request)}
    return page(request, "console/sources/key_made.html", context, section="sources")


def _address(request: StaffRequest) -> str:
    return request.build_absolute_uri("/").rstrip("/")


@staff_page(VIEW)
def source(request: StaffRequest, source_id: int) -> HttpResponse:
    found = queries.source(request.viewer, source_id, request.now)
    counts = queries.counts_by_hour(request.viewer, source_id, request.now, HOURS)
    context = {
        "source": found,
        "mall": organization.mall(found.ref.mall_id) if found.ref.mall_id else None,
        "deliveries": _deliveries(request, source_id),
        "chart": _chart(counts),
        "hours": [(_hour(at), count) for at, count in reversed(counts) if count.messages],
        "address": _address(request),
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/sources/source.html", context, section="sources")


@staff_page(VIEW, keeps_alive=False)
def debugger(request: StaffRequest, source_id: int) -> HttpResponse:
    """The requests that came last; the page asks again every few seconds."""
    return fragment(
        request, "console/sources/_deliveries.html", {"deliveries": _deliveries(request, source_id)}
    )


def _deliveries(request: StaffRequest, source_id: int) -> list[dict[str, Any]]:
    return [
        {"delivery": one, "messages": [_shown(message) for message in one.sample]}
        for one in queries.latest_deliveries(request.viewer, source_id, SHOWN)
    ]


def _shown(message: dict[str, Any]) -> dict[str, Any]:
    told: Any = message["message"] if isinstance(message["message"], dict) else {}
    return {
        "outcome": message["outcome"],
        "reason": queries.reason_sentence(message["reason"]) if message["reason"] else "",
        "title": " · ".join(str(told[key]) for key in ("type", "event", "name") if told.get(key)) or "–",
        "text": json.dumps(message["message"], ensure_ascii=False, indent=2),
    }


def _hour(at: dt.datetime) -> str:
    local = timezone.localtime(at)
    return f"{date_format(local, 'MONTH_DAY_FORMAT')} {local:%H}:00"


def _chart(counts: list[tuple[dt.datetime, queries.Counts]]) -> dict[str, Any]:
    series = [
        (_("Taken in"), "taken", "primary"),
        (_("Made anonymous"), "anonymised", "info"),
        (_("Refused by the visitor"), "refused", "warning"),
        (_("Set aside"), "set_aside", "error"),
    ]
    return {
        "kind": "bar",
        "unit": "count",
        "stacked": True,
        "categories": [_hour(at) for at, _count in counts],
        "series": [
            {"name": name, "values": [getattr(count, field) for _at, count in counts], "tone": tone}
            for name, field, tone in series
        ],
    }


@staff_page(EDIT)
def edit_source(request: StaffRequest, source_id: int) -> HttpResponse:
    found = queries.source(request.viewer, source_id, request.now)
    names = ("name", "user_id_kind", "consent_category", "consent_assumed", "is_trusted", "rate_per_minute")
    initial = {name: getattr(found.ref, name) for name in names} | {"is_active": found.is_active}
    form = SourceSettingsForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            operations.update_source(
                actor=request.viewer, source_id=source_id, changes=form.cleaned_data, now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Saved."), reverse("console:source", args=[source_id]))
    return _dialog(request, form, _("Settings of the source"))


@staff_page(EDIT)
def rotate_key(request: StaffRequest, source_id: int) -> HttpResponse:
    """Ask how long the present key works on; the answer is a page with the new one."""
    form = RotateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _made(request, source_id, dt.timedelta(days=form.cleaned_data["overlap_days"]))
    context = {
        "form": form,
        "source": queries.source(request.viewer, source_id, request.now),
    }
    return page(request, "console/sources/rotate.html", context, section="sources")


@require_POST
@staff_page(EDIT)
def revoke_key(request: StaffRequest, key_id: int) -> HttpResponse:
    source_id = operations.revoke_write_key(actor=request.viewer, key_id=key_id, now=request.now)
    return done(request, _("The key no longer works."), reverse("console:source", args=[source_id]))


# --- what was set aside --------------------------------------------------------------------------------------------


@staff_page(VIEW)
def set_aside(request: StaffRequest, source_id: int) -> HttpResponse:
    reason, status = request.GET.get("reason", ""), request.GET.get("status", "open")
    status = status if status in STATUSES else "open"
    found = queries.set_aside_page(
        request.viewer, source_id, reason=reason, status=status, cursor=request.GET.get("cursor")
    )
    rows = [
        {"one": one, "text": json.dumps(one.message, ensure_ascii=False, indent=2)} for one in found.items
    ]
    context: dict[str, Any] = {
        "rows": rows,
        "page": found,
        "reason": reason,
        "status": status,
        "may": permissions(request, edit=EDIT),
    }
    if wants_fragment(request):
        return fragment(request, "console/sources/_set_aside_rows.html", context)
    context |= {
        "source": queries.source(request.viewer, source_id, request.now),
        "reasons": queries.reasons(request.viewer, source_id, status),
    }
    return page(request, "console/sources/set_aside.html", context, section="sources")


@staff_page(EDIT)
def mend(request: StaffRequest, set_aside_id: int) -> HttpResponse:
    """The message in clear, to be mended and tried again. Opening it is audited."""
    found = queries.set_aside(request.viewer, set_aside_id)
    if request.method == "POST":
        form = MessageForm(request.POST)
        if form.is_valid():
            try:
                operations.replay_set_aside(
                    actor=request.viewer,
                    set_aside_id=set_aside_id,
                    body=form.cleaned_data["body"],
                    now=request.now,
                )
            except Problem as problem:
                add_problem(form, problem)
            else:
                return done(request, _("The message was taken in."), _list_url(found.source_id))
    else:
        body = operations.open_set_aside(actor=request.viewer, set_aside_id=set_aside_id, now=request.now)
        form = MessageForm(initial={"body": _laid_out(body)})
    return _dialog(
        request, form, _("Mend and try again"), lead=f"{found.sentence} {found.detail}".strip(),
        label=_("Try again"), wide=True,
    )  # fmt: skip


@require_POST
@staff_page(EDIT)
def replay(request: StaffRequest, set_aside_id: int) -> HttpResponse:
    found = queries.set_aside(request.viewer, set_aside_id)
    try:
        operations.replay_set_aside(actor=request.viewer, set_aside_id=set_aside_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, _list_url(found.source_id))
    return done(request, _("The message was taken in."), _list_url(found.source_id))


@require_POST
@staff_page(EDIT)
def discard(request: StaffRequest, set_aside_id: int) -> HttpResponse:
    found = queries.set_aside(request.viewer, set_aside_id)
    try:
        operations.discard_set_aside(actor=request.viewer, set_aside_id=set_aside_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, _list_url(found.source_id))
    return done(request, _("The message was given up."), _list_url(found.source_id))


def _list_url(source_id: int) -> str:
    return reverse("console:set_aside", args=[source_id])


def _laid_out(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body


def _dialog(request: StaffRequest, form: Any, title: str, **context: Any) -> HttpResponse:
    if not request.htmx:
        return HttpResponseRedirect(reverse("console:sources"))
    shown = {"form": form, "title": title, "action": request.path, **context}
    return fragment(request, "console/_form_dialog.html", shown, status=422 if form.is_bound else 200)
