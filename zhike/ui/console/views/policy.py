"""What members agree to: the versions of the privacy policy, and publishing the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.kernel import clock
from zhike.kernel.access import may_touch
from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.privacy import queries
from zhike.ui.components.consents import NEEDED, PURPOSES
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.founding import PolicyForm, policy_draft
from zhike.ui.console.labels import DATA_CATEGORIES
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, malls_of, page
from zhike.ui.console.views.founding import publish

VIEW = "programme.view"
EDIT = "programme.edit"


@dataclass(frozen=True)
class Term:
    """What one purpose needs, and for how many days it is kept."""

    purpose: Any
    categories: str
    days: int


@dataclass(frozen=True)
class Version:
    """One published version, with its terms in words."""

    view: queries.PolicyView
    terms: list[Term]


@staff_page(VIEW)
def policy(request: StaffRequest) -> HttpResponse:
    group = organization.founded_group()
    found = queries.policies(group.id) if group else []
    context = {
        "versions": [Version(view, _terms(view)) for view in found],
        "may_publish": group is not None and may_touch(request.viewer, EDIT),
    }
    return page(request, "console/policy/policy.html", context, section="policy")


def _terms(view: queries.PolicyView) -> list[Term]:
    comma = _(", ")
    return [
        Term(
            PURPOSES[purpose][0] if purpose in PURPOSES else purpose,
            comma.join(str(DATA_CATEGORIES.get(name, name)) for name in term.get("categories", [])),
            term.get("retention_days", 0),
        )
        for purpose, term in sorted(view.terms.items(), key=lambda item: _place_of(item[0]))
    ]


def _place_of(purpose: str) -> int:
    """JSON keeps no order; people read the purposes in the order in which they are asked."""
    return list(PURPOSES).index(purpose) if purpose in PURPOSES else len(PURPOSES)


@staff_page(EDIT)
def new_policy(request: StaffRequest) -> HttpResponse:
    """Publish the next version, starting from the one in force."""
    group = organization.default_group()
    found = queries.policies(group.id)
    form = PolicyForm(request.POST or None, initial=_draft(request, found[0] if found else None, group.name))
    if request.method == "POST" and form.is_valid():
        try:
            run_once(request, "policy", form, lambda: publish(request, group.id, form))
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The version is published."), reverse("console:policy"))
    status = 422 if form.is_bound else 200
    return page(request, "console/policy/new.html", {"form": form}, section="policy", status=status)


def _draft(request: StaffRequest, known: queries.PolicyView | None, house: str) -> dict[str, Any]:
    malls = malls_of(request).all
    zone = malls[0].time_zone if malls else "Asia/Shanghai"
    draft = policy_draft(house, clock.business_date(request.now, zone).isoformat())
    if known is None:
        return draft
    others = [purpose for purpose in known.terms if purpose != NEEDED]
    kept = {purpose: term.get("retention_days") for purpose, term in known.terms.items()}
    return draft | {
        "title": known.title,
        "text": known.text,
        "purposes": others,
        "membership_days": kept.get(NEEDED) or draft["membership_days"],
        "other_days": kept.get(others[0]) if others else draft["other_days"],
    }
