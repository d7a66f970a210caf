"""Graphs of the tests: small ones, put together by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.marketing.conftest import BOSS
from zhike.kernel.events import drain
from zhike.marketing import operations
from zhike.marketing.handlers import journeys as consumer
from zhike.marketing.models import JourneyEntry, JourneyStep
from zhike.marketing.queries import Definition, Node, Watch

SALE = Watch("zhike.sales.receipt_recorded", (("kind", "equals", "sale"),))
BOUGHT: dict[str, Any] = {"event": SALE.event, "where": [["kind", "equals", "sale"]]}


def node(key: str, kind: str, params: dict[str, Any] | None = None, **outs: str) -> Node:
    return Node(key, kind, params or {}, outs)


def graph(*nodes: Node, **changes: Any) -> Definition:
    values: dict[str, Any] = {
        "trigger": {"kind": "api"}, "first": nodes[0].key, "goal": SALE, "goal_ends": False, "holdout_bp": 0,
        "nodes": {one.key: one for one in nodes},
    }  # fmt: skip
    return Definition(**{**values, **changes})


def days(value: int, at: str = "") -> dict[str, Any]:
    return {"value": value, "unit": "days", "at": at}


def planned(town: Town, definition: Definition, **changes: Any) -> int:
    return operations.plan_journey(
        actor=SYSTEM, group_id=town.group_id, name="欢迎", definition=definition, now=NOW, **changes
    )


def live(town: Town, definition: Definition, now: dt.datetime = NOW, **changes: Any) -> int:
    """A journey that somebody planned, somebody else approved, and that runs."""
    journey_id = planned(town, definition, **changes)
    publish(journey_id, now)
    return journey_id


def publish(journey_id: int, now: dt.datetime = NOW) -> None:
    operations.submit_journey(actor=SYSTEM, journey_id=journey_id, now=now)
    operations.approve_journey(actor=BOSS, journey_id=journey_id, now=now)
    operations.launch_journey(actor=SYSTEM, journey_id=journey_id, now=now)


def enter(
    journey_id: int, person_ids: Sequence[int], now: dt.datetime = NOW, once: str = "x"
) -> dict[int, str]:
    wishes = [operations.Wish(f"{once}:{pk}", "test", person_id=pk) for pk in person_ids]
    return dict(operations.enter_journey(actor=SYSTEM, journey_id=journey_id, wishes=wishes, now=now).fates)


def step(now: dt.datetime) -> int:
    """What the worker does."""
    count = 0
    while True:
        done = operations.step_journeys(actor=SYSTEM, now=now)
        count += done.count
        if not done.is_waiting:
            return count


def hear() -> None:
    """What the reader of the log does."""
    drain(consumer)


def path(journey_id: int, person_id: int) -> list[tuple[str, str]]:
    """(node, outcome) of every step somebody took."""
    rows = JourneyStep.objects.filter(entry__journey_id=journey_id, entry__person_id=person_id)
    return list(rows.order_by("entry__number", "visit").values_list("node", "outcome"))


def entry(journey_id: int, person_id: int) -> JourneyEntry:
    return JourneyEntry.objects.filter(journey_id=journey_id, person_id=person_id).latest("number")
