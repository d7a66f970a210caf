"""What a ticket brings about: calls, call-backs, inspections. The ticket's row is locked."""

from __future__ import annotations

import datetime as dt

from zhike.kernel import events
from zhike.kernel.access import Viewer, system_viewer
from zhike.sales import queries as sales
from zhike.service.events import DeadlineCalled, TaskOpened
from zhike.service.models import Alert, Task, Ticket, TicketClock
from zhike.service.operations import _asking
from zhike.service.queries import tasks as queries
from zhike.service.rules import policies, tickets

ACTOR = system_viewer("service")
CALL_BACK_SCRIPT = (
    "您好，这里是商场客户服务部。您反映的问题我们已处理完毕，想向您确认：\n"
    "1. 处理结果您是否清楚、是否满意？\n2. 承诺的事项（退款、积分、维修等）是否已经到位？\n"
    "3. 还有没有别的问题需要我们协助？\n4. 对我们的服务有什么建议？\n感谢您的反馈，祝您购物愉快。"
)
INSPECTION_DUE = dt.timedelta(days=3)


def call_at_once(ticket: Ticket, role: str, now: dt.datetime) -> None:
    """A grave matter is told the moment it comes."""
    alert(ticket, "major", role, now)
    fact = DeadlineCalled(ticket.pk, ticket.number, ticket.person_id, ticket.mall_id, "", "major", role)
    events.publish(fact, actor=ACTOR, now=now)


def alert(ticket: Ticket, level: str, role: str, now: dt.datetime) -> None:
    """Somebody should look at a ticket; no promise is in danger."""
    Alert.objects.create(
        ticket=ticket,
        mall_id=ticket.mall_id,
        clock="",
        level=level,
        role=role,
        due_at=now,
        noticed_at=now,
        tell_at=now,
    )


def after_closing(actor: Viewer, ticket: Ticket, now: dt.datetime) -> None:
    """Somebody calls the member back, where that is promised and somebody can be called."""
    _asking.after_closing(ticket, now)
    clock = (
        TicketClock.objects.filter(ticket=ticket, kind=policies.CALL_BACK, state="running")
        .order_by("-id")
        .first()
    )
    if clock is None or ticket.person_id is None:
        return
    open_task(
        ticket,
        "call_back",
        ticket.title,
        now,
        due_at=clock.due_at,
        script=CALL_BACK_SCRIPT,
        assignee_id=ticket.assignee_id,
    )


def cancel_of(actor: Viewer, ticket: Ticket, now: dt.datetime) -> None:
    """Open call-backs of a ticket that is taken up again."""
    _asking.cancel_of(ticket, now)
    Task.objects.filter(ticket=ticket, kind="call_back", status="open").update(
        status="cancelled", done_at=now, done_by=actor.label
    )


def open_task(
    ticket: Ticket,
    kind: str,
    title: str,
    now: dt.datetime,
    *,
    due_at: dt.datetime | None = None,
    script: str = "",
    assignee_id: int | None = None,
    department_id: int | None = None,
) -> Task:
    task = Task.objects.create(
        ticket=ticket,
        mall_id=ticket.mall_id,
        department_id=department_id or ticket.department_id,
        assignee_id=assignee_id,
        kind=kind,
        title=title[:160],
        script=script,
        due_at=due_at,
        created_at=now,
        created_by=ACTOR.label,
    )
    events.publish(TaskOpened(task.pk, kind, ticket.pk, ticket.mall_id, None), actor=ACTOR, now=now)
    return task


def watch_merchant(ticket: Ticket, now: dt.datetime) -> None:
    """A merchant with more complaints than the quality rule allows gets an inspection, one at a time."""
    if ticket.type != "complaint" or ticket.merchant_id is None:
        return
    since = now - tickets.INSPECTION_WINDOW
    complaints = Ticket.objects.filter(
        merchant_id=ticket.merchant_id, type="complaint", opened_at__gt=since, opened_at__lte=now
    ).count()
    if complaints < tickets.INSPECTION_COMPLAINTS_MIN or queries.has_recent_inspection(
        ticket.merchant_id, since
    ):
        return
    receipts = sales.sales_counts([ticket.merchant_id], since, now).get(ticket.merchant_id, 0)
    if not tickets.needs_inspection(complaints, receipts):
        return
    task = Task.objects.create(
        mall_id=ticket.mall_id,
        merchant_id=ticket.merchant_id,
        ticket=ticket,
        kind="inspection",
        title=ticket.title[:160],
        evidence={"complaints": complaints, "receipts": receipts, "days": tickets.INSPECTION_WINDOW.days},
        due_at=now + INSPECTION_DUE,
        created_at=now,
        created_by=ACTOR.label,
    )
    fact = TaskOpened(task.pk, "inspection", ticket.pk, ticket.mall_id, ticket.merchant_id)
    events.publish(fact, actor=ACTOR, now=now)
