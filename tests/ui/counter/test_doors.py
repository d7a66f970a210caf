"""Who may open which page of the counter: a stranger, a colleague without the role, one of another merchant."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tests.people import NOW, Crew
from tests.ui.counter.world import World
from zhike.kernel.access import Viewer
from zhike.organization.operations import sessions
from zhike.ui.counter.urls import urlpatterns

SAMPLES = {
    "member_id": 1,
    "number": "T260308-00001",
    "coupon_id": 1,
    "right_id": 1,
    "order_id": 1,
    "ticket_id": 1,
    "use_id": 1,
    "follow_up_id": 1,
    "proposal_id": 1,
    "receipt_id": uuid.UUID(int=1),
    "redemption_id": uuid.UUID(int=1),
    "token": uuid.UUID(int=1),
}


def every_address() -> list[str]:
    addresses = []
    for pattern in urlpatterns:
        arguments = {name: SAMPLES[name] for name in pattern.pattern.converters}
        addresses.append(reverse(f"counter:{pattern.name}", kwargs=arguments))
    return addresses


@pytest.mark.parametrize("address", every_address())
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_sent_to_the_log_in(client: Client, db: None, address: str, method: str) -> None:
    answer = getattr(client, method)(address)
    assert answer.status_code in (302, 405)
    if answer.status_code == 302:
        assert answer["Location"].startswith("/console/login/")


@pytest.mark.parametrize("address", every_address())
def test_a_colleague_without_a_role_is_refused(
    world: World, crew: Crew, browser_of: Callable[[Viewer], Client], address: str
) -> None:
    answer = browser_of(crew.nobody).get(address)
    assert answer.status_code in (403, 405)


def test_an_ended_session_is_a_stranger_s(till: Client, crew: Crew) -> None:
    assert till.get("/counter/").status_code == 200
    sessions.end_session(actor=crew.li, session_key=till.session.session_key or "", now=NOW)
    assert till.get("/counter/").status_code == 302


def test_over_htmx_the_whole_window_goes_to_the_log_in(client: Client, db: None) -> None:
    answer = client.get("/counter/", headers={"hx-request": "true", "hx-boosted": "true"})
    assert answer["HX-Redirect"].startswith("/console/login/")


def test_who_has_one_merchant_stands_there_at_once(till: Client) -> None:
    page = till.get("/counter/")
    assert page.status_code == 200
    assert "半山咖啡" in page.content.decode()


def test_a_service_desk_chooses_its_place_among_its_own(
    world: World, crew: Crew, browser_of: Callable[[Viewer], Client]
) -> None:
    desk = browser_of(crew.sun)
    assert desk.get("/counter/")["Location"] == "/counter/till/"
    page = desk.get("/counter/till/").content.decode()
    assert "老凤祥" in page
    assert "阿婆面馆" not in page
    refused = desk.post("/counter/till/", {"place": f"merchant:{world.malls.noodles}", "name": "1"})
    assert refused.status_code == 422
    assert desk.get("/counter/").status_code == 302
    assert (
        desk.post("/counter/till/", {"place": f"merchant:{world.malls.fashion}", "name": "2"}).status_code
        == 302
    )
    assert "云裳女装" in desk.get("/counter/").content.decode()


def test_the_pages_are_never_kept_by_the_browser(till: Client) -> None:
    assert "no-store" in till.get("/counter/")["Cache-Control"]
