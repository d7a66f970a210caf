"""A hundred thousand random operations on one ledger by eight threads, while process, server process and server are killed.

What it is for is not the figure: afterwards every balance, lot, award, hold and redemption follows from the transfers, or it
breaks. ``ZHIKE_STORM_OPERATIONS`` says how many: 1000000 for a night, 400 to try the benchmark itself.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

from tests.bench.harness import HOME, ROOT, Result, result

OPERATIONS = int(os.environ.get("ZHIKE_STORM_OPERATIONS", "100000"))
MEMBERS = 200
BLOWS = max(4, min(40, OPERATIONS // 5_000))
KINDS = ("process", "backend", "process", "server")


def run() -> list[Result]:
    from tests.loyalty.storm import build_crowd
    from zhike.loyalty import queries

    build_crowd(MEMBERS, daily=100_000_000)
    began, done, blows = time.monotonic(), 0, Counter[str]()
    rng = random.Random(2026)
    for seed, blow in zip(itertools.count(), itertools.cycle(KINDS)):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.storming", str(seed)], cwd=ROOT, stdout=subprocess.PIPE
        )
        try:
            done += _rage(child, OPERATIONS // BLOWS // 2)
            if blow == "backend":
                _shoot_one(rng)
            elif blow == "server":
                _crash_server()
            done += _rage(child, OPERATIONS // BLOWS // 2)
        finally:
            child.kill()
            child.wait()
        blows[blow] += 1
        if done >= OPERATIONS and len(blows) == len(set(KINDS)):
            break
    seconds = time.monotonic() - began
    _wait_for_server()
    report = queries.verify_ledger()
    assert report.findings == [], report.findings[:5]
    killed = ", ".join(f"{count} × {blow}" for blow, count in sorted(blows.items()))
    return [
        result(f"{done:,} random operations in 8 threads, killed ({killed}), all proofs green", done / seconds, "operations/s"),
        result("transfers that were proved afterwards", report.transfers, "transfers"),
    ]  # fmt: skip


def _rage(child: subprocess.Popen[bytes], operations: int) -> int:
    """Read until the child has done so many; how many it was."""
    assert child.stdout is not None
    done = 0
    while done < operations:
        line = child.stdout.readline()
        if not line:
            raise AssertionError(f"the storm ended by itself: {child.wait()}")
        done += int(line)
    return done


def _shoot_one(rng: random.Random) -> None:
    """kill -9 of one process that serves a connection; the server ends all the others and begins anew."""
    from zhike.kernel.connections import open_connection

    with open_connection() as raw:
        rows = raw.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        ).fetchall()
    os.kill(rng.choice(rows)[0], signal.SIGKILL)


def _crash_server() -> None:
    from zhike.kernel import embedded_postgres

    place = embedded_postgres.locate(HOME)
    embedded_postgres.kill(place)
    while embedded_postgres.is_running(place):
        time.sleep(0.05)
    embedded_postgres.ensure_running(HOME)


def _wait_for_server() -> None:
    """A server whose process was killed begins anew by itself; our own connection is one of those it ended."""
    from django.db import DatabaseError, connection

    from tests.databases import close_connections

    for _ in range(200):
        try:
            close_connections()
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except DatabaseError:
            time.sleep(0.1)
        else:
            return
