"""Connectors that fetch: a folder or a database, on a schedule, and what came of each file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.intake import operations, queries
from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.connectors import DatabaseForm, FetchingSettingsForm, FolderForm
from zhike.ui.console.pages import (
    add_problem,
    carry_out,
    done,
    fragment,
    go,
    page,
    permissions,
    refused,
    wants_fragment,
)

RUN = "imports.run"


def kind_tabs(active: str) -> list[dict[str, Any]]:
    """What kinds of connectors can be made."""
    kinds = (
        ("tills", _("Uploads of tills (SOAP)"), "new_connector"),
        ("folder", _("Watched folder"), "new_folder_connector"),
        ("database", _("Database"), "new_database_connector"),
    )
    return [
        {"label": label, "url": reverse(f"console:{name}"), "active": kind == active}
        for kind, label, name in kinds
    ]


@staff_page(RUN)
def new_folder(request: StaffRequest) -> HttpResponse:
    return _new(request, FolderForm, "folder", operations.create_folder_connector)


@staff_page(RUN)
def new_database(request: StaffRequest) -> HttpResponse:
    return _new(request, DatabaseForm, "database", operations.create_database_connector)


def _new(
    request: StaffRequest, kind_of_form: type[forms.Form], kind: str, create: Callable[..., int]
) -> HttpResponse:
    malls = [(mall.id, mall.name) for mall in organization.malls(request.viewer, RUN)]
    kept = queries.saved_mappings(request.viewer)
    form = kind_of_form(request.POST or None, malls=malls, mappings=[(one.id, one.name) for one in kept])  # type: ignore[call-arg]
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        chosen = values.pop("mapping_id")
        mapping = next((one.definition for one in kept if one.id == chosen), None)
        try:
            made = create(actor=request.viewer, mapping=mapping, now=request.now, **values)
        except Problem as problem:
            add_problem(form, problem)
        else:
            return go(request, _url(made))
    context = {"form": form, "tabs": kind_tabs(kind)}
    return page(request, "console/connectors/new.html", context, section="connectors")


def fetching_page(request: StaffRequest, connector: queries.ConnectorView) -> HttpResponse:
    context = {
        "connector": connector,
        "page": queries.fetched_parts(request.viewer, connector.id, request.GET.get("cursor")),
        "may": permissions(request, run=RUN),
    }
    if wants_fragment(request):
        return fragment(request, "console/connectors/_parts.html", context)
    return page(request, "console/connectors/fetching.html", context, section="connectors")


def edit_fetching(request: StaffRequest, connector: queries.ConnectorView) -> HttpResponse:
    initial = {"name": connector.name, "is_on": connector.is_on, "every_minutes": connector.every_minutes}
    form = FetchingSettingsForm(request.POST or None, initial=initial)

    def act() -> None:
        operations.update_fetching(
            actor=request.viewer, connector_id=connector.id, now=request.now, **form.cleaned_data
        )

    return carry_out(
        request, form, act, success=_("Saved."), url=_url(connector.id), title=_("Settings of the connector")
    )


@require_POST
@staff_page(RUN)
def start(request: StaffRequest, connector_id: int) -> HttpResponse:
    try:
        operations.start_fetch(actor=request.viewer, connector_id=connector_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, _url(connector_id))
    return done(request, _("It is fetched within seconds."), _url(connector_id))


def _url(connector_id: int) -> str:
    return reverse("console:connector", args=[connector_id])
