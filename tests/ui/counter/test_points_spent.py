"""Points are spent after a look at their worth, given back, and clawed back with returned goods."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.people import Crew
from tests.ui.counter.world import LI_PHONE, SYSTEM, ZHANG_PHONE, World, token_of
from zhike.kernel.access import Viewer
from zhike.loyalty import operations as loyalty_operations
from zhike.loyalty import queries as loyalty
from zhike.sales import queries as sales


@pytest.fixture
def zhang_here(till: Client, world: World) -> str:
    """张三丰, who has 1,000 points, showed her phone at the till; the address of her page."""
    world.buy(100_000, member=world.zhang)
    return str(till.post("/counter/find/", {"q": ZHANG_PHONE})["Location"])


def balance(world: World) -> int:
    return loyalty.member_file(SYSTEM, world.zhang.member_id, world.now).balance


def spent(client: Client, address: str, points: object) -> dict[str, Any]:
    return {"token": token_of(client.get(address)), "points": points, "reference": "", "step": "carry-out"}


class TestRedeeming:
    def test_the_worth_is_shown_before_anything_happens(
        self, till: Client, world: World, zhang_here: str
    ) -> None:
        form = spent(till, zhang_here + "redeem/", 300) | {"step": "ask"}
        page = till.post(zhang_here + "redeem/", form).content.decode()
        assert "¥3.00" in page
        assert "700" in page
        assert balance(world) == 1000

    @pytest.mark.feature("C063")
    def test_then_it_is_carried_out_with_the_same_token_once(
        self, till: Client, world: World, zhang_here: str
    ) -> None:
        form = spent(till, zhang_here + "redeem/", 300)
        till.post(zhang_here + "redeem/", form | {"step": "ask"})
        first = till.post(zhang_here + "redeem/", form)
        second = till.post(zhang_here + "redeem/", form)
        assert first["Location"] == second["Location"]
        page = till.get(first["Location"]).content.decode()
        assert "Take ¥3.00 off" in page
        assert "700" in page
        assert balance(world) == 700
        assert len(till.get("/counter/").context["recent"]) == 1

    @pytest.mark.feature("C102")
    def test_from_the_household_with_the_same_token_once(
        self, till: Client, world: World, zhang_here: str
    ) -> None:
        assert "household" not in till.get(zhang_here + "redeem/").content.decode()
        own = {"actor": SYSTEM, "member_id": world.zhang.member_id, "now": world.now}
        loyalty_operations.found_household(name="张家", **own)
        loyalty_operations.put_into_pool(points=400, **own)
        form = spent(till, zhang_here + "redeem/", 300) | {"pool": "on"}
        page = till.post(zhang_here + "redeem/", form | {"step": "ask"}).content.decode()
        assert "from the household" in page
        assert loyalty.pool_points(world.zhang.member_id) == 400
        first = till.post(zhang_here + "redeem/", form)
        second = till.post(zhang_here + "redeem/", form)
        assert first["Location"] == second["Location"]
        assert (balance(world), loyalty.pool_points(world.zhang.member_id)) == (600, 100)
        refused = till.post(zhang_here + "redeem/", spent(till, zhang_here + "redeem/", 101) | {"pool": "on"})
        assert refused.status_code == 422

    @pytest.mark.parametrize("points", [1001, 0, -5, "", "abc", "1.5", 10**12])
    @pytest.mark.parametrize("step", ["ask", "carry-out"])
    def test_what_cannot_be_spent_is_refused(
        self, till: Client, world: World, zhang_here: str, points: object, step: str
    ) -> None:
        form = spent(till, zhang_here + "redeem/", points) | {"step": step}
        assert till.post(zhang_here + "redeem/", form).status_code == 422
        assert balance(world) == 1000

    def test_a_frozen_member_spends_nothing(self, till: Client, world: World, zhang_here: str) -> None:
        form = spent(till, zhang_here + "redeem/", 300)
        loyalty_operations.set_member_status(
            actor=SYSTEM, member_id=world.zhang.member_id, status="frozen", reason="test", now=world.now
        )
        assert till.post(zhang_here + "redeem/", form).status_code == 422
        assert balance(world) == 1000

    def test_a_colleague_without_the_permission_is_refused(
        self, world: World, crew: Crew, browser_of: Callable[[Viewer], Client], zhang_here: str
    ) -> None:
        associate = browser_of(crew.zhou)
        associate.post("/counter/find/", {"q": ZHANG_PHONE})
        assert associate.get(zhang_here + "redeem/").status_code == 403
        assert associate.post(zhang_here + "redeem/", {}).status_code == 403
        assert balance(world) == 1000


class TestReversing:
    def test_points_come_back_in_part_and_then_the_rest(
        self, till: Client, world: World, zhang_here: str
    ) -> None:
        address = f"{zhang_here}redemptions/{world.redeem(world.zhang, 400)}/reverse/"
        form = {"token": token_of(till.get(address)), "points": "100", "reason": "wrong-amount"}
        till.post(address, form)
        till.post(address, form)
        assert balance(world) == 700
        rest = {"token": token_of(till.get(address)), "points": "", "reason": "changed-mind"}
        page = till.post(address, rest, follow=True).content.decode()
        assert "+300" in page
        assert balance(world) == 1000
        assert "given back already" in till.get(address).content.decode()

    @pytest.mark.parametrize(
        "changes", [{"points": "401"}, {"points": "0"}, {"points": "x"}, {"reason": ""}, {"reason": "whim"}]
    )
    def test_too_much_or_without_a_reason_is_refused(
        self, till: Client, world: World, zhang_here: str, changes: dict[str, str]
    ) -> None:
        address = f"{zhang_here}redemptions/{world.redeem(world.zhang, 400)}/reverse/"
        form = {"token": token_of(till.get(address)), "points": "100", "reason": "wrong-amount"} | changes
        assert till.post(address, form).status_code == 422
        assert balance(world) == 600

    def test_another_s_redemption_is_not_there(self, till: Client, world: World, zhang_here: str) -> None:
        redemption_id = world.redeem(world.zhang, 400)
        other = till.post("/counter/find/", {"q": LI_PHONE})["Location"]
        assert till.get(f"{other}redemptions/{redemption_id}/reverse/").status_code == 404
        assert till.get(f"{zhang_here}redemptions/{uuid.uuid4()}/reverse/").status_code == 404

    def test_they_are_listed_on_the_member(self, till: Client, world: World, zhang_here: str) -> None:
        redemption_id = world.redeem(world.zhang, 400)
        assert str(redemption_id) in till.get(zhang_here + "redemptions/").content.decode()


class TestReturning:
    @pytest.fixture
    def address(self, world: World) -> str:
        """Of the page that takes back goods of a receipt with two lines."""
        sale = world.buy(member=world.zhang, lines=[("围巾", "1", 20_000), ("袜子", "4", 8_000)])
        return f"/counter/receipts/{sale.receipt_id}/return/"

    def form(self, till: Client, address: str, **quantities: str) -> dict[str, Any]:
        lines = {f"line-{name[1:]}": quantity for name, quantity in quantities.items()}
        return {"token": token_of(till.get(address)), "step": "carry-out"} | lines

    @pytest.mark.feature("B01")
    def test_what_will_be_clawed_back_is_shown_first(self, till: Client, world: World, address: str) -> None:
        before = len(sales.receipts_page(SYSTEM).items)
        page = till.post(address, self.form(till, address, n2="2") | {"step": "ask"}).content.decode()
        assert "¥40.00" in page
        assert "<span data-clawed>40</span>" in page
        assert balance(world) == 280
        assert len(sales.receipts_page(SYSTEM).items) == before

    @pytest.mark.feature("B01")
    def test_then_lines_come_back_once(self, till: Client, world: World, address: str) -> None:
        form = self.form(till, address, n2="2")
        first = till.post(address, form)
        second = till.post(address, form)
        assert first["Location"] == second["Location"]
        assert "Refund ¥40.00" in till.get(first["Location"]).content.decode()
        assert balance(world) == 240
        assert "2 of 4 can come back" in till.get(address).content.decode()

    @pytest.mark.feature("B03")
    def test_points_already_spent_become_debt(self, till: Client, world: World, address: str) -> None:
        world.redeem(world.zhang, 250)
        page = till.post(address, self.form(till, address, n1="1"), follow=True).content.decode()
        assert "170 points are now owed" in page

    @pytest.mark.parametrize(
        "quantities", [{}, {"n1": "0"}, {"n1": "2"}, {"n2": "-1"}, {"n2": "abc"}, {"n9": "1"}, {"n2": "NaN"}]
    )
    def test_more_than_was_bought_or_nothing_is_refused(
        self, till: Client, world: World, address: str, quantities: dict[str, str]
    ) -> None:
        assert till.post(address, self.form(till, address, **quantities)).status_code == 422
        assert balance(world) == 280

    @pytest.mark.feature("C029")
    def test_another_merchant_s_receipt_is_not_there(self, till: Client, world: World) -> None:
        sale = world.buy(member=world.zhang, merchant_id=world.malls.fashion)
        address = f"/counter/receipts/{sale.receipt_id}/return/"
        assert till.get(address).status_code == 404
        assert (
            till.post(address, {"token": str(uuid.uuid4()), "step": "carry-out", "line-1": "1"}).status_code
            == 404
        )
        assert balance(world) == 128


class TestClaiming:
    def test_a_receipt_finds_its_member_once(self, till: Client, world: World) -> None:
        sale = world.buy(12_800)
        address = f"/counter/receipts/{sale.receipt_id}/give/"
        form = {"token": token_of(till.get(address)), "q": ZHANG_PHONE}
        first = till.post(address, form)
        assert till.post(address, form)["Location"] == first["Location"]
        assert "+128" in till.get(first["Location"]).content.decode()
        assert balance(world) == 128
        again = {"token": token_of(till.get(address)), "q": LI_PHONE}
        assert till.post(address, again).status_code == 422
        assert balance(world) == 128

    def test_a_member_hands_in_what_stands_on_the_receipt(self, till: Client, world: World) -> None:
        world.buy(12_800)
        member = till.post("/counter/find/", {"q": ZHANG_PHONE})["Location"]
        page = till.get(member + "claim/")
        form = {
            "token": token_of(page),
            "merchant": str(world.malls.cafe),
            "number": "X00001",
            "business_date": "2026-03-08",
            "amount": "128",
        }
        assert till.post(member + "claim/", form | {"amount": "127"}).status_code == 422
        assert till.post(member + "claim/", form).status_code == 302
        assert balance(world) == 128

    def test_the_desk_where_it_was_bought_gives_it_to_a_member_of_any_mall(
        self, desk: Client, world: World
    ) -> None:
        sale = world.buy(12_800, merchant_id=world.malls.fashion)
        address = f"/counter/receipts/{sale.receipt_id}/give/"
        form = {"token": token_of(desk.get(address)), "q": LI_PHONE}
        assert desk.post(address, form).status_code == 302
        assert sales.receipt(SYSTEM, sale.receipt_id).row.person_id == world.li.person_id

    @pytest.mark.parametrize("q", ["", "13600136000", "张三丰", "ZK1.x"])
    def test_nobody_for_sure_gets_nothing(self, till: Client, world: World, q: str) -> None:
        sale = world.buy(12_800)
        address = f"/counter/receipts/{sale.receipt_id}/give/"
        assert till.post(address, {"token": token_of(till.get(address)), "q": q}).status_code == 422
        assert sales.receipt(SYSTEM, sale.receipt_id).row.person_id is None


@pytest.mark.feature("C089")
class TestQuoted:
    def test_the_counter_says_what_points_are_worth_and_keeps_its_word(
        self, till: Client, world: World, zhang_here: str
    ) -> None:
        loyalty_operations.publish_rates(
            actor=SYSTEM,
            program_id=world.program_id,
            definition={"points": 100, "fen": 150, "lines": [{"name": "周年庆", "premium_bp": 2_000}]},
            effective_from=world.now,
            now=world.now,
        )
        page = till.get(zhang_here + "redeem/").content.decode()
        assert "¥18.00" in page
        assert "周年庆" in page
        form = spent(till, zhang_here + "redeem/", 300)
        asked = till.post(zhang_here + "redeem/", form | {"step": "ask"})
        quote = asked.context["quote"]
        assert quote.value_fen == 540
        assert str(quote.quote_id) in asked.content.decode()
        carried = form | {"quote_id": str(quote.quote_id)}
        first = till.post(zhang_here + "redeem/", carried)
        assert till.post(zhang_here + "redeem/", carried)["Location"] == first["Location"]
        assert balance(world) == 700
        refused = till.post(
            zhang_here + "redeem/",
            spent(till, zhang_here + "redeem/", 300) | {"quote_id": str(quote.quote_id)},
        )
        assert refused.status_code == 422
        assert balance(world) == 700
