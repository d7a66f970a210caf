"""Who works here: accounts, roles and where they hold, sessions."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.organization import queries
from zhike.organization.operations import sessions
from zhike.organization.operations import staff as operations
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.staff import GrantForm, NewStaffForm, PasswordForm, ReasonForm
from zhike.ui.console.pages import add_problem, done, fragment, page, refused, wants_fragment
from zhike.ui.console.places import place_choices, place_name, place_names

MANAGE = "staff.manage"


@staff_page(MANAGE)
def staff_list(request: StaffRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip().casefold()
    status = request.GET.get("status", "active")
    names = place_names(request.viewer)
    rows = [
        {"staff": member, "grants": _grants(names, member)}
        for member in queries.staff_list(request.viewer)
        if (not query or query in member.name.casefold() or query in member.username.casefold())
        and (status == "any" or member.is_active == (status != "inactive"))
    ]
    context = {"rows": rows, "query": query, "status": status}
    if wants_fragment(request):
        return fragment(request, "console/staff/_rows.html", context)
    return page(request, "console/staff/list.html", context, section="staff")


def _grants(names: Any, member: queries.StaffView) -> list[dict[str, Any]]:
    return [
        {"id": grant.id, "role": grant.role, "place": place_name(names, grant.level, grant.target_id)}
        for grant in member.grants
    ]


@staff_page(MANAGE)
def staff_member(request: StaffRequest, staff_id: int) -> HttpResponse:
    return _show(request, staff_id)


def _show(request: StaffRequest, staff_id: int, grant_form: GrantForm | None = None) -> HttpResponse:
    member = queries.visible_staff(staff_id, request.viewer)
    context = {
        "member": member,
        "grants": _grants(place_names(request.viewer), member),
        "sessions": queries.sessions_of(member.id, request.now, request.session.session_key),
        "grant_form": grant_form or GrantForm(places=place_choices(request.viewer, MANAGE)),
        "is_me": member.id == request.staff_id,
    }
    status = 422 if grant_form else 200
    return page(request, "console/staff/member.html", context, section="staff", status=status)


@sensitive_post_parameters()
@staff_page(MANAGE)
def new_staff(request: StaffRequest) -> HttpResponse:
    form = NewStaffForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            group_id = queries.default_group().id
            made = operations.create_staff(
                actor=request.viewer, group_id=group_id, now=request.now, **form.cleaned_data
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            sentence = _("The account exists. Now give it a role.")
            return done(request, sentence, reverse("console:staff_member", args=[made]))
    return page(request, "console/staff/new.html", {"form": form}, section="staff")


@require_POST
@staff_page(MANAGE)
def grant_role(request: StaffRequest, staff_id: int) -> HttpResponse:
    form = GrantForm(request.POST, places=place_choices(request.viewer, MANAGE))
    if not form.is_valid():
        return _show(request, staff_id, form)
    level, target_id = form.level_and_target
    try:
        operations.grant_role(
            actor=request.viewer,
            staff_id=staff_id,
            role=form.cleaned_data["role"],
            level=level,
            target_id=target_id,
            now=request.now,
        )
    except Problem as problem:
        add_problem(form, problem)
        return _show(request, staff_id, form)
    return done(request, _("The role is given."), reverse("console:staff_member", args=[staff_id]))


@require_POST
@staff_page(MANAGE)
def revoke_role(request: StaffRequest, staff_id: int, grant_id: int) -> HttpResponse:
    url = reverse("console:staff_member", args=[staff_id])
    try:
        operations.revoke_role(actor=request.viewer, grant_id=grant_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, _("The role is taken back."), url)


@staff_page(MANAGE)
def deactivate(request: StaffRequest, staff_id: int) -> HttpResponse:
    member = queries.visible_staff(staff_id, request.viewer)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            operations.deactivate_staff(
                actor=request.viewer, staff_id=staff_id, reason=form.cleaned_data["reason"], now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            sentence = _("The account is closed and all its sessions have ended.")
            return done(request, sentence, reverse("console:staff_member", args=[staff_id]))
    return _dialog(
        request, form, _("Close the account of %(name)s") % {"name": member.name}, _("Close the account")
    )


@sensitive_post_parameters()
@staff_page(MANAGE)
def set_password(request: StaffRequest, staff_id: int) -> HttpResponse:
    member = queries.visible_staff(staff_id, request.viewer)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            operations.set_password(
                actor=request.viewer,
                staff_id=staff_id,
                password=form.cleaned_data["password"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            sentence = _("The new password is set; all sessions of the account have ended.")
            return done(request, sentence, reverse("console:staff_member", args=[staff_id]))
    return _dialog(request, form, _("New password for %(name)s") % {"name": member.name}, _("Set password"))


@staff_page(MANAGE)
def disable_totp(request: StaffRequest, staff_id: int) -> HttpResponse:
    """For somebody who lost the phone."""
    member = queries.visible_staff(staff_id, request.viewer)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        operations.disable_totp(
            actor=request.viewer, staff_id=staff_id, reason=form.cleaned_data["reason"], now=request.now
        )
        return done(request, _("The second factor is off."), reverse("console:staff_member", args=[staff_id]))
    return _dialog(request, form, _("Second factor of %(name)s") % {"name": member.name}, _("Turn it off"))


@require_POST
@staff_page(MANAGE)
def revoke_session(request: StaffRequest, staff_id: int, session_id: int) -> HttpResponse:
    sessions.revoke_session(actor=request.viewer, session_id=session_id, now=request.now)
    return done(request, _("That session has ended."), reverse("console:staff_member", args=[staff_id]))


def _dialog(request: StaffRequest, form: Any, title: str, label: str) -> HttpResponse:
    context = {"form": form, "title": title, "label": label, "action": request.path}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)
