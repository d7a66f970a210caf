"""Where a person stands in a journey and what comes next: who may enter, how long to rest, which way a split sends them. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from zhike.marketing.rules.assignment import Arm, arm_of
from zhike.marketing.rules.journeys.checking import clock_of, length_of
from zhike.marketing.rules.journeys.graph import Definition, Node


def salt_of(journey_id: int) -> str:
    """Of the holdout and of every split: the same through all versions, so that nobody changes sides."""
    return f"journey/{journey_id}"


def way_of(journey_id: int, node: Node, person_id: int) -> str:
    """Which way a random split or an A/B test sends a person: from a hash, so it is the same whenever it is asked."""
    arms = [Arm(str(way["key"]), int(way["weight"])) for way in node.params["ways"]]
    return arm_of(f"{salt_of(journey_id)}/{node.key}", person_id, arms)


def may_enter(
    definition: Definition, is_inside: bool, last_entered_at: dt.datetime | None, now: dt.datetime
) -> bool:
    """By the re-entry rule. Whoever is inside never enters a second time."""
    if is_inside:
        return False
    if last_entered_at is None or definition.reentry == "always":
        return True
    return definition.reentry == "after" and now >= last_entered_at + dt.timedelta(
        days=definition.reentry_days
    )


def rests_until(params: Mapping[str, Any], now: dt.datetime, zone: str) -> dt.datetime:
    """When a delay is over: after its length, and then at its hour of the day in the mall's zone."""
    until = now + (length_of(params) or dt.timedelta())
    hour = clock_of(params["at"]) if params.get("at") else None
    if hour is None:
        return until
    local = until.astimezone(ZoneInfo(zone))
    at = local.replace(hour=hour.hour, minute=hour.minute, second=0, microsecond=0)
    if at < local or (
        until == now and at == local
    ):  # "until ten" at ten sharp is tomorrow, or nobody would ever wait
        at += dt.timedelta(days=1)
    return at.astimezone(dt.UTC)


def waits_until(params: Mapping[str, Any], now: dt.datetime) -> dt.datetime:
    """When a wait gives up."""
    return now + (length_of(params) or dt.timedelta())


def is_of_age(birthday: dt.date | None, today: dt.date, adult: int = 18) -> bool:
    """Nobody under 18 is in a journey; whose birthday we do not know is taken for grown up, as the gates do."""
    if birthday is None:
        return True
    return (today.year - birthday.year) - ((today.month, today.day) < (birthday.month, birthday.day)) >= adult


def is_due_today(at: object, looked_on: dt.date | None, now: dt.datetime, zone: str) -> dt.date | None:
    """The local day for which a dated trigger must look now; None before its hour and when it has looked."""
    local, hour = now.astimezone(ZoneInfo(zone)), clock_of(at)
    if hour is None or local.time() < hour or (looked_on is not None and looked_on >= local.date()):
        return None
    return local.date()
