"""Somebody is erased: what the lake has of them becomes nobody's, and their own row goes, in every file."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence

from zhike.history._lake import engine, source
from zhike.history._lake.folder import Busy, Manifest
from zhike.history.models import LakeRun
from zhike.history.operations.exporting import HistoryBusy, folder
from zhike.history.rules import CUSTOMERS, EVENTS, NOBODY, TABLES, VISITORS, LakeTable
from zhike.kernel.access import Viewer, require

HANDLE = "rights.handle"
WAIT_S = 120.0


def forget_persons(
    *, actor: Viewer, person_ids: Sequence[int], visitor_ids: Sequence[int], now: dt.datetime
) -> int:
    """Take persons out of every file of the lake, before their pseudonyms go; how many rows were theirs.

    Their rows stay as nobody's, so that counts and sums of the past hold; their own row and their browsers go. A run that is
    under way is waited for. Raises HistoryBusy after two minutes, NotAllowed.
    """
    require(actor, HANDLE)
    place = folder()
    keys = source.pseudonyms_of(list(person_ids))
    if not place.path.exists() or not (keys or visitor_ids):
        return 0
    began = time.perf_counter()
    try:
        with place.locked(WAIT_S):
            manifest = place.read()
            rows = _rewrite(manifest, keys, list(visitor_ids))
    except Busy as busy:
        raise HistoryBusy from busy
    LakeRun.objects.create(
        kind="forget", state="done", started_at=now, started_by=actor.label, cursor=manifest.cursor,
        took_ms=int((time.perf_counter() - began) * 1000), tables=[{"name": name, "changed": count} for name, count in rows.items()],
    )  # fmt: skip
    return sum(rows.values())


def _rewrite(manifest: Manifest, keys: list[int], visitors: list[int]) -> dict[str, int]:
    place = folder()
    changed: dict[str, int] = {}
    with engine.engine(place) as connection:
        connection.execute("CREATE TEMP TABLE persons AS SELECT unnest(?::BIGINT[]) AS key", [keys])
        connection.execute("CREATE TEMP TABLE browsers AS SELECT unnest(?::BIGINT[]) AS key", [visitors])
        for table in TABLES:
            where = _theirs(table)
            files = manifest.files(table.name)
            hit = engine.touched(connection, place, files, where) if where else {}
            kept = []
            for number, file in enumerate(files):
                if place.place(file) not in hit:
                    kept.append(file)
                    continue
                target = place.path / table.name / f"forgot-{number}.parquet.new"
                if table in (CUSTOMERS, VISITORS):
                    rows = engine.without(connection, place, table, file, where, target)
                else:
                    rows = engine.rewritten(connection, place, [file], _blanked(table), target)
                kept += [place.take_in(target, rows)] if rows else []
            manifest.tables[table.name] = kept
            if hit:
                changed[table.name] = sum(hit.values())
    if changed:
        place.write(manifest)
    return changed


def _theirs(table: LakeTable) -> str:
    parts = [f"{name} IN (SELECT key FROM persons)" for name in table.persons]
    if table in (EVENTS, VISITORS):
        parts.append("visitor_key IN (SELECT key FROM browsers)")
    return " OR ".join(parts)


def _blanked(table: LakeTable) -> str:
    """Every column as it is, but for the keys of whoever goes."""
    columns = []
    for name, _kind in table.columns:
        if name in table.persons or (table == EVENTS and name == "visitor_key"):
            gone = "browsers" if name == "visitor_key" else "persons"
            columns.append(
                f"CASE WHEN {name} IN (SELECT key FROM {gone}) THEN {NOBODY} ELSE {name} END AS {name}"
            )
        else:
            columns.append(name)
    return ", ".join(columns)
