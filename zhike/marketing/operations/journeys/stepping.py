"""The engine: people whose time has come are taken by the hundred, moved as far as they can go, and put down again.

A batch is one transaction: its rows are held and skipped by every other worker, what the nodes do is written beside the moves, and
every step is a row whose key is the walk and its count of steps. Killed anywhere, the batch did not happen.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from zhike.kernel import events
from zhike.kernel.access import Viewer
from zhike.kernel.statements import fetch_rows
from zhike.marketing.events import JourneyLeft
from zhike.marketing.models import Journey, JourneyEntry, JourneyVersion
from zhike.marketing.operations.journeys._counting import Key, add_counts
from zhike.marketing.operations.journeys._telling import tell
from zhike.marketing.operations.journeys.effects import EFFECTS, Outcome, Scene, Walker
from zhike.marketing.queries.journeys.found import definition_of
from zhike.marketing.rules.journeys.graph import Definition, Node

BATCH = 1_000
BATCHES_MAX = 40
"""How many batches one run of the worker takes before others have a turn."""
NODES_AT_ONCE = 50
"""How many nodes one person passes in one batch; whoever is not through then goes on in the next."""
WALKING = (Journey.Status.RUNNING, Journey.Status.CLOSING)


@dataclass(frozen=True, slots=True)
class Stepped:
    """How many walks were moved, and whether more are due at once."""

    count: int = 0
    is_waiting: bool = False


def step_journeys(*, actor: Viewer, now: dt.datetime) -> Stepped:
    """Move everybody whose time has come in journeys that run; end those that nobody is in any more. Killed, call it again.

    Any number of workers may run it at once. Not to be called inside a transaction.
    """
    count = batches = 0
    for version in _versions():
        if version.journey.status == Journey.Status.ENDED:
            while _sweep(actor, version, now):
                continue
            continue
        while batches < BATCHES_MAX:
            moved = step_batch(actor=actor, version_id=version.pk, now=now)
            count, batches = count + moved, batches + 1
            if moved < BATCH:
                break
        if batches >= BATCHES_MAX:
            return Stepped(count, is_waiting=True)
    _close(actor, now)
    return Stepped(count)


def step_batch(*, actor: Viewer, version_id: int, now: dt.datetime) -> int:
    """Move up to ``BATCH`` people of one version; how many."""
    with transaction.atomic():
        version = JourneyVersion.objects.select_related("journey").get(pk=version_id)
        if version.journey.status not in WALKING:
            return 0
        people = _claimed(version_id, now)
        if people:
            _move(actor, version, people, now)
    return len(people)


def _versions() -> list[JourneyVersion]:
    """Versions somebody walks, the oldest journeys first; those of ended ones too, for whoever is still in."""
    rows = JourneyVersion.objects.select_related("journey").filter(status__in=("live", "retired"))
    walked = JourneyEntry.objects.filter(state="active").values("version_id")
    known = (*WALKING, Journey.Status.ENDED)
    return list(rows.filter(journey__status__in=known, pk__in=walked).order_by("journey_id", "id"))


def _claimed(version_id: int, now: dt.datetime) -> list[Walker]:
    rows = fetch_rows(
        """SELECT id, person_id, member_id, number, node, since, is_resting, due_at, signal, visit, waits_for, goal_at
        FROM marketing_journeyentry WHERE version_id = %s AND state = 'active' AND due_at <= %s
        ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED""",
        [version_id, now, BATCH],
    )
    return [Walker(*row) for row in rows]


def _move(actor: Viewer, version: JourneyVersion, people: Sequence[Walker], now: dt.datetime) -> None:
    walk = _Walk(version.journey, definition_of(version), now)
    walk.go(people)
    _write_places(people, now)
    _write_steps(walk.steps, now)
    left = [one for one in people if one.ended_by]
    facts = [
        JourneyLeft(version.journey_id, one.person_id, one.member_id, one.id, one.ended_by, one.visit)
        for one in left
    ]
    if facts:
        events.publish_many(facts, actor=actor, now=now)
    counts: Counter[Key] = Counter(
        (node, outcome, reason) for _id, _visit, node, outcome, reason in walk.steps
    )
    counts.update(("", "left", one.ended_by) for one in left)
    reached = sum(one.ended_by == "goal" and one.goal_at is None for one in left)
    if reached:
        counts["", "goal", "walk"] += reached
    add_counts(version.pk, _without_numbers(walk.definition, counts))


def _without_numbers(definition: Definition, counts: Counter[Key]) -> Counter[Key]:
    """A ticket's number is in the step, and in no count."""
    found: Counter[Key] = Counter()
    for (node, outcome, reason), count in counts.items():
        is_ticket = node in definition.nodes and definition.nodes[node].kind == "ticket"
        found[node, outcome, "" if is_ticket else reason] += count
    return found


