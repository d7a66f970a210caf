"""The time machine: receipts replayed a second by today's rules, every movement compared with the ledger."""

from __future__ import annotations

import time

from tests.bench.harness import Result, result
from zhike.kernel import clock
from zhike.loyalty.operations.replay.engine import Replay
from zhike.loyalty.operations.replay.reading import stories
from zhike.loyalty.queries.snapshots import read_programme
from zhike.simulator.history import SIZES, Size
from zhike.simulator.operations import load_mall

SIZES["bench_replay"] = Size(members=2_000, days=60, receipts_per_day=200)


def run() -> list[Result]:
    mall = load_mall(size="bench_replay", now=clock.now())
    programme = read_programme(mall.program_id)
    replay = Replay(programme, None, None, clock.now())
    read, lived, receipts = 0.0, 0.0, 0
    chunks = stories(mall.program_id)
    while True:
        began = time.perf_counter()
        chunk = next(chunks, None)
        read += time.perf_counter() - began
        if chunk is None:
            break
        began = time.perf_counter()
        for story in chunk:
            life = replay.live(story)
            receipts += len(story.receipts)
            assert not life.differences, life.differences[:3]
        lived += time.perf_counter() - began
    reading = receipts / read
    return [
        result("read for replaying", reading, "receipts/s"),
        result("replayed by today's rules", receipts / (read + lived), "receipts/s", limit=reading),
    ]
