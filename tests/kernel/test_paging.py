import contextlib
import datetime as dt
import random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tests.kernel.facts import NOON
from zhike.kernel.models import ParkedEvent
from zhike.kernel.paging import BadCursor, Keyset

NEWEST = Keyset(order=(("parked_at", "desc"), ("id", "desc")))
MIXED = Keyset(order=(("consumer", "asc"), ("tries", "desc"), ("id", "asc")))


def make_rows(shape: list[tuple[int, int]]) -> None:
    ParkedEvent.objects.all().delete()
    rows = [
        ParkedEvent(
            consumer=f"c{minute}",
            position=number,
            event_id=UUID(int=number),
            event_type="",
            subject="",
            error="",
            traceback="",
            tries=tries,
            status="parked",
            parked_at=NOON + dt.timedelta(minutes=minute),
        )
        for number, (minute, tries) in enumerate(shape)
    ]
    random.Random(len(rows)).shuffle(rows)
    ParkedEvent.objects.bulk_create(rows)


def walk(keyset: Keyset, limit: int) -> tuple[list[int], list[int]]:
    """Every id met on the way forth, and on the way back from the last page."""
    forth: list[int] = []
    cursor, back_cursor = None, None
    while True:
        page = keyset.page(ParkedEvent.objects.all(), cursor, limit)
        forth += [row.pk for row in page.items]
        back_cursor = page.previous_cursor
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    back = [row.pk for row in page.items]
    while back_cursor:
        page = keyset.page(ParkedEvent.objects.all(), back_cursor, limit)
        back = [row.pk for row in page.items] + back
        back_cursor = page.previous_cursor
    return forth, back


class PagesCoverEveryRowOnce(TestCase):
    @given(
        shape=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=25),
        limit=st.integers(1, 7),
        keyset=st.sampled_from([NEWEST, MIXED]),
    )
    @settings(max_examples=60, deadline=None)
    def test_forth_and_back(self, shape: list[tuple[int, int]], limit: int, keyset: Keyset) -> None:
        make_rows(shape)
        signs = [f"-{name}" if way == "desc" else name for name, way in keyset.order]
        expected = list(ParkedEvent.objects.order_by(*signs).values_list("pk", flat=True))
        assert walk(keyset, limit) == (expected, expected)


@pytest.mark.django_db
def test_row_added_meanwhile_neither_repeats_nor_hides_another() -> None:
    make_rows([(minute, 0) for minute in range(6)])
    first = NEWEST.page(ParkedEvent.objects.all(), None, 3)
    ParkedEvent.objects.create(
        consumer="new", position=99, event_id=UUID(int=99), event_type="", subject="", error="", traceback="", tries=0,
        parked_at=NOON + dt.timedelta(days=1),
    )  # fmt: skip
    second = NEWEST.page(ParkedEvent.objects.all(), first.next_cursor, 3)
    assert [row.consumer for row in first.items + second.items] == ["c5", "c4", "c3", "c2", "c1", "c0"]


@pytest.mark.django_db
def test_page_tells_where_it_stands() -> None:
    make_rows([(minute, 0) for minute in range(4)])
    first = NEWEST.page(ParkedEvent.objects.all(), None, 2)
    last = NEWEST.page(ParkedEvent.objects.all(), first.next_cursor, 2)
    assert first.previous_cursor is None
    assert first.next_cursor
    assert last.next_cursor is None
    assert last.previous_cursor
    assert NEWEST.page(ParkedEvent.objects.none(), None, 2).items == []


@pytest.mark.django_db
def test_one_direction_is_one_row_comparison() -> None:
    make_rows([(0, 0), (1, 0)])
    cursor = NEWEST.page(ParkedEvent.objects.all(), None, 1).next_cursor
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(
        connection,
    ) as queries:
        NEWEST.page(ParkedEvent.objects.all(), cursor, 1)
    assert '("kernel_parked_event"."parked_at", "kernel_parked_event"."id") < (' in queries[0]["sql"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cursor",
    [
        "x", "é", "bm90IGpzb24", "eyJhIjoxfQ", "W10", "WyJuIl0", "a" * 2000,
        "WyJuIiwiMjAyNiIsMV0",  # ["n","2026",1]
        "WyJ6IiwiMjAyNi0wMS0wMVQwMDowMDowMFoiLDFd",  # ["z","2026-01-01T00:00:00Z",1]
        "WyJuIiwiMjAyNi0wMS0wMVQwMDowMDowMCIsMV0",  # a moment without a zone
        "WyJuIiwiMjAyNi0wMS0wMVQwMDowMDowMFoiLDllOTld",  # 9e99
        "WyJuIiwiMjAyNi0wMS0wMVQwMDowMDowMFoiLG51bGxd",  # null
    ],
)  # fmt: skip
def test_cursor_that_we_did_not_make_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        NEWEST.page(ParkedEvent.objects.all(), cursor, 5)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(cursor: str) -> None:
    with contextlib.suppress(BadCursor):
        NEWEST._read(cursor, ParkedEvent)
