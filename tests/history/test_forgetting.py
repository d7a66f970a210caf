"""Whoever is erased is in no file of the lake any more, and the figures of the past stay as they were."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.history.conftest import rows
from tests.rights.conftest import NOW, SYSTEM, Desk, build_desk, leave_traces
from zhike.history import operations as history
from zhike.history._lake import engine
from zhike.history._lake.folder import Folder
from zhike.history.models import LakeRun, Pseudonym
from zhike.history.rules import TABLES
from zhike.kernel.errors import NotAllowed
from zhike.rights import operations

pytestmark = [pytest.mark.feature("C017", "C033"), pytest.mark.django_db]

LATER = NOW + dt.timedelta(days=8)


@pytest.fixture
def desk() -> Desk:
    desk = build_desk()
    leave_traces(desk)
    return desk


def every_value(place: Folder) -> set[str]:
    """Each value of each column of each file there is, whether the manifest names it or not."""
    found: set[str] = set()
    with engine.engine(place) as connection:
        for path in place.path.glob("*/*.parquet*"):
            for row in connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall():
                found.update(str(value) for value in row)
    return found


def test_an_erasure_reaches_every_file(desk: Desk, lake: Folder) -> None:
    history.export_history(actor=SYSTEM, now=NOW)
    key = Pseudonym.objects.get(person_id=desk.person_id).key
    before = rows(
        lake,
        "SELECT (SELECT count(*) FROM orders), (SELECT sum(change) FROM points), (SELECT count(*) FROM events)",
    )
    assert str(key) in every_value(lake)
    assert rows(lake, f"SELECT count(*) FROM events WHERE person_key = {key}")[0][0] > 0

    request_id = operations.ask(
        actor=desk.own, person_id=desk.person_id, kind="closing", door="member_app", now=NOW
    )
    assert operations.carry_out(actor=SYSTEM, request_id=request_id, now=LATER)

    assert not Pseudonym.objects.filter(person_id=desk.person_id).exists()
    assert str(key) not in every_value(lake)
    raw = b"".join(path.read_bytes() for path in lake.path.rglob("*") if path.is_file())
    assert not any(word.encode() in raw for word in desk.words)
    after = rows(
        lake,
        "SELECT (SELECT count(*) FROM orders), (SELECT sum(change) FROM points), (SELECT count(*) FROM events)",
    )
    assert after == before, "what happened stays countable"
    assert LakeRun.objects.filter(kind="forget").count() == 1

    for run_of in (history.export_history, history.rebuild_history):
        assert LakeRun.objects.get(pk=run_of(actor=SYSTEM, now=LATER)).state == "done"
        assert not Pseudonym.objects.filter(person_id=desk.person_id).exists(), "nobody gets a new number"
    assert rows(lake, f"SELECT count(*) FROM customers WHERE person_key = {key}") == [(0,)]


def test_words_that_could_lead_to_somebody_stay_out(desk: Desk, lake: Folder) -> None:
    from zhike.collection.events import BehaviourObserved
    from zhike.kernel import events

    def seen(name: str) -> None:
        fact = BehaviourObserved(1, "track", name, name, "consent", NOW, desk.person_id, None, {"q": "x"}, {})
        events.publish(fact, actor=SYSTEM, now=NOW)

    for name in ("called 13977654321", "wrote to a@example.com", "看了 3 号店"):
        seen(name)
    history.export_history(actor=SYSTEM, now=NOW)
    found: list[tuple[Any, ...]] = rows(lake, "SELECT name, count(*) FROM events GROUP BY 1")
    names = dict(found)
    assert names["other"] == 2 and names["看了 3 号店"] == 1
    assert {"name", "phone", "text", "address", "properties"}.isdisjoint(
        column for table in TABLES for column, _ in table.columns if table.name != "events"
    )


def test_only_the_rights_desk_takes_somebody_out(desk: Desk, lake: Folder) -> None:
    history.export_history(actor=SYSTEM, now=NOW)
    with pytest.raises(NotAllowed):
        history.forget_persons(
            actor=desk.own,
            person_ids=[desk.person_id], visitor_ids=[], now=NOW,
        )  # fmt: skip
    assert history.forget_persons(actor=SYSTEM, person_ids=[-1], visitor_ids=[], now=NOW) == 0
