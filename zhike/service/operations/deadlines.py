"""Finding what is due: warnings, breaches and escalations, each called once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible
from zhike.service.events import DeadlineCalled
from zhike.service.models import Alert, Ticket, TicketClock
from zhike.service.operations._tickets import HANDLE

BATCH = 500


@dataclass(frozen=True, slots=True)
class Sweep:
    """``called`` moments were told; ``latest`` is how long the oldest of them had waited."""

    called: int = 0
    breaches: int = 0
    latest: dt.timedelta = dt.timedelta()


def sweep_deadlines(*, actor: Viewer, now: dt.datetime, limit: int = 100_000) -> Sweep:
    """Tell everything that has become due, oldest first, in batches that commit by themselves.

    Two sweeps at once share the work: each passes over tickets that the other holds.
    """
    total = Sweep()
    while total.called < limit:
        done = _sweep_batch(actor, now)
        if done is None:
            break
        total = Sweep(
            total.called + done.called, total.breaches + done.breaches, max(total.latest, done.latest)
        )
    return total


@transaction.atomic
def _sweep_batch(actor: Viewer, now: dt.datetime) -> Sweep | None:
    due = TicketClock.objects.filter(next_at__lte=now).order_by("next_at")
    ids = sorted(set(due.values_list("ticket_id", flat=True)[:BATCH]))
    if not ids:
        return None
    tickets = {
        ticket.pk: ticket
        for ticket in Ticket.objects.select_for_update(skip_locked=True).filter(pk__in=ids).order_by("id")
    }
    clocks = list(TicketClock.objects.filter(ticket_id__in=tickets, next_at__lte=now).order_by("id"))
    if not clocks:
        return None
    alerts, facts, latest = [], [], dt.timedelta()
    breached: list[int] = []
    for clock in clocks:
        ticket = tickets[clock.ticket_id]
        while clock.next_at is not None and clock.next_at <= now:
            at, level, role = clock.pending[0]
            moment = dt.datetime.fromisoformat(at)
            clock.pending = clock.pending[1:]
            clock.next_at = dt.datetime.fromisoformat(clock.pending[0][0]) if clock.pending else None
            clock.called = [*clock.called, level]
            latest = max(latest, now - moment)
            if level == "breach" and clock.breached_at is None:
                clock.breached_at = clock.due_at
                breached.append(ticket.pk)
            alerts.append(
                Alert(
                    ticket=ticket,
                    mall_id=ticket.mall_id,
                    clock=clock.kind,
                    level=level,
                    role=role,
                    due_at=moment,
                    noticed_at=now,
                    tell_at=now,
                )
            )
            facts.append(
                DeadlineCalled(
                    ticket.pk, ticket.number, ticket.person_id, ticket.mall_id, clock.kind, level, role
                )
            )
    TicketClock.objects.bulk_update(clocks, ["pending", "next_at", "called", "breached_at"])
    Alert.objects.bulk_create(alerts)
    for ticket_id in breached:
        Ticket.objects.filter(pk=ticket_id).update(breaches=F("breaches") + 1)
    events.publish(*facts, actor=actor, now=now)
    audit.record(
        actor=actor,
        action="deadlines.call",
        subject=("tickets", ""),
        after={"called": len(alerts), "breaches": len(breached)},
        now=now,
    )
    return Sweep(len(alerts), len(breached), latest)


@transaction.atomic
def see_alert(*, actor: Viewer, alert_id: int, now: dt.datetime) -> None:
    """Somebody took note. Doing it again changes nothing. Raises NotFound."""
    alert = load_visible(Alert.objects.select_for_update(), alert_id, actor, HANDLE, {"mall": "mall_id"})
    if alert.seen_at is not None:
        return
    alert.seen_at, alert.seen_by = now, actor.label
    alert.save(update_fields=["seen_at", "seen_by"])
    audit.record(actor=actor, action="alert.see", subject=("alert", alert_id), now=now)
