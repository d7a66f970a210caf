"""From an empty installation to a mall that can take its first receipt: group, mall, programme, privacy policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.kernel import clock
from zhike.kernel.errors import NotAllowed, NotFound, Problem
from zhike.loyalty import operations as loyalty
from zhike.organization.operations import founding as organization
from zhike.organization.operations import structure
from zhike.privacy import operations as privacy
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.founding import (
    FoundGroupForm,
    FoundMallForm,
    FoundProgrammeForm,
    PolicyForm,
    policy_draft,
)
from zhike.ui.console.founding import STEPS, Founding, founding_of, may_found
from zhike.ui.console.once import OnceForm, run_once
from zhike.ui.console.pages import add_problem, page

PERMISSION = "organization.edit"


@dataclass(frozen=True)
class Step:
    """One step's form and the one operation that carries it out."""

    lead: str
    form: OnceForm
    carry_out: Callable[[], Any]


@staff_page(PERMISSION)
def founding(request: StaffRequest) -> HttpResponse:
    """The next step, or, once all is there, what to do first."""
    _require(request)
    found = founding_of(request)
    if found.next_step:
        return HttpResponseRedirect(_url(found.next_step))
    context = {"founding": found, "member_app_url": request.build_absolute_uri(reverse("member:home"))}
    return page(request, "console/founding/done.html", context)


@staff_page(PERMISSION)
def founding_step(request: StaffRequest, step: str) -> HttpResponse:
    """One step's form. A step that is done already, or whose turn has not come, leads to the one that is next."""
    _require(request)
    if step not in STEPS:
        raise NotFound
    found = founding_of(request)
    if step != found.next_step:
        return HttpResponseRedirect(reverse("console:founding"))
    current = _STEPS[step](request, found)
    if request.method == "POST" and current.form.is_valid():
        try:
            run_once(request, f"found_{step}", current.form, current.carry_out)
        except Problem as problem:
            add_problem(current.form, problem)
        else:
            return HttpResponseRedirect(reverse("console:founding"))
    context = {
        "founding": found,
        "form": current.form,
        "lead": current.lead,
        "title": STEPS[step],
        "steps": list(STEPS.values()),
        "number": list(STEPS).index(step) + 1,
        "template": f"console/founding/_{step}.html",
    }
    status = 422 if current.form.is_bound else 200
    return page(request, "console/founding/step.html", context, status=status)


def _require(request: StaffRequest) -> None:
    if not may_found(request.viewer):
        raise NotAllowed


def _url(step: str) -> str:
    return reverse("console:founding_step", args=[step])


def _group(request: StaffRequest, found: Founding) -> Step:
    form = FoundGroupForm(request.POST or None, initial={"code": "main"})

    def carry_out() -> None:
        organization.found_group(actor=request.viewer, now=request.now, **_values(form))

    return Step(_("Whose house is this? One installation belongs to one group of malls."), form, carry_out)


def _mall(request: StaffRequest, found: Founding) -> Step:
    form = FoundMallForm(request.POST or None)
    group_id = found.group.id if found.group else 0

    def carry_out() -> None:
        structure.create_mall(actor=request.viewer, group_id=group_id, now=request.now, **_values(form))

    return Step(_("Where it begins. Floors, merchants and further malls are added later."), form, carry_out)


def _programme(request: StaffRequest, found: Founding) -> Step:
    name = found.group.app_name or found.group.name if found.group else ""
    form = FoundProgrammeForm(request.POST or None, initial={"name": name})
    group_id = found.group.id if found.group else 0

    def carry_out() -> None:
        loyalty.found_program(
            actor=request.viewer,
            group_id=group_id,
            code=form.cleaned_data["code"],
            name=form.cleaned_data["name"],
            terms=form.terms,
            now=request.now,
        )

    return Step(_("How members earn. All of it can be changed and extended later."), form, carry_out)


def _policy(request: StaffRequest, found: Founding) -> Step:
    house = found.group.name if found.group else ""
    zone = found.mall.time_zone if found.mall else "Asia/Shanghai"
    version = clock.business_date(request.now, zone).strftime("%Y-%m")
    form = PolicyForm(request.POST or None, initial=policy_draft(house, version))
    group_id = found.group.id if found.group else 0

    def carry_out() -> None:
        publish(request, group_id, form)

    return Step(_("What members agree to when they join. Nobody can join without it."), form, carry_out)


def publish(request: StaffRequest, group_id: int, form: PolicyForm) -> None:
    """Publish the version of the privacy policy that a form holds."""
    texts = {name: form.cleaned_data[name] for name in ("version", "title", "text")}
    privacy.publish_policy(
        actor=request.viewer, group_id=group_id, terms=form.terms, now=request.now, **texts
    )


def _values(form: OnceForm) -> dict[str, Any]:
    return {name: value for name, value in form.cleaned_data.items() if name != "once"}


_STEPS: dict[str, Callable[[StaffRequest, Founding], Step]] = {
    "group": _group,
    "mall": _mall,
    "programme": _programme,
    "policy": _policy,
}
