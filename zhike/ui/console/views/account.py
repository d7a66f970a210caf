"""One's own account: language, password, second factor, sessions."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import auth
from django.http import HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from zhike.kernel.errors import Problem
from zhike.organization import queries
from zhike.organization.operations import preferences, sessions
from zhike.organization.operations import staff as operations
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.staff import CurrentPasswordForm, LanguageForm, OwnPasswordForm, TotpForm
from zhike.ui.console.pages import add_problem, done, page, refused
from zhike.ui.console.places import place_name, place_names
from zhike.ui.console.views.session import BACKEND


@staff_page()
def account(request: StaffRequest) -> HttpResponse:
    return _show(request)


def _show(request: StaffRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    me = queries.staff_member(request.staff_id)
    names = place_names(request.viewer)
    context = {
        "me": me,
        "grants": [(grant.role, place_name(names, grant.level, grant.target_id)) for grant in me.grants],
        "sessions": queries.sessions_of(me.id, request.now, request.session.session_key),
        "language_form": LanguageForm(initial={"language": me.language}),
        "password_form": OwnPasswordForm(),
        "totp_form": TotpForm(),
        "totp_off_form": CurrentPasswordForm(),
        **more,
    }
    return page(request, "console/staff/account.html", context, section="account", status=status)


@require_POST
@staff_page()
def set_language(request: StaffRequest) -> HttpResponse:
    """Now, and at every log-in from here on."""
    form = LanguageForm(request.POST)
    if not form.is_valid():
        return _show(request, status=422, language_form=form)
    language = form.cleaned_data["language"]
    preferences.set_language(actor=request.viewer, language=language, now=request.now)
    with translation.override(language or translation.get_language()):
        response = done(request, _("Saved."), reverse("console:account"))
    if language:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, language, samesite="Lax", secure=request.is_secure()
        )
    return response


@sensitive_post_parameters()
@require_POST
@staff_page()
def change_password(request: StaffRequest) -> HttpResponse:
    """A new password ends all other sessions; this one goes on."""
    form = OwnPasswordForm(request.POST)
    if not form.is_valid():
        return _show(request, status=422, password_form=form)
    try:
        operations.set_password(
            actor=request.viewer,
            staff_id=request.staff_id,
            password=form.cleaned_data["password"],
            current_password=form.cleaned_data["current_password"],
            keep_session_key=request.session.session_key,
            now=request.now,
        )
    except Problem as problem:
        add_problem(form, problem)
        return _show(request, status=422, password_form=form)
    _keep_logged_in(request)
    return done(
        request, _("Your password is changed; all other sessions have ended."), reverse("console:account")
    )


def _keep_logged_in(request: StaffRequest) -> None:
    """Django binds a session to the password's hash."""
    user = auth.load_backend(BACKEND).get_user(request.staff_id)
    assert user is not None
    request.session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()


@require_POST
@staff_page()
def begin_totp(request: StaffRequest) -> HttpResponse:
    """The secret is shown in this one answer and kept in no session."""
    try:
        setup = operations.begin_totp(actor=request.viewer, staff_id=request.staff_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, reverse("console:account"))
    return _show(request, setup=setup, is_setting_up=True)


@sensitive_post_parameters()
@require_POST
@staff_page()
def confirm_totp(request: StaffRequest) -> HttpResponse:
    form = TotpForm(request.POST)
    if not form.is_valid():
        return _show(request, status=422, totp_form=form, is_setting_up=True)
    try:
        operations.confirm_totp(
            actor=request.viewer, staff_id=request.staff_id, code=form.cleaned_data["code"], now=request.now
        )
    except Problem as problem:
        add_problem(form, problem)
        return _show(request, status=422, totp_form=form, is_setting_up=True)
    return done(request, _("The second factor is on."), reverse("console:account"))


@sensitive_post_parameters()
@require_POST
@staff_page()
def disable_totp(request: StaffRequest) -> HttpResponse:
    form = CurrentPasswordForm(request.POST)
    if not form.is_valid():
        return _show(request, status=422, totp_off_form=form)
    try:
        operations.disable_totp(
            actor=request.viewer,
            staff_id=request.staff_id,
            current_password=form.cleaned_data["current_password"],
            now=request.now,
        )
    except Problem as problem:
        add_problem(form, problem)
        return _show(request, status=422, totp_off_form=form)
    return done(request, _("The second factor is off."), reverse("console:account"))


@require_POST
@staff_page()
def revoke_session(request: StaffRequest, session_id: int) -> HttpResponse:
    sessions.revoke_session(actor=request.viewer, session_id=session_id, now=request.now)
    return done(request, _("That session has ended."), reverse("console:account"))


@require_POST
@staff_page()
def revoke_other_sessions(request: StaffRequest) -> HttpResponse:
    sessions.revoke_other_sessions(
        actor=request.viewer,
        staff_id=request.staff_id,
        keep_session_key=request.session.session_key,
        now=request.now,
    )
    return done(request, _("All other sessions have ended."), reverse("console:account"))
