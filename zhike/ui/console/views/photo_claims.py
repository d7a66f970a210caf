"""Photographed receipts: the queue, and one beside its picture with what speaks against it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.kernel.errors import Problem
from zhike.loyalty import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components import photo_claims as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.photo_claims import PaperForm, RefusePhotoForm
from zhike.ui.console.pages import add_problem, carry_out, done, fragment, malls_of, page, wants_fragment

REVIEW = "photo_claims.review"
SECTION = "photo_claims"
QUEUES = {
    "open": gettext_lazy("To be looked at"),
    "given": pgettext_lazy("photographed receipts", "Given"),
    "refused": pgettext_lazy("photographed receipts", "Refused"),
    "all": pgettext_lazy("photographed receipts", "All"),
}


@staff_page(REVIEW)
def photo_claims(request: StaffRequest) -> HttpResponse:
    queue = request.GET.get("queue", "open")
    queue = queue if queue in QUEUES else "open"
    found = queries.photo_claims(
        request.viewer, queue, request.GET.get("cursor"), mall_id=malls_of(request).chosen_id
    )
    rows = [(one, [words.told(each) for each in one.suspicions]) for one in found.items]
    context: dict[str, Any] = {
        "page": found, "rows": rows, "queue": queue, "states": words.STATES, "tones": words.TONES,
    }  # fmt: skip
    if wants_fragment(request):
        return fragment(request, "console/photo_claims/_rows.html", context)
    here = reverse("console:photo_claims")
    context["tabs"] = [
        {
            "label": label,
            "url": f"{here}?queue={name}",
            "active": name == queue,
            "badge": queries.photo_claims_waiting(request.viewer) or "" if name == "open" else "",
        }
        for name, label in QUEUES.items()
    ]
    return page(request, "console/photo_claims/list.html", context, section=SECTION)


@staff_page(REVIEW)
def photo_claim(request: StaffRequest, claim_id: UUID) -> HttpResponse:
    """One beside its picture; a POST says yes to what stands in the form."""
    file = queries.photo_claim(request.viewer, claim_id)
    claim = file.claim
    form = PaperForm(
        request.POST or None,
        merchants=_merchants(request, claim),
        initial={
            "merchant": claim.merchant_id, "number": claim.number, "till": claim.till,
            "business_date": claim.business_date, "bought_at": claim.bought_at, "net_fen": claim.net_fen,
        },
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            outcome = _approve(request, claim_id, form)
        except Problem as problem:
            add_problem(form, problem)
        else:
            said = (
                _("Somebody else has to look at it now.")
                if outcome.state == "second"
                else _("Given: %(points)s points.") % {"points": f"{outcome.points:,}"}
            )
            return done(request, said, _next(request))
    context = {
        "file": file,
        "claim": claim,
        "form": form,
        "state": words.STATES[claim.state],
        "tone": words.TONES[claim.state],
        "told": [words.told(one) for one in claim.suspicions],
        "reason": words.REASONS.get(claim.reason, ""),
        "corrected": words.corrected(claim.corrections),
        "earlier": [(words.STATES[state], count) for state, count in sorted(file.earlier.items())],
        "states": words.STATES,
        "is_first": claim.state == "waiting" and claim.net_fen > file.second_fen,
    }
    status = 422 if form.is_bound else 200
    return page(request, "console/photo_claims/claim.html", context, section=SECTION, status=status)


def _merchants(request: StaffRequest, claim: queries.PhotoClaimView) -> list[tuple[int, str]]:
    """Of the claim's mall, those the viewer may decide about."""
    found = organization.merchants(request.viewer, claim.mall_id, REVIEW)
    return [(one.id, one.name) for one in found]


def _approve(request: StaffRequest, claim_id: UUID, form: PaperForm) -> operations.PhotoOutcome:
    data = form.cleaned_data
    paper = operations.PaperReceipt(
        data["merchant"],
        data["number"],
        data["business_date"],
        data["net_fen"],
        data["till"],
        data["bought_at"],
    )
    return operations.approve_photo(actor=request.viewer, claim_id=claim_id, paper=paper, now=request.now)


def _next(request: StaffRequest) -> str:
    """The next one that waits, or the empty queue."""
    waiting = [
        one for one in queries.photo_claims(request.viewer, "open", limit=20).items if one.state == "waiting"
    ]
    return (
        reverse("console:photo_claim", args=[waiting[0].id]) if waiting else reverse("console:photo_claims")
    )


@staff_page(REVIEW)
def picture(request: StaffRequest, claim_id: UUID) -> HttpResponse:
    return HttpResponse(queries.photo_of_claim(request.viewer, claim_id), content_type="image/jpeg")


@staff_page(REVIEW)
def refuse(request: StaffRequest, claim_id: UUID) -> HttpResponse:
    """A dialog: the reason, and words for the member."""
    queries.photo_claim(request.viewer, claim_id)
    form = RefusePhotoForm(request.POST or None)

    def act() -> None:
        operations.refuse_photo(actor=request.viewer, claim_id=claim_id, now=request.now, **form.cleaned_data)

    return carry_out(
        request, form, act, success=_("Refused; the member is told why."), url=reverse("console:photo_claims"),
        title=_("Refuse this photo"),
    )  # fmt: skip
