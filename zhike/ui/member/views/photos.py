"""Receipts handed in by photograph: sent, followed, taken back."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from zhike.kernel.clock import business_date
from zhike.kernel.errors import Problem
from zhike.loyalty import operations, queries
from zhike.ui.components import photo_claims as words
from zhike.ui.components.sending import sent
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.forms import PICTURES, PhotoForm
from zhike.ui.member.once import run_once
from zhike.ui.member.views.receipts import merchants_by_mall, not_too_often

ROWS = 20


@require_safe
@member_page
def photos(request: Any) -> HttpResponse:
    """All that were handed in, the newest first."""
    member: SignedIn = request.member
    found = queries.photo_claims_of(member.viewer, member.id, request.GET.get("cursor") or None, ROWS)
    context = {"photos": found}
    if request.htmx:
        return render(request, "member/_photos.html", context)
    return page(request, "photos", context, active="receipts")


@require_http_methods(["GET", "POST"])
@member_page
def hand_in(request: Any) -> HttpResponse:
    """One photograph, and what stands on it. Over htmx a refusal leaves the form, with its picture, as it is."""
    member: SignedIn = request.member
    today = business_date(member.now, settings.TIME_ZONE)
    form = PhotoForm(
        sent(request),
        request.FILES or None,
        merchants=[("", _("Choose the merchant")), *merchants_by_mall()],
        today=today,
        initial={"business_date": today},
    )
    if request.method == "POST" and form.is_valid():
        try:
            not_too_often(member)
            outcome = run_once(request, form, "photo", lambda: _hand_in(member, form))
        except Problem as problem:
            for name, sentences in problem.fields.items():
                form.add_error(name if name in form.fields else None, list(sentences))
            if not problem.fields:
                form.add_error(None, problem.sentence)
        else:
            return _done(request, outcome["claim"], outcome["state"])
    if request.htmx and form.errors:
        return render(request, "member/_photo_faults.html", {"form": form}, status=422)
    context = {
        "form": form,
        "pictures": PICTURES,
        "limit": member.file.programme.photo_claims_day,
        "days": member.file.programme.claim_window_days,
    }
    return page(request, "photo_new", context, active="receipts", status=422 if form.errors else 200)


def _hand_in(member: SignedIn, form: PhotoForm) -> dict[str, Any]:
    data = form.cleaned_data
    outcome = operations.hand_in_photo(
        actor=member.viewer,
        member_id=member.id,
        picture=form.picture.read(operations.PICTURE_BYTES_MAX + 1),
        paper=operations.PaperReceipt(
            data["merchant"],
            data["number"],
            data["business_date"],
            data["amount"],
            data["till"],
            data["bought_at"],
        ),
        now=member.now,
    )
    return {"claim": str(outcome.claim_id), "state": outcome.state}


def _done(request: Any, claim_id: str, state: str) -> HttpResponse:
    if state == "given":
        messages.success(request, _("The receipt is yours now."))
    else:
        messages.success(request, _("We have your photo. You can follow it here."))
    url = reverse("member:photo", args=[claim_id])
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


@require_safe
@member_page
def photo(request: Any, claim_id: uuid.UUID) -> HttpResponse:
    """One of the member's own."""
    claim = queries.own_photo_claim(request.member.viewer, claim_id)
    context = {
        "claim": claim,
        "state": words.MEMBER_STATES[claim.state],
        "tone": words.TONES[claim.state],
        "reason": words.REASONS.get(claim.reason, ""),
        "corrected": words.corrected(claim.corrections),
        "explained": queries.explain_award(claim.receipt_id) if claim.receipt_id else None,
    }
    return page(request, "photo", context, active="receipts")


@require_safe
@member_page
def picture(request: Any, claim_id: uuid.UUID) -> HttpResponse:
    return HttpResponse(queries.photo_of_claim(request.member.viewer, claim_id), content_type="image/jpeg")


@require_POST
@member_page
def withdraw(request: Any, claim_id: uuid.UUID) -> HttpResponse:
    member: SignedIn = request.member
    operations.withdraw_photo(actor=member.viewer, claim_id=claim_id, now=member.now)
    messages.success(request, _("Taken back. The photo is deleted."))
    return HttpResponseRedirect(reverse("member:photos"))
