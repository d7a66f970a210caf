"""Tags under load: from the commit of an event to the commit of what rules made of it, at 500 events a second."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

from django.db import connection, transaction

from tests.bench.harness import Result, percentile, result, stopwatch
from tests.people import build_malls, publish_policy
from zhike.collection.events import BehaviourObserved
from zhike.insight import operations as insight
from zhike.insight.handlers import tags
from zhike.insight.models import TagHeld
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.events import Fact, StoredEvent, drain, publish, publish_many
from zhike.kernel.events.rebuild import rebuild
from zhike.kernel.events.runner import Runner
from zhike.loyalty import operations as loyalty
from zhike.sales.events import ReceiptRecorded

ACTOR = system_viewer("bench")
LATENCY_TARGET_MS = 1_000.0
MEMBERS = 2_000
RATE = 500
SECONDS = 15
PER_COMMIT = 5
HISTORY = 20_000


def run() -> list[Result]:
    persons, malls = _people()
    _rules(malls.group)
    drain(tags)
    return [latency(persons, malls), rebuilding(persons, malls)]


def latency(persons: Sequence[int], malls: Any) -> Result:
    """Events come at the rate, a few a commit; each of them moves what eight rules have seen of somebody."""
    committed: dict[int, float] = {}
    waits: list[float] = []

    def batch(events: Sequence[StoredEvent]) -> None:
        assert tags.batch is not None
        tags.batch(events)
        marks = [event.data["properties"]["mark"] for event in events if event.data.get("properties")]
        transaction.on_commit(partial(_arrived, marks, committed, waits))

    runner = Runner([replace(tags, batch=batch)], threads=1)
    runner.start()
    _write(persons, malls, committed)
    deadline = time.monotonic() + 30
    while len(waits) < len(committed) and time.monotonic() < deadline:
        time.sleep(0.05)
    runner.stop()
    runner.join(10)
    if len(waits) < len(committed):
        raise TimeoutError(f"{len(committed) - len(waits)} events were not taken in within 30 s")
    assert TagHeld.objects.exists()
    return result(
        f"tags: event to tag at {RATE} events/s, p95",
        percentile(waits, 0.95) * 1000,
        "ms",
        limit=LATENCY_TARGET_MS,
        target=1,
        seconds=waits,
    )


def rebuilding(persons: Sequence[int], malls: Any) -> Result:
    """The whole log again, eight rules over every event."""
    rng, now = Random(2), clock.now()
    with transaction.atomic():
        publish_many([_fact(rng, persons, malls, now, 0) for _ in range(HISTORY)], now=now)
    with stopwatch() as elapsed:
        count = rebuild(tags)
    return result("tags: derived anew", count / elapsed(), "events/s")


def _people() -> tuple[list[int], Any]:
    now = clock.now() - dt.timedelta(days=400)
    malls = build_malls(now)
    publish_policy(malls, now=now)
    program = loyalty.create_program(actor=ACTOR, group_id=malls.group, code="main", name="知客会员", now=now)
    loyalty.save_tier(
        actor=ACTOR, program_id=program, code="basic", name="普卡", rank=0, threshold_fen=0, colour="slate", benefits="", now=now
    )  # fmt: skip
    new = [
        loyalty.NewMember(
            name=f"客{number}", enrolled_at=now, phone=f"139{number:08d}", sex="female", birthday=dt.date(1990, 1, 1),
            birthday_calendar="solar", mall_id=malls.star, merchant_id=malls.cafe, source="counter",
        )
        for number in range(MEMBERS)
    ]  # fmt: skip
    return list(loyalty.enroll_members(actor=ACTOR, members=new, now=now)), malls


def _rules(group_id: int) -> None:
    def figure(event: str, value: int, days: int, **more: Any) -> dict[str, Any]:
        return {
            "ask": "figure",
            "event": event,
            "within": {"days": days},
            "op": "at_least",
            "value": value,
            **more,
        }

    left = {
        "ask": "unfollowed", "event": "behaviour.product_viewed", "by": "purchase", "wait": {"hours": 1},
        "within": {"days": 14}, "value": 2,
    }  # fmt: skip
    rules = [
        [figure("behaviour.product_viewed", 3, 7)],
        [figure("behaviour", 5, 1)],
        [left],
        [figure("purchase", 2, 30)],
        [figure("purchase", 50_000, 90, measure="sum", of="net_fen")],
        [figure("purchase", 3, 60, measure="distinct", of="merchant_id")],
        [
            figure(
                "behaviour.product_viewed",
                2,
                30,
                where=[{"key": "category", "op": "equals", "value": "咖啡"}],
            )
        ],
        [figure("purchase", 1, 30), figure("behaviour", 2, 30)],
    ]
    for number, of in enumerate(rules):
        tag_id = insight.save_tag(
            actor=ACTOR, group_id=group_id, code=f"t{number}", name=f"标签{number}", category="taste",
            rule={"match": "all", "of": of}, now=clock.now(),
        )  # fmt: skip
        insight.publish_tag(actor=ACTOR, tag_id=tag_id, now=clock.now())


def _fact(rng: Random, persons: Sequence[int], malls: Any, now: dt.datetime, mark: int) -> Fact:
    person = rng.choice(persons)
    if rng.random() < 0.2:
        shop = rng.choice([malls.cafe, malls.fashion, malls.jeweller])
        return ReceiptRecorded(
            f"b{mark}-{rng.random()}", person, shop, malls.star, "sale", rng.randrange(500, 90_000), now
        )
    properties = {"category": rng.choice(["咖啡", "服饰"]), "mark": mark}
    return BehaviourObserved(
        1, "track", "product_viewed", "product_viewed", "consent", now, person, None, properties, {}
    )


def _write(persons: Sequence[int], malls: Any, committed: dict[int, float]) -> None:
    rng, mark = Random(1), 0
    began = time.perf_counter()
    writing = threading.Event()
    while (sent := mark / RATE) < SECONDS:
        writing.wait(max(0.0, began + sent - time.perf_counter()))
        now = clock.now()
        marks = range(mark + 1, mark + 1 + PER_COMMIT)
        facts = [_fact(rng, persons, malls, now, one) for one in marks]
        seen = [one for one, fact in zip(marks, facts, strict=True) if isinstance(fact, BehaviourObserved)]
        with transaction.atomic():
            publish(*facts, now=now)
            transaction.on_commit(partial(_sent, seen, committed))
        mark += PER_COMMIT
    connection.close()


def _sent(marks: Sequence[int], committed: dict[int, float]) -> None:
    now = time.perf_counter()
    committed.update(dict.fromkeys(marks, now))


def _arrived(marks: Sequence[int], committed: dict[int, float], waits: list[float]) -> None:
    now = time.perf_counter()
    waits.extend(now - committed.get(mark, now) for mark in marks)
