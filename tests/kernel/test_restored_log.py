"""A log that was restored into another server: its transaction ids mean nothing there."""

import pytest
from django.db import connection, transaction

from tests.kernel.facts import NOON, LampLit
from zhike.kernel import health
from zhike.kernel.access import system_viewer
from zhike.kernel.events import Consumer, StoredEvent, drain, publish
from zhike.kernel.events.consumer import run_batch
from zhike.kernel.events.feed import BadMarker, events_page
from zhike.kernel.events.restored import adopt_restored_log, is_at_home
from zhike.kernel.models import EventHome

pytestmark = pytest.mark.django_db(transaction=True)

SHIFT = 10**12


@pytest.fixture(autouse=True)
def home(transactional_db: None) -> None:
    EventHome.objects.get_or_create(system_identifier=this_server())


def this_server() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier FROM pg_control_system()")
        return int(cursor.fetchone()[0])


def append(*numbers: int) -> None:
    for number in numbers:
        with transaction.atomic():
            publish(LampLit(1, number=number), now=NOON)


class Reader:
    """A consumer that remembers what it met."""

    def __init__(self, name: str, batch_size: int = 100) -> None:
        self.numbers: list[int] = []
        self.consumer = Consumer(name, {LampLit: self.handle}, batch_size=batch_size)

    def handle(self, event: StoredEvent) -> None:
        self.numbers.append(event.data["number"])


def move_to_another_server() -> None:
    """As a dump and restore would leave it: ids far beyond those of this server, and the other server's name."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kernel_event DISABLE TRIGGER kernel_event_is_append_only")
        cursor.execute("UPDATE kernel_event SET xid = (xid::text::bigint + %s)::text::xid8", [SHIFT])
        cursor.execute("ALTER TABLE kernel_event ENABLE TRIGGER kernel_event_is_append_only")
        cursor.execute("SELECT consumer, from_snapshot::text, to_snapshot::text FROM kernel_event_cursor")
        for consumer, seen, until in cursor.fetchall():
            cursor.execute(
                "UPDATE kernel_event_cursor SET from_snapshot = %s::pg_snapshot, to_snapshot = %s::pg_snapshot"
                " WHERE consumer = %s",
                [shifted(seen), shifted(until), consumer],
            )
        cursor.execute("UPDATE kernel_event_home SET system_identifier = 1")


def shifted(snapshot: str | None) -> str | None:
    if snapshot is None or snapshot == "1:1:":
        return snapshot
    xmin, xmax, running = snapshot.split(":")
    moved = [str(int(xid) + SHIFT) for xid in running.split(",") if xid]
    return f"{int(xmin) + SHIFT}:{int(xmax) + SHIFT}:{','.join(moved)}"


def test_every_reader_goes_on_where_it_was() -> None:
    early, late, amid, fresh = Reader("early"), Reader("late"), Reader("amid", batch_size=2), Reader("fresh")
    append(1, 2)
    drain(early.consumer)
    append(3, 4)
    drain(late.consumer)
    run_batch(amid.consumer)
    append(5, 6)
    move_to_another_server()
    assert not is_at_home()
    assert not health.is_ready(health.readiness())

    assert adopt_restored_log()
    assert health.is_ready(health.readiness())
    append(7)
    for reader in (early, late, amid, fresh):
        drain(reader.consumer)
        assert reader.numbers == [1, 2, 3, 4, 5, 6, 7]
    append(8)
    drain(early.consumer)
    assert early.numbers[-1] == 8


def test_page_marker_of_the_other_server_is_refused() -> None:
    append(1)
    marker = events_page(system_viewer("test")).next_cursor
    assert events_page(system_viewer("test"), after_cursor=marker).items == []
    move_to_another_server()
    adopt_restored_log()
    EventHome.objects.update(system_identifier=2)
    with pytest.raises(BadMarker):
        events_page(system_viewer("test"), after_cursor=marker)


def test_log_at_home_is_left_alone() -> None:
    append(1)
    assert is_at_home()
    assert not adopt_restored_log()


def test_adopting_keeps_the_log_append_only() -> None:
    append(1)
    move_to_another_server()
    adopt_restored_log()
    assert not adopt_restored_log()
    with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM kernel_event")
