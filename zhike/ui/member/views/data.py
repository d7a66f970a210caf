"""What we keep of a member, and what they may do about it: a copy, a correction, less use, and leaving."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.kernel.errors import NotFound, Problem
from zhike.rights import operations, queries
from zhike.ui.components.rights_labels import named
from zhike.ui.components.sending import sent
from zhike.ui.member.access import SignedIn, member_page
from zhike.ui.member.dock import page
from zhike.ui.member.forms import CloseForm, CorrectionForm

ASKED_AT_ONCE = ("access", "restriction")


@require_safe
@member_page
def own_data(request: Any) -> HttpResponse:
    """Generated from the catalogue: what is kept, what for, and what stays when somebody leaves."""
    member: SignedIn = request.member
    found = queries.own_requests(member.viewer, member.person_id, member.now)
    context = {
        "lines": queries.lines(),
        "requests": found,
        "ready": next((row for row in found if row.state == "ready"), None),
        "closing": next(
            (row for row in found if row.kind == "closing" and row.state in ("waiting", "blocked")), None
        ),
        "is_restricted": member.file.person.status == "restricted",
        "downloads_max": queries.DOWNLOADS_MAX,
    }
    return page(request, "data", context, active="profile")


@require_POST
@member_page
def ask(request: Any, kind: str) -> HttpResponse:
    """A copy, which is ready at once, or less use, which holds at once."""
    member: SignedIn = request.member
    if kind not in ASKED_AT_ONCE:
        raise NotFound
    said = {
        "access": _("Your copy is ready: download it below."),
        "restriction": _("Your data are kept and no longer used for offers or personal recommendations."),
    }
    return _try(
        request,
        lambda: operations.ask(
            actor=member.viewer, person_id=member.person_id, kind=kind, door="member_app", now=member.now
        ),
        said[kind],
    )


@require_POST
@member_page
def lift(request: Any) -> HttpResponse:
    member: SignedIn = request.member
    return _try(
        request,
        lambda: operations.lift_restriction(actor=member.viewer, person_id=member.person_id, now=member.now),
        _("We use your data again for your membership. Consents stay as they are until you change them."),
    )


@require_POST
@member_page
def cancel(request: Any, request_id: int) -> HttpResponse:
    member: SignedIn = request.member
    return _try(
        request,
        lambda: operations.cancel(actor=member.viewer, request_id=request_id, now=member.now),
        _("It is called off."),
    )


@require_POST
@member_page
def download(request: Any, request_id: int) -> HttpResponse:
    """A ZIP, made for this answer and kept nowhere."""
    member: SignedIn = request.member
    try:
        name, content = operations.download(
            actor=member.viewer, request_id=request_id, named=named, now=member.now
        )
    except Problem as problem:
        messages.error(request, problem.sentence)
        return HttpResponseRedirect(reverse("member:data"))
    response = HttpResponse(content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_http_methods(["GET", "POST"])
@member_page
def correct(request: Any) -> HttpResponse:
    """What members cannot change themselves any more is asked for, with what shows it."""
    member: SignedIn = request.member
    form = CorrectionForm(sent(request), today=member.now.date())
    if request.method == "POST" and form.is_valid():
        try:
            operations.ask(
                actor=member.viewer, person_id=member.person_id, kind="correction", door="member_app",
                note=form.cleaned_data["note"], changes=form.changes, now=member.now,
            )  # fmt: skip
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            messages.success(request, _("Thank you. A colleague looks at it; you find the answer here."))
            return HttpResponseRedirect(reverse("member:data"))
    return page(request, "correct", {"form": form}, active="profile", status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@member_page
def close(request: Any) -> HttpResponse:
    """What is lost is told first; then it can be called off for some days."""
    member: SignedIn = request.member
    form = CloseForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            operations.ask(
                actor=member.viewer,
                person_id=member.person_id,
                kind="closing",
                door="member_app",
                now=member.now,
            )
        except Problem as problem:
            form.add_error(None, problem.sentence)
        else:
            messages.success(request, _("Your account will be closed. You can call it off here until then."))
            return HttpResponseRedirect(reverse("member:data"))
    loss = queries.would_lose(member.viewer, member.person_id, member.now)
    context = {
        "form": form,
        "loss": loss,
        "blocks": [queries.block_sentence(one) for one in loss.blocks],
        "waiting_days": queries.WAITING_DAYS,
    }
    return page(request, "close_account", context, active="profile", status=422 if form.errors else 200)


def _try(request: Any, act: Any, success: str) -> HttpResponse:
    try:
        act()
    except Problem as problem:
        messages.error(request, problem.sentence)
    else:
        messages.success(request, success)
    return HttpResponseRedirect(reverse("member:data"))
