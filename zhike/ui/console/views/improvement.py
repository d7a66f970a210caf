"""The improvement report: causes and merchants against the month before, what goes with content, what is done about it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.kernel.errors import Problem
from zhike.organization import queries as organization
from zhike.service import operations, queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.service import NumberChoice, optional, refs
from zhike.ui.console.once import OnceForm, run_once
from zhike.ui.console.pages import add_problem, done, fragment, malls_of, page
from zhike.ui.console.views.service import HANDLE, zone_of

MONTHS = 6


class ActionForm(OnceForm):
    """What is done, about a cause or a merchant, by whom and until when."""

    title = forms.CharField(max_length=160, label=gettext_lazy("What is to be done"))
    mall_id = forms.TypedChoiceField(coerce=int, label=gettext_lazy("Mall"))
    cause_id = NumberChoice(label=gettext_lazy("Cause"))
    merchant_id = NumberChoice(label=gettext_lazy("Merchant"))
    department_id = NumberChoice(label=gettext_lazy("Department"))
    due_on = forms.DateField(
        required=False, label=gettext_lazy("Due"), widget=forms.DateInput(attrs={"type": "date"})
    )


class DoneForm(OnceForm):
    note = forms.CharField(
        max_length=300, label=gettext_lazy("What came of it"), widget=forms.Textarea(attrs={"rows": 3})
    )


def _month(request: StaffRequest, today: dt.date) -> dt.date:
    try:
        asked = dt.date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        return today.replace(day=1)
    return min(asked, today.replace(day=1))


@staff_page(HANDLE)
def report(request: StaffRequest) -> HttpResponse:
    zone = zone_of(request)
    today = request.now.astimezone(zone).date()
    month = _month(request, today)
    shown = queries.improvement_report(
        request.viewer, mall_id=malls_of(request).chosen_id, month=month, zone=zone, now=request.now
    )
    months, first = [], today.replace(day=1)
    for _number in range(MONTHS):
        months.append(
            {"label": first.strftime("%Y-%m"), "url": f"?month={first:%Y-%m}", "active": first == month}
        )
        first = (first - dt.timedelta(days=1)).replace(day=1)
    heard = queries.listening(
        request.viewer,
        queries.Heard(mall_id=malls_of(request).chosen_id),
        since=shown.since,
        until=shown.until,
        zone=zone,
    )
    context = {"report": shown, "heard": heard, "months": months[::-1], "month": month}
    return page(request, "console/improvement/report.html", context, section="improvement")


@staff_page(HANDLE)
def add(request: StaffRequest) -> HttpResponse:
    malls = malls_of(request)
    group_id = organization.default_group().id
    merchants = organization.merchants(request.viewer, malls.chosen_id, HANDLE)
    initial = {name: request.GET.get(name) for name in ("cause_id", "merchant_id") if request.GET.get(name)}
    form = ActionForm(request.POST or None, initial={"mall_id": malls.chosen_id, **initial})
    form.fields["mall_id"].choices = malls.choices  # type: ignore[attr-defined]
    form.fields["cause_id"].choices = refs(queries.causes(group_id))  # type: ignore[attr-defined]
    form.fields["merchant_id"].choices = optional([(str(ref.id), ref.name) for ref in merchants])  # type: ignore[attr-defined]
    form.fields["department_id"].choices = refs(queries.departments(group_id))  # type: ignore[attr-defined]

    def act() -> None:
        data = {name: value for name, value in form.cleaned_data.items() if name != "once"}
        operations.add_improvement(actor=request.viewer, now=request.now, **data)

    return _dialog(request, form, "improvement", act, title=_("Do something about it"), wide=True)


@staff_page(HANDLE)
def finish(request: StaffRequest, action_id: int) -> HttpResponse:
    form = DoneForm(request.POST or None)

    def act() -> None:
        operations.finish_improvement(
            actor=request.viewer, action_id=action_id, note=form.cleaned_data["note"], now=request.now
        )

    return _dialog(request, form, f"improved:{action_id}", act, title=_("It is done"), label=_("Done"))


def _dialog(request: StaffRequest, form: OnceForm, what: str, act: Any, **dialog: Any) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            run_once(request, what, form, act)
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Saved."), reverse("console:improvement"))
    context = {"form": form, "action": request.path, **dialog}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)
