"""Coming in: by phone and one-time code. Whoever is not a member yet may become one on the spot."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from zhike.customers import queries as customers
from zhike.engagement import operations as engagement_operations
from zhike.engagement import queries as engagement
from zhike.kernel import clock, ratelimit
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import NotFound, Problem, TooMany
from zhike.loyalty import queries as loyalty
from zhike.messaging import operations as messaging
from zhike.organization import queries as organization
from zhike.privacy import queries as privacy
from zhike.ui.components.sealed import seal, unseal
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import address_of, request_id_of
from zhike.ui.member import session as sessions
from zhike.ui.member.access import open_page
from zhike.ui.member.device import device_of, keep_device
from zhike.ui.member.forms import CodeForm, JoinForm, PhoneForm
from zhike.ui.member.origin import Origin

PURPOSE = "log_in"
OUTBOX_URL = "/console/outbox/"
CODES_PER_MINUTE_AND_ADDRESS = 10
CODE_PROVES_FOR = dt.timedelta(minutes=15)
"""How long after the code one may take to fill in the form to join."""


def _door(request: Any) -> Any:
    return system_viewer("member-app", request_id=request_id_of(request))


@never_cache
@require_http_methods(["GET", "POST"])
@open_page
def log_in(request: Any) -> HttpResponse:
    """Ask for the phone number and send a code to it, whether or not a member has it: nobody can find out here."""
    session = request.member_session
    if sessions.MEMBER_ID in session and request.method == "GET":
        return HttpResponseRedirect(reverse("member:home"))
    _remember_where_from(request)
    form = PhoneForm(sent(request))
    if request.method == "POST" and form.is_valid():
        now = clock.now()
        try:
            phone = _send_code(request, form.cleaned_data["phone"], now)
        except Problem as problem:
            form.add_error("phone", problem.sentence)
        else:
            session["phone"] = seal(phone)
            return HttpResponseRedirect(reverse("member:code"))
    inviter = engagement.invited_by(session["invite"]) if session.get("invite") else ""
    return render(
        request, "member/log_in.html", {"form": form, "inviter": inviter}, status=422 if form.errors else 200
    )


def _send_code(request: Any, phone: str, now: dt.datetime) -> str:
    """The phone in the form in which it is kept. Raises NotAPhone, TooManyCodes, TooMany."""
    address = address_of(request) or "unix"
    decision = ratelimit.check(f"member-code:{address}", CODES_PER_MINUTE_AND_ADDRESS, now=now)
    if not decision.allowed:
        raise TooMany(retry_after=decision.retry_after)
    messaging.send_one_time_code(
        actor=_door(request), phone=phone, purpose=PURPOSE, language=get_language() or "", now=now
    )
    return customers.normalised("phone", phone) or phone


def _remember_where_from(request: Any) -> None:
    """Where one came from (a QR code at a till, a link) and where one wanted to go."""
    session = request.member_session
    if origin := Origin.of_query(request.GET):
        session["origin"] = origin.as_json()
    if invite := engagement.read_code(request.GET.get("invite", "")):
        session["invite"] = invite
    target = request.GET.get("next", "")
    is_ours = target.startswith(sessions.PATH) and url_has_allowed_host_and_scheme(
        target, {request.get_host()}
    )
    if is_ours:
        session["next"] = target


@never_cache
@require_http_methods(["GET", "POST"])
@open_page
def code(request: Any) -> HttpResponse:
    session = request.member_session
    phone = unseal(session.get("phone"))
    if phone is None:
        return HttpResponseRedirect(reverse("member:log_in"))
    form = CodeForm(sent(request))
    if request.method == "POST" and form.is_valid():
        now = clock.now()
        try:
            messaging.verify_one_time_code(
                actor=_door(request), phone=phone, purpose=PURPOSE, code=form.cleaned_data["code"], now=now
            )
        except Problem as problem:
            form.add_error("code", problem.sentence)
        else:
            return _proved(request, phone, now)
    context = {
        "form": form,
        "masked": customers.masked("phone", phone),
        "is_demo": settings.DEMO,
        "outbox_url": OUTBOX_URL,
    }
    return render(request, "member/code.html", context, status=422 if form.errors else 200)


def _proved(request: Any, phone: str, now: dt.datetime) -> HttpResponse:
    """The phone is theirs: in, if a member has it; otherwise to the form to join."""
    session = request.member_session
    person_id = customers.person_id_by("phone", phone)
    member_id = None if person_id is None else loyalty.member_id_of_person(person_id)
    if member_id is None or person_id is None:
        origin, invite = session.get("origin"), session.get("invite", "")
        sessions.renew(session)
        session["joining"] = {
            "phone": seal(phone),
            "proved_at": now.isoformat(),
            "origin": origin,
            "invite": invite,
        }
        return HttpResponseRedirect(reverse("member:join"))
    return _enter(request, member_id, person_id)


def _enter(request: Any, member_id: int, person_id: int) -> HttpResponse:
    target = request.member_session.get("next") or reverse("member:home")
    sessions.log_in(request.member_session, member_id, person_id)
    rotate_token(request)
    response = HttpResponseRedirect(target)
    device = keep_device(request, response)
    engagement_operations.see_device(
        actor=_door(request), member_id=member_id, device=device, now=clock.now()
    )
    return response


@never_cache
@require_http_methods(["GET", "POST"])
@open_page
def join(request: Any) -> HttpResponse:
    """Name and consents; the phone was proved just before."""
    now = clock.now()
    joining = _joining(request)
    if joining is None or now - dt.datetime.fromisoformat(joining["proved_at"]) > CODE_PROVES_FOR:
        return HttpResponseRedirect(reverse("member:log_in"))
    policy = privacy.current_policy(organization.default_group().id)
    form = JoinForm(sent(request), terms=policy.terms, today=now.date())
    if request.method == "POST" and form.is_valid():
        try:
            enrolled = _enroll(request, form, joining, policy.version, now)
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            return _enter(request, enrolled.member_id, enrolled.person_id)
    context = {"form": form, "policy": policy, "masked": customers.masked("phone", joining["phone"])}
    return render(request, "member/join.html", context, status=422 if form.errors else 200)


def _joining(request: Any) -> dict[str, Any] | None:
    """What the code proved, with the phone as text."""
    joining = request.member_session.get("joining")
    phone = unseal(joining["phone"]) if joining else None
    return joining | {"phone": phone} if phone else None


def _enroll(request: Any, form: JoinForm, joining: dict[str, Any], version: str, now: dt.datetime) -> Any:
    origin = Origin.of_json(joining["origin"])
    data = form.cleaned_data
    return engagement_operations.join_invited(
        actor=_door(request),
        code=joining.get("invite", ""),
        device=device_of(request),
        address=address_of(request) or "",
        name=data["name"],
        phone=joining["phone"],
        phone_verified=True,
        sex=data["sex"],
        birthday=data["birthday"],
        birthday_calendar=data["birthday_calendar"],
        mall_id=origin.mall_id,
        merchant_id=origin.merchant_id,
        source=origin.source,
        associate_id=origin.associate_id,
        consents=form.decisions,
        policy_version=version,
        method="member-app",
        evidence={
            "address": address_of(request),
            "agent": request.headers.get("User-Agent", "")[:200],
            "language": get_language(),
            "phone_proved_at": joining["proved_at"],
        },
        now=now,
    )


def _silence(request: Any) -> None:
    """Whoever uses this browser next is not to read this member's notifications."""
    person_id = request.member_session.get(sessions.PERSON_ID)
    device_id = sessions.push_device(request.member_session)
    if person_id is None or device_id is None:
        return
    try:
        messaging.remove_push_device(
            actor=customers.viewer_of_person(person_id),
            person_id=person_id,
            device_id=device_id,
            why="log_out",
            now=clock.now(),
        )
    except NotFound:
        return  # it was gone already


@require_POST
@open_page
def log_out(request: Any) -> HttpResponse:
    """Also asks the browser to forget what it kept of these pages."""
    _silence(request)
    sessions.log_out(request.member_session)
    rotate_token(request)
    response = HttpResponseRedirect(reverse("member:log_in"))
    response["Clear-Site-Data"] = '"cache"'
    return response
