"""The log as the public API shows it."""

import base64

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel.facts import NOON, BellRung, LampLit
from zhike.kernel import queries
from zhike.kernel.access import Grant, Viewer
from zhike.kernel.connections import open_connection
from zhike.kernel.errors import NotAllowed
from zhike.kernel.events import publish
from zhike.kernel.events.cursor import Snapshot
from zhike.kernel.events.feed import BadMarker, _read_marker, to_cloudevent

READER = Viewer(kind="api", id=1, label="warehouse", grants=(Grant(frozenset({"events.view"}), "all"),))


def light(*numbers: int) -> None:
    with transaction.atomic():
        publish(*(LampLit(1, number=number) for number in numbers), now=NOON, actor=READER)


def read(cursor: str | None = None, limit: int = 2) -> tuple[list[int], str, bool]:
    page = queries.events_page(READER, after_cursor=cursor, limit=limit, types=[LampLit.type])
    return [event.data["number"] for event in page.items], page.next_cursor, page.has_more


@pytest.mark.django_db(transaction=True)
def test_pages_follow_the_log_to_its_end_and_beyond() -> None:
    light(1, 2, 3)
    first, cursor, more = read()
    assert (first, more) == ([1, 2], True)
    light(4)
    second, cursor, more = read(cursor)
    assert second == [3]
    third, cursor, _more = read(cursor)
    assert third == [4]
    fourth, cursor, more = read(cursor)
    assert (fourth, more) == ([], False)
    light(5)
    assert read(cursor)[0] == [5]
    assert read(cursor)[0] == [5]


@pytest.mark.django_db(transaction=True)
def test_event_that_commits_late_is_not_skipped() -> None:
    with open_connection() as slow:
        slow.execute("BEGIN")
        slow.execute(
            "SELECT kernel_append_event('/t', 'zhike.test.lamp_lit', 'lamp/1', now(), '{\"number\": 1}')"
        )
        light(2)
        numbers, cursor, _more = read()
        assert numbers == [2]
        slow.execute("COMMIT")
    assert read(cursor)[0] == [1]


@pytest.mark.django_db(transaction=True)
def test_cloudevent_has_all_it_needs() -> None:
    with transaction.atomic():
        publish(BellRung(3), now=NOON, actor=READER)
    (event,) = queries.events_page(READER).items
    body = to_cloudevent(event)
    assert body.pop("recordedtime").endswith("Z")
    assert body == {
        "specversion": "1.0",
        "id": str(event.id),
        "source": "/zhike/test",
        "type": "zhike.test.bell_rung",
        "subject": "bell/3",
        "time": "2026-03-01T12:00:00Z",
        "datacontenttype": "application/json",
        "data": {"bell": 3, "at": "2026-03-01T12:00:00Z"},
        "actor": "api:1",
    }


@pytest.mark.django_db
def test_feed_is_closed_to_those_who_may_not_see_everything() -> None:
    partner = Viewer(
        kind="api", id=2, label="shop", grants=(Grant(frozenset({"events.view"}), "shop", frozenset({1})),)
    )
    for stranger in (Viewer(kind="api", id=3, label="till"), partner):
        with pytest.raises(NotAllowed):
            queries.events_page(stranger)


def marker(text: str) -> str:
    """As we write them, but with `text` for the place."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_hex(hashint8(coalesce(max(system_identifier), 0))) FROM kernel_event_home")
        return encoded(f"{cursor.fetchone()[0]};{text}")


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "place",
    [
        "1:1:;;", "0:1:;;0", "5:4:;;0", "1:9:4,3;;0", "1:9:9;;0", "1:1:;;-1", "1:1:;;9999999999999999999",
        "1:1:;1:99999999999999999999:;0", "9999999999:9999999999:;;0", "1:1:;1:1:;1;1", "'; DROP TABLE kernel_event;--",
    ],
)  # fmt: skip
def test_place_that_cannot_be_is_refused(place: str) -> None:
    assert queries.events_page(READER, after_cursor=marker("1:1:;;0")).items == []
    with pytest.raises(BadMarker):
        queries.events_page(READER, after_cursor=marker(place))


@pytest.mark.django_db
@pytest.mark.parametrize("cursor", ["x", "é", encoded("1:1:;;0"), encoded("ff;1:1:;;0"), encoded(";;;")])
def test_marker_that_we_did_not_make_is_refused(cursor: str) -> None:
    with pytest.raises(BadMarker):
        queries.events_page(READER, after_cursor=cursor)


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    for cursor in (text, encoded(text)):
        try:
            _read_marker(cursor)
        except BadMarker:
            continue


@given(st.integers(1, 2**40), st.integers(0, 50), st.data())
def test_snapshots_are_read_as_postgresql_writes_them(xmin: int, width: int, data: st.DataObject) -> None:
    running = sorted(data.draw(st.sets(st.integers(xmin, xmin + width - 1), max_size=8))) if width else []
    text = f"{xmin}:{xmin + width}:{','.join(map(str, running))}"
    snapshot = Snapshot.parse(text)
    assert (snapshot.text, snapshot.xmin, snapshot.xmax) == (text, xmin, xmin + width)
