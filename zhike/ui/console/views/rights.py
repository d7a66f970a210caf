"""The rights desk: what people asked about their data, by when, what is kept of them, and for how long."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import queries as loyalty
from zhike.rights import operations, queries
from zhike.ui.components.rights_labels import RIGHTS_KINDS
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.rights import ApproveForm, AskForm, RefuseForm, RetentionForm
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import carry_out, done, fragment, page, permissions, refused, wants_fragment

VIEW, ASK, HANDLE, APPROVE = "rights.view", "rights.ask", "rights.handle", "rights.approve"
RETENTION = "retention.edit"
SECTION = "rights"
QUEUES = ("open", "late", "done", "all")


@staff_page(VIEW)
def requests(request: StaffRequest) -> HttpResponse:
    """Requests by when they are due; what is late stands first."""
    queue = request.GET.get("queue", "open")
    queue = queue if queue in QUEUES else "open"
    kind = request.GET.get("kind", "")
    found = queries.requests_page(
        request.viewer, queue=queue, kind=kind if kind in queries.KINDS else "", q=request.GET.get("q", ""),
        cursor=request.GET.get("cursor"), now=request.now,
    )  # fmt: skip
    context: dict[str, Any] = {"page": found, "queue": queue, "kind": kind, "query": request.GET.get("q", "")}
    if wants_fragment(request):
        return fragment(request, "console/rights/_rows.html", context)
    names = {
        "open": _("To deal with"),
        "late": _("Past the deadline"),
        "done": _("Closed requests"),
        "all": _("All"),
    }
    context |= {
        "counts": queries.queue_counts(request.viewer, request.now),
        "kinds": RIGHTS_KINDS.items(),
        "tabs": [
            {"label": names[one], "url": f"?queue={one}", "active": one == queue, "badge": ""}
            for one in QUEUES
        ],
    }
    return page(request, "console/rights/list.html", context, section=SECTION)


@staff_page(VIEW)
def request_page(request: StaffRequest, request_id: int) -> HttpResponse:
    found = queries.request_file(request.viewer, request_id, request.now)
    row = found.row
    erases = row.kind in ("erasure", "closing")
    is_open = row.state in ("asked", "waiting", "blocked")
    loss = queries.would_lose(request.viewer, row.person_id, request.now) if erases and is_open else None
    worked = [day for day, why in found.counted if not why]
    context = {
        "file": found,
        "row": row,
        "erases": erases,
        "loss": loss,
        "blocks": [queries.block_sentence(one) for one in loss.blocks] if loss else [],
        "worked_days": len(worked),
        "skipped": [(day, why) for day, why in found.counted if why],
        "steps": _steps(found) if erases and (found.steps or row.state == "working") else [],
        "entries": [entry for entry in found.entries if entry.act != "step"],
        "searched": next(
            (
                rows
                for _c, outcome, _at in found.steps
                for _t, what, _w, rows in outcome
                if what == "searched"
            ),
            0,
        ),
        "may": permissions(request, ask=ASK, handle=HANDLE, approve=APPROVE),
        "is_own": found.asked_by == request.viewer.audit_id,
    }
    return page(request, "console/rights/request.html", context, section=SECTION)


def _steps(found: queries.RequestFile) -> list[dict[str, Any]]:
    """All steps of an erasure, done or to come."""
    done_at = {context: (outcome, at) for context, outcome, at in found.steps}
    return [
        {"context": step, "outcome": done_at[step][0] if step in done_at else [], "at": done_at[step][1] if step in done_at else None}
        for step in operations.STEPS
    ]  # fmt: skip


@staff_page(ASK)
def ask(request: StaffRequest, member_id: int) -> HttpResponse:
    """Take a request down for a member who asks at the desk, on the phone or by letter."""
    file = loyalty.member_file(request.viewer, member_id, request.now)
    form = AskForm(request.POST or None)

    def act() -> None:
        run_once(request, f"rights-{member_id}", form, lambda: _ask(request, file.person.id, form))

    return carry_out(
        request, form, act, success=_("The request is taken down, with its deadline."), url=reverse("console:rights"),
        lead=_(
            "A copy and a restriction take effect at once; an erasure waits for a second person. What should read"
            " otherwise is for a correction only."
        ),
        title=_("A request about their data: %(name)s") % {"name": file.person.name}, wide=True, label=_("Take it down"),
    )  # fmt: skip


def _ask(request: StaffRequest, person_id: int, form: AskForm) -> None:
    operations.ask(
        actor=request.viewer, person_id=person_id, kind=form.cleaned_data["kind"], door="desk",
        note=form.cleaned_data["note"], changes=form.changes, now=request.now,
    )  # fmt: skip


@require_POST
@staff_page(ASK)
def lift(request: StaffRequest, member_id: int) -> HttpResponse:
    file = loyalty.member_file(request.viewer, member_id, request.now)
    operations.lift_restriction(actor=request.viewer, person_id=file.person.id, now=request.now)
    return done(request, _("The restriction is lifted."), reverse("console:member", args=[member_id]))


@staff_page(HANDLE)
def approve(request: StaffRequest, request_id: int) -> HttpResponse:
    row = queries.request_file(request.viewer, request_id, request.now).row
    form = ApproveForm(request.POST or None)

    def act() -> None:
        note = form.cleaned_data["note"]
        operations.approve(actor=request.viewer, request_id=request_id, note=note, now=request.now)

    erases = row.kind == "erasure"
    return carry_out(
        request, form, act, url=reverse("console:rights_request", args=[request_id]),
        success=_("Approved; the erasure begins now.") if erases else _("Approved; the profile is corrected."),
        title=_("Approve %(number)s") % {"number": row.number},
        lead=_("The erasure begins at once and cannot be undone.") if erases else "", label=_("Approve"),
    )  # fmt: skip


@staff_page(HANDLE)
def refuse(request: StaffRequest, request_id: int) -> HttpResponse:
    row = queries.request_file(request.viewer, request_id, request.now).row
    form = RefuseForm(request.POST or None)

    def act() -> None:
        reason = form.cleaned_data["reason"]
        operations.refuse(actor=request.viewer, request_id=request_id, reason=reason, now=request.now)

    return carry_out(
        request, form, act, success=_("The request is refused."), url=reverse("console:rights_request", args=[request_id]),
        title=_("Refuse %(number)s") % {"number": row.number}, label=_("Refuse"),
    )  # fmt: skip


@require_POST
@staff_page(ASK)
def cancel(request: StaffRequest, request_id: int) -> HttpResponse:
    back = reverse("console:rights_request", args=[request_id])
    try:
        operations.cancel(actor=request.viewer, request_id=request_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, back)
    return done(request, _("The request is called off."), back)


@staff_page(VIEW)
def certificate(request: StaffRequest, request_id: int) -> HttpResponse:
    """The signed document with its signature and public key, as one JSON file."""
    found = queries.certificate(request.viewer, request_id)
    if found is None:
        raise NotFound
    whole = {
        "document": json.loads(found.document),
        "canonical": found.document,
        "sha256": found.digest,
        "algorithm": "Ed25519 over the SHA-256 of the canonical document",
        "kid": found.kid,
        "public_key": found.public_key.hex(),
        "signature": found.signature.hex(),
    }
    response = HttpResponse(json.dumps(whole, ensure_ascii=False, indent=1), content_type="application/json")
    number = json.loads(found.document)["request"]
    response["Content-Disposition"] = f'attachment; filename="{number}-certificate.json"'
    return response


@staff_page(VIEW)
def catalogue(request: StaffRequest) -> HttpResponse:
    """Which tables hold what of persons, what for, what an export takes and what an erasure does."""
    contexts = [one for one in queries.catalogue(request.viewer) if one.holdings or one.loose]
    counts = {
        "tables": len({holding.table for one in contexts for holding in one.holdings}),
        "encrypted": sum(len(holding.encrypted) for one in contexts for holding in one.holdings),
        "exported": len({holding.table for one in contexts for holding in one.holdings if holding.export}),
        "kept": len(
            {holding.table for one in contexts for holding in one.holdings if holding.erasure == "keep"}
        ),
    }
    return page(
        request,
        "console/rights/catalogue.html",
        {"contexts": contexts, "counts": counts},
        section="data_catalogue",
    )


@staff_page(VIEW)
def retention(request: StaffRequest) -> HttpResponse:
    """For how long what is kept, and what went in which night."""
    context = {
        "classes": queries.classes(request.viewer),
        "runs": queries.runs(request.viewer),
        "may": permissions(request, edit=RETENTION),
    }
    return page(request, "console/rights/retention.html", context, section="retention")


@staff_page(RETENTION)
def set_retention(request: StaffRequest, code: str) -> HttpResponse:
    known = next((one for one in queries.classes(request.viewer) if one.code == code), None)
    if known is None:
        raise NotFound
    form = RetentionForm(request.POST or None, initial={"days": known.days})

    def act() -> None:
        operations.publish_retention(
            actor=request.viewer, code=code, days=form.cleaned_data["days"], note=form.cleaned_data["note"],
            now=request.now,
        )  # fmt: skip

    return carry_out(
        request, form, act, success=_("The new policy is in force from tonight."), url=reverse("console:retention"),
        title=_("How long to keep"),
        lead=_("At least %(days)s days.") % {"days": known.days_min},
    )  # fmt: skip
