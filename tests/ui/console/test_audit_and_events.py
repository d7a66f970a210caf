"""The audit trail is searched; parked events are replayed or discarded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel import clock
from zhike.kernel import queries as kernel
from zhike.kernel.access import Viewer
from zhike.loyalty import operations

Enter = Callable[[Viewer], Client]


@pytest.fixture
def corrected(world: World, desks: Desks) -> World:
    operations.adjust_points(
        actor=desks.sun, member_id=world.zhang_san, points=7, reason="生日补分", now=clock.now()
    )
    return world


@pytest.mark.feature("C030")
def test_the_trail_says_who_did_what_to_what_and_why(corrected: World, admin: Client) -> None:
    rows = said(admin.get("/console/audit/", {"action": "points.adjust"}, headers=HTMX))
    for text in ("孙客服", "调整积分", "生日补分", f"/console/members/{corrected.zhang_san}/"):
        assert text in rows


@pytest.mark.feature("C030")
def test_the_trail_is_filtered_by_person_action_subject_and_day(
    corrected: World, desks: Desks, admin: Client
) -> None:
    def shown(**filters: object) -> int:
        return len(admin.get("/console/audit/", filters, headers=HTMX).context["rows"])  # type: ignore[arg-type]

    assert shown(actor=f"staff:{desks.sun.id}") == 1
    assert shown(actor=f"staff:{desks.chen.id}") == 0
    assert shown(subject=f"member/{corrected.zhang_san}", action="points.adjust") == 1
    assert shown(action="points.adjust", to="2020-01-01") == 0
    assert shown(action="points.adjust", **{"from": "2020-01-01"}) == 1


def test_before_and_after_stand_side_by_side(world: World, admin: Client) -> None:
    benefits = "生日双倍积分\n每月两小时免费停车"
    form = {"name": "金卡", "rank": "2", "threshold_fen": "4000", "colour": "gold", "benefits": benefits}
    admin.post(f"/console/tiers/{world.tiers['gold']}/", form, headers=HTMX)
    [row] = [
        row
        for row in admin.get("/console/audit/", {"action": "tier.save"}).context["rows"]
        if row["entry"].before
    ]
    changed = {difference.name: (difference.before, difference.after) for difference in row["differences"]}
    assert changed["name"] == ("金卡", "金卡")
    assert changed["threshold_fen"] == (500_000, 400_000)


# Parked events


@pytest.fixture
def parked(world: World, monkeypatch: pytest.MonkeyPatch) -> int:
    """An event that the first handler of this test could not take."""
    from zhike.kernel.events import Consumer, drain, registry
    from zhike.loyalty.events import MemberEnrolled

    class Broken(RuntimeError):
        pass

    def handle(event: Any) -> None:
        if failing:
            raise Broken("the shelf is full")

    failing = [True]
    consumer = Consumer("tests.shelf", {MemberEnrolled: handle})
    monkeypatch.setattr(registry, "consumer_named", lambda name: consumer)
    monkeypatch.setattr("zhike.kernel.events.parking.consumer_named", lambda name: consumer)
    drain(consumer)
    failing.clear()
    [first, *_rest] = kernel.parked_events(SYSTEM).items
    return int(first.pk)


@pytest.mark.feature("C016")
def test_a_parked_event_shows_its_error_and_is_replayed(parked: int, admin: Client) -> None:
    assert "the shelf is full" in said(admin.get("/console/parked-events/"))
    page = said(admin.get(f"/console/parked-events/{parked}/"))
    assert "zhike.loyalty.member_enrolled" in page
    admin.post(f"/console/parked-events/{parked}/replay/")
    assert kernel.parked_event(SYSTEM, parked)[0].status == "replayed"


def test_a_parked_event_is_discarded_with_a_reason(parked: int, admin: Client) -> None:
    url = f"/console/parked-events/{parked}/discard/"
    assert admin.post(url, {"reason": ""}, headers=HTMX).status_code == 422
    assert kernel.parked_event(SYSTEM, parked)[0].status == "parked"
    admin.post(url, {"reason": "测试数据"}, headers=HTMX)
    assert kernel.parked_event(SYSTEM, parked)[0].status == "discarded"
    assert "测试数据" in said(admin.get("/console/audit/", {"action": "events.discard"}))


def test_who_may_not_repair_does_not(parked: int, desks: Desks, enter: Enter) -> None:
    assert enter(desks.wang).post(f"/console/parked-events/{parked}/replay/").status_code == 403
    assert kernel.parked_event(SYSTEM, parked)[0].status == "parked"
