"""Wordings: written, tried on a real member, approved, told to vendors."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.messaging import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.messaging import TemplateForm, VendorNumberForm, VersionForm
from zhike.ui.console.pages import add_problem, done, fragment, page, permissions, refused

VIEW = "messages.view"
EDIT = "templates.edit"


@staff_page(VIEW)
def message_templates(request: StaffRequest) -> HttpResponse:
    context = {"rows": queries.templates(request.viewer), "may": permissions(request, edit=EDIT)}
    return page(request, "console/messaging/templates.html", context, section="message_templates")


@staff_page(EDIT)
def new_message_template(request: StaffRequest) -> HttpResponse:
    form = TemplateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = operations.create_template(
                actor=request.viewer,
                group_id=organization.default_group().id,
                code=data["code"],
                name=data["name"],
                kind=data["kind"],
                fallback=form.fallback,
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(
                request, _("Now write what it says."), reverse("console:message_template", args=[made])
            )
    return page(request, "console/messaging/template_form.html", {"form": form}, section="message_templates")


@staff_page(VIEW)
def message_template(request: StaffRequest, template_id: int) -> HttpResponse:
    found = queries.template(request.viewer, template_id)
    versions = queries.versions(request.viewer, found.id)
    context = {
        "template": found,
        "current": [one for one in versions if one.state != "retired"],
        "retired": [one for one in versions if one.state == "retired"],
        "may": permissions(request, edit=EDIT),
    }
    return page(request, "console/messaging/template.html", context, section="message_templates")


@staff_page(EDIT)
def new_version(request: StaffRequest, template_id: int) -> HttpResponse:
    """The editor: what one writes is measured, checked and shown as a real member would read it, as it is typed."""
    found = queries.template(request.viewer, template_id)
    form = VersionForm(request.POST or None, template=found, initial=_begin(request, found))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            operations.write_version(
                actor=request.viewer,
                template_id=found.id,
                channel=data["channel"],
                language=data["language"],
                title=data["title"],
                body=data["body"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            sentence = _("The draft is kept. It is sent once it is approved.")
            return done(request, sentence, reverse("console:message_template", args=[found.id]))
    context = {"form": form, "template": found, "preview": _preview(request, found)}
    return page(request, "console/messaging/version_form.html", context, section="message_templates")


def _begin(request: StaffRequest, found: queries.TemplateView) -> dict[str, Any]:
    """An older wording as the beginning of a new one."""
    text = request.GET.get("from", "")
    if text.isascii() and text.isdecimal():
        one = next((v for v in queries.versions(request.viewer, found.id) if v.id == int(text)), None)
        if one:
            return {"channel": one.channel, "language": one.language, "title": one.title, "body": one.body}
    return {"channel": found.fallback[0], "language": "zh-hans"}


@require_POST
@staff_page(EDIT)
def preview_version(request: StaffRequest, template_id: int) -> HttpResponse:
    found = queries.template(request.viewer, template_id)
    context = {"preview": _preview(request, found)}
    return fragment(request, "console/messaging/_preview.html", context)


def _preview(request: StaffRequest, found: queries.TemplateView) -> queries.Preview:
    given = request.POST if request.method == "POST" else _begin(request, found)
    return queries.preview(
        request.viewer,
        found.id,
        channel=str(given.get("channel", "")),
        title=str(given.get("title", ""))[:120],
        body=str(given.get("body", ""))[:2000],
        phone=str(given.get("as_member", ""))[:40],
    )


@require_POST
@staff_page(EDIT)
def approve_version(request: StaffRequest, version_id: int) -> HttpResponse:
    found = queries.version(request.viewer, version_id)
    url = reverse("console:message_template", args=[found.template_id])
    try:
        operations.approve_version(actor=request.viewer, version_id=version_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, _("Approved: from now on this wording is sent."), url)


@staff_page(EDIT)
def vendor_number(request: StaffRequest, version_id: int, account_id: int) -> HttpResponse:
    """A dialog: the number of a wording at a vendor and what the vendor says of it."""
    found = queries.version(request.viewer, version_id)
    known = next((one for one in found.vendors if one.account_id == account_id), None)
    initial = (
        {"vendor_code": known.vendor_code, "state": known.state, "note": known.note}
        if known and known.vendor_code
        else {"state": "approved"}
    )
    form = VendorNumberForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            operations.tell_vendor(
                actor=request.viewer,
                version_id=version_id,
                account_id=account_id,
                now=request.now,
                **form.cleaned_data,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Kept."), reverse("console:message_template", args=[found.template_id]))
    context = {
        "form": form,
        "title": _("The wording at %(name)s") % {"name": known.account_name if known else ""},
        "action": request.path,
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)
