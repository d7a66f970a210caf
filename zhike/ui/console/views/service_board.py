"""What supervisors look at: live queues, promises kept, causes, merchants; and tasks that are due."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from zhike.kernel.errors import NotFound, Problem
from zhike.service import operations, queries
from zhike.ui.components import service as words
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import service as service_forms
from zhike.ui.console.once import run_once
from zhike.ui.console.pages import add_problem, done, fragment, malls_of, page, permissions, refused
from zhike.ui.console.views.service import ANSWER, HANDLE, VIEW, zone_of

PERIODS = (7, 30, 90)
LINKS = {"open": "open", "late": "late", "due": "due", "free": "unassigned"}


@staff_page(HANDLE)
def board(request: StaffRequest) -> HttpResponse:
    return page(request, "console/service/board.html", _board(request), section="service_board")


@staff_page(HANDLE, keeps_alive=False)
def board_live(request: StaffRequest) -> HttpResponse:
    return fragment(request, "console/service/_board.html", _board(request))


def _board(request: StaffRequest) -> dict[str, Any]:
    days = next((n for n in PERIODS if request.GET.get("days") == str(n)), PERIODS[0])
    mall_id = malls_of(request).chosen_id
    shown = queries.board(request.viewer, mall_id=mall_id, days=days, zone=zone_of(request), now=request.now)
    labels = [day.strftime("%m-%d") for day, _opened, _solved in shown.by_day]
    trend = {
        "kind": "bar",
        "unit": "count",
        "categories": labels,
        "series": [
            {
                "name": _("Opened"),
                "values": [opened for _day, opened, _solved in shown.by_day],
                "tone": "warning",
            },
            {
                "name": _("Solved"),
                "values": [solved for _day, _opened, solved in shown.by_day],
                "tone": "success",
            },
        ],
    }
    hours = {
        "kind": "bar",
        "unit": "count",
        "categories": [str(hour) for hour in range(24)],
        "series": [{"name": _("Tickets"), "values": list(shown.hours), "tone": "primary"}],
    }
    periods = [
        {"label": _("%(days)s days") % {"days": n}, "url": f"?days={n}", "active": n == days} for n in PERIODS
    ]
    return {
        "board": shown,
        "days": days,
        "periods": periods,
        "trend": trend,
        "links": {name: f"{reverse('console:service')}?queue={queue}" for name, queue in LINKS.items()},
        "hours": hours,
        "hour_rows": list(enumerate(shown.hours)),
        "scores": queries.ticket_scores(
            request.viewer, mall_id=mall_id, since=shown.since, until=request.now
        ),
        "alerts": queries.open_alerts(request.viewer, mall_id=mall_id),
        "chats": queries.chat_queue(request.viewer, mall_id, request.now),
        "tonight": queries.backlog_tonight(
            request.viewer, mall_id=mall_id, zone=zone_of(request), now=request.now
        ),
        "now": request.now,
    }


@require_POST
@staff_page(HANDLE)
def see_alert(request: StaffRequest, alert_id: int) -> HttpResponse:
    url = reverse("console:service_board")
    try:
        operations.see_alert(actor=request.viewer, alert_id=alert_id, now=request.now)
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, _("Noted."), url)


@staff_page(VIEW)
def tasks(request: StaffRequest) -> HttpResponse:
    """The due list: parts of tickets, call-backs, inspections."""
    kind, status = request.GET.get("kind", ""), request.GET.get("status", "open")
    status = status if status in ("open", "done") else "open"
    kind = kind if kind in words.TASKS else ""
    found = queries.tasks_page(
        request.viewer, mall_id=malls_of(request).chosen_id, kind=kind, status=status, limit=200
    )
    tabs = [
        {"label": label, "url": f"?status={status}&kind={code}", "active": code == kind}
        for code, label in [("", _("All")), *words.TASKS.items()]
    ]
    context = {
        "tasks": found,
        "tabs": tabs,
        "status": status,
        "kind": kind,
        "overdue": sum(task.is_overdue(request.now) for task in found),
        "may": permissions(request, handle=HANDLE, answer=ANSWER),
    }
    return page(request, "console/service/tasks.html", context, section="service_tasks")


@staff_page(HANDLE, ANSWER)
def finish_task(request: StaffRequest, task_id: int) -> HttpResponse:
    task = queries.task(request.viewer, task_id)
    if task.status != "open":
        raise NotFound
    form = service_forms.FinishForm(request.POST or None, kind=task.kind)
    url = reverse("console:ticket", args=[task.number]) if task.number else reverse("console:service_tasks")
    if request.method == "POST" and form.is_valid():
        data = {name: form.cleaned_data[name] for name in ("outcome", "result")}
        try:
            run_once(
                request,
                f"task:{task_id}",
                form,
                lambda: operations.finish_task(
                    actor=request.viewer, task_id=task_id, now=request.now, **data
                ),
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The result is kept."), url)
    context = {
        "form": form,
        "action": request.path,
        "title": words.TASKS.get(task.kind, task.kind),
        "lead": task.title,
        "task": task,
        "form_template": "console/service/_finish_form.html",
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)
