"""Runs of the time machine, and what must not change through them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

from tests.loyalty.conftest import NOW, SYSTEM, Town
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries


def replay(
    town_or_id: Town | int, days: int | None = None, now: dt.datetime = NOW, **draft: Any
) -> queries.ReplayView:
    program_id = town_or_id if isinstance(town_or_id, int) else town_or_id.program_id
    run_id = loyalty.begin_replay(actor=SYSTEM, program_id=program_id, draft=draft, days=days, now=now)
    return queries.replay(SYSTEM, run_id)


def result_of(*args: Any, **kwargs: Any) -> dict[str, Any]:
    run = replay(*args, **kwargs)
    assert run.state == "done", run.failure
    assert run.result is not None
    return run.result


def fingerprint() -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        tables = ("transfer", "account", "lot", "award", "tierchange", "capusage", "redemption")
        counts = []
        for table in tables:
            cursor.execute(
                f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM loyalty_{table} t"
            )
            counts.append(cursor.fetchone())
    return tuple(counts)
