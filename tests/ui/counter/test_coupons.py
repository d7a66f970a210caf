"""A coupon at the counter: scanned, looked at, used once; and why not, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.people import Crew
from tests.ui.counter.world import SYSTEM, ZHANG_PHONE, World, token_of
from zhike.kernel.access import Viewer
from zhike.offers import operations as offers
from zhike.offers.models import Coupon, CouponUse

pytestmark = pytest.mark.feature("C109")


def issue(world: World, code: str = "C", **terms: Any) -> offers.Issued:
    """A coupon of 张三丰's."""
    template_id = offers.save_template(
        actor=SYSTEM, group_id=world.malls.group, mall_id=world.malls.star, code=code, name="满50减20",
        terms={"kind": "threshold", "value_fen": 2000, "minimum_fen": 5000, "validity": {"days": 7}} | terms,
        now=world.now,
    )  # fmt: skip
    batch = offers.NewBatch(f"{code}-1", "满50减20", 5, world.now, world.now + dt.timedelta(days=9))
    batch_id = offers.open_batch(actor=SYSTEM, template_id=template_id, batch=batch, now=world.now)
    return offers.give_coupon(actor=SYSTEM, batch_id=batch_id, member_id=world.zhang.member_id, now=world.now)


def filled(page: Any, world: World, amount: str, **changes: str) -> dict[str, str]:
    return {
        "token": token_of(page), "merchant": str(world.malls.cafe), "amount": amount, "number": "R7", "step": "ask", **changes,
    }  # fmt: skip


def test_scanned_looked_at_and_used_once(till: Client, world: World) -> None:
    coupon = issue(world)
    address = till.post("/counter/find/", {"q": f"ZKC.{coupon.code}"})["Location"]
    assert address == f"/counter/coupons/{coupon.coupon_id}/"
    form = filled(till.get(address), world, "88")
    shown = till.post(address, form).content.decode()
    assert "¥20.00" in shown
    assert "¥68.00 are left to pay" in shown
    assert not CouponUse.objects.exists()
    first = till.post(address, form | {"step": "carry-out"})
    second = till.post(address, form | {"step": "carry-out"})
    assert first["Location"] == second["Location"]
    assert "Take ¥20.00 off" in till.get(first["Location"]).content.decode()
    use = CouponUse.objects.get()
    assert (use.state, use.number, use.basket_fen, use.discount_fen) == ("used", "R7", 8800, 2000)
    assert "It was used on" in till.get(address).content.decode()


def test_why_not_in_words(till: Client, world: World) -> None:
    coupon = issue(world)
    address = till.post("/counter/coupons/", {"code": coupon.code.lower()})["Location"]
    page = till.get(address)
    short = till.post(address, filled(page, world, "30")).content.decode()
    assert "¥20.00 are missing" in short
    forced = till.post(address, filled(page, world, "30", step="carry-out"))
    assert forced.status_code == 422
    assert till.post(address, filled(page, world, "")).status_code == 422
    assert Coupon.objects.get().status == "issued"
    assert "There is no coupon" in till.post("/counter/coupons/", {"code": "NOSUCHCODE"}).content.decode()


def test_a_gift_needs_no_amount_and_a_desk_says_for_which_shop(desk: Client, world: World) -> None:
    coupon = issue(world, "G", kind="gift", value_fen=900, minimum_fen=0, item="手冲咖啡一杯")
    address = desk.post("/counter/coupons/", {"code": coupon.code})["Location"]
    page = desk.get(address)
    assert "老凤祥" in page.content.decode()
    form = filled(page, world, "")
    assert "Hand it over" in desk.post(address, form).content.decode()
    desk.post(address, form | {"step": "carry-out"})
    assert CouponUse.objects.get().funding == {"mall": 900}


def test_the_coupons_of_the_member_in_front(till: Client, world: World) -> None:
    coupon = issue(world)
    member = till.post("/counter/find/", {"q": ZHANG_PHONE})["Location"]
    page = till.get(f"{member}coupons/").content.decode()
    assert "满50减20" in page
    assert till.get(f"/counter/coupons/{coupon.coupon_id}/").status_code == 200


def test_a_stranger_opens_nothing(
    till: Client, world: World, crew: Crew, browser_of: Callable[[Viewer], Client]
) -> None:
    coupon = issue(world)
    address = f"/counter/coupons/{coupon.coupon_id}/"
    assert till.get(address).status_code == 404
    associate = browser_of(crew.zhou)
    assert associate.get("/counter/coupons/").status_code == 403
    elsewhere = browser_of(crew.zhao)
    shown = elsewhere.post("/counter/coupons/", {"code": coupon.code})["Location"]
    form = filled(elsewhere.get(shown), world, "88") | {"merchant": str(world.malls.noodles)}
    assert "It cannot be used" not in elsewhere.get(shown).content.decode()
    elsewhere.post(shown, form | {"step": "carry-out", "merchant": str(world.malls.cafe)})
    assert not CouponUse.objects.filter(merchant_id=world.malls.cafe).exists()


@pytest.mark.feature("C110")
def test_the_price_under_promotions(till: Client, world: World) -> None:
    offers.publish_promotion(
        actor=SYSTEM, group_id=world.malls.group, mall_id=world.malls.star, code="NTH", name="第二杯半价",
        definition={"kind": "nth", "nth": 2, "percent_bp": 5000}, effective_from=world.now, now=world.now,
    )  # fmt: skip
    form = {"merchant": str(world.malls.cafe), "basket": "2 32"}
    page = till.post("/counter/price/", form).content.decode()
    assert "¥48.00" in page
    assert "第二杯半价" in page
    assert till.post("/counter/price/", form | {"basket": "x"}).status_code == 422
