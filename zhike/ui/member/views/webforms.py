"""Forms filled in on a phone or at a kiosk: by whoever has the link, or by the member whose session it is."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from zhike.customers import queries as customers
from zhike.kernel import clock, ratelimit
from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.errors import Problem, TooMany
from zhike.messaging import operations as messaging
from zhike.organization import queries as organization
from zhike.ui.components import webforms as words
from zhike.ui.components.sealed import seal, unseal
from zhike.ui.components.staff import address_of, request_id_of
from zhike.ui.member.access import SignedIn, open_page, signed_in
from zhike.webforms import operations, queries

ANSWERS_PER_MINUTE_AND_ADDRESS, ANSWERS_PER_MINUTE_AND_FORM, CODES_PER_MINUTE_AND_ADDRESS = 20, 600, 5
PROOF_SALT, PHONE_SALT = "zhike.member.web-form", "zhike.member.web-form-phone"
PURPOSE = "verify_phone"
PHONE_PROVED_FOR = dt.timedelta(minutes=30)
SIGNATURE_CHARACTERS_MAX = 200_000
_MEMBERS_AT_HOME = gettext_lazy("Members open this form on their own phone, where they are logged in.")


def _door(request: HttpRequest) -> Viewer:
    return system_viewer("form-link", request_id=request_id_of(request))


@never_cache
@require_http_methods(["GET", "POST"])
@open_page
def fill_in(request: Any, code: str) -> HttpResponse:
    """The link of a form; a member who is logged in answers as themselves."""
    return _fill_in(request, code, signed_in(request), is_kiosk=False)


@never_cache
@require_http_methods(["GET", "POST"])
@open_page
def kiosk(request: Any, code: str) -> HttpResponse:
    """The same on a screen that stands in the mall: nobody is logged in there, and after thanks it begins anew."""
    return _fill_in(request, code, None, is_kiosk=True)


def _fill_in(request: Any, code: str, member: SignedIn | None, *, is_kiosk: bool) -> HttpResponse:
    now = clock.now()
    form = queries.open_form(code, now)
    if form.members_only and member is None and not is_kiosk:
        return HttpResponseRedirect(f"{reverse('member:log_in')}?next={request.path}")
    if request.method == "GET":
        if form.state != "open":
            return _done(request, form)
        if form.members_only and is_kiosk:
            return _done(request, form, problem=str(_MEMBERS_AT_HOME), members="1", status=403)
        return _show(request, form, member, is_kiosk=is_kiosk)
    for key, limit in (
        (f"form:{address_of(request)}", ANSWERS_PER_MINUTE_AND_ADDRESS),
        (f"form-all:{form.id}", ANSWERS_PER_MINUTE_AND_FORM),
    ):
        allowed = ratelimit.check(key, limit)
        if not allowed.allowed:
            raise TooMany(retry_after=allowed.retry_after)
    proof = _proof(request, form.id, now)
    given, files = _given(request, form.definition)
    if proof is None or request.POST.get("website"):
        return _show(request, form, member, is_kiosk=is_kiosk, problem=_stale(), given=given, status=422)
    try:
        operations.answer_form(
            actor=_door(request),
            code=code,
            version=proof["version"],
            nonce=proof["nonce"],
            channel="kiosk" if is_kiosk else "member" if member else "link",
            given=given,
            files=files,
            person_id=member.person_id if member else None,
            proved_phone=_proved_phone(request, now),
            shown_at=dt.datetime.fromisoformat(proof["shown_at"]),
            now=now,
        )
    except (operations.FormFull, operations.FormNotOpen, operations.AnsweredBefore) as problem:
        return _done(request, queries.open_form(code, now), problem=problem.sentence, status=problem.status)
    except Problem as problem:
        return _show(
            request, form, member, is_kiosk=is_kiosk, problem=problem.sentence, given=given, faults=problem.fields,
            proof=request.POST["proof"] if proof["version"] == form.version else "", status=problem.status,
        )  # fmt: skip
    again = reverse("member:form_kiosk", args=[code]) if is_kiosk else ""
    return _done(
        request, form, thanks=form.definition.thanks or _("Your answer has arrived."), again_url=again
    )


def _stale() -> str:
    return _("This form has waited too long. Please send it once more.")


def _show(
    request: HttpRequest,
    form: queries.OpenForm,
    member: SignedIn | None,
    *,
    is_kiosk: bool,
    problem: str = "",
    given: Mapping[str, Any] | None = None,
    faults: Mapping[str, list[str]] | None = None,
    proof: str = "",
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    fresh = {"nonce": uuid.uuid4().hex, "form": form.id, "version": form.version, "shown_at": now.isoformat()}
    enrol = form.definition.enrol
    phone = _proved_phone(request, now) if request.method == "POST" else ""
    context = {
        "form": form,
        "form_code": form.code,
        "house": organization.default_group().name,
        "rows": words.rows_of(form.definition, given, faults),
        "proof": proof or signing.dumps(fresh, salt=PROOF_SALT),
        "problem": problem,
        "is_kiosk": is_kiosk,
        "member_name": member.file.person.name if member else "",
        "proving": enrol.phone if enrol and enrol.needs_code and member is None else "",
        "phone_proof": request.POST.get("phone_proof", "") if phone else "",
        "masked": customers.masked("phone", phone) if phone else "",
    }
    return render(request, "member/form.html", context, status=status)


def _done(request: HttpRequest, form: queries.OpenForm, *, status: int = 200, **context: str) -> HttpResponse:
    house = organization.default_group().name
    return render(request, "member/form_done.html", {"form": form, "house": house, **context}, status=status)


def _proof(request: HttpRequest, form_id: int, now: dt.datetime) -> dict[str, Any] | None:
    """Which sheet of this form was shown, and when; None for one that we never showed, or too long ago."""
    try:
        proof = signing.loads(request.POST.get("proof", ""), salt=PROOF_SALT)
    except signing.BadSignature:
        return None
    age = now - dt.datetime.fromisoformat(proof["shown_at"])
    return proof if proof["form"] == form_id and age < queries.FORM_LASTS else None


def _given(
    request: HttpRequest, definition: queries.Definition
) -> tuple[dict[str, Any], dict[str, list[queries.Upload]]]:
    """What was sent, field by field."""
    given: dict[str, Any] = {}
    files: dict[str, list[queries.Upload]] = {}
    post = request.POST
    for one in definition.asked:
        if one.kind == "many":
            given[one.key] = post.getlist(one.key)
        elif one.kind == "matrix":
            said = {row: post.get(f"{one.key}.{place}", "") for place, row in enumerate(one.rows)}
            given[one.key] = {row: option for row, option in said.items() if option}
        else:
            given[one.key] = post.get(one.key, "")
        if one.kind == "file":
            sent = request.FILES.getlist(one.key)[: queries.FILES_MAX + 1]
            files[one.key] = [
                queries.Upload(file.name or "", file.read(queries.FILE_BYTES_MAX + 1)) for file in sent
            ]
        elif one.kind == "signature" and (drawn := _drawn(post.get(f"{one.key}.png", ""))):
            files[one.key] = [queries.Upload("signature.png", drawn)]
    return given, files


def _drawn(address: str) -> bytes:
    """The picture of a data address; nothing if it is none."""
    head, _comma, body = address.partition(",")
    if head != "data:image/png;base64" or len(body) > SIGNATURE_CHARACTERS_MAX:
        return b""
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return b""


# --- a phone is proved before the form is sent ---------------------------------------------------------------------


@require_POST
@open_page
def send_code(request: Any, code: str) -> HttpResponse:
    """A one-time code to the phone that was typed."""
    now = clock.now()
    phone = _typed_phone(request, code, now)
    if queries.open_form(code, now).state != "open":
        return _proving(request, code, problem=str(operations.FormNotOpen.title))
    try:
        decision = ratelimit.check(f"form-code:{address_of(request)}", CODES_PER_MINUTE_AND_ADDRESS, now=now)
        if not decision.allowed:
            raise TooMany(retry_after=decision.retry_after)
        messaging.send_one_time_code(
            actor=_door(request), phone=phone, purpose=PURPOSE, language=get_language() or "", now=now
        )
    except Problem as problem:
        return _proving(request, code, problem=problem.sentence)
    return _proving(request, code, sent=True)


@require_POST
@open_page
def prove(request: Any, code: str) -> HttpResponse:
    """The code of the message: from now on the sheet carries the proof."""
    now = clock.now()
    phone = _typed_phone(request, code, now)
    try:
        messaging.verify_one_time_code(
            actor=_door(request),
            phone=phone,
            purpose=PURPOSE,
            code=request.POST.get("phone_code", "")[:12],
            now=now,
        )
    except Problem as problem:
        return _proving(request, code, sent=True, problem=problem.sentence)
    normal = customers.normalised("phone", phone) or ""
    proof = signing.dumps({"phone": seal(normal), "proved_at": now.isoformat()}, salt=PHONE_SALT)
    return _proving(request, code, phone_proof=proof, masked=customers.masked("phone", normal))


def _typed_phone(request: HttpRequest, code: str, now: dt.datetime) -> str:
    enrol = queries.open_form(code, now).definition.enrol
    return request.POST.get(enrol.phone, "")[:30].replace("\x00", "") if enrol and enrol.needs_code else ""


def _proving(request: HttpRequest, code: str, **context: Any) -> HttpResponse:
    context |= {"form_code": code, "is_demo": settings.DEMO}
    return render(request, "member/_form_proof.html", context)


def _proved_phone(request: HttpRequest, now: dt.datetime) -> str:
    try:
        proof = signing.loads(request.POST.get("phone_proof", ""), salt=PHONE_SALT)
    except signing.BadSignature:
        return ""
    if now - dt.datetime.fromisoformat(proof["proved_at"]) > PHONE_PROVED_FOR:
        return ""
    return unseal(proof["phone"]) or ""
