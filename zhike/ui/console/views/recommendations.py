"""The lab of recommendations: one member's list with its reasons, how good the models are, what members do with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.customers import queries as customers
from zhike.insight import operations, queries
from zhike.kernel.access import may_touch, require_touch
from zhike.loyalty import queries as loyalty
from zhike.ui.components import recommend as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console import insight_labels as labels
from zhike.ui.console.pages import done, number_or_404, page

VIEW, EDIT, MEMBERS = "segments.view", "segments.edit", "members.view"
SECTION = "recommendations"
SHOWN, HITS = 10, 8


@staff_page(VIEW)
def recommendations(request: StaffRequest) -> HttpResponse:
    runs = queries.recommend_runs(request.viewer)
    context: dict[str, Any] = {
        "q": request.GET.get("q", "").strip()[:80],
        "cards": [_card(run) for run in _newest(runs)],
        "usage": _usage(request),
        "may": {"fit": may_touch(request.viewer, EDIT), "members": request.viewer.may(MEMBERS)},
    }
    if context["may"]["members"]:
        if request.GET.get("member"):
            context |= _member(request, number_or_404(request.GET["member"]))
        elif context["q"]:
            context["hits"] = _hits(request, context["q"])
    return page(request, "console/recommendations/lab.html", context, section=SECTION)


@require_POST
@staff_page(EDIT)
def fit_recommendations(request: StaffRequest) -> HttpResponse:
    """Some seconds of work: a worker does it."""
    require_touch(request.viewer, EDIT)
    operations.order_recommend_fit(actor=request.viewer, now=request.now)
    return done(
        request, _("The models are being fitted; look again in a minute."), reverse("console:recommendations")
    )


def _hits(request: StaffRequest, text: str) -> list[Mapping[str, Any]]:
    found = customers.search(request.viewer, text, HITS)
    members = {hit.person_id: loyalty.member_id_of_person(hit.person_id) for hit in found}
    return [
        {"name": hit.name, "phone": hit.masked_phone, "member_id": members[hit.person_id]}
        for hit in found
        if members[hit.person_id] is not None
    ]


def _member(request: StaffRequest, member_id: int) -> dict[str, Any]:
    file = loyalty.member_file(request.viewer, member_id, request.now)
    found = queries.recommendations(request.viewer, member_id, request.now, limit=SHOWN)
    parts = (("product", found.products), ("merchant", found.merchants), ("coupon", found.coupons))
    return {
        "file": file,
        "name": customers.masked_field("name", file.person.name),
        "basis": words.basis(found),
        "parts": [(words.KINDS[kind], [_row(one) for one in items]) for kind, items in parts],
    }


def _row(one: queries.Recommended) -> dict[str, Any]:
    return {"one": one, "why": words.reason(one), "source": words.SOURCES[one.source]}


def _newest(runs: Sequence[queries.RecommendRunView]) -> list[queries.RecommendRunView]:
    return [run for kind in ("product", "merchant") for run in [one for one in runs if one.kind == kind][:1]]


def _card(run: queries.RecommendRunView) -> dict[str, Any]:
    methods = run.holdout.get("methods", {})
    return {
        "run": run,
        "kind": words.KINDS[run.kind],
        "seconds": f"{run.took_ms / 1000:.1f}",
        "methods": [
            {"name": label, "is_used": name == "blend", **methods[name]}
            for name, label in labels.RECOMMEND_METHODS.items()
            if name in methods
        ],
    }


def _usage(request: StaffRequest) -> list[dict[str, Any]]:
    if not may_touch(request.viewer, VIEW):
        return []
    return [
        {
            "place": labels.RECOMMEND_PLACES.get(one.place, one.place),
            "kind": words.KINDS.get(one.kind, one.kind),
            "row": one,
        }
        for one in queries.recommend_usage(request.viewer, request.now)
    ]
