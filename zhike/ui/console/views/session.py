"""Logging in and out, and choosing the mall to look at."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Problem
from zhike.organization.operations import sessions
from zhike.ui.components.staff import StaffRequest, address_of, request_id_of, staff_page, viewer_of
from zhike.ui.console.forms.session import LogInForm
from zhike.ui.console.navigation import home_url
from zhike.ui.console.pages import MALL_SESSION_KEY, add_problem, malls_of

BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@sensitive_post_parameters("password", "code")
def log_in(request: HttpRequest) -> HttpResponse:
    """One form; the code is asked for once the password was right and a second factor is in force."""
    now = clock.now()
    if request.method != "POST":
        viewer = viewer_of(request, now)
        if viewer is not None:
            return HttpResponseRedirect(_next(request) or home_url(viewer))
        return _show(request, LogInForm(), asks_code=False)
    form = LogInForm(request.POST)
    if not form.is_valid():
        return _show(request, form, asks_code="code" in request.POST)
    try:
        result = sessions.log_in(
            actor=system_viewer("console", request_id=request_id_of(request)),
            address=address_of(request),
            agent=request.headers.get("User-Agent", ""),
            now=now,
            username=form.cleaned_data["username"],
            password=form.cleaned_data["password"],
            totp_code=form.cleaned_data["code"] or None,
        )
    except sessions.SecondFactorNeeded:
        return _show(request, form, asks_code=True)
    except Problem as problem:
        add_problem(form, problem)
        return _show(request, form, asks_code="code" in request.POST)
    return _enter(request, result)


def _enter(request: HttpRequest, result: sessions.LogInResult) -> HttpResponse:
    """Begin the browser session under a new key and go where the person wanted."""
    language = result.staff.language or get_language() or settings.LANGUAGE_CODE
    auth.login(request, result.staff, backend=BACKEND)
    request.session.pop(MALL_SESSION_KEY, None)
    request.session.save()
    sessions.start_session(
        actor=result.viewer,
        session_key=request.session.session_key or "",
        address=address_of(request),
        agent=request.headers.get("User-Agent", ""),
        now=clock.now(),
    )
    if result.failed_logins:
        _warn_of_failures(request, result.failed_logins)
    url = _next(request) or home_url(result.viewer)
    if result.must_change_password:
        messages.warning(request, _("Your password has expired. Please choose a new one."))
        url = reverse("console:account")
    response: HttpResponse = (
        HttpResponseClientRedirect(url) if _is_htmx(request) else HttpResponseRedirect(url)
    )
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, samesite="Lax", secure=request.is_secure())
    return response


def _warn_of_failures(request: HttpRequest, failed: int) -> None:
    sentence = ngettext(
        "There was %(count)s failed log-in with your name since your last visit.",
        "There were %(count)s failed log-ins with your name since your last visit.",
        failed,
    )
    messages.warning(request, sentence % {"count": failed})


def _show(request: HttpRequest, form: LogInForm, *, asks_code: bool) -> HttpResponse:
    template = "console/session/log_in_form.html" if _is_htmx(request) else "console/session/log_in.html"
    context: dict[str, Any] = {"form": form, "asks_code": asks_code, "next": _next(request)}
    if settings.DEMO:
        context["demo_log_ins"] = settings.DEMO_LOG_INS
    return render(request, template, context)


def _next(request: HttpRequest) -> str:
    target = request.POST.get("next") or request.GET.get("next") or ""
    is_safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_safe else ""


def _is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


@require_POST
@staff_page()
def log_out(request: StaffRequest) -> HttpResponse:
    key = request.session.session_key
    if key:
        sessions.end_session(actor=request.viewer, session_key=key, now=request.now)
    auth.logout(request)
    return HttpResponseRedirect(reverse("console:log_in"))


@staff_page()
def choose_mall(request: StaffRequest, mall_id: int) -> HttpResponse:
    """Remember the mall for this session; 0 means all of them."""
    allowed = {mall.id for mall in malls_of(request).all}
    if mall_id in allowed:
        request.session[MALL_SESSION_KEY] = mall_id
    else:
        request.session.pop(MALL_SESSION_KEY, None)
    return HttpResponseRedirect(_next(request) or home_url(request.viewer))
