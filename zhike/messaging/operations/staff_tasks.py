"""Messages that one of us has to confirm at the vendor: what became of them, reminders, and the end of those nobody confirmed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import cast

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Conflict, NotFound
from zhike.kernel.events import Fact
from zhike.messaging.events import (
    MessageDelivered,
    MessageFailed,
    MessageRefused,
    MessageSent,
    StaffTaskEnded,
)
from zhike.messaging.models import OutboundMessage, StaffTask
from zhike.messaging.operations import _settling
from zhike.messaging.operations._store import store
from zhike.messaging.ports import Refused, StaffGateway, TaskFate, TryLater, Unsure
from zhike.messaging.queries import sent
from zhike.messaging.queries.contacts import MANAGE
from zhike.messaging.queries.vendor_accounts import gateway as gateway_of
from zhike.messaging.queries.vendor_accounts import opened

Status, State = OutboundMessage.Status, StaffTask.State
AGAIN = dt.timedelta(minutes=5)
LOOKED_AFTER = dt.timedelta(days=2)
"""How long after the confirmation a task is still asked for messages that had no end yet."""
REMINDERS_A_DAY = 3


class TaskNotOpen(Conflict):
    code = "staff-task-not-open"
    title = _("This task waits for nobody any more.")


class RemindedEnough(Conflict):
    code = "staff-task-reminded-enough"
    title = _("Three reminders in 24 hours are the most that WeCom lets through.")


class ReminderRefused(Conflict):
    code = "staff-task-reminder-refused"
    title = _("WeCom did not remind them: %(reason)s")


def look_at_tasks(*, actor: Viewer, now: dt.datetime, limit: int = 100) -> int:
    """Ask the vendors what became of tasks that wait, each at most every five minutes; how many were asked after.

    What was delivered is sent and delivered at the vendor's moment; what failed, or waits in a task whose time is over, goes on to
    the next channel of its template. A task whose time is over is withdrawn at the vendor first. Vendors are called outside any
    transaction.
    """
    with transaction.atomic():
        rows = StaffTask.objects.select_for_update(of=("self",), skip_locked=True).filter(
            state__in=[State.OPEN, State.CONFIRMED], asked_at__lte=now - AGAIN
        )
        found = list(rows.select_related("binding__account").order_by("asked_at", "id")[:limit])
        StaffTask.objects.filter(pk__in=[row.pk for row in found]).update(asked_at=now)
    for row in found:
        _look_at(actor, row, now)
    return len(found)


def _look_at(actor: Viewer, task: StaffTask, now: dt.datetime) -> None:
    account = opened(task.binding.account)
    vendor = cast(StaffGateway, gateway_of(task.binding.account.vendor))
    is_over = task.state == State.OPEN and now >= task.expires_at
    try:
        if is_over:
            is_over = _withdraw(vendor, task) or now >= task.expires_at + LOOKED_AFTER
        is_confirmed, fates = vendor.task_fates(account, task.reference, task.binding.userid)
    except (TryLater, Unsure, Refused):
        return
    _write_down(actor, task.pk, is_confirmed, is_over, fates, now)


def _withdraw(vendor: StaffGateway, task: StaffTask) -> bool:
    """Whether nobody can confirm it any more. One that was confirmed a moment ago cannot be withdrawn, which the question after it
    will tell; one that the vendor keeps for another reason may still be, so its messages wait for two days before another channel.
    """
    try:
        vendor.withdraw(opened(task.binding.account), task.reference)
    except Refused:
        return False
    return True


def _write_down(
    actor: Viewer,
    task_id: int,
    is_confirmed: bool,
    is_over: bool,
    fates: Sequence[TaskFate],
    now: dt.datetime,
) -> None:
    with transaction.atomic():
        task = StaffTask.objects.select_for_update(of=("self",)).select_related("binding").get(pk=task_id)
        if task.state not in (State.OPEN, State.CONFIRMED):
            return
        by_address = {index: fate for fate in fates for index in sent.address_indexes(fate.outside)}
        rows = list(
            OutboundMessage.objects.select_for_update(of=("self",))
            .filter(dispatch_id=task.dispatch_id, status=Status.TASKED)
            .order_by("id")
        )
        facts: list[Fact] = []
        failed: list[OutboundMessage] = []
        for row in rows:
            fate = by_address.get(bytes(row.address or b""))
            facts += _settle(row, fate, failed, now)
        delivered = sum(row.status == Status.DELIVERED for row in rows)
        task.delivered, task.failed = task.delivered + delivered, task.failed + len(failed)
        waiting = [row for row in rows if row.status == Status.TASKED]
        is_confirmed = is_confirmed or delivered > 0 or bool(failed) or task.state == State.CONFIRMED
        ends = is_over and not is_confirmed
        ends = ends or (is_confirmed and bool(waiting) and now >= task.expires_at + LOOKED_AFTER)
        if ends:
            facts += [_expire(row) for row in waiting]
            failed += waiting
        facts += _move_on(task, is_confirmed, not waiting or ends, now)
        task.save()
        _settling.give_back(failed, now)
        store(rows)
        _settling.follow_up(actor, failed, now)
        if facts:
            events.publish_many(facts, actor=actor, now=now)


def _settle(
    row: OutboundMessage, fate: TaskFate | None, failed: list[OutboundMessage], now: dt.datetime
) -> list[Fact]:
    if fate is None or fate.state == "waiting":
        return []
    if fate.state == "delivered":
        row.status, row.sent_at, row.delivered_at, row.reason = (
            Status.DELIVERED,
            fate.at or now,
            fate.at or now,
            "",
        )
        return [
            MessageSent(row.pk, row.person_id, row.channel, row.template, row.campaign),
            MessageDelivered(row.pk, row.person_id, row.channel, row.campaign),
        ]
    row.status, row.reason = Status.FAILED, fate.code[:80]
    failed.append(row)
    return [MessageFailed(row.pk, row.person_id, row.channel, row.reason, row.campaign)]


def _expire(row: OutboundMessage) -> Fact:
    row.status, row.gate, row.reason = Status.EXPIRED, "expired", "unconfirmed"
    return MessageRefused(row.pk, row.person_id, row.channel, row.gate, row.reason, row.campaign)


def _move_on(task: StaffTask, is_confirmed: bool, is_settled: bool, now: dt.datetime) -> list[Fact]:
    """The task's own state: confirmed when the first sign of it comes, at its end when nothing waits any more."""
    if task.state == State.OPEN and is_confirmed:
        task.state = State.CONFIRMED
    elif task.state == State.OPEN and is_settled:
        task.state = State.EXPIRED
    if not is_settled:
        return []
    task.ended_at, task.asked_at = now, None
    return [StaffTaskEnded(task.pk, task.binding.staff_id, task.state, task.delivered, task.failed)]


def remind_of_task(*, actor: Viewer, task_id: int, now: dt.datetime) -> None:
    """The vendor reminds who has to confirm, at most three times in 24 hours. Raises NotAllowed, NotFound, TaskNotOpen,
    RemindedEnough, ReminderRefused.
    """
    require(actor, MANAGE)
    with transaction.atomic():
        task = StaffTask.objects.select_for_update(of=("self",)).filter(pk=task_id).first()
        if task is None:
            raise NotFound
        if task.state != State.OPEN or now >= task.expires_at:
            raise TaskNotOpen
        recent = [at for at in task.reminded if at > now - dt.timedelta(days=1)]
        if len(recent) >= REMINDERS_A_DAY:
            raise RemindedEnough
        task.reminded = [*recent, now]
        task.save(update_fields=["reminded"])
        audit.record(
            actor=actor,
            action="staff_task.remind",
            subject=("staff", task.binding.staff_id),
            after={"task": task_id},
            now=now,
        )
    account = task.binding.account
    try:
        cast(StaffGateway, gateway_of(account.vendor)).remind(opened(account), task.reference)
    except (TryLater, Unsure, Refused) as problem:
        raise ReminderRefused(reason=getattr(problem, "text", "") or str(problem)) from problem
