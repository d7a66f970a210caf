"""The journey on one page: every channel, in order, marked, narrowed and searched."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection

from tests.collection.conftest import Sender, build_sender, track
from tests.ui.console.world import World, build_desks, build_world
from zhike.collection import queries as collection
from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.loyalty import queries
from zhike.loyalty.operations import MemberNotFound
from zhike.loyalty.queries.timeline import _of_person

pytestmark = [pytest.mark.feature("C021", "C015"), pytest.mark.django_db]
SYSTEM = system_viewer("tests")
NOW = clock.now()


@pytest.fixture
def world(db: None) -> World:
    collection.forget_sources()
    return build_world(NOW)


@pytest.fixture
def server(world: World) -> Sender:
    return build_sender(
        world.malls, "官网服务器", world.now, kind="server", is_trusted=True, consent_assumed=True
    )


def ago(**passed: int) -> dict[str, Any]:
    return {"timestamp": (NOW - dt.timedelta(**passed)).isoformat()}


def told(world: World, **options: Any) -> list[tuple[str, str]]:
    found = queries.timeline(SYSTEM, world.zhang_san, None, 200, **options)
    return [(item.data.get("name") or item.type, item.mark) for item in found.items]


def test_journey_from_first_touch_to_repurchase(world: World, server: Sender) -> None:
    """浏览 90 days ago without a name, recognised today, bought before yesterday and again yesterday."""
    server.send(track("Product Viewed", **ago(days=90)), track("Product Added", **ago(days=80)))
    server.send(
        {"type": "identify", "userId": "u-1", "anonymousId": "browser-1", "traits": {"phone": "13800138000"}}
    )
    every = told(world)
    assert every[-1] == ("product_viewed", "first_touch") and every[-2] == ("product_added", "interaction")
    receipts = [mark for name, mark in every if name == "sales.receipt_recorded"]
    assert receipts == ["repurchase", "repurchase", "purchase"]
    assert sorted(told(world)) == sorted(every)
    times = [item.time for item in queries.timeline(SYSTEM, world.zhang_san, None, 200).items]
    assert times == sorted(times, reverse=True)


def test_what_a_shared_device_did_is_not_shown(world: World, server: Sender) -> None:
    server.send(track("Product Viewed", **ago(days=3)))
    for user, phone in (("u-1", "13800138000"), ("u-2", "13900139000")):
        server.send(
            {"type": "identify", "userId": user, "anonymousId": "browser-1", "traits": {"phone": phone}}
        )
    assert "product_viewed" not in dict(told(world))


def test_after_sign_out_the_device_is_its_own(world: World, server: Sender) -> None:
    server.send(
        {"type": "identify", "userId": "u-1", "anonymousId": "browser-1", "traits": {"phone": "13800138000"}}
    )
    server.send(track("Cart Viewed"))
    assert "cart_viewed" not in dict(told(world))


def test_narrowed_by_kind(world: World, server: Sender) -> None:
    server.send(
        {"type": "identify", "userId": "u-1", "traits": {"phone": "13800138000"}}, track(userId="u-1")
    )
    assert told(world, kind="behaviour") == [("product_viewed", "interaction")]
    assert {name.split(".")[0] for name, _mark in told(world, kind="receipts")} == {"sales"}
    assert {name for name, _mark in told(world, kind="points")} == {
        "loyalty.points_earned",
        "loyalty.tier_changed",
    }


def test_searched_by_what_is_said_by_merchant_and_by_behaviour(world: World, server: Sender) -> None:
    server.send(
        {"type": "identify", "userId": "u-1", "traits": {"phone": "13800138000"}},
        track(userId="u-1", properties={"name": "冰拿铁 100%"}),
        track("Cart Viewed", userId="u-1"),
    )
    assert [name for name, _ in told(world, search=queries.Search("拿铁 100%"))] == ["product_viewed"]
    assert told(world, search=queries.Search("拿铁_100")) == []
    assert told(world, search=queries.Search("properties")) == []
    assert [name for name, _ in told(world, search=queries.Search("车", names=["cart_viewed"]))] == [
        "cart_viewed"
    ]
    by_merchant = told(world, search=queries.Search("咖啡", merchant_ids=[world.malls.cafe]))
    assert ("sales.receipt_recorded", "repurchase") in by_merchant


def test_pages_follow_each_other_without_a_gap(world: World, server: Sender) -> None:
    server.send(
        {"type": "identify", "userId": "u-1", "anonymousId": "browser-1", "traits": {"phone": "13800138000"}}
    )
    server.send(*[track(userId="u-1", **ago(hours=n)) for n in range(40)])
    every = [item.position for item in queries.timeline(SYSTEM, world.zhang_san, None, 200).items]
    walked: list[int] = []
    cursor: str | None = None
    while True:
        page = queries.timeline(SYSTEM, world.zhang_san, cursor, 7)
        walked += [item.position for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert walked == every and len(set(every)) == len(every)


def test_thousand_events_are_read_through_the_index(world: World, server: Sender) -> None:
    server.send(
        {"type": "identify", "userId": "u-1", "anonymousId": "browser-1", "traits": {"phone": "13800138000"}}
    )
    server.send(*[track(userId="u-1", **ago(minutes=n)) for n in range(1_000)])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kernel_event (id, source, type, subject, time, data) SELECT gen_random_uuid(), '/x', 'x',"
            " 'person/-' || n % 500, now() - n * interval '1 minute', '{}' FROM generate_series(1, 30000) AS n"
        )
        cursor.execute("ANALYZE kernel_event")
    person = queries.member_file(SYSTEM, world.zhang_san, NOW).person.id
    plan = _of_person(person).order_by("-time", "-position")[:30].explain()
    assert "subject_time_idx" in plan, plan
    assert len(queries.timeline(SYSTEM, world.zhang_san).items) == 30


def test_stranger_reads_no_timeline(world: World) -> None:
    desks = build_desks(world.malls, world.now)
    with pytest.raises(MemberNotFound):
        queries.timeline(desks.qian, world.zhang_san)
