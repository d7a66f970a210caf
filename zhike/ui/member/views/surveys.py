"""Surveys: one page for a thumb. By a signed link in a message, or by the code of a place; no log-in, no name asked."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from zhike.kernel import clock, ratelimit
from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.clock import business_date
from zhike.kernel.errors import Problem, TooMany
from zhike.organization import queries as organization
from zhike.service import operations, queries
from zhike.ui.components.staff import address_of, request_id_of

ANSWERS_PER_MINUTE_AND_ADDRESS = 20
FORM_LASTS = dt.timedelta(hours=2)
DEVICE_COOKIE = "zhike_here"
SALT = "zhike.member.survey-form"
ENDS = {
    "csat": (gettext_lazy("Not at all content"), gettext_lazy("Very content")),
    "nps": (gettext_lazy("Certainly not"), gettext_lazy("Most certainly")),
    "ces": (gettext_lazy("Very hard"), gettext_lazy("Very easy")),
}


def _door(request: HttpRequest) -> Viewer:
    return system_viewer("survey-link", request_id=request_id_of(request))


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a message. Whoever holds it may answer, once; it opens nothing else, so it needs no log-in."""
    now = clock.now()
    form = queries.invitation_form(token, now)
    if request.method == "GET":
        operations.open_invitation(actor=_door(request), token=token, now=now)
        return _show(request, form)

    def send(score: int, comment: str, answers: dict[str, Any]) -> str:
        return operations.answer_invitation(
            actor=_door(request), token=token, score=score, comment=comment, answers=answers, now=now
        )

    return _take(request, form, send)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def by_place(request: HttpRequest, code: str) -> HttpResponse:
    """The code of a place, scanned by whoever stands there: one answer a device and day, forms that were really shown."""
    now = clock.now()
    form = queries.touchpoint_form(code)
    device = request.COOKIES.get(DEVICE_COOKIE, "")[:64] or uuid.uuid4().hex
    if request.method == "GET":
        operations.open_touchpoint(actor=_door(request), code=code, now=now)
        response = _show(request, form, proof=signing.dumps(uuid.uuid4().hex, salt=SALT))
        response.set_cookie(
            DEVICE_COOKIE, device, max_age=dt.timedelta(days=1), httponly=True, samesite="Lax"
        )
        return response
    nonce = _proven(request.POST.get("proof", ""))
    if nonce is None or request.POST.get("website"):
        return _show(
            request, form, proof=signing.dumps(uuid.uuid4().hex, salt=SALT), problem=_stale(), status=422
        )

    def send(score: int, comment: str, answers: dict[str, Any]) -> str:
        return operations.answer_touchpoint(
            actor=_door(request),
            code=code,
            nonce=nonce,
            device=_device(device, code, now),
            score=score,
            comment=comment,
            answers=answers,
            now=now,
        )

    return _take(request, form, send)


def _stale() -> str:
    return _("This form has waited too long. Please send it once more.")


def _proven(proof: str) -> str | None:
    """The name of a form that we showed in the last two hours."""
    try:
        return str(signing.loads(proof, salt=SALT, max_age=FORM_LASTS))
    except signing.BadSignature:
        return None


def _device(device: str, code: str, now: dt.datetime) -> bytes:
    day = business_date(now, "Asia/Shanghai").isoformat()
    return hashlib.sha256(salted_hmac(SALT, f"{device}|{code}|{day}").digest()).digest()


def _take(
    request: HttpRequest, form: queries.FormView, send: Callable[[int, str, dict[str, Any]], str]
) -> HttpResponse:
    """Read what was tapped, hand it on once, and say thanks, or what is missing."""
    allowed = ratelimit.check(f"survey:{address_of(request)}", ANSWERS_PER_MINUTE_AND_ADDRESS)
    if not allowed.allowed:
        raise TooMany(retry_after=allowed.retry_after)
    score = request.POST.get("score", "")
    answers = {
        str(place): request.POST.getlist(f"q{place}")
        if one["type"] == "many"
        else request.POST.get(f"q{place}", "")
        for place, one in enumerate(form.questions)
    }
    number = int(score) if score.isascii() and score.isdecimal() and len(score) < 3 else -1
    comment = request.POST.get("comment", "").replace("\x00", "")
    try:
        thanks = send(number, comment, answers)
    except Problem as problem:
        kept = {"score": number, "answers": answers, "comment": comment}
        proof = request.POST.get("proof", "")
        return _show(request, form, proof=proof, problem=problem.sentence, kept=kept, status=problem.status)
    context = {"thanks": thanks, "house": organization.default_group().name, "score": number, "form": form}
    return render(request, "member/survey_thanks.html", context)


def _show(
    request: HttpRequest,
    form: queries.FormView,
    *,
    proof: str = "",
    problem: str = "",
    kept: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    house = organization.default_group().name
    if form.state != "open" and not problem:
        context = {"thanks": "", "state": form.state, "house": house, "form": form}
        return render(request, "member/survey_thanks.html", context)
    kept = kept or {"score": -1, "answers": {}, "comment": ""}
    context = {
        "form": form,
        "house": house,
        "proof": proof,
        "problem": problem,
        "kept": kept,
        "ends": ENDS[form.kind],
        "questions": [
            {"name": f"q{place}", "given": kept["answers"].get(str(place), ""), **one}
            for place, one in enumerate(form.questions)
        ],
    }
    return render(request, "member/survey.html", context, status=status)
