"""Calendars, holidays, promises, departments and causes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.organization import queries as organization
from zhike.service import operations, queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import service as service_forms
from zhike.ui.console.pages import add_problem, done, fragment, go, page, permissions, refused

VIEW = "tickets.view"
MANAGE = "tickets.manage"


@staff_page(VIEW)
def overview(request: StaffRequest) -> HttpResponse:
    """Everything tickets are measured by, on one page."""
    group_id = organization.default_group().id
    context = {
        "calendars": queries.calendars_of(request.viewer, group_id),
        "years": queries.holiday_years(request.viewer),
        "missing_year": queries.next_year_is_missing(request.now),
        "policy": queries.policy_in_force(group_id),
        "versions": queries.policy_versions(request.viewer, group_id),
        "departments": queries.departments(group_id),
        "causes": queries.causes(group_id),
        "holiday_form": service_forms.HolidayForm(),
        "weekdays": service_forms.WEEKDAYS,
        "may": permissions(request, manage=MANAGE),
    }
    return page(request, "console/service/settings.html", context, section="service_settings")


def _url() -> str:
    return reverse("console:service_settings")


@require_POST
@staff_page(MANAGE)
def found(request: StaffRequest) -> HttpResponse:
    """The usual calendars, promises, departments and causes, to be changed afterwards."""
    group_id = organization.default_group().id
    try:
        operations.found_service(
            actor=request.viewer, group_id=group_id, time_zone=settings.TIME_ZONE, now=request.now
        )
    except Problem as problem:
        return refused(request, problem, _url())
    return done(request, _("The service desk is set up. Look at its hours and promises."), _url())


@staff_page(MANAGE)
def calendar(request: StaffRequest, code: str = "") -> HttpResponse:
    group_id = organization.default_group().id
    known = queries.calendar_by_code(request.viewer, group_id, code) if code else None
    form = service_forms.CalendarForm(request.POST or None, initial=_initial(known), is_new=known is None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            version = operations.publish_calendar(
                actor=request.viewer,
                group_id=group_id,
                code=known.code if known else data["code"],
                name=data["name"],
                time_zone=data["time_zone"],
                week=form.week,
                makeup=data["makeup"],
                region="cn" if data["keeps_holidays"] else "",
                exceptions=data["exceptions"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(
                request, _("Version %(version)s holds for new tickets.") % {"version": version}, _url()
            )
    context = {"form": form, "calendar": known}
    return page(
        request,
        "console/service/calendar.html",
        context,
        section="service_settings",
        status=422 if form.is_bound else 200,
    )


def _initial(known: queries.CalendarView | None) -> dict[str, Any]:
    if known is None:
        return {}
    days = {f"day{number}": text for number, text in enumerate(known.week)}
    exceptions = "\n".join(f"{day.isoformat()} {text}".strip() for day, text in known.exceptions)
    return {
        **days,
        "name": known.name,
        "time_zone": known.time_zone,
        "makeup": known.makeup,
        "keeps_holidays": bool(known.region),
        "exceptions": exceptions,
    }


@require_POST
@staff_page(MANAGE)
def holidays(request: StaffRequest) -> HttpResponse:
    form = service_forms.HolidayForm(request.POST, request.FILES)
    if not form.is_valid():
        sentences = [str(sentence) for errors in form.errors.values() for sentence in errors]
        messages.error(request, " ".join(sentences))
        return go(request, _url())
    try:
        year = operations.load_holidays(
            actor=request.viewer, region="cn", data=form.cleaned_data["file"], now=request.now
        )
    except Problem as problem:
        return refused(request, problem, _url())
    return done(request, _("The holidays of %(year)s are known.") % {"year": year}, _url())


@staff_page(VIEW)
def holiday_year(request: StaffRequest, year: int) -> HttpResponse:
    shown = next((view for view in queries.holiday_years(request.viewer) if view.year == year), None)
    if shown is None:
        raise NotFound
    return page(request, "console/service/holidays.html", {"year": shown}, section="service_settings")


@staff_page(MANAGE)
def policy(request: StaffRequest) -> HttpResponse:
    """All rows at once; saving makes a new version."""
    group_id = organization.default_group().id
    known = queries.policy_in_force(group_id)
    rows = known.policy.rows if known else operations.USUAL.rows
    choices = {
        "calendars": queries.calendars_of(request.viewer, group_id),
        "departments": queries.departments(group_id),
    }
    head = service_forms.PolicyForm(
        request.POST or None, initial={"on_reopen": known.policy.on_reopen if known else "restart"}
    )
    formset = service_forms.PolicyRows(
        request.POST or None, initial=[asdict(row) for row in rows], form_kwargs=choices, prefix="rows"
    )
    if request.method == "POST" and head.is_valid() and formset.is_valid():
        wanted = tuple(
            form.row(rows) for form in formset if form.cleaned_data and not form.cleaned_data.get("DELETE")
        )
        try:
            version = operations.publish_policy(
                actor=request.viewer,
                group_id=group_id,
                policy=operations.Policy(wanted, head.cleaned_data["on_reopen"]),
                note=head.cleaned_data["note"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(head, problem)
        else:
            return done(
                request, _("Version %(version)s holds for new tickets.") % {"version": version}, _url()
            )
    context = {"head": head, "formset": formset, "policy": known}
    return page(
        request,
        "console/service/policy.html",
        context,
        section="service_settings",
        status=422 if head.is_bound else 200,
    )


@staff_page(MANAGE)
def cause(request: StaffRequest) -> HttpResponse:
    group_id = organization.default_group().id
    causes = queries.causes(group_id)
    known = next((one for one in causes if one.code == request.GET.get("code")), None)
    initial = {"code": known.code, "name": known.name, "parent_id": known.parent_id} if known else {}
    form = service_forms.CauseForm(request.POST or None, causes=causes, initial=initial)
    return _named(
        request, form, operations.save_cause, title=_("Edit the cause") if known else _("New cause")
    )


@staff_page(MANAGE)
def department(request: StaffRequest) -> HttpResponse:
    known = next(
        (
            one
            for one in queries.departments(organization.default_group().id)
            if one.code == request.GET.get("code")
        ),
        None,
    )
    initial = {"code": known.code, "name": known.name} if known else {}
    form = service_forms.DepartmentForm(request.POST or None, initial=initial)
    title = _("Edit the department") if known else _("New department")
    return _named(request, form, operations.save_department, title=title)


def _named(request: StaffRequest, form: Any, save: Any, *, title: str) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            save(
                actor=request.viewer,
                group_id=organization.default_group().id,
                now=request.now,
                **form.cleaned_data,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("Saved."), _url())
    context = {"form": form, "title": title, "action": request.get_full_path()}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)
