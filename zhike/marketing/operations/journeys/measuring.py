"""Summing up what those who walked and those who were held did, each from their own entry on."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from zhike.kernel.access import Viewer
from zhike.kernel.queries import events_since
from zhike.marketing.models import Journey, JourneyEntry, JourneyMeasure, JourneyVersion
from zhike.marketing.operations._sums import Measured, SalesSums
from zhike.marketing.operations.journeys._counting import Key, add_counts
from zhike.marketing.queries.journeys.found import definition_of, zone_of_journey
from zhike.marketing.rules import campaigns as rules
from zhike.marketing.rules.journeys import graph
from zhike.marketing.rules.journeys.graph import Definition, Watch
from zhike.marketing.rules.measuring import Moments, moments

CHUNK = 5_000
STILL_LOOKED_FOR = dt.timedelta(days=92)
"""So long after their entry the log is looked into for a goal: longer than any window."""


def measure_journey(*, actor: Viewer, journey_id: int, now: dt.datetime) -> dict[str, Any]:
    """Sum up, by arm, of everybody's first entry: who reached the goal, who bought, for how much, in the journey's window.

    The window begins when a person entered and is ``window_days`` of the live version long; for the adjustment the same people's
    purchases of the 56 days before. Kept as today's measure; called twice it gives the same.
    """
    row = Journey.objects.select_related("live").get(pk=journey_id)
    if row.live is None:
        return {}
    window = dt.timedelta(days=definition_of(row.live).window_days)
    bought = SalesSums(row.group_id)
    goals: dict[str, Moments] = defaultdict(Moments)
    for people in _first_entries(journey_id, now):
        _find_goals(row, people, now)
        regulars = bought.add(
            [
                Measured(one.person_id, one.arm, one.entered_at, min(now, one.entered_at + window))
                for one in people
            ]
        )
        told: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for one in people:
            told[one.arm].append((float(one.goal_at is not None), float(one.person_id in regulars)))
        for arm, pairs in told.items():
            goals[arm] += moments(pairs)
    sums: dict[str, Any] = {
        arm: {
            "assigned": one.n,
            "goal": [one.n, one.y, one.yy, one.x, one.xx, one.xy],
            **bought.of_arm(arm),
        }
        for arm, one in goals.items()
    }
    day = now.astimezone(ZoneInfo(zone_of_journey(row))).date()
    JourneyMeasure.objects.update_or_create(journey=row, day=day, defaults={"sums": sums, "measured_at": now})
    return sums


def measure_journeys(*, actor: Viewer, now: dt.datetime) -> int:
    """Every journey that runs or whose last window may be open; how many."""
    ids = [
        row.pk
        for row in Journey.objects.exclude(live=None).order_by("id")
        if row.ended_at is None or now - row.ended_at < dt.timedelta(days=91)
    ]
    for journey_id in ids:
        measure_journey(actor=actor, journey_id=journey_id, now=now)
    return len(ids)


def _find_goals(row: Journey, people: Sequence[JourneyEntry], now: dt.datetime) -> None:
    """Goals that the reader of the log did not tell, because they happened while somebody was just coming in."""
    by_version: dict[int, list[JourneyEntry]] = defaultdict(list)
    for one in people:
        if one.goal_at is None and now < one.entered_at + STILL_LOOKED_FOR:
            by_version[one.version_id].append(one)
    for version in JourneyVersion.objects.filter(pk__in=by_version):
        definition = definition_of(version)
        if definition.goal is not None:
            found = _goals(definition, definition.goal, by_version[version.pk])
            if found:
                _keep(version.pk, found)


def _goals(
    definition: Definition, goal: Watch, people: Sequence[JourneyEntry]
) -> list[tuple[JourneyEntry, dt.datetime]]:
    window = dt.timedelta(days=definition.window_days)
    told: dict[str, list[dt.datetime]] = defaultdict(list)
    subjects = [f"person/{one.person_id}" for one in people]
    since = min(one.entered_at for one in people)
    for subject, at, data in events_since(subjects, event_type=goal.event, since=since):
        if graph.matches(goal, data):
            told[subject].append(at)
    found = []
    for one in people:
        moments = [
            at for at in told[f"person/{one.person_id}"] if one.entered_at <= at < one.entered_at + window
        ]
        if moments:
            found.append((one, moments[0]))
    return found


@transaction.atomic
def _keep(version_id: int, found: Sequence[tuple[JourneyEntry, dt.datetime]]) -> None:
    """Only where the reader has not been faster."""
    kept: Counter[Key] = Counter()
    for one, at in found:
        one.goal_at = at
        if JourneyEntry.objects.filter(pk=one.pk, goal_at=None).update(goal_at=at):
            kept["", "goal", one.arm] += 1
    add_counts(version_id, kept)


def _first_entries(journey_id: int, now: dt.datetime) -> Iterator[list[JourneyEntry]]:
    rows = (
        JourneyEntry.objects.filter(journey_id=journey_id, number=1, entered_at__lt=now)
        .exclude(arm=rules.GLOBAL)
        .only("id", "version_id", "person_id", "arm", "entered_at", "goal_at")
    )
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        yield found
        last = found[-1].pk
