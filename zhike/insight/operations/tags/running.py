"""Tags follow the log: a batch of events is taken in with one read and one write a table, and so is what time makes due."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction

from zhike.customers import queries as customers
from zhike.insight.events import MemberTagged, MemberUntagged, TagPublished, TagRetired
from zhike.insight.models import Tag, TagCount, TagVersion
from zhike.insight.queries.tagging import _log, marks
from zhike.insight.rules.tags import catalogue
from zhike.insight.rules.tags.catalogue import milliseconds, moment
from zhike.insight.rules.tags.judging import Plan
from zhike.insight.rules.tags.machine import Change, Held, Key, Machine, State, Subject
from zhike.kernel import events
from zhike.kernel.access import Viewer
from zhike.kernel.events import StoredEvent

RULES = {TagPublished.type, TagRetired.type}
TYPES = {*catalogue.HAPPENINGS, *catalogue.CONTROLS, *RULES}
RIPE_MAX = 2_000
CURVE_DAYS = 90
CHUNK = 5_000


@transaction.atomic
def take_events(*, actor: Viewer, batch: Sequence[StoredEvent]) -> None:
    """What happened next in the log. A rule that is published or retired takes its turn among the events."""
    waiting: list[StoredEvent] = []
    published: list[StoredEvent] = []
    for event in batch:
        if event.type not in TYPES:
            continue
        if event.type in RULES:
            _run(actor, waiting)
            waiting = []
            published.append(event)
        else:
            _take_up(actor, published)
            published = []
            waiting.append(event)
    _take_up(actor, published)
    _run(actor, waiting)


@transaction.atomic
def ring_timers(*, actor: Viewer, now: dt.datetime) -> dt.datetime | None:
    """Give and take what time alone decides by now; the moment of the next timer, not after now if there is more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(due) FROM insight_tagtimer")
        first = cursor.fetchone()[0]
        if first is None or first > now:
            return first  # type: ignore[no-any-return]
        cursor.execute(
            "SELECT DISTINCT person_id FROM (SELECT person_id FROM insight_tagtimer WHERE due <= %s"
            " ORDER BY due, tag_id, person_id LIMIT %s) ripe",
            [now, RIPE_MAX],
        )
        persons = [row[0] for row in cursor.fetchall()]
    machine = _load(_log.plans(), persons)
    machine.tick(milliseconds(now))
    _write(machine)
    _tell(actor, machine.changes, now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(due) FROM insight_tagtimer")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def forget_everything(*, actor: Viewer) -> None:
    """Empty what is derived; the rules that are live are in force from the beginning."""
    with connection.cursor() as cursor:
        for table in ("tagstate", "tagheld", "tagtimer", "tagsubject"):
            cursor.execute(f"DELETE FROM insight_{table}")
        cursor.execute(
            "UPDATE insight_tag SET applied_version = CASE WHEN state = 'live' THEN version ELSE 0 END"
        )


@transaction.atomic
def look_again(*, actor: Viewer, now: dt.datetime) -> int:
    """Let the reader of the log look at once at those of whom something is kept and who are not to be profiled any more
    (restricted, erased, a child by a birthday that was learned): then it is forgotten. How many."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT subject FROM insight_tagstate WHERE subject > 0 ORDER BY subject")
        known = [row[0] for row in cursor.fetchall()]
        barred: set[int] = set()
        for start in range(0, len(known), CHUNK):
            barred |= customers.not_to_be_profiled(known[start : start + CHUNK], now.date())
        cursor.execute(
            "INSERT INTO insight_tagtimer (tag_id, person_id, due)"
            " SELECT tag_id, subject, %s FROM insight_tagstate WHERE subject = ANY(%s)"
            " ON CONFLICT (tag_id, person_id) DO UPDATE SET due = excluded.due",
            [now, sorted(barred)],
        )
    return len(barred)


# --- one batch -----------------------------------------------------------------------------------------------------


def _run(actor: Viewer, batch: Sequence[StoredEvent]) -> None:
    rules = _log.plans() if batch else []
    batch = [event for event in batch if _log.concerns(event, rules)]
    if not batch:
        return
    machine = _load(rules, _log.subjects_of(batch))
    trades, zone = _log.trades_of(event.data.get("merchant_id") for event in batch), _log.zone()
    for event in batch:
        _log.show(machine, event, trades, zone)
    _write(machine)
    _tell(actor, machine.changes, batch[-1].recorded_at)


def _load(plans: Sequence[Plan], subjects: Iterable[int]) -> Machine:
    """Everything that is known of some subjects and of those whose history is theirs, in one read a table."""
    known = _log.subjects_known(subjects)
    ids = sorted({*subjects, *known, *(row.into for row in known.values() if row.into is not None)})
    if not plans or not ids:
        return Machine({}, known)
    tags = [one.tag_id for one in plans]
    people = [one for one in ids if one > 0]
    barred = customers.not_to_be_profiled(people, _log.today())
    machine = Machine({one.tag_id: one for one in plans}, known, barred=barred)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tag_id, subject, slots, clock FROM insight_tagstate WHERE subject = ANY(%s) AND tag_id = ANY(%s)",
            [ids, tags],
        )
        for tag_id, subject, slots, clock in cursor.fetchall():
            seen = {int(at): one for at, one in json.loads(slots).items()}
            machine.states[tag_id, subject] = State(seen, milliseconds(clock))
        cursor.execute(
            "SELECT tag_id, person_id, since, figures, version FROM insight_tagheld"
            " WHERE person_id = ANY(%s) AND tag_id = ANY(%s)",
            [people, tags],
        )
        for tag_id, person, since, figures, version in cursor.fetchall():
            held = Held(milliseconds(since), tuple(json.loads(figures)), version)
            machine.held[tag_id, person] = held
        cursor.execute(
            "SELECT tag_id, person_id, due FROM insight_tagtimer WHERE person_id = ANY(%s) AND tag_id = ANY(%s)",
            [people, tags],
        )
        machine.timers = {(tag_id, person): milliseconds(due) for tag_id, person, due in cursor.fetchall()}
    return machine


def _write(machine: Machine) -> None:
    """One statement a table for what is new or changed, one for what is gone."""
    states = {key: machine.states.get(key) for key in machine.dirty_states}
    _put(
        "tagstate",
        ("tag_id", "subject", "slots", "clock"),
        ("int", "bigint", "jsonb", "timestamptz"),
        {
            key: None if state is None else (json.dumps(state.slots), moment(state.clock))
            for key, state in states.items()
        },
    )
    held = {key: machine.held.get(key) for key in machine.dirty_held}
    _put(
        "tagheld",
        ("tag_id", "person_id", "since", "figures", "version"),
        ("int", "bigint", "timestamptz", "jsonb", "int"),
        {
            key: None if one is None else (moment(one.since), json.dumps(one.figures), one.version)
            for key, one in held.items()
        },
    )
    timers = {key: machine.timers.get(key) for key in machine.dirty_timers}
    _put(
        "tagtimer",
        ("tag_id", "person_id", "due"),
        ("int", "bigint", "timestamptz"),
        {key: None if due is None else (moment(due),) for key, due in timers.items()},
    )
    _put_subjects({one: machine.subjects[one] for one in machine.dirty_subjects})


def _put(
    table: str, columns: Sequence[str], types: Sequence[str], rows: dict[Key, tuple[Any, ...] | None]
) -> None:
    gone = sorted(key for key, row in rows.items() if row is None)
    kept = sorted((*key, *row) for key, row in rows.items() if row is not None)
    with connection.cursor() as cursor:
        if gone:
            cursor.execute(
                f"DELETE FROM insight_{table} t USING unnest(%s::int[], %s::bigint[]) AS g(a, b)"
                f" WHERE t.tag_id = g.a AND t.{columns[1]} = g.b",
                [[key[0] for key in gone], [key[1] for key in gone]],
            )
        if kept:
            given = ", ".join(f"%s::{one}[]" for one in types)
            changed = ", ".join(f"{one} = excluded.{one}" for one in columns[2:])
            cursor.execute(
                f"INSERT INTO insight_{table} ({', '.join(columns)}) SELECT * FROM unnest({given})"
                f" ON CONFLICT (tag_id, {columns[1]}) DO UPDATE SET {changed}",
                [list(column) for column in zip(*kept, strict=True)],
            )


def _put_subjects(rows: dict[int, Subject]) -> None:
    if not rows:
        return
    columns = zip(
        *(
            (one, row.into, None if row.until is None else moment(row.until), row.is_off, row.cleared)
            for one, row in sorted(rows.items())
        ),
        strict=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO insight_tagsubject (subject, "into", until, is_off, cleared) SELECT * FROM'
            " unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::bool[], %s::bigint[])"
            ' ON CONFLICT (subject) DO UPDATE SET "into" = excluded."into", until = excluded.until,'
            " is_off = excluded.is_off, cleared = excluded.cleared",
            [list(column) for column in columns],
        )


def _tell(actor: Viewer, changes: Sequence[Change], now: dt.datetime) -> None:
    """What changed for whom, unless somebody had said otherwise by hand. Who got and lost it in one go is not told."""
    net: dict[Key, list[Change]] = {}
    for change in changes:
        net.setdefault((change.tag_id, change.person_id), []).append(change)
    told = [steps[-1] for steps in net.values() if len(steps) % 2]
    if not told or events.is_silent():
        return
    by_hand = marks.marked([change.person_id for change in told])
    facts = [
        (MemberTagged if change.is_on else MemberUntagged)(
            change.person_id, change.tag_id, "rule", moment(change.at)
        )
        for change in told
        if (change.person_id, change.tag_id) not in by_hand
    ]
    if len(facts) > 500:
        events.publish_many(facts, actor=actor, now=now)
    elif facts:
        events.publish(*facts, actor=actor, now=now)


# --- rules come and go ---------------------------------------------------------------------------------------------


def _take_up(actor: Viewer, told: Sequence[StoredEvent]) -> None:
    """Judge everybody by new rules, from the whole log so far, and drop what was retired.

    When everything is derived anew the live rules are in force from the beginning, and there is nothing to take up.
    """
    if not told or events.is_silent():
        return
    latest = {int(event.data["tag_id"]): event for event in told}
    retired = [tag_id for tag_id, event in latest.items() if event.type == TagRetired.type]
    fresh = {tag_id: int(event.data["version"]) for tag_id, event in latest.items() if tag_id not in retired}
    last = told[-1]
    with transaction.atomic():
        before = _holders([*retired, *fresh])
        for table in ("tagstate", "tagheld", "tagtimer"):
            _clear(table, [*retired, *fresh])
        Tag.objects.filter(pk__in=retired).update(applied_version=0)
        machine = _log.replay(_log.plans_of(fresh), until=last.position)
        machine.tick(milliseconds(last.time))
        machine.dirty_states, machine.dirty_held = set(machine.states), set(machine.held)
        machine.dirty_timers, machine.dirty_subjects = set(machine.timers), set()
        _write(machine)
        for tag_id, version in fresh.items():
            Tag.objects.filter(pk=tag_id).update(applied_version=version)
            old, new = before.get(tag_id, set()), {key[1] for key in machine.held if key[0] == tag_id}
            versions = TagVersion.objects.filter(tag_id=tag_id, version=version)
            versions.update(gained=len(new - old), lost=len(old - new))
        _keep_curves(machine, [tag_id for tag_id, version in fresh.items() if version == 1], last.time)
        _tell(actor, _moves(before, machine, {**fresh, **dict.fromkeys(retired, 0)}, last.time), last.time)


def _keep_curves(machine: Machine, tags: Sequence[int], now: dt.datetime) -> None:
    """How many would have had a new tag on the days before: the log was just gone through, so it is known."""
    zone = _log.zone()
    last = now.astimezone(zone).date()
    days = [last - dt.timedelta(days=ago) for ago in range(CURVE_DAYS, 0, -1)]
    steps: dict[int, Counter[dt.date]] = {tag_id: Counter() for tag_id in tags}
    for change in machine.changes:
        if change.tag_id in steps:
            day = moment(change.at).astimezone(zone).date()
            steps[change.tag_id][max(day, days[0])] += 1 if change.is_on else -1
    rows = []
    for tag_id, moved in steps.items():
        counted = 0
        for day in days:
            counted += moved[day]
            rows.append(TagCount(tag_id=tag_id, day=day, counted=counted))
    TagCount.objects.bulk_create(rows, ignore_conflicts=True)


def _moves(
    before: dict[int, set[int]], machine: Machine, tags: dict[int, int], now: dt.datetime
) -> list[Change]:
    found = []
    for tag_id, version in tags.items():
        old = before.get(tag_id, set())
        new = {key[1]: held for key, held in machine.held.items() if key[0] == tag_id}
        found += [
            Change(tag_id, one, True, held.since, version) for one, held in new.items() if one not in old
        ]
        found += [Change(tag_id, one, False, milliseconds(now), version) for one in sorted(old - set(new))]
    return found


def _holders(tags: Sequence[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tag_id, person_id FROM insight_tagheld WHERE tag_id = ANY(%s)", [list(tags)])
        for tag_id, person in cursor.fetchall():
            found.setdefault(tag_id, set()).add(person)
    return found


def _clear(table: str, tags: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM insight_{table} WHERE tag_id = ANY(%s)", [list(tags)])
