"""Connectors: what comes in by itself, from whom, what had to wait, and whether all of it arrived."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from zhike.intake import operations, queries
from zhike.kernel import clock
from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.connectors import (
    CredentialForm,
    NewPasswordForm,
    TillConnectorForm,
    TillSettingsForm,
    TillsForm,
    tender_lines,
)
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
from zhike.ui.console.views.fetching import edit_fetching, fetching_page, kind_tabs

VIEW = "imports.view"
RUN = "imports.run"
STATUSES = ("open", "replayed", "discarded")
DAYS = 7
SOAP_PATH = "/soap/salestrans.asmx"


@staff_page(VIEW)
def connectors(request: StaffRequest) -> HttpResponse:
    context = {
        "connectors": queries.connectors(request.viewer, request.now),
        "may": permissions(request, run=RUN),
    }
    return page(request, "console/connectors/list.html", context, section="connectors")


@staff_page(RUN)
def new_connector(request: StaffRequest) -> HttpResponse:
    malls = [(mall.id, mall.name) for mall in organization.malls(request.viewer, RUN)]
    form = TillConnectorForm(request.POST or None, malls=malls)
    if request.method == "POST" and form.is_valid():
        try:
            made = operations.create_till_connector(
                actor=request.viewer, now=request.now, **form.cleaned_data
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return go(request, _url(made))
    return page(
        request,
        "console/connectors/new.html",
        {"form": form, "tabs": kind_tabs("tills")},
        section="connectors",
    )


@staff_page(VIEW)
def connector(request: StaffRequest, connector_id: int) -> HttpResponse:
    found = queries.connector(request.viewer, connector_id, request.now)
    if found.kind != "tills":
        return fetching_page(request, found)
    zone = organization.mall(found.mall_id).time_zone
    today = clock.business_date(request.now, zone)
    days = queries.reconciliation(request.viewer, connector_id, today - dt.timedelta(days=DAYS - 1), today)
    context = {
        "connector": found,
        "mall": organization.mall(found.mall_id),
        "credentials": queries.credentials(request.viewer, connector_id, request.now),
        "days": days,
        "apart": sum(1 for day in days if not day.agrees),
        "days_shown": DAYS,
        "tenders": tender_lines(found.settings.get("tenders", {})),
        "address": request.build_absolute_uri(SOAP_PATH),
        "may": permissions(request, run=RUN),
    }
    return page(request, "console/connectors/connector.html", context, section="connectors")


@staff_page(RUN)
def edit_connector(request: StaffRequest, connector_id: int) -> HttpResponse:
    found = queries.connector(request.viewer, connector_id, request.now)
    if found.kind != "tills":
        return edit_fetching(request, found)
    initial = {
        "name": found.name,
        "is_on": found.is_on,
        "tenders": tender_lines(found.settings.get("tenders", {})),
        "mall_number": found.settings.get("mall_number", ""),
        "unknown_member": found.settings.get("unknown_member", "without"),
    }
    form = TillSettingsForm(request.POST or None, initial=initial)

    def act() -> None:
        operations.update_till_connector(
            actor=request.viewer, connector_id=connector_id, now=request.now, **form.cleaned_data
        )

    return carry_out(
        request, form, act, success=_("Saved."), url=_url(connector_id), title=_("Settings of the connector")
    )


# --- credentials ---------------------------------------------------------------------------------------------------


@staff_page(RUN)
def new_credential(request: StaffRequest, connector_id: int) -> HttpResponse:
    found = queries.connector(request.viewer, connector_id, request.now)
    taken = {
        one.merchant.id
        for one in queries.credentials(request.viewer, connector_id, request.now)
        if one.revoked_at is None
    }
    merchants = [
        (one.id, f"{one.code} {one.name}")
        for one in organization.merchants(request.viewer, found.mall_id)
        if one.is_open and one.id not in taken
    ]
    form = CredentialForm(request.POST or None, merchants=merchants)
    if request.method == "POST" and form.is_valid():
        try:
            made, username, password = operations.create_credential(
                actor=request.viewer, connector_id=connector_id, now=request.now, **form.cleaned_data
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return _shown(request, made, username, password)
    context = {"form": form, "title": _("New credential"), "label": _("Make credential"), "connector": found}
    return page(request, "console/connectors/form.html", context, section="connectors")


@staff_page(RUN)
def rotate(request: StaffRequest, credential_id: int) -> HttpResponse:
    """Ask how long the present password works on; the answer is a page with the new one."""
    found = queries.credential(request.viewer, credential_id, request.now)
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        overlap = dt.timedelta(hours=form.cleaned_data["overlap_hours"])
        try:
            username, password = operations.rotate_credential(
                actor=request.viewer, credential_id=credential_id, overlap=overlap, now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return _shown(request, credential_id, username, password)
    context = {
        "form": form,
        "title": _("New password"),
        "label": _("Make password"),
        "lead": f"{found.merchant.name} · {found.username}",
        "connector": queries.connector(request.viewer, found.connector_id, request.now),
    }
    return page(request, "console/connectors/form.html", context, section="connectors")


def _shown(request: StaffRequest, credential_id: int, username: str, password: str) -> HttpResponse:
    """The page that shows a password, this once."""
    credential = queries.credential(request.viewer, credential_id, request.now)
    connector = queries.connector(request.viewer, credential.connector_id, request.now)
    context = {
        "connector": connector,
        "mall": organization.mall(connector.mall_id),
        "merchant": credential.merchant,
        "username": username,
        "password": password,
        "address": request.build_absolute_uri(SOAP_PATH),
    }
    return page(request, "console/connectors/shown.html", context, section="connectors")


@staff_page(RUN)
def edit_tills(request: StaffRequest, credential_id: int) -> HttpResponse:
    found = queries.credential(request.viewer, credential_id, request.now)
    form = TillsForm(request.POST or None, initial={"tills": ", ".join(found.tills)})

    def act() -> None:
        operations.set_tills(
            actor=request.viewer,
            credential_id=credential_id,
            tills=form.cleaned_data["tills"],
            now=request.now,
        )

    return carry_out(
        request, form, act, success=_("Saved."), url=_url(found.connector_id), title=_("Tills of the merchant"),
        lead=found.merchant.name,
    )  # fmt: skip


@require_POST
@staff_page(RUN)
def revoke(request: StaffRequest, credential_id: int) -> HttpResponse:
    connector_id = operations.revoke_credential(
        actor=request.viewer, credential_id=credential_id, now=request.now
    )
    return done(request, _("The credential no longer works."), _url(connector_id))


# --- what waits ----------------------------------------------------------------------------------------------------


@staff_page(VIEW)
def waiting(request: StaffRequest, connector_id: int) -> HttpResponse:
    reason, status = request.GET.get("reason", ""), request.GET.get("status", "open")
    status = status if status in STATUSES else "open"
    context: dict[str, Any] = {
        "connector": queries.connector(request.viewer, connector_id, request.now),
        "page": queries.waiting_uploads(
            request.viewer, connector_id, reason=reason, status=status, cursor=request.GET.get("cursor")
        ),
        "reason": reason,
        "status": status,
        "may": permissions(request, run=RUN),
    }
    if wants_fragment(request):
        return fragment(request, "console/connectors/_waiting.html", context)
    context["reasons"] = queries.waiting_reasons(request.viewer, connector_id)
    return page(request, "console/connectors/waiting.html", context, section="connectors")


@require_POST
@staff_page(RUN)
def replay(request: StaffRequest, connector_id: int) -> HttpResponse:
    """The ticked uploads, or all that wait."""
    try:
        outcome = operations.replay_uploads(
            actor=request.viewer, connector_id=connector_id, upload_ids=_ticked(request), now=request.now
        )
    except Problem as problem:
        return refused(request, problem, _waiting_url(connector_id))
    sentence = _("%(settled)s uploads went in, %(still)s still wait.") % {
        "settled": outcome.settled,
        "still": sum(outcome.still.values()),
    }
    return done(request, sentence, _waiting_url(connector_id))


@require_POST
@staff_page(RUN)
def discard(request: StaffRequest, connector_id: int) -> HttpResponse:
    try:
        count = operations.discard_uploads(
            actor=request.viewer, connector_id=connector_id, upload_ids=_ticked(request), now=request.now
        )
    except Problem as problem:
        return refused(request, problem, _waiting_url(connector_id))
    sentence = ngettext("%(count)s upload discarded.", "%(count)s uploads discarded.", count)
    return done(request, sentence % {"count": count}, _waiting_url(connector_id))


def _ticked(request: StaffRequest) -> list[int] | None:
    """The ids of the ticked rows; None for all, when the button says so."""
    if request.POST.get("which") == "all":
        return None
    texts: list[Any] = request.POST.getlist("ids")
    return [int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 18]


def _url(connector_id: int) -> str:
    return reverse("console:connector", args=[connector_id])


def _waiting_url(connector_id: int) -> str:
    return reverse("console:waiting_uploads", args=[connector_id])
