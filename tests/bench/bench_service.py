"""100,000 open tickets: how soon a broken promise is noticed by a sweep every five seconds. Counted, not slept."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from tests.bench.harness import Result, result, stopwatch
from tests.people import build_malls
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.service import operations as service
from zhike.service import queries

TICKETS = 100_000
PERIOD = dt.timedelta(seconds=5)
SWEEPS = 24
NOTICED_WITHIN_S = 10.0
ACTOR = system_viewer("bench")

_COPIES = """
    INSERT INTO service_ticket (
        mall_id, receipt_lines, number, type, severity, channel, title, status, policy_version_id, department_id,
        opened_at, opened_by, changed_at, reopened, breaches, due_at)
    SELECT t.mall_id, '{}', 'B' || n, t.type, t.severity, t.channel, t.title, t.status, t.policy_version_id,
        t.department_id, t.opened_at, t.opened_by, t.changed_at, 0, 0, t.opened_at + n * interval '72 ms'
    FROM service_ticket AS t, generate_series(1, %s) AS n WHERE t.number = %s
"""
_CLOCKS = """
    INSERT INTO service_ticketclock (
        ticket_id, kind, cycle, state, target_s, calendar_version_id, runs, due_at, pending, called, next_at, reckoned_at)
    SELECT b.id, c.kind, 1, 'running', c.target_s, c.calendar_version_id, c.runs, b.due_at,
        jsonb_build_array(jsonb_build_array(to_char(b.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US+00:00'),
            'breach', 'mall_manager')), '{}', b.due_at, c.reckoned_at
    FROM service_ticket AS b, service_ticketclock AS c JOIN service_ticket AS t ON t.id = c.ticket_id
    WHERE b.number LIKE 'B%%' AND t.number = %s AND c.kind = 'resolution'
"""


def run() -> list[Result]:
    now = clock.now()
    with transaction.atomic():
        malls = build_malls(now)
        service.found_service(actor=ACTOR, group_id=malls.group, time_zone="Asia/Shanghai", now=now)
        number = service.open_ticket(
            actor=ACTOR, type="complaint", text="压测", channel="phone", mall_id=malls.star, now=now
        )
        with connection.cursor() as cursor:
            cursor.execute(_COPIES, [TICKETS, number])
            cursor.execute(_CLOCKS, [number])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE service_ticket, service_ticketclock")
    seconds, latest, called = [], 0.0, 0
    at = now
    for _ in range(SWEEPS):
        at += PERIOD
        with stopwatch() as passed:
            done = service.sweep_deadlines(actor=ACTOR, now=at)
            took = passed()
        seconds.append(took)
        called += done.breaches
        latest = max(latest, done.latest.total_seconds() + took)
    expected = int(SWEEPS * PERIOD / dt.timedelta(milliseconds=72))
    assert called == expected, (called, expected)
    with stopwatch() as passed:
        queries.queue_counts(ACTOR, now=at, mall_id=malls.star)
        counted = passed()
    with stopwatch() as passed:
        queries.tickets_page(ACTOR, queue="late", mall_id=malls.star, now=at)
        listed = passed()
    return [
        result(
            f"breach noticed at {TICKETS:,} open tickets, latest",
            latest,
            "s",
            limit=NOTICED_WITHIN_S,
            target=1.0,
            seconds=seconds,
        ),
        result("counts of all queues", counted * 1000, "ms"),
        result("first page of what is overdue", listed * 1000, "ms"),
    ]