class _Walk:
    """One batch on its way: everybody on the same node is seen to at once."""

    def __init__(self, row: Journey, definition: Definition, now: dt.datetime) -> None:
        self.scene, self.definition = Scene.of(row, now), definition
        self.steps: list[tuple[int, int, str, str, str]] = []

    def go(self, people: Sequence[Walker]) -> None:
        moving = list(people)
        for _round in range(NODES_AT_ONCE):
            standing: dict[str, list[Walker]] = defaultdict(list)
            for one in moving:
                standing[one.node].append(one)
            moving = [one for key in sorted(standing) for one in self._at(key, standing[key])]
            if not moving:
                return
        for one in moving:
            one.due_at = self.scene.now

    def _at(self, key: str, people: list[Walker]) -> list[Walker]:
        """Who goes on from a node; the others rest there or have left the journey."""
        node = self.definition.nodes.get(key) or Node(key, "exit")
        outcomes = EFFECTS[node.kind](self.scene, node, people)
        gone_on = []
        for one in people:
            if one.person_id in outcomes:
                self._leave(one, node, outcomes[one.person_id])
                if not one.ended_by:
                    gone_on.append(one)
        return gone_on

    def _leave(self, one: Walker, node: Node, came: Outcome) -> None:
        outcome, reason = came
        self.steps.append((one.id, one.visit, node.key, outcome, reason))
        one.visit += 1
        one.is_resting, one.signal, one.waits_for = False, False, ""
        one.since, one.due_at = self.scene.now, None
        if not one.ended_by:
            one.node = node.outs.get(outcome, "")


def _write_places(people: Sequence[Walker], now: dt.datetime) -> None:
    """Where everybody stands now. The goal node says that the goal was reached, unless an event said so before."""
    fetch_rows(
        """UPDATE marketing_journeyentry e SET node = w.node, since = w.since, is_resting = w.is_resting, due_at = w.due_at,
            signal = w.signal, visit = w.visit, waits_for = w.waits_for, ended_by = w.ended_by,
            state = CASE w.ended_by WHEN '' THEN 'active' ELSE 'done' END,
            ended_at = CASE w.ended_by WHEN '' THEN NULL ELSE %s::timestamptz END,
            goal_at = CASE w.ended_by WHEN 'goal' THEN coalesce(e.goal_at, %s::timestamptz) ELSE e.goal_at END
        FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::boolean[], %s::timestamptz[], %s::boolean[], %s::int[],
            %s::text[], %s::text[]) AS w(id, node, since, is_resting, due_at, signal, visit, waits_for, ended_by)
        WHERE e.id = w.id RETURNING 1""",
        [
            now, now, *(list(column) for column in zip(*(
                (one.id, one.node, one.since, one.is_resting, one.due_at, one.signal, one.visit, one.waits_for, one.ended_by)
                for one in people
            ), strict=True)),
        ],
    )  # fmt: skip


def _write_steps(steps: Sequence[tuple[int, int, str, str, str]], now: dt.datetime) -> None:
    """A step that was taken before breaks the whole batch: the key is the promise that nothing happens twice."""
    if not steps:
        return
    fetch_rows(
        """INSERT INTO marketing_journeystep (entry_id, visit, node, outcome, reason, at)
        SELECT w.*, %s::timestamptz FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[])
            AS w(entry_id, visit, node, outcome, reason) RETURNING 1""",
        [now, *(list(column) for column in zip(*steps, strict=True))],
    )


def _sweep(actor: Viewer, version: JourneyVersion, now: dt.datetime) -> int:
    """People still in a journey that was ended leave it, a batch at a time."""
    with transaction.atomic():
        rows = fetch_rows(
            """WITH chosen AS (
                SELECT id FROM marketing_journeyentry WHERE version_id = %s AND state = 'active' LIMIT %s FOR UPDATE SKIP LOCKED)
            UPDATE marketing_journeyentry e SET state = 'done', ended_by = 'stop', ended_at = %s, due_at = NULL, waits_for = ''
            FROM chosen WHERE e.id = chosen.id RETURNING e.id, e.person_id, e.member_id, e.visit""",
            [version.pk, BATCH * 5, now],
        )
        facts = [
            JourneyLeft(version.journey_id, person_id, member_id, entry_id, "stop", visit)
            for entry_id, person_id, member_id, visit in rows
        ]
        if facts:
            events.publish_many(facts, actor=actor, now=now)
            add_counts(version.pk, {("", "left", "stop"): len(facts)})
    return len(rows)


def _close(actor: Viewer, now: dt.datetime) -> None:
    """A journey that nobody enters any more ends when the last person has left it."""
    for row in Journey.objects.filter(status=Journey.Status.CLOSING).order_by("id"):
        with transaction.atomic():
            held = Journey.objects.select_for_update(of=("self",)).get(pk=row.pk)
            inside = JourneyEntry.objects.filter(version__journey=held, state="active")
            if held.status == Journey.Status.CLOSING and not inside.exists():
                held.status, held.ended_at = Journey.Status.ENDED, now
                held.save(update_fields=["status", "ended_at"])
                tell(actor, held, "end", 0, now)
