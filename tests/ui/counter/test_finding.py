"""One field: phone, card, code, name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import time_machine
from django.test import Client

from tests.people import NOW, Crew
from tests.ui.counter.world import LI_PHONE, SYSTEM, ZHANG_PHONE, World
from zhike.customers import operations as customers
from zhike.kernel.access import Viewer
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries


def find(client: Client, text: str) -> str:
    """Where it led, or the page's text."""
    answer = client.post("/counter/find/", {"q": text})
    return answer["Location"] if answer.status_code == 302 else answer.content.decode()


@pytest.mark.feature("C064", "C063")
@pytest.mark.parametrize("typed", [ZHANG_PHONE, "138 0013 8000", "+86 13800138000", "１３８００１３８０００"])
def test_a_phone_number_leads_to_the_member(till: Client, world: World, typed: str) -> None:
    address = find(till, typed)
    assert address == f"/counter/members/{world.zhang.member_id}/"
    page = till.get(address).content.decode()
    assert "138 **** 8000" in page
    assert "张*丰" in page
    assert "普卡" in page
    assert ZHANG_PHONE not in page
    assert "张三丰" not in page


@pytest.mark.feature("C064")
def test_a_card_leads_to_the_member_of_any_mall(till: Client, world: World) -> None:
    assert find(till, world.li.number) == f"/counter/members/{world.li.member_id}/"


@pytest.mark.feature("C062")
def test_a_rotating_code_counts_once(till: Client, world: World) -> None:
    payload = queries.qr_payload(world.zhang.member_id, NOW)
    assert find(till, payload) == f"/counter/members/{world.zhang.member_id}/"
    assert "used already" in find(till, payload)


@pytest.mark.feature("C062")
def test_a_code_of_long_ago_is_refused(till: Client, world: World) -> None:
    payload = queries.qr_payload(world.zhang.member_id, NOW - dt.timedelta(seconds=90))
    assert "too old" in find(till, payload)


@pytest.mark.parametrize(
    "payload", ["ZK1.0000000000000.12345678", "ZK1..", "ZK1.x", "zk1.8800000000013.abcdefgh"]
)
def test_a_forged_code_finds_nobody(till: Client, world: World, payload: str) -> None:
    answer = till.post("/counter/find/", {"q": payload})
    assert answer.status_code == 422


def test_a_name_is_searched_within_the_scope_only(till: Client, desk: Client, world: World) -> None:
    assert "张三丰" in find(desk, "张三丰")
    assert "Nobody was found" in find(desk, "李小龙")
    assert "Nobody was found" in find(till, "张三丰")


def test_nobody_found_offers_to_enrol_with_that_phone(till: Client, world: World) -> None:
    assert "Nobody was found" in find(till, "13600136000")
    assert 'value="13600136000"' in till.get("/counter/enrol/").content.decode()


def test_a_lost_card_is_said_to_be_lost(till: Client, world: World) -> None:
    loyalty.replace_card(actor=SYSTEM, member_id=world.zhang.member_id, reason="lost", now=NOW)
    assert "reported lost" in find(till, world.zhang.number)


@pytest.mark.parametrize("text", ["", " ", "\x00", "'; drop table x; --", "😀" * 100, "%", "\\"])
def test_bad_input_gets_a_page_not_an_error(desk: Client, world: World, text: str) -> None:
    answer = desk.post("/counter/find/", {"q": text})
    assert answer.status_code in (200, 422)


def test_a_cashier_sees_only_who_was_presented(till: Client, world: World) -> None:
    address = f"/counter/members/{world.li.member_id}/"
    for page in ("", "receipt/", "redeem/", "points/", "receipts/", "claim/", "redemptions/"):
        assert till.get(address + page).status_code == 404, page
    find(till, LI_PHONE)
    assert till.get(address).status_code == 200


def test_being_presented_ends_after_half_an_hour(
    till: Client, world: World, clock: time_machine.Traveller
) -> None:
    address = find(till, LI_PHONE)
    assert till.get(address).status_code == 200
    clock.shift(dt.timedelta(minutes=29))
    assert till.get(address).status_code == 200
    clock.shift(dt.timedelta(minutes=2))
    assert till.get(address).status_code in (302, 404)


def test_who_was_presented_to_one_colleague_was_not_to_another(
    till: Client, world: World, crew: Crew, browser_of: Callable[[Viewer], Client]
) -> None:
    address = find(till, ZHANG_PHONE)
    assert browser_of(crew.zhao).get(address).status_code == 404


def test_warnings_stand_on_the_member(till: Client, world: World) -> None:
    loyalty.set_member_status(
        actor=SYSTEM, member_id=world.zhang.member_id, status="frozen", reason="test", now=NOW
    )
    page = till.get(find(till, ZHANG_PHONE)).content.decode()
    assert "frozen" in page
    assert f"/counter/members/{world.zhang.member_id}/redeem/" not in page


def test_a_person_who_never_joined_is_not_a_member(desk: Client, world: World) -> None:
    customers.create_person(
        actor=SYSTEM,
        group_id=world.malls.group,
        name="王路人",
        identifiers=[customers.NewIdentifier("phone", "13500135000")],
        source="till",
        mall_id=world.malls.star,
        now=NOW,
    )
    assert "not a member" in find(desk, "13500135000")


def test_phones_stand_in_no_address(till: Client) -> None:
    assert till.get("/counter/find/", {"q": ZHANG_PHONE})["Location"] == "/counter/"
