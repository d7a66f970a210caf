"""Behaviour through HTTP into the event log, against COPY of the same rows into the same tables.

Slices of both are taken in turn in one run. Ours includes the load generator's CPU, JSON, cleaning, recognising people and visitors,
and the memory of message ids, with a commit for every 200; the limit is one connection that copies ready rows, 5,000 a commit.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import secrets
import statistics
import time
import uuid
from collections.abc import Callable

from tests.bench.bench_http import web_server
from tests.bench.harness import Result, result
from tests.bench.http_load import request_bytes, run_load

BATCH = 200
COPY_BATCH = 5_000
CLIENTS = 4
SLICES = 5
SLICE_S = 3.0
TARGET = 0.3
VISITORS = 5_000


def run() -> list[Result]:
    source_id, key = build_source()
    with web_server() as (port, _):
        make = batch_maker(key)
        run_load(port, make, connections=CLIENTS, seconds=2.0)
        rates, limits, seconds = [], [], []
        for _ in range(SLICES):
            load = run_load(port, make, connections=CLIENTS, seconds=SLICE_S)
            load.require_only(200)
            rates.append(load.rate * BATCH)
            seconds += load.seconds
            limits.append(copy_rate(source_id, SLICE_S))
    return [
        result(
            "collection: events over HTTP",
            statistics.median(rates),
            "events/s",
            limit=statistics.median(limits),
            target=TARGET,
            seconds=seconds,
        )
    ]


def build_source() -> tuple[int, str]:
    from tests.people import build_malls
    from zhike.collection import operations
    from zhike.kernel import clock
    from zhike.kernel.access import system_viewer

    now = clock.now()
    malls = build_malls(now)
    actor = system_viewer("bench")
    source_id = operations.create_source(
        actor=actor,
        group_id=malls.group,
        name="bench",
        kind="web",
        consent_assumed=True,
        rate_per_minute=10**7,
        now=now,
    )
    _key_id, raw = operations.make_write_key(actor=actor, source_id=source_id, now=now)
    return source_id, raw


def batch_maker(key: str) -> Callable[[], bytes]:
    """Batches of views of products by some thousand visitors, as an SDK sends them."""
    numbers, name = itertools.count(), secrets.token_hex(4)

    def make() -> bytes:
        now = dt.datetime.now(dt.UTC).isoformat()
        batch = [
            {
                "type": "track",
                "event": "Product Viewed",
                "anonymousId": f"visitor-{number % VISITORS}",
                "messageId": f"{name}-{number}",
                "timestamp": now,
                "properties": {
                    "sku": f"S{number % 500}",
                    "name": "拿铁",
                    "price": 32.5,
                    "category": "coffee",
                },
            }
            for number in itertools.islice(numbers, BATCH)
        ]
        body = json.dumps({"batch": batch, "sentAt": now, "writeKey": key}).encode()
        return request_bytes("POST", "/v1/batch", body, {"Content-Type": "application/json"})

    return make


def copy_rate(source_id: int, seconds: float) -> float:
    """Rows a second into the log and the memory of message ids, in transactions as large as COPY likes them."""
    from zhike.kernel.connections import open_connection
    from zhike.kernel.ids import uuid7

    now = dt.datetime.now(dt.UTC)
    data = json.dumps(
        {
            "source_id": source_id, "kind": "track", "name": "product_viewed", "said": "Product Viewed", "basis": "consent",
            "at": now.isoformat(), "person_id": None, "visitor_id": 1, "context": {},
            "properties": {"sku": "S1", "name": "拿铁", "price": 32.5, "category": "coffee", "price_fen": 3250},
        }
    )  # fmt: skip
    kind = "zhike.collection.behaviour_observed"
    done, began = 0, time.perf_counter()
    with open_connection() as raw:
        while (elapsed := time.perf_counter() - began) < seconds:
            with raw.transaction(), raw.cursor() as cursor:
                with cursor.copy(
                    "COPY collection_seenmessage (source_id, key, received_at) FROM STDIN"
                ) as copy:
                    for _ in range(COPY_BATCH):
                        copy.write_row((source_id, uuid.uuid4(), now))
                columns = '(id, source, type, subject, actor, "time", data)'
                with cursor.copy(f"COPY kernel_event {columns} FROM STDIN") as copy:
                    for number in range(COPY_BATCH):
                        copy.write_row(
                            (
                                uuid7(),
                                "/zhike/collection",
                                kind,
                                f"visitor/{number}",
                                "system:bench",
                                now,
                                data,
                            )
                        )
            done += COPY_BATCH
    return done / elapsed
