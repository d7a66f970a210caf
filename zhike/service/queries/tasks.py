"""Tasks: what departments and merchants still have to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.organization import queries as organization
from zhike.service.models import Department, Task, Ticket
from zhike.service.queries.tickets import VIEW

COLUMNS = {"mall": "mall_id", "floor": "merchant__floor_id", "merchant": "merchant_id"}
LIST_MAX = 200


@dataclass(frozen=True, slots=True)
class TaskView:
    """``number`` is the ticket's. ``evidence`` says why an inspection was opened."""

    id: int
    kind: str
    title: str
    status: str
    number: str
    person_id: int | None
    mall_id: int
    merchant_id: int | None
    merchant_name: str
    department_id: int | None
    department: str
    assignee_id: int | None
    assignee: str
    script: str
    evidence: dict[str, Any]
    due_at: dt.datetime | None
    created_at: dt.datetime
    created_by: str
    done_at: dt.datetime | None
    done_by: str
    outcome: str
    result: str

    def is_overdue(self, now: dt.datetime) -> bool:
        return self.status == "open" and self.due_at is not None and self.due_at <= now


def tasks_page(
    viewer: Viewer,
    *,
    mall_id: int | None = None,
    kind: str = "",
    status: str = "open",
    department_id: int | None = None,
    limit: int = 100,
) -> list[TaskView]:
    """Tasks in scope: open ones by when they are due, done ones newest first. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = visible(Task.objects.filter(status=status), viewer, VIEW, COLUMNS)
    conditions = {"mall_id": mall_id, "kind": kind or None, "department_id": department_id}
    rows = rows.filter(**{name: value for name, value in conditions.items() if value is not None})
    order = ("due_at", "id") if status == "open" else ("-done_at", "-id")
    return views(rows.order_by(*order)[: min(limit, LIST_MAX)])


def tasks_of(viewer: Viewer, ticket_id: int) -> list[TaskView]:
    """The tasks of one ticket that the viewer may see."""
    rows = visible(Task.objects.filter(ticket_id=ticket_id), viewer, VIEW, COLUMNS)
    return views(rows.order_by("id"))


def task(viewer: Viewer, task_id: int) -> TaskView:
    """Raises NotFound."""
    return views([load_visible(Task.objects.all(), task_id, viewer, VIEW, COLUMNS)])[0]


def has_recent_inspection(merchant_id: int, since: dt.datetime) -> bool:
    rows = Task.objects.filter(merchant_id=merchant_id, kind="inspection")
    return rows.filter(status="open").exists() or rows.filter(created_at__gt=since).exists()


def views(rows: Iterable[Task]) -> list[TaskView]:
    found = list(rows)
    tickets = {
        t.pk: t for t in Ticket.objects.filter(pk__in={row.ticket_id for row in found if row.ticket_id})
    }
    departments = dict(
        Department.objects.filter(pk__in={row.department_id for row in found}).values_list("id", "name")
    )
    staff = {pk: organization.staff_member(pk).name for pk in {r.assignee_id for r in found if r.assignee_id}}
    shown = []
    for row in found:
        merchant = organization.merchant_ref(row.merchant_id) if row.merchant_id else None
        ticket = tickets.get(row.ticket_id or 0)
        shown.append(
            TaskView(
                id=row.pk,
                kind=row.kind,
                title=row.title,
                status=row.status,
                number=ticket.number if ticket else "",
                person_id=ticket.person_id if ticket else None,
                mall_id=row.mall_id,
                merchant_id=row.merchant_id,
                merchant_name=merchant.name if merchant else "",
                department_id=row.department_id,
                department=departments.get(row.department_id or 0, ""),
                assignee_id=row.assignee_id,
                assignee=staff.get(row.assignee_id or 0, ""),
                script=row.script,
                evidence=row.evidence,
                due_at=row.due_at,
                created_at=row.created_at,
                created_by=row.created_by,
                done_at=row.done_at,
                done_by=row.done_by,
                outcome=row.outcome,
                result=row.result,
            )
        )
    return shown
