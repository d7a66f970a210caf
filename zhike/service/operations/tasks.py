"""Tasks: opened across departments and for merchants, finished, cancelled."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, may_touch
from zhike.kernel.errors import Invalid, NotAllowed, NotFound
from zhike.organization import queries as organization
from zhike.service.events import TaskFinished, TaskOpened
from zhike.service.models import Department, Task, Ticket
from zhike.service.operations import _clocks, _tickets
from zhike.service.operations._tickets import ANSWER, HANDLE, WrongState
from zhike.service.queries.tasks import COLUMNS
from zhike.service.rules import policies, tickets

OUTCOMES = ("done", "satisfied", "dissatisfied", "unreachable", "no_fault", "fault_found")


class TaskInvalid(Invalid):
    code = "task-invalid"
    title = _("A task needs a title, and a department or a merchant of this mall.")


class ResultMissing(Invalid):
    code = "task-result-missing"
    title = _("Say what came of it.")


@transaction.atomic
def add_task(
    *,
    actor: Viewer,
    number: str,
    title: str,
    department_id: int | None = None,
    merchant_id: int | None = None,
    due_at: dt.datetime | None = None,
    now: dt.datetime,
) -> int:
    """A part of a ticket for another department or for the merchant, who sees it; its id.

    Raises TaskInvalid, WrongState once closed, NotFound, NotAllowed.
    """
    title = " ".join(title.split())
    ticket = _tickets.load(number, actor, HANDLE)
    if ticket.status == "closed":
        raise WrongState
    merchant = organization.merchant_ref(merchant_id) if merchant_id else None
    group_id = _tickets.group_of(ticket)
    known = department_id and Department.objects.filter(pk=department_id, group_id=group_id).exists()
    if not 0 < len(title) <= 160 or not (known or merchant):
        raise TaskInvalid
    if (department_id and not known) or (
        merchant_id and (not merchant or merchant.mall_id != ticket.mall_id)
    ):
        raise TaskInvalid
    task = Task.objects.create(
        ticket=ticket,
        mall_id=ticket.mall_id,
        merchant_id=merchant_id,
        department_id=department_id,
        kind="part",
        title=title,
        due_at=due_at,
        created_at=now,
        created_by=actor.label,
    )
    audience: tickets.Audience = "merchant" if merchant_id else "staff"
    _tickets.say(ticket, actor, "task", audience, title, now, task=task.pk)
    _tickets.keep(ticket, now)
    events.publish(TaskOpened(task.pk, "part", ticket.pk, ticket.mall_id, merchant_id), actor=actor, now=now)
    _audit(actor, task, "open", now)
    return task.pk


@transaction.atomic
def finish_task(*, actor: Viewer, task_id: int, outcome: str, result: str, now: dt.datetime) -> None:
    """Done, with what came of it; a call-back ends its promise. Whoever holds the merchant's part may finish its task.

    ``outcome`` is one of OUTCOMES; "unreachable" leaves a call-back open and only notes the try. Doing it again changes
    nothing. Raises ResultMissing, NotFound, NotAllowed.
    """
    if outcome not in OUTCOMES or not 0 < len(result.strip()) <= 2_000:
        raise ResultMissing
    row = Task.objects.filter(pk=task_id).first()
    ticket = None
    if row is not None and row.ticket_id is not None:  # tickets are locked before their tasks
        ticket = Ticket.objects.select_for_update().get(pk=row.ticket_id)
    task = load_visible(Task.objects.select_for_update(of=("self",)), task_id, actor, "tickets.view", COLUMNS)
    _require_doer(actor, task)
    if task.status != "open":
        return
    if ticket is not None:
        audience: tickets.Audience = "merchant" if task.merchant_id and task.kind == "part" else "staff"
        _tickets.say(
            ticket,
            actor,
            "task_done",
            audience,
            result.strip(),
            now,
            title=task.title,
            task_kind=task.kind,
            outcome=outcome,
        )
    if task.kind == "call_back" and outcome == "unreachable":
        _audit(actor, task, "try", now)
        return
    task.status, task.done_at, task.done_by = "done", now, actor.label
    task.outcome, task.result = outcome, result.strip()
    task.save()
    if ticket is not None:
        if task.kind == "call_back":
            _clocks.end(ticket, [policies.CALL_BACK], now)
        _tickets.keep(ticket, now)
    events.publish(TaskFinished(task.pk, task.kind, task.ticket_id, outcome), actor=actor, now=now)
    _audit(actor, task, "finish", now)


def _require_doer(actor: Viewer, task: Task) -> None:
    merchant = organization.merchant_ref(task.merchant_id) if task.merchant_id else None
    floor_id = merchant.floor_id if merchant else None
    if may_touch(actor, HANDLE, mall=task.mall_id, floor=floor_id, merchant=task.merchant_id):
        return
    if actor.kind == "member":
        raise NotFound
    is_theirs = task.merchant_id is not None and task.kind == "part"
    if not (
        is_theirs and may_touch(actor, ANSWER, mall=task.mall_id, floor=floor_id, merchant=task.merchant_id)
    ):
        raise NotAllowed


def _audit(actor: Viewer, task: Task, what: str, now: dt.datetime) -> None:
    audit.record(
        actor=actor,
        action=f"task.{what}",
        subject=("task", task.pk),
        after={"kind": task.kind, "status": task.status, "outcome": task.outcome},
        now=now,
    )
