"""The log within one transaction: appending, handling, parking, rebuilding, showing."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests.kernel.facts import NOON, BellRung, LampLit, note, seen, seen_table
from zhike.kernel import operations, queries
from zhike.kernel.access import Grant, Viewer, system_viewer
from zhike.kernel.errors import NotAllowed
from zhike.kernel.events import Consumer, StoredEvent, drain, ensure_partitions, publish, publish_many
from zhike.kernel.events.log import NoTransaction
from zhike.kernel.events.parking import AlreadySettled, ReplayFailed
from zhike.kernel.events.rebuild import NotRebuildable
from zhike.kernel.models import AuditEntry, Event, EventCursor, ParkedEvent

pytestmark = pytest.mark.django_db

JOB = system_viewer("test")
KEEPER = Viewer(
    kind="staff", id=5, label="Kim", grants=(Grant(frozenset({"events.view", "events.replay"}), "all"),)
)
STRANGER = Viewer(kind="staff", id=6, label="Lou")


@pytest.fixture(autouse=True)
def table(db: None) -> Iterator[None]:
    with seen_table():
        yield


def on_lamp_lit(event: StoredEvent) -> None:
    fact = event.as_fact(LampLit)
    if fact.number < 0:
        raise ValueError(f"lamp {fact.lamp} is broken")
    note(event.position, event.subject, fact.number)


def clear() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM test_seen")


LAMPS = Consumer("lamps", {LampLit: on_lamp_lit}, reset=clear)


def numbers() -> list[int]:
    return [number for _position, _subject, number in seen()]


def test_event_keeps_what_the_fact_tells() -> None:
    publish(BellRung(3, at=NOON - dt.timedelta(days=1)), LampLit(7, number=2), now=NOON, actor=KEEPER)
    bell, lamp = Event.objects.order_by("position")
    assert (bell.type, bell.source, bell.subject) == ("zhike.test.bell_rung", "/zhike/test", "bell/3")
    assert bell.time == NOON - dt.timedelta(days=1)
    assert (lamp.time, lamp.actor, lamp.data) == (NOON, "staff:5", {"lamp": 7, "number": 2})
    assert lamp.id.version == 7


@pytest.mark.django_db(transaction=True)
def test_publishing_needs_a_transaction() -> None:
    with pytest.raises(NoTransaction):
        publish(LampLit(1), now=NOON)
    with pytest.raises(NoTransaction):
        publish_many([LampLit(1)], now=NOON)
    assert not Event.objects.exists()


@pytest.mark.parametrize("statement", ["UPDATE kernel_event SET data = '{}'", "DELETE FROM kernel_event"])
def test_event_cannot_be_changed_or_removed(statement: str) -> None:
    publish(LampLit(1, number=9), now=NOON)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert Event.objects.get().data["number"] == 9


def test_handlers_meet_each_event_once_in_order() -> None:
    publish(*(LampLit(lamp, number=lamp) for lamp in range(5)), now=NOON)
    publish(BellRung(1), now=NOON)
    drain(LAMPS)
    publish(LampLit(5, number=5), now=NOON)
    drain(LAMPS)
    drain(LAMPS)
    assert numbers() == [0, 1, 2, 3, 4, 5]


def test_handler_may_publish_what_is_handled_next() -> None:
    def answer(event: StoredEvent) -> None:
        fact = event.as_fact(LampLit)
        note(event.position, event.subject, fact.number)
        if fact.number < 3:
            publish(LampLit(fact.lamp, number=fact.number + 1), now=NOON)

    publish(LampLit(1), now=NOON)
    drain(Consumer("chain", {LampLit: answer}))
    assert numbers() == [0, 1, 2, 3]


def test_others_gets_what_no_handler_wants() -> None:
    got: list[str] = []
    publish(LampLit(1), BellRung(1), now=NOON)
    drain(Consumer("all", {LampLit: lambda event: None}, others=lambda event: got.append(event.type)))
    assert got == ["zhike.test.bell_rung"]


def test_new_consumer_can_begin_at_the_end() -> None:
    publish(LampLit(1, number=1), now=NOON)
    late = Consumer("late", {LampLit: on_lamp_lit}, start="end")
    drain(late)
    publish(LampLit(1, number=2), now=NOON)
    drain(late)
    assert numbers() == [2]


def test_two_consumers_do_not_know_of_each_other() -> None:
    publish(LampLit(1, number=1), now=NOON)
    drain(LAMPS)
    drain(Consumer("more lamps", {LampLit: on_lamp_lit}))
    assert numbers() == [1, 1]


def test_poisoned_event_is_parked_and_stops_nobody() -> None:
    publish(LampLit(1, number=1), LampLit(2, number=-1), LampLit(3, number=3), now=NOON)
    drain(LAMPS)
    assert numbers() == [1, 3]
    parked = ParkedEvent.objects.get()
    assert (parked.consumer, parked.subject, parked.status, parked.tries) == ("lamps", "lamp/2", "parked", 3)
    assert parked.error == "ValueError: lamp 2 is broken"
    assert "on_lamp_lit" in parked.traceback
    assert parked.event_id == Event.objects.get(subject="lamp/2").id


def test_failing_handler_leaves_nothing_behind() -> None:
    def write_then_fail(event: StoredEvent) -> None:
        note(event.position, event.subject, 0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    publish(LampLit(1), now=NOON)
    drain(Consumer("careless", {LampLit: write_then_fail}))
    assert seen() == []
    assert "DivisionByZero" in ParkedEvent.objects.get().traceback


def test_event_that_fails_for_a_while_is_not_parked() -> None:
    attempts: list[int] = []

    def fail_twice(event: StoredEvent) -> None:
        attempts.append(event.position)
        if len(attempts) < 3:
            raise RuntimeError("not yet")

    publish(LampLit(1), now=NOON)
    drain(Consumer("shy", {LampLit: fail_twice}))
    assert len(attempts) == 3
    assert not ParkedEvent.objects.exists()


@pytest.fixture
def parked(settings: Any) -> ParkedEvent:
    settings.EVENT_CONSUMERS = lambda: [LAMPS, Consumer("jobs", {LampLit: on_lamp_lit})]
    publish(LampLit(2, number=-1), now=NOON)
    drain(LAMPS)
    return ParkedEvent.objects.get()


def test_parked_event_can_be_replayed_when_the_cause_is_gone(parked: ParkedEvent, settings: Any) -> None:
    healed = Consumer("lamps", {LampLit: lambda event: note(event.position, event.subject, 100)})
    settings.EVENT_CONSUMERS = lambda: [healed]
    operations.replay_parked(actor=KEEPER, parked_id=parked.pk, now=NOON)
    parked.refresh_from_db()
    assert (parked.status, parked.settled_at) == ("replayed", NOON)
    assert numbers() == [100]
    assert AuditEntry.objects.get().action == "events.replay"
    with pytest.raises(AlreadySettled):
        operations.replay_parked(actor=KEEPER, parked_id=parked.pk, now=NOON)
    assert numbers() == [100]


def test_replay_that_fails_again_keeps_the_event_parked(parked: ParkedEvent) -> None:
    with pytest.raises(ReplayFailed, match="lamp 2 is broken"):
        operations.replay_parked(actor=KEEPER, parked_id=parked.pk, now=NOON)
    parked.refresh_from_db()
    assert (parked.status, parked.tries) == ("parked", 4)
    assert not AuditEntry.objects.exists()


def test_parked_event_can_be_discarded_with_a_reason(parked: ParkedEvent) -> None:
    operations.discard_parked(actor=KEEPER, parked_id=parked.pk, reason="lamp scrapped", now=NOON)
    parked.refresh_from_db()
    assert parked.status == "discarded"
    assert AuditEntry.objects.get().reason == "lamp scrapped"


def test_stranger_can_neither_see_nor_settle_parked_events(parked: ParkedEvent) -> None:
    with pytest.raises(NotAllowed):
        operations.replay_parked(actor=STRANGER, parked_id=parked.pk, now=NOON)
    with pytest.raises(NotAllowed):
        operations.discard_parked(actor=STRANGER, parked_id=parked.pk, reason="", now=NOON)
    with pytest.raises(NotAllowed):
        queries.parked_events(STRANGER)
    parked.refresh_from_db()
    assert parked.status == "parked"


def test_parked_events_are_shown_with_their_event(parked: ParkedEvent) -> None:
    assert queries.parked_events(KEEPER).items == [parked]
    assert queries.parked_events(KEEPER, status="replayed").items == []
    _row, event = queries.parked_event(KEEPER, parked.pk)
    assert event is not None
    assert event.data == {"lamp": 2, "number": -1}
    assert queries.parked_count() == 1


def test_rebuild_gives_the_same_rows_as_live(parked: ParkedEvent) -> None:
    publish(*(LampLit(lamp, number=lamp) for lamp in range(20)), now=NOON)
    drain(LAMPS)
    live = seen()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO test_seen (position, subject, number) VALUES (0, 'drift', 0)")
    batches: list[int] = []
    assert operations.rebuild_consumer(actor=KEEPER, name="lamps", now=NOON, report=batches.append) == 21
    assert seen() == live
    assert sum(batches) == 21
    assert ParkedEvent.objects.get().status == "parked"
    drain(LAMPS)
    publish(LampLit(1, number=77), now=NOON)
    drain(LAMPS)
    assert seen()[:-1] == live
    assert numbers()[-1] == 77
    assert AuditEntry.objects.get().after == {"events": 21}


def test_consumer_without_reset_is_not_rebuilt(parked: ParkedEvent) -> None:
    with pytest.raises(NotRebuildable):
        operations.rebuild_consumer(actor=KEEPER, name="jobs", now=NOON)
    with pytest.raises(NotAllowed):
        operations.rebuild_consumer(actor=STRANGER, name="lamps", now=NOON)


def test_sql_functions_append_too() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kernel_append_event('/zhike/test', 'zhike.test.lamp_lit', 'lamp/4', %s, %s::jsonb)",
            [NOON, '{"lamp": 4, "number": 44}'],
        )
        event_id = cursor.fetchone()[0]
    assert event_id.version == 7
    drain(LAMPS)
    assert numbers() == [44]


def test_publish_many_appends_in_order() -> None:
    assert publish_many((LampLit(1, number=number) for number in range(1200)), now=NOON, actor=JOB) == 1200
    drain(LAMPS)
    assert numbers() == list(range(1200))
    assert Event.objects.filter(actor="system:test").count() == 1200


def test_timeline_of_a_subject_is_latest_first() -> None:
    publish(LampLit(1, number=1), LampLit(2, number=2), BellRung(1), now=NOON)
    publish(LampLit(1, number=3), now=NOON + dt.timedelta(hours=1))
    page = queries.events_about("lamp/1", limit=1)
    rest = queries.events_about("lamp/1", cursor=page.next_cursor)
    assert [event.data["number"] for event in page.items + rest.items] == [3, 1]
    assert queries.events_about("lamp/1", types=[BellRung.type]).items == []
    assert [
        event.subject for event in queries.latest_events(types=[LampLit.type, BellRung.type], limit=2)
    ] == [
        "lamp/1",
        "bell/1",
    ]


def test_lag_counts_what_a_consumer_has_not_seen() -> None:
    drain(LAMPS)
    publish(LampLit(1), LampLit(2), now=NOON)
    (lag,) = queries.consumer_lags()
    assert (lag.consumer, lag.events, lag.handled) == ("lamps", 2, 0)
    drain(LAMPS)
    assert EventCursor.objects.get().handled == 2


def test_partitions_are_made_ahead_and_collect_strays() -> None:
    far = dt.datetime(2031, 5, 20, tzinfo=dt.UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO kernel_event (id, source, type, subject, "time", recorded_at, data)'
            " VALUES (kernel_uuid7(), '/zhike/test', 'zhike.test.lamp_lit', 'lamp/1', %s, %s, '{}')",
            [far, far],
        )
        assert ensure_partitions(far, months_ahead=1) == 2
        assert ensure_partitions(far, months_ahead=1) == 0
        cursor.execute("SELECT tableoid::regclass::text FROM kernel_event")
        assert cursor.fetchall() == [("kernel_event_2031_05",)]
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM kernel_event_2031_05")
