"""The log as tags' rules see it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias, cast
from zoneinfo import ZoneInfo

import msgspec
from django.db import connection

from zhike.customers import queries as customers
from zhike.insight.models import Tag, TagVersion
from zhike.insight.queries import audiences
from zhike.insight.rules.tags import catalogue
from zhike.insight.rules.tags.catalogue import milliseconds
from zhike.insight.rules.tags.judging import Plan, plan
from zhike.insight.rules.tags.machine import Machine, Subject, replayed
from zhike.insight.rules.tags.rule import DAY_MS, parse
from zhike.kernel import clock
from zhike.kernel.events import StoredEvent
from zhike.organization import queries as organization

CHUNK = 5_000
PlainColumns: TypeAlias = tuple[int, uuid.UUID, str, str, str, str, dt.datetime, dt.datetime]
_PERSONS = ("person_id", "merged_id", "other_person_id")


def today() -> dt.date:
    """The day by which ages count; a rule's own time is that of the events."""
    return clock.now().date()


def zone() -> ZoneInfo:
    return ZoneInfo(audiences.zone())


def plans() -> list[Plan]:
    """The rules in force, as far as the reader of the log has taken them up."""
    return plans_of(dict(Tag.objects.filter(applied_version__gt=0).values_list("id", "applied_version")))


def plans_of(versions: Mapping[int, int]) -> list[Plan]:
    """By tag the version that is asked for."""
    rows = TagVersion.objects.filter(tag_id__in=versions).order_by("tag_id")
    return [
        _plan(row.tag_id, row.version, msgspec.json.encode(row.definition), row.ttl_days)
        for row in rows
        if versions[row.tag_id] == row.version
    ]


@lru_cache(maxsize=512)
def _plan(tag_id: int, version: int, definition: bytes, ttl_days: int | None) -> Plan:
    root = parse(msgspec.json.decode(definition))
    return plan(tag_id, version, root, None if ttl_days is None else ttl_days * DAY_MS)


def concerns(event: StoredEvent, rules: Sequence[Plan]) -> bool:
    """Whether there is anything to do for an event: a rule there is, or a change of whose history it is."""
    if event.type == catalogue.CONSENT:
        return any(purpose == "personalisation" for purpose, _channel, _decision in event.data["decisions"])
    return bool(rules) or event.type in catalogue.CONTROLS


def subjects_of(batch: Sequence[StoredEvent]) -> set[int]:
    """Every person and visitor that a batch speaks of."""
    found = {
        int(event.data[name]) for event in batch for name in _PERSONS if event.data.get(name) is not None
    }
    return found | {
        -int(event.data["visitor_id"]) for event in batch if event.data.get("visitor_id") is not None
    }


def subjects_known(ids: Iterable[int]) -> dict[int, Subject]:
    """What is known of subjects, of those their histories went to, and of all whose histories went there."""
    found: dict[int, Subject] = {}
    asked, waiting = set[int](), set(ids)
    while waiting - asked:
        new = sorted(waiting - asked)
        asked |= set(new)
        for row in _subject_rows('subject = ANY(%s) OR "into" = ANY(%s)', [new, new]):
            found[row[0]] = row[1]
            waiting |= {row[0]} if row[1].into is None else {row[0], row[1].into}
    return found


def _subject_rows(where: str, params: Sequence[Any]) -> list[tuple[int, Subject]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT subject, "into", until, is_off, cleared FROM insight_tagsubject WHERE {where}',
            list(params),
        )
        return [
            (one, Subject(into, None if until is None else milliseconds(until), is_off, cleared))
            for one, into, until, is_off, cleared in cursor.fetchall()
        ]


def trades_of(merchants: Iterable[int | None]) -> dict[int, tuple[int, ...]]:
    """The trade categories of merchants, each with those above it."""
    found: dict[int, tuple[int, ...]] = {}
    above: dict[int, int | None] = {}
    for merchant_id in {int(one) for one in merchants if one is not None}:
        ref = organization.merchant_ref(merchant_id)
        if ref is None or ref.trade_category_id is None:
            continue
        if ref.trade_category_id not in above:
            above |= {one.id: one.parent_id for one in organization.trade_categories(ref.group_id)}
        chain: list[int] = []
        at: int | None = ref.trade_category_id
        while at is not None and at not in chain:
            chain.append(at)
            at = above.get(at)
        found[merchant_id] = tuple(chain)
    return found


def show(machine: Machine, event: StoredEvent, trades: Mapping[int, Sequence[int]], at: ZoneInfo) -> None:
    """Show one event to a machine."""
    data = event.data
    if event.type not in catalogue.CONTROLS:
        found = catalogue.happening(
            event.type, data, event.time, event.recorded_at, event.position, trades, at
        )
        if found is not None:
            machine.take(found, event.position)
    elif event.type == catalogue.CONSENT:
        for purpose, _channel, decision in data["decisions"]:
            if purpose == "personalisation":
                is_off = decision in ("refused", "withdrawn")
                machine.decide(int(data["person_id"]), is_off=is_off, position=event.position)
    elif event.type == catalogue.MERGED:
        machine.join(int(data["merged_id"]), int(data["person_id"]))
    elif event.type == catalogue.PARTED:
        machine.part(int(data["merged_id"]), into=int(data["person_id"]))
    elif event.type == catalogue.STITCHED:
        until = data.get("until")
        limit = milliseconds(dt.datetime.fromisoformat(until)) if until else None
        machine.join(-int(data["visitor_id"]), int(data["person_id"]), limit)
    elif event.type == catalogue.SHARED:
        machine.part(-int(data["visitor_id"]), into=int(data["person_id"]))
    elif event.type == catalogue.TAKEN_OUT:
        machine.take_out(int(data["person_id"]), [str(one) for one in data.get("receipt_ids", ())])


def replay(rules: Sequence[Plan], *, until: int | None = None, since: dt.datetime | None = None) -> Machine:
    """What some rules make of the log up to a position, with everybody's belonging and refusals as they are now.

    With ``since`` only of what happened then or later, gathered to be judged at once: enough to know who has a tag now.
    """
    known = dict(_subject_rows("true", ()))
    machine = replayed(rules, known, is_gathering=since is not None)
    types = sorted({one for rule in rules for code in rule.by_code for one in catalogue.types_of(code)})
    at, barred = zone(), set[int]()
    checked: set[int] = set()
    for batch in _chunks([*types, catalogue.TAKEN_OUT], until, since) if rules else ():
        people = {one for one in subjects_of(batch) if one > 0} - checked
        checked |= people
        barred |= customers.not_to_be_profiled(sorted(people), today())
        machine.barred = barred
        trades = trades_of(event.data.get("merchant_id") for event in batch)
        for event in batch:
            show(machine, event, trades, at)
    return machine


def _chunks(
    types: Sequence[str], until: int | None, since: dt.datetime | None
) -> Iterable[list[StoredEvent]]:
    place = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                'SELECT e.position, e.id, e.source, e.type, e.subject, e.actor, e."time", e.recorded_at, e.data'
                " FROM kernel_event e WHERE e.type = ANY(%s) AND e.position > %s"
                ' AND (%s::bigint IS NULL OR e.position < %s) AND (%s::timestamptz IS NULL OR e."time" > %s)'
                " ORDER BY e.position LIMIT %s",
                [list(types), place, until, until, since, since, CHUNK],
            )
            rows = cursor.fetchall()
        if rows:
            yield [
                StoredEvent(*cast("PlainColumns", row[:8]), data=msgspec.json.decode(row[8])) for row in rows
            ]
        if len(rows) < CHUNK:
            return
        place = rows[-1][0]
