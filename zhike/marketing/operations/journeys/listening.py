"""What happens in the house, heard by journeys: people enter, waits end, goals are reached, people leave."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction

from zhike.collection import queries as collection
from zhike.kernel import events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotFound
from zhike.kernel.events import StoredEvent
from zhike.loyalty import queries as loyalty
from zhike.marketing.events import JourneyLeft
from zhike.marketing.models import Journey, JourneyEntry, JourneyVersion
from zhike.marketing.operations import _wake
from zhike.marketing.operations.journeys._counting import add_counts
from zhike.marketing.operations.journeys.entering import Wish, enter_journey
from zhike.marketing.queries.journeys.found import definition_of
from zhike.marketing.rules.journeys import graph
from zhike.marketing.rules.journeys.graph import Definition, Watch

AFTER_END = dt.timedelta(days=91)
"""So long after its end a journey still hears of its goal, for its longest window."""


@dataclass(frozen=True, slots=True)
class _Listener:
    role: str
    node: str
    watch: Watch
    journey_id: int
    version_id: int


@dataclass(slots=True)
class _Ears:
    """What journeys listen for, by type of event, as it was at ``read_at``; enough for every event recorded before that."""

    read_at: dt.datetime | None = None
    by_type: Mapping[str, Sequence[_Listener]] = field(default_factory=dict)
    definitions: Mapping[int, Definition] = field(default_factory=dict)

    def of(self, event: StoredEvent) -> Sequence[_Listener]:
        if self.read_at is None or event.recorded_at >= self.read_at:
            self._read()
        return self.by_type.get(event.type, ())

    def _read(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT now()")
            (self.read_at,) = cursor.fetchone()
        by_type: dict[str, list[_Listener]] = defaultdict(list)
        definitions: dict[int, Definition] = {}
        heard = Journey.objects.filter(status__in=("running", "paused", "closing")).values("pk")
        late = Journey.objects.filter(status="ended", ended_at__gt=self.read_at - AFTER_END).values("pk")
        rows = JourneyVersion.objects.filter(status__in=("live", "retired"), journey_id__in=heard.union(late))
        for row in rows.order_by("journey_id", "id"):
            definitions[row.pk] = definition = definition_of(row)
            for role, node, watch in graph.watches(definition):
                if role != "enter" or row.status == "live":
                    by_type[watch.event].append(_Listener(role, node, watch, row.journey_id, row.pk))
        self.by_type, self.definitions = by_type, definitions


_EARS = _Ears()


def hear_event(*, actor: Viewer, event: StoredEvent, now: dt.datetime) -> None:
    """Let one event of the log do in every journey what it is listened to for. In the reader's transaction."""
    listeners = [one for one in _EARS.of(event) if graph.matches(one.watch, event.data)]
    if not listeners:
        return
    person_id = _person_of(event)
    if person_id is None:
        return
    with transaction.atomic():
        inside = [one for one in listeners if one.role != "enter"]
        if inside:
            _tell_entries(actor, inside, person_id, event, now)
        for one in listeners:
            if one.role == "enter":
                wish = Wish(once=str(event.id), cause=event.type, person_id=person_id)
                enter_journey(actor=actor, journey_id=one.journey_id, wishes=[wish], now=now)


def _person_of(event: StoredEvent) -> int | None:
    """Whom an event is about, or nobody."""
    data = event.data
    if data.get("person_id") is not None:
        return int(data["person_id"])
    kind, _slash, number = event.subject.partition("/")
    if kind == "person" and number.isdecimal():
        return int(number)
    if data.get("visitor_id") is not None:
        return collection.person_of_visitor(int(data["visitor_id"]), event.time)
    if data.get("member_id") is not None:
        try:
            return loyalty.person_id_of(int(data["member_id"]))
        except NotFound:
            return None
    return None


def _tell_entries(
    actor: Viewer, listeners: Sequence[_Listener], person_id: int, event: StoredEvent, now: dt.datetime
) -> None:
    by_version: dict[int, list[_Listener]] = defaultdict(list)
    for one in listeners:
        by_version[one.version_id].append(one)
    rows = JourneyEntry.objects.select_for_update(of=("self",)).filter(
        person_id=person_id, version_id__in=by_version, entered_at__lte=max(event.time, event.recorded_at)
    )
    for row in rows.order_by("id"):
        roles = {one.role for one in by_version[row.version_id] if one.role != "wait"}
        waits = {one.node for one in by_version[row.version_id] if one.role == "wait"}
        _tell_entry(actor, row, roles, waits, event, now)


def _tell_entry(
    actor: Viewer, row: JourneyEntry, roles: set[str], waits: set[str], event: StoredEvent, now: dt.datetime
) -> None:
    definition = _EARS.definitions[row.version_id]
    changed: list[str] = []
    window = row.entered_at + dt.timedelta(days=definition.window_days)
    if "goal" in roles and row.goal_at is None and row.entered_at <= event.time < window:
        row.goal_at = event.time
        changed.append("goal_at")
        add_counts(row.version_id, {("", "goal", row.arm): 1})
    how = ""
    if row.state == "active":
        if "goal" in roles and definition.goal_ends and event.time >= row.entered_at:
            how = "goal"
        elif "leave" in roles and event.time >= row.entered_at:
            how = "leave"
    if how:
        row.state, row.ended_by, row.ended_at, row.due_at, row.waits_for = "done", how, now, None, ""
        changed += ["state", "ended_by", "ended_at", "due_at", "waits_for"]
        fact = JourneyLeft(row.journey_id, row.person_id, row.member_id, row.pk, how, row.visit)
        events.publish(fact, actor=actor, now=now)
        add_counts(row.version_id, {("", "left", how): 1})
    elif row.state == "active" and row.is_resting and row.node in waits and event.time >= row.since:
        row.signal, row.due_at = True, now
        changed += ["signal", "due_at"]
        transaction.on_commit(_wake.journeys)
    if changed:
        row.save(update_fields=changed)
