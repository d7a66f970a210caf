"""Gifts at the counter and on the phone: found by code, receipt or member, handed out once, brought back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.people import Crew
from tests.ui.counter.world import SYSTEM, ZHANG_PHONE, World, token_of
from zhike.kernel.access import Viewer
from zhike.rewards import operations as rewards
from zhike.rewards.models import GiftItem, GiftRight
from zhike.sales.models import Receipt

pytestmark = pytest.mark.feature("C115")


@pytest.fixture
def campaign_id(world: World) -> int:
    item = rewards.NewGiftItem("BAG", "帆布袋", points=30)
    bag = rewards.save_gift_item(actor=SYSTEM, mall_id=world.malls.star, item=item, stock=3, now=world.now)
    today = world.now.date()
    terms = {"steps": [{"threshold_fen": 20_000, "item_id": bag}], "per_member": 0}
    made = rewards.save_gift_campaign(
        actor=SYSTEM, mall_id=world.malls.star, now=world.now,
        campaign=rewards.NewGiftCampaign("G1", "周年庆满额赠", terms, today, today, today),
    )  # fmt: skip
    rewards.publish_gift_campaign(actor=SYSTEM, campaign_id=made, now=world.now)
    return made


def text(page: Any) -> str:
    return " ".join(page.content.decode().split())


def test_by_the_member_once_and_back(desk: Client, world: World, campaign_id: int) -> None:
    world.buy(15_000, member=world.zhang)
    member = desk.post("/counter/gifts/", {"code": ZHANG_PHONE})["Location"]
    assert member.endswith(f"/members/{world.zhang.member_id}/gifts/")
    assert "¥50.00 more" in text(desk.get(member))
    world.buy(15_000, member=world.zhang)
    page = desk.get(member)
    form = {
        "token": token_of(page), "campaign": str(campaign_id), "step": "0", "basket": world.now.date().isoformat(),
    }  # fmt: skip
    first, second = desk.post(member, form), desk.post(member, form)
    assert first["Location"] == second["Location"]
    shown = text(desk.get(first["Location"]))
    assert "Given out" in shown and "The gift comes back" in shown
    assert GiftItem.objects.get().taken == 1
    again = desk.post(member, form | {"token": "0197a9d4-0000-7000-8000-000000000000"})
    assert again.status_code == 422 and "more is needed" in text(again)
    assert "¥200.00 stand behind gifts already" in text(again)
    sale = Receipt.objects.latest("recorded_at").pk
    assert "A gift was given for this receipt" in text(desk.get(f"/counter/receipts/{sale}/return/"))
    desk.post(f"{first['Location']}back/", {"token": form["token"], "is_good": "on"})
    assert GiftRight.objects.get().state == "returned"
    assert GiftItem.objects.get().taken == 0
    assert "A gift was given" not in text(desk.get(f"/counter/receipts/{sale}/"))


def test_by_its_code_and_by_a_receipt(desk: Client, world: World, campaign_id: int) -> None:
    world.buy(20_000, member=world.zhang)
    number = Receipt.objects.latest("recorded_at").number
    assert desk.post("/counter/gifts/", {"code": number})["Location"].endswith("/gifts/")
    assert "was found" in text(desk.post("/counter/gifts/", {"code": "NO-SUCH-1"}))
    made = rewards.reserve_gift(
        actor=SYSTEM, member_id=world.zhang.member_id, campaign_id=campaign_id, step=0, now=world.now
    )
    for door in ("/counter/gifts/", "/counter/find/"):
        where = desk.post(door, {"code": f"ZKE.{made.code}", "q": f"ZKE.{made.code}"})["Location"]
        assert where == f"/counter/gifts/{made.right_id}/"
    assert "Hand it out" in text(desk.get(where))
    assert "The gift is handed out." in text(desk.post(where, follow=True))
    assert "handed out before" in text(desk.post(where, follow=True))


def test_whoever_was_not_shown_it_opens_nothing(
    browser_of: Callable[[Viewer], Client], crew: Crew, world: World, campaign_id: int
) -> None:
    world.buy(20_000, member=world.zhang)
    made = rewards.reserve_gift(
        actor=SYSTEM, member_id=world.zhang.member_id, campaign_id=campaign_id, step=0, now=world.now
    )
    sun, li = browser_of(crew.sun), browser_of(crew.li)
    assert sun.post(f"/counter/gifts/{made.right_id}/").status_code == 404
    assert li.post("/counter/gifts/", {"code": made.code}).status_code == 403
    assert GiftRight.objects.get().state == "reserved"
