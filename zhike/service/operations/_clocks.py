"""Starting, holding and ending the clocks of a ticket whose row is locked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from zhike.service.models import CalendarVersion, Ticket, TicketClock
from zhike.service.queries.calendars import Calendars, newest_version_ids
from zhike.service.rules import clock as rules
from zhike.service.rules.policies import CLOCKS, RESOLUTION, Row

State = TicketClock.State
ACTIVE = (State.RUNNING, State.PAUSED)
_BATCH = 1_000


def runs_of(row: TicketClock) -> tuple[rules.Run, ...]:
    return tuple(
        rules.Run(dt.datetime.fromisoformat(since), dt.datetime.fromisoformat(until) if until else None)
        for since, until in row.runs
    )


def stored_runs(runs: Sequence[rules.Run]) -> list[list[str | None]]:
    return [[run.since.isoformat(), run.until.isoformat() if run.until else None] for run in runs]


def active(ticket: Ticket) -> list[TicketClock]:
    """Clocks that run or stand still, locked with their ticket."""
    return list(TicketClock.objects.filter(ticket=ticket, state__in=ACTIVE).order_by("id"))


def start(
    ticket: Ticket, row: Row | None, kind: str, group_id: int, since: dt.datetime, now: dt.datetime
) -> None:
    """Begin to measure a promise, if the policy makes it."""
    if row is None or not row.target(kind):
        return
    latest = TicketClock.objects.filter(ticket=ticket, kind=kind).order_by("-cycle").first()
    code = row.calendar_of(kind)
    clock = TicketClock(
        ticket=ticket,
        kind=kind,
        cycle=latest.cycle + 1 if latest else 1,
        target_s=int(row.target(kind).total_seconds()),
        calendar_version_id=newest_version_ids(group_id)[code] if code else None,
        runs=stored_runs([rules.Run(since)]),
        reckoned_at=now,
    )
    plan(clock, row.calls(), now)
    clock.save()


def plan(clock: TicketClock, calls: Sequence[rules.Call], now: dt.datetime) -> None:
    """Reckon deadline and calls anew from the runs; levels that were called are not called again."""
    calendar = Calendars(now).get(clock.calendar_version_id)
    runs, target = runs_of(clock), dt.timedelta(seconds=clock.target_s)
    clock.due_at = rules.reckon(calendar, target, runs).due_at
    left = [call for call in calls if call.level not in clock.called]
    clock.pending = [
        [moment.at.isoformat(), moment.level, moment.role]
        for moment in rules.moments(calendar, target, runs, left)
    ]
    clock.next_at = dt.datetime.fromisoformat(clock.pending[0][0]) if clock.pending else None
    clock.reckoned_at = now


def hold(ticket: Ticket, row: Row | None, now: dt.datetime) -> None:
    """The time to solve stands still while we wait for the member; the first answer is owed all the same."""
    for clock in active(ticket):
        if clock.kind == RESOLUTION and clock.state == State.RUNNING:
            clock.runs = stored_runs(rules.pause(runs_of(clock), now))
            clock.state = State.PAUSED
            _save(clock, row, now)


def go_on(ticket: Ticket, row: Row | None, now: dt.datetime) -> None:
    for clock in active(ticket):
        if clock.kind == RESOLUTION and clock.state == State.PAUSED:
            clock.runs = stored_runs(rules.resume(runs_of(clock), now))
            clock.state = State.RUNNING
            _save(clock, row, now)


def end(ticket: Ticket, kinds: Sequence[str], now: dt.datetime, *, dropped: bool = False) -> bool | None:
    """The promise is kept or was late, or is no longer owed (``dropped``). Whether all were in time; None without any."""
    in_time: bool | None = None
    for clock in active(ticket):
        if clock.kind not in kinds:
            continue
        runs = runs_of(clock)
        calendar = Calendars(clock.reckoned_at).get(clock.calendar_version_id)
        due_at = rules.reckon(calendar, dt.timedelta(seconds=clock.target_s), runs).due_at
        is_late = due_at is not None and due_at < now
        clock.runs = stored_runs(rules.pause(runs, now))
        clock.due_at, clock.ended_at = due_at, now
        clock.pending, clock.next_at = [], None
        clock.state = State.DROPPED if dropped else State.LATE if is_late else State.MET
        if is_late and not dropped and clock.breached_at is None:
            clock.breached_at = due_at
            ticket.breaches += 1
        clock.save()
        if not dropped:
            in_time = (in_time is not False) and not is_late
    return in_time


def retarget(ticket: Ticket, row: Row | None, group_id: int, now: dt.datetime) -> None:
    """Type or severity changed: what has passed stays, the target is the new one. Promises come and go with the row."""
    running = {clock.kind: clock for clock in active(ticket)}
    for kind in CLOCKS[:2]:
        target = row.target(kind) if row else dt.timedelta()
        clock = running.get(kind)
        if clock is None:
            owed = kind == RESOLUTION or ticket.first_answered_at is None
            known = TicketClock.objects.filter(ticket=ticket, kind=kind).exists()
            if owed and not known:
                start(ticket, row, kind, group_id, ticket.opened_at, now)
        elif not target:
            end(ticket, [kind], now, dropped=True)
        else:
            clock.target_s = int(target.total_seconds())
            clock.called = [level for level in clock.called if level != "warning"]
            _save(clock, row, now)


def reopen(ticket: Ticket, row: Row | None, on_reopen: str, group_id: int, now: dt.datetime) -> None:
    """The time to solve begins anew, or goes on with what was used; the first answer is not owed twice."""
    latest = TicketClock.objects.filter(ticket=ticket, kind=RESOLUTION).order_by("-cycle").first()
    if on_reopen == "restart" or latest is None:
        start(ticket, row, RESOLUTION, group_id, now, now)
        return
    latest.runs = stored_runs(rules.resume(runs_of(latest), now))
    latest.state, latest.ended_at = State.RUNNING, None
    _save(latest, row, now)


def _save(clock: TicketClock, row: Row | None, now: dt.datetime) -> None:
    plan(clock, row.calls() if row else (), now)
    clock.save()


def set_due(ticket: Ticket) -> None:
    """The nearest open deadline, by which queues are ordered."""
    dues = [
        clock.due_at
        for clock in TicketClock.objects.filter(ticket=ticket, state=State.RUNNING)
        if clock.due_at is not None
    ]
    ticket.due_at = min(dues, default=None)


def reckon_region_anew(region: str, now: dt.datetime) -> int:
    """Holidays of a region became known: running clocks that keep them get their true deadline. How many."""
    versions = CalendarVersion.objects.filter(definition__region=region).values_list("id", flat=True)
    places: dict[str, Any] = {"state__in": ACTIVE, "calendar_version_id__in": list(versions)}
    ids = list(TicketClock.objects.filter(**places).order_by("ticket_id").values_list("ticket_id", flat=True))
    for begin in range(0, len(ids), _BATCH):
        tickets = Ticket.objects.select_for_update().filter(pk__in=ids[begin : begin + _BATCH]).order_by("id")
        for ticket in tickets:
            for clock in active(ticket):
                _move(clock, now)
                clock.save()
            set_due(ticket)
            ticket.save(update_fields=["due_at"])
    return len(ids)


def _move(clock: TicketClock, now: dt.datetime) -> None:
    """Reckon again with the calls it still has; their share of the target is found from their old moments."""
    if clock.due_at is None:
        clock.reckoned_at = now
        return
    calendar = Calendars(clock.reckoned_at).get(clock.calendar_version_id)
    target, runs = dt.timedelta(seconds=clock.target_s), runs_of(clock)
    calls = []
    for moment, level, role in clock.pending:
        ended = [rules.Run(run.since, run.until or dt.datetime.fromisoformat(moment)) for run in runs]
        spent = rules.reckon(calendar, target * 10, ended).spent
        calls.append(rules.Call(round(spent * 100 / target), level, role))
    plan(clock, calls, now)
