"""Journeys: people entering and stepping, against the bare SQL that the same rows need. ZHIKE_BENCH_PEOPLE=1000000 for more."""

from __future__ import annotations

import datetime as dt
import os

from django.db import connection, transaction

from tests.bench.harness import Result, result, stopwatch
from tests.loyalty.conftest import SYSTEM, build_town
from tests.marketing.conftest import BOSS
from tests.marketing.journeys import days, graph, node
from tests.people import NOW
from zhike.marketing import operations
from zhike.marketing.models import JourneyEntry, JourneyStep
from zhike.marketing.operations.journeys.stepping import BATCH

PEOPLE = int(os.environ.get("ZHIKE_BENCH_PEOPLE", "100000"))
CHUNK = 2_000
LATER = NOW + dt.timedelta(days=2)
TARGET = 0.15
_LOAD = (
    """INSERT INTO customers_person (group_id, name, name_pinyin, name_initials, name_grams, sex, birthday_calendar, birthday_key,
        occupation, language, status,
        created_at, source, source_mall_id)
    SELECT %(group)s, '会员', '', '', '{}', 'female', 'solar', '', '', '', 'active', %(now)s, 'bench', %(mall)s
    FROM generate_series(1, %(count)s)""",
    """INSERT INTO loyalty_member (program_id, person_id, number, status, tier_id, tier_since, mall_id, enrolled_at, enrolled_by, source)
    SELECT %(program)s, id, 'B' || id, 'active', %(tier)s, %(now)s, %(mall)s, %(now)s, 'bench', 'bench' FROM customers_person""",
)
_ENTRIES = """INSERT INTO marketing_journeyentry (journey_id, version_id, person_id, member_id, number, arm, state, node, since,
        is_resting, due_at, waits_for, signal, visit, once, cause, entered_at, ended_by)
    SELECT %s, %s, person_id, id, 1, 'walk', 'active', 'n1', %s, false, %s, '', false, 0, 'b:' || id, 'bench', %s, ''
    FROM loyalty_member WHERE id > %s AND id <= %s"""
_EVENTS = """INSERT INTO kernel_event (id, source, type, subject, actor, "time", data)
    SELECT gen_random_uuid(), '/zhike/marketing', %s, 'person/' || person_id, 'system:bench', %s,
        jsonb_build_object('journey_id', journey_id, 'person_id', person_id, 'member_id', member_id, 'entry_id', id)
    FROM marketing_journeyentry WHERE journey_id = %s AND id = ANY(%s)"""
_TAKE = """SELECT id FROM marketing_journeyentry WHERE version_id = %s AND state = 'active' AND due_at <= %s
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED"""
_REST = "UPDATE marketing_journeyentry SET is_resting = true, due_at = %s WHERE id = ANY(%s)"
_LEAVE = """UPDATE marketing_journeyentry SET node = 'n3', visit = 3, state = 'done', ended_by = 'exit', ended_at = %s, due_at = NULL
    WHERE id = ANY(%s)"""
_STEPS = """INSERT INTO marketing_journeystep (entry_id, visit, node, outcome, reason, at)
    SELECT e, v, 'n' || v, 'next', '', %s FROM unnest(%s::bigint[]) e, generate_series(0, 2) v"""


def run() -> list[Result]:
    ours, bare = _journey(), _journey()
    persons = _people()
    with stopwatch() as entering:
        for start in range(0, len(persons), CHUNK):
            wishes = [
                operations.Wish(f"b:{pk}", "bench", person_id=pk) for pk in persons[start : start + CHUNK]
            ]
            operations.enter_journey(actor=SYSTEM, journey_id=ours[0], wishes=wishes, now=NOW)
        entered_s = entering()
    with stopwatch() as stepping:
        for moment in (NOW, LATER):
            while operations.step_journeys(actor=SYSTEM, now=moment).is_waiting:
                pass
        stepped_s = stepping()
    count = len(persons)
    entries, steps = JourneyEntry.objects.filter(state="done").count(), JourneyStep.objects.count()
    if (entries, steps) != (count, 3 * count):
        raise RuntimeError(f"{entries} of {count} people came through, in {steps} steps")
    bare_entered_s, bare_stepped_s = _bare_entering(*bare), _bare_stepping(*bare)
    return [
        result(
            f"journeys: {count:,} people entering",
            count / entered_s,
            "people/s",
            limit=count / bare_entered_s,
            target=TARGET,
        ),
        result(
            f"journeys: {count:,} people through a delay, a split and an exit",
            3 * count / stepped_s,
            "steps/s",
            limit=3 * count / bare_stepped_s,
            target=TARGET,
        ),
    ]


def _people() -> list[int]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT id, group_id FROM organization_mall ORDER BY id LIMIT 1")
        mall, group = cursor.fetchone()
        cursor.execute("SELECT program_id, id FROM loyalty_tier ORDER BY id LIMIT 1")
        program, tier = cursor.fetchone()
        values = {"group": group, "mall": mall, "program": program, "tier": tier, "now": NOW, "count": PEOPLE}
        for statement in _LOAD:
            cursor.execute(statement, values)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_person, loyalty_member")
        cursor.execute("SELECT person_id FROM loyalty_member ORDER BY person_id")
        return [row[0] for row in cursor.fetchall()]


_TOWN: list[int] = []


def _journey() -> tuple[int, int]:
    """(journey, version)"""
    if not _TOWN:
        _TOWN.append(build_town().group_id)
    ways = {"ways": [{"key": "A", "weight": 1}, {"key": "B", "weight": 1}]}
    definition = graph(
        node("n1", "delay", days(1), next="n2"), node("n2", "split", ways, A="n3", B="n3"), node("n3", "exit")
    )
    journey_id = operations.plan_journey(
        actor=SYSTEM, group_id=_TOWN[0], name="bench", definition=definition, now=NOW
    )
    operations.submit_journey(actor=SYSTEM, journey_id=journey_id, now=NOW)
    operations.approve_journey(actor=BOSS, journey_id=journey_id, now=NOW)
    operations.launch_journey(actor=SYSTEM, journey_id=journey_id, now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT live_id FROM marketing_journey WHERE id = %s", [journey_id])
        return journey_id, cursor.fetchone()[0]


def _bare_entering(journey_id: int, version_id: int) -> float:
    with connection.cursor() as cursor, stopwatch() as seconds:
        cursor.execute("SELECT min(id) - 1, max(id) FROM loyalty_member")
        first, last = cursor.fetchone()
        for start in range(first, last, CHUNK):
            with transaction.atomic():
                cursor.execute(
                    f"{_ENTRIES} RETURNING id",
                    [journey_id, version_id, NOW, NOW, NOW, start, start + CHUNK],
                )
                ids = [row[0] for row in cursor.fetchall()]
                cursor.execute(_EVENTS, ["zhike.marketing.journey_entered", NOW, journey_id, ids])
        return seconds()


def _bare_stepping(journey_id: int, version_id: int) -> float:
    with connection.cursor() as cursor, stopwatch() as seconds:
        for moment in (NOW, LATER):
            while True:
                with transaction.atomic():
                    cursor.execute(_TAKE, [version_id, moment, BATCH])
                    ids = [row[0] for row in cursor.fetchall()]
                    if not ids:
                        break
                    if moment == NOW:
                        cursor.execute(_REST, [LATER, ids])
                        continue
                    cursor.execute(_LEAVE, [moment, ids])
                    cursor.execute(_STEPS, [moment, ids])
                    cursor.execute(_EVENTS, ["zhike.marketing.journey_left", moment, journey_id, ids])
        return seconds()
