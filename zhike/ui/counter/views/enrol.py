"""A new member in three taps: phone, name and consents, done."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from zhike.customers import queries as customers
from zhike.kernel.clock import business_date
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty_operations
from zhike.loyalty import queries as loyalty
from zhike.messaging import operations as messaging
from zhike.organization import queries as organization
from zhike.privacy import queries as privacy
from zhike.ui.components.sealed import seal, unseal
from zhike.ui.components.sending import sent
from zhike.ui.components.staff import address_of, staff_page
from zhike.ui.counter import presented
from zhike.ui.counter import till as tills
from zhike.ui.counter.forms import EnrolCodeForm, EnrolForm, EnrolPhoneForm
from zhike.ui.counter.once import run_once
from zhike.ui.counter.page import page
from zhike.ui.counter.till import Done, Till

ENROL = "members.enroll"
STATE = "counter_enrol"
PURPOSE = "enroll"
CODE_NEVER, CODE_OPTIONAL, CODE_REQUIRED = "never", "optional", "required"


def _code_policy() -> str:
    """Whether the customer's phone is proved by a code first: never, optional (the cashier decides) or required."""
    return str(getattr(settings, "COUNTER_ENROLMENT_CODE", CODE_OPTIONAL))


@require_http_methods(["GET", "POST"])
@staff_page(ENROL)
def phone(request: Any) -> HttpResponse:
    """The first tap. Whoever is a member already is shown as such."""
    till = tills.till_of(request)
    if till is None:
        return HttpResponseRedirect(reverse("counter:till"))
    initial = {"phone": unseal(request.session.pop("counter_phone", "")) or ""}
    form = EnrolPhoneForm(sent(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        normal = customers.normalised("phone", form.cleaned_data["phone"])
        if normal is None:
            form.add_error("phone", _("This is not a phone number."))
        elif (known := _member_with(normal)) is not None:
            presented.present(request, known)
            return page(request, "enrol_known", presented.shown_as(presented.member_file(request, known)))
        else:
            return _go_on(request, form, normal)
    context = {"form": form, "code_policy": _code_policy(), "join_url": _join_url(request, till)}
    return page(request, "enrol_phone", context, status=422 if form.errors else 200)


def _go_on(request: Any, form: EnrolPhoneForm, normal: str) -> HttpResponse:
    wants_code = _code_policy() == CODE_REQUIRED or (
        _code_policy() == CODE_OPTIONAL and request.POST.get("go") == "code"
    )
    request.session[STATE] = {"phone": seal(normal), "is_proved": False}
    if not wants_code:
        return HttpResponseRedirect(reverse("counter:enrol_details"))
    try:
        messaging.send_one_time_code(
            actor=request.viewer,
            phone=normal,
            purpose=PURPOSE,
            language=get_language() or "",
            now=request.now,
        )
    except Problem as problem:
        form.add_error("phone", problem.sentence)
        context = {"form": form, "code_policy": _code_policy()}
        return page(request, "enrol_phone", context, status=422)
    return HttpResponseRedirect(reverse("counter:enrol_code"))


def _state(request: Any) -> dict[str, Any] | None:
    """Whose enrolment is under way, the phone as text."""
    state = request.session.get(STATE)
    phone = unseal(state["phone"]) if state else None
    return state | {"phone": phone} if phone else None


def _member_with(normal: str) -> int | None:
    person_id = customers.person_id_by("phone", normal)
    return None if person_id is None else loyalty.member_id_of_person(person_id)


def _join_url(request: Any, till: Till) -> str:
    """For the customer's own phone: the same enrolment there, with this till as its source."""
    place = f"merchant={till.merchant.id}" if till.merchant else f"mall={till.mall.id}"
    return str(request.build_absolute_uri(f"/m/login/?{place}&via=till"))


@require_http_methods(["GET", "POST"])
@staff_page(ENROL)
def code(request: Any) -> HttpResponse:
    state = _state(request)
    if state is None:
        return HttpResponseRedirect(reverse("counter:enrol"))
    form = EnrolCodeForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            messaging.verify_one_time_code(
                actor=request.viewer,
                phone=state["phone"],
                purpose=PURPOSE,
                code=form.cleaned_data["code"],
                now=request.now,
            )
        except Problem as problem:
            form.add_error("code", problem.sentence)
        else:
            request.session[STATE] = {"phone": seal(state["phone"]), "is_proved": True}
            return HttpResponseRedirect(reverse("counter:enrol_details"))
    context = {"form": form, "masked": customers.masked("phone", state["phone"]), "is_demo": settings.DEMO}
    return page(request, "enrol_code", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@staff_page(ENROL)
def details(request: Any) -> HttpResponse:
    """The second tap: name and consents."""
    state, till = _state(request), tills.till_of(request)
    if state is None or till is None or (_code_policy() == CODE_REQUIRED and not state["is_proved"]):
        return _or_what_was_done(request)
    policy = privacy.current_policy(organization.default_group().id)
    today = business_date(request.now, till.mall.time_zone)
    form = EnrolForm(sent(request), terms=policy.terms, today=today)
    if request.method == "POST" and form.is_valid():
        try:
            body = run_once(
                request, form, "enrol", lambda: _enroll(request, form, state, till, policy.version)
            ).body
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            return _enrolled(request, form, body)
    context = {"form": form, "policy": policy, "masked": customers.masked("phone", state["phone"])}
    return page(request, "enrol_details", context, status=422 if form.errors else 200)


def _or_what_was_done(request: Any) -> HttpResponse:
    """The phone is forgotten once enrolled: the same form sent again leads to what it did the first time."""
    token = request.POST.get("token", "")
    if tills.recall(request, token):
        return HttpResponseRedirect(reverse("counter:done", args=[token]))
    return HttpResponseRedirect(reverse("counter:enrol"))


def _enroll(request: Any, form: EnrolForm, state: dict[str, Any], till: Till, version: str) -> dict[str, Any]:
    data = form.cleaned_data
    enrolled = loyalty_operations.enroll_member(
        actor=request.viewer,
        name=data["name"],
        phone=state["phone"],
        sex=data["sex"],
        birthday=data["birthday"],
        mall_id=till.mall.id,
        merchant_id=till.merchant.id if till.merchant else None,
        source="counter",
        consents=form.decisions,
        policy_version=version,
        method="counter",
        evidence={
            "till": till.name,
            "staff": request.staff_id,
            "address": address_of(request),
            "language": get_language(),
        },
        phone_verified=state["is_proved"],
        now=request.now,
    )
    return {"member_id": enrolled.member_id, "number": enrolled.number, "existing": enrolled.existing}


def _enrolled(request: Any, form: EnrolForm, body: dict[str, Any]) -> HttpResponse:
    till = tills.till_of(request)
    assert till is not None
    presented.present(request, body["member_id"])
    tills.remember(
        request,
        Done(
            token=form.key,
            kind="enrol",
            at=request.now.isoformat(),
            member_id=body["member_id"],
            member=customers.masked_field("name", form.cleaned_data["name"]) or "",
            is_repeat=body["existing"],
            details={"number": body["number"], "app_url": _join_url(request, till)},
        ),
    )
    request.session.pop(STATE, None)
    return HttpResponseRedirect(reverse("counter:done", args=[uuid.UUID(form.key)]))
