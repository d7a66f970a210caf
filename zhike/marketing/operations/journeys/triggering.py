"""Journeys that look for people by themselves: who came into a segment, whose birthday or expiry day is near."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from zhike.customers import queries as customers
from zhike.insight import queries as insight
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Problem
from zhike.marketing.models import Journey
from zhike.marketing.operations.filling import chunks
from zhike.marketing.operations.journeys.entering import Wish, enter_journey
from zhike.marketing.queries.audiences import audience_members
from zhike.marketing.queries.journeys.found import definition_of, launcher_of_journey, zone_of_journey
from zhike.marketing.rules.journeys import walking


def look_for_people(*, actor: Viewer, now: dt.datetime) -> int:
    """One look of every running journey with a segment or a day; how many entered. Killed, call it again.

    Not to be called inside a transaction.
    """
    entered = 0
    rows = Journey.objects.select_related("live").filter(status=Journey.Status.RUNNING)
    for row in rows.order_by("id"):
        if row.live is None:
            continue
        trigger = definition_of(row.live).trigger
        try:
            if trigger.get("kind") == "segment":
                entered += _look_at_segment(actor, row, trigger, now)
            elif trigger.get("kind") in ("birthday", "expiring"):
                entered += _look_at_day(actor, row, trigger, now)
        except Problem:
            continue  # the segment is gone or hidden: the page of the journey shows that nobody enters
    return entered


def _look_at_segment(actor: Viewer, row: Journey, trigger: Mapping[str, Any], now: dt.datetime) -> int:
    """Who is in the segment now and was not at the last look; the first look of "joining" only remembers."""
    from pyroaring import BitMap64

    if trigger["who"] == "now" and row.looked_at is not None:
        return 0
    here = BitMap64(audience_members(launcher_of_journey(row), trigger["segment"], row.mall_id, now))
    seen = BitMap64.deserialize(bytes(row.seen)) if row.seen else BitMap64()
    is_first = row.looked_at is None
    fresh = BitMap64() if is_first and trigger["who"] == "joining" else here - seen
    cause = f"segment:{trigger['segment']}"
    count = _enter(actor, row, fresh, f"s{row.looked}", cause, now)
    Journey.objects.filter(pk=row.pk, looked=row.looked).update(
        looked=row.looked + 1, looked_at=now, seen=here.serialize()
    )
    return count


def _look_at_day(actor: Viewer, row: Journey, trigger: Mapping[str, Any], now: dt.datetime) -> int:
    """Once a day at its hour. Days that were missed are not made up for: their moment has passed."""
    today = walking.is_due_today(trigger.get("at"), row.looked_on, now, zone_of_journey(row))
    if today is None:
        return 0
    day = today + dt.timedelta(days=int(trigger["days"]))
    key = f"d{day:%Y%m%d}"
    if trigger["kind"] == "birthday":
        count = 0
        for persons in chunks(iter(customers.celebrating(day))):
            wishes = [Wish(f"{key}:{person_id}", "birthday", person_id=person_id) for person_id in persons]
            count += enter_journey(actor=actor, journey_id=row.pk, wishes=wishes, now=now).count
    else:
        expiring = insight.parse(
            {
                "match": "all",
                "of": [
                    {
                        "field": "expiring_points",
                        "op": "at_least",
                        "value": int(trigger.get("minimum") or 1),
                        "window": {"first": day.isoformat(), "last": day.isoformat()},
                    }
                ],
            }
        )
        members = insight.members_fitting(launcher_of_journey(row), expiring, now)
        count = _enter(actor, row, sorted(members), key, "expiring", now)
    Journey.objects.filter(pk=row.pk).update(looked_on=today, looked_at=now)
    return count


def _enter(
    actor: Viewer, row: Journey, member_ids: Iterable[int], key: str, cause: str, now: dt.datetime
) -> int:
    count = 0
    for chunk in chunks(iter(member_ids)):
        wishes = [Wish(f"{key}:{member_id}", cause, member_id=member_id) for member_id in chunk]
        count += enter_journey(actor=actor, journey_id=row.pk, wishes=wishes, now=now).count
    return count
