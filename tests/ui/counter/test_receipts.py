"""A receipt on the counter becomes points at once, once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from tests.people import Crew
from tests.ui.counter.world import SYSTEM, ZHANG_PHONE, World, token_of
from zhike.loyalty import operations as loyalty_operations
from zhike.loyalty import queries as loyalty
from zhike.sales import queries as sales


@pytest.fixture
def zhang_here(till: Client, world: World) -> str:
    """张三丰 showed her phone at the till; the address of her page."""
    return str(till.post("/counter/find/", {"q": ZHANG_PHONE})["Location"])


def balance(world: World) -> int:
    return loyalty.member_file(SYSTEM, world.zhang.member_id, world.now).balance


def receipts() -> int:
    return len(sales.receipts_page(SYSTEM, limit=200).items)


def typed(client: Client, address: str, **changes: Any) -> dict[str, Any]:
    """The form as a cashier fills it in."""
    page = client.get(address)
    form = page.context["form"]
    filled = {
        "token": token_of(page),
        "merchant": form["merchant"].initial,
        "number": "A-100",
        "amount": "128.50",
        "tender": "wechat",
        "business_date": "2026-03-08",
        "till": "1",
    }
    return {name: value for name, value in (filled | changes).items() if value is not None}


@pytest.mark.feature("C083", "B22", "C063")
def test_a_receipt_gives_points_with_the_reason(till: Client, world: World, zhang_here: str) -> None:
    address = zhang_here + "receipt/"
    page = till.post(address, typed(till, address), follow=True).content.decode()
    assert "+128" in page
    assert "¥128.50 counted, 1 point per ¥1.00: 128 points." in page
    assert balance(world) == 128
    row = sales.receipts_page(SYSTEM).items[0]
    assert (row.number, row.net_fen, row.merchant_id, row.source) == (
        "A-100",
        12_850,
        world.malls.cafe,
        "counter",
    )
    assert row.occurred_at == world.now


@pytest.mark.feature("B04")
def test_a_double_tap_counts_once(till: Client, world: World, zhang_here: str) -> None:
    form = typed(till, zhang_here + "receipt/")
    first = till.post(zhang_here + "receipt/", form)
    second = till.post(zhang_here + "receipt/", form)
    assert first["Location"] == second["Location"]
    assert (balance(world), receipts()) == (128, 1)
    assert len(till.get("/counter/").context["recent"]) == 1


@pytest.mark.feature("C005")
def test_the_same_receipt_typed_again_says_so(till: Client, world: World, zhang_here: str) -> None:
    till.post(zhang_here + "receipt/", typed(till, zhang_here + "receipt/"))
    page = till.post(
        zhang_here + "receipt/", typed(till, zhang_here + "receipt/"), follow=True
    ).content.decode()
    assert "recorded before" in page
    assert (balance(world), receipts()) == (128, 1)


@pytest.mark.feature("B04")
def test_a_token_does_not_serve_for_another_receipt(till: Client, world: World, zhang_here: str) -> None:
    form = typed(till, zhang_here + "receipt/")
    till.post(zhang_here + "receipt/", form)
    refused = till.post(zhang_here + "receipt/", form | {"number": "A-101"})
    assert refused.status_code == 422
    assert "already carried out" in refused.content.decode()
    assert receipts() == 1


def test_lines_and_a_second_way_of_paying(till: Client, world: World, zhang_here: str) -> None:
    address = zhang_here + "receipt/"
    form = typed(
        till,
        address,
        amount="",
        line_name=["拿铁", "蛋糕", ""],
        line_quantity=["2", "1.5", "1"],
        line_amount=["56.00", "30", ""],
        second_tender="voucher",
        second_amount="20",
    )
    till.post(address, form)
    found = sales.receipt(SYSTEM, sales.receipts_page(SYSTEM).items[0].id)
    assert [(line.name, str(line.quantity.normalize()), line.net_fen) for line in found.lines] == [
        ("拿铁", "2", 5600),
        ("蛋糕", "1.5", 3000),
    ]
    assert {(tender.kind, tender.amount_fen) for tender in found.tenders} == {
        ("wechat", 6600),
        ("voucher", 2000),
    }
    assert balance(world) == 66


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": ""},
        {"amount": "abc"},
        {"amount": "-5"},
        {"amount": "0"},
        {"amount": "1e3"},
        {"amount": "12.345"},
        {"amount": "99999999999999"},
        {"number": ""},
        {"number": "x" * 61},
        {"till": ""},
        {"business_date": "2026-03-09"},
        {"business_date": "1999-01-01"},
        {"business_date": "yesterday"},
        {"tender": "gold"},
        {"second_tender": "cash"},
        {"second_amount": "5"},
        {"second_tender": "wechat", "second_amount": "5"},
        {"second_tender": "cash", "second_amount": "128.50"},
        {"token": "not-a-token"},
        {"token": None},
        {"line_name": ["x"], "line_quantity": ["0"], "line_amount": ["5"], "amount": ""},
        {"line_name": ["x"], "line_quantity": ["NaN"], "line_amount": ["5"], "amount": ""},
        {"line_name": ["x"], "line_quantity": ["1"], "line_amount": ["-5"], "amount": ""},
        {"line_name": ["x"], "line_quantity": ["1"], "line_amount": ["5"], "amount": "6"},
        {"line_name": ["x"] * 51, "line_quantity": ["1"] * 51, "line_amount": ["1"] * 51, "amount": ""},
    ],
)
def test_bad_input_is_said_and_changes_nothing(
    till: Client, world: World, zhang_here: str, changes: dict[str, Any]
) -> None:
    refused = till.post(zhang_here + "receipt/", typed(till, zhang_here + "receipt/", **changes))
    assert refused.status_code == 422
    assert (balance(world), receipts()) == (0, 0)


@pytest.mark.feature("C029")
def test_a_cashier_records_for_their_own_merchant_only(till: Client, world: World, zhang_here: str) -> None:
    form = typed(till, zhang_here + "receipt/", merchant=str(world.malls.fashion))
    assert till.post(zhang_here + "receipt/", form).status_code == 422
    assert receipts() == 0


def test_a_desk_chooses_among_the_merchants_of_its_mall(desk: Client, world: World) -> None:
    page = desk.get("/counter/receipt/").content.decode()
    assert "云裳女装" in page
    assert "阿婆面馆" not in page
    form = typed(desk, "/counter/receipt/", merchant=str(world.malls.fashion))
    assert desk.post("/counter/receipt/", form).status_code == 302
    refused = typed(desk, "/counter/receipt/", merchant=str(world.malls.noodles), number="A-2")
    assert desk.post("/counter/receipt/", refused).status_code == 422


@pytest.mark.feature("B22")
def test_without_a_member_it_waits_and_says_why_no_points(till: Client, world: World) -> None:
    page = till.post("/counter/receipt/", typed(till, "/counter/receipt/"), follow=True).content.decode()
    assert "can still be claimed" in page and "data-claim" in page
    [receipt] = sales.receipts_page(SYSTEM, limit=200).items
    assert "data-claim" in till.get(f"/counter/receipts/{receipt.id}/").content.decode()


@pytest.mark.feature("B22")
def test_too_small_a_purchase_says_why_no_points(till: Client, world: World, zhang_here: str) -> None:
    form = typed(till, zhang_here + "receipt/", amount="9.90")
    page = till.post(zhang_here + "receipt/", form, follow=True).content.decode()
    assert "below the minimum" in page
    assert balance(world) == 0


def test_crossing_a_threshold_is_celebrated(till: Client, world: World, zhang_here: str) -> None:
    form = typed(till, zhang_here + "receipt/", amount="1000")
    assert "new tier" in till.post(zhang_here + "receipt/", form, follow=True).content.decode()


def test_a_frozen_member_earns_nothing_and_it_says_so(till: Client, world: World, zhang_here: str) -> None:
    loyalty_operations.set_member_status(
        actor=SYSTEM, member_id=world.zhang.member_id, status="frozen", reason="test", now=world.now
    )
    page = till.post(
        zhang_here + "receipt/", typed(till, zhang_here + "receipt/"), follow=True
    ).content.decode()
    assert "frozen" in page
    assert balance(world) == 0


def test_receipts_are_found_by_number_within_the_scope(till: Client, desk: Client, world: World) -> None:
    mine = world.buy(member=world.zhang)
    theirs = world.buy(merchant_id=world.malls.fashion)
    page = till.get("/counter/receipts/", {"q": "X0"}).content.decode()
    assert str(mine.receipt_id) in page
    assert str(theirs.receipt_id) not in page
    assert str(theirs.receipt_id) in desk.get("/counter/receipts/", {"q": "X0"}).content.decode()
    assert till.get(f"/counter/receipts/{theirs.receipt_id}/").status_code == 404
    assert till.get(f"/counter/receipts/{uuid.uuid4()}/").status_code == 404


@pytest.mark.feature("B22")
def test_the_most_asked_questions_have_their_pages(till: Client, world: World, zhang_here: str) -> None:
    world.buy(member=world.zhang)
    world.buy(5_000, member=world.zhang, tender="voucher")
    world.redeem(world.zhang, 28)
    why = till.get(zhang_here + "receipts/").content.decode()
    assert "it was paid in ways that earn no points" in why
    statement = till.get(zhang_here + "points/").content.decode()
    assert "Redeemed 28 points for ¥0.28." in statement
    assert "−28" in statement


@pytest.mark.parametrize("day", ["soon", "2026-13-01"])
def test_a_bad_search_is_a_page(till: Client, day: str) -> None:
    assert till.get("/counter/receipts/", {"q": "%_'\\", "day": day}).status_code == 200


def test_recent_actions_are_those_of_this_session(
    till: Client, world: World, crew: Crew, zhang_here: str, desk: Client
) -> None:
    answer = till.post(zhang_here + "receipt/", typed(till, zhang_here + "receipt/"))
    assert "A-100" not in desk.get("/counter/").content.decode()
    assert desk.get(answer["Location"])["Location"] == "/counter/"
    assert till.get(answer["Location"]).status_code == 200


@pytest.mark.feature("B22", "C005")
def test_a_receipt_shows_its_lines_its_points_and_what_can_be_done(till: Client, world: World) -> None:
    sale = world.buy(member=world.zhang, lines=[("围巾", "1", 20_000), ("袜子", "4", 8_000)])
    address = f"/counter/receipts/{sale.receipt_id}/"
    page = till.get(address).content.decode()
    assert "围巾" in page
    assert "¥280.00 counted, 1 point per ¥1.00: 280 points." in page
    assert address + "return/" in page
    assert address + "give/" not in page
    assert f"/counter/members/{world.zhang.member_id}/" in page
    loyalty_operations.return_lines(
        actor=SYSTEM,
        receipt_id=sale.receipt_id,
        lines=[loyalty_operations.ReturnLine(1), loyalty_operations.ReturnLine(2)],
        till="T1",
        number="R1",
        business_date=world.now.date(),
        occurred_at=world.now,
        now=world.now,
    )
    page = till.get(address).content.decode()
    assert "4 returned" in page
    assert address + "return/" not in page


def test_a_receipt_of_nobody_can_be_given_to_a_member(till: Client, world: World) -> None:
    sale = world.buy()
    page = till.get(f"/counter/receipts/{sale.receipt_id}/").content.decode()
    assert f"/counter/receipts/{sale.receipt_id}/give/" in page
    assert "can still be claimed" in page
