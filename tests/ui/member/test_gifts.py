"""Gifts for purchases on the phone: how far one is, reserved, shown with its code, given up, and asked back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from tests.ui.counter.world import SYSTEM, World
from zhike.loyalty import operations as loyalty
from zhike.rewards import operations as rewards
from zhike.rewards.models import GiftRight

pytestmark = pytest.mark.feature("C115")


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_reserved_given_up_fetched_and_asked_back(zhang: Client, world: World) -> None:
    assert "/m/gifts/" not in text(zhang.get("/m/"))
    item = rewards.NewGiftItem("BAG", "帆布袋", value_fen=3_900, points=30)
    bag = rewards.save_gift_item(actor=SYSTEM, mall_id=world.malls.star, item=item, stock=3, now=world.now)
    today = world.now.date()
    terms = {"steps": [{"threshold_fen": 20_000, "item_id": bag}], "adds_up": "campaign", "keep_days": 3}
    campaign = rewards.NewGiftCampaign(
        "G1", "周年庆满额赠", terms, today - dt.timedelta(days=1), today + dt.timedelta(days=5), today + dt.timedelta(days=5)
    )  # fmt: skip
    campaign_id = rewards.save_gift_campaign(
        actor=SYSTEM, mall_id=world.malls.star, campaign=campaign, now=world.now
    )
    rewards.publish_gift_campaign(actor=SYSTEM, campaign_id=campaign_id, now=world.now)
    assert "/m/gifts/" in text(zhang.get("/m/"))
    sale = world.buy(12_000, member=world.zhang)
    page = text(zhang.get("/m/gifts/"))
    assert "¥120.00 / ¥200.00" in page and "¥80.00 more" in page and "1 receipt and what" in page
    world.buy(9_000, member=world.zhang)
    shop: Any = zhang.get("/m/gifts/")
    token = str(shop.context["form"]["token"].value())
    form = {
        "token": token,
        "campaign": str(campaign_id),
        "step": "0",
        "basket": str(today - dt.timedelta(days=1)),
    }
    first, second = zhang.post("/m/gifts/reserve/", form), zhang.post("/m/gifts/reserve/", form)
    assert first["Location"] == second["Location"]
    shown = text(zhang.get(first["Location"]))
    assert "data-gift-code" in shown and "¥120.00" in shown and "¥80.00" in shown
    assert "Given up" in text(zhang.post(f"{first['Location']}cancel/", follow=True))
    made = zhang.post("/m/gifts/reserve/", form | {"token": "0197a9d4-0000-7000-8000-000000000000"})
    right = GiftRight.objects.get(state="reserved")
    rewards.hand_out_gift(actor=SYSTEM, right_id=right.pk, now=world.now)
    loyalty.return_lines(
        actor=SYSTEM, receipt_id=sale.receipt_id, lines=[loyalty.ReturnLine(1)], till="T1", number="B1",
        business_date=today, occurred_at=world.now, now=world.now,
    )  # fmt: skip
    rewards.review_gifts(actor=SYSTEM, person_id=world.zhang.person_id, now=world.now)
    assert "Please bring it back" in text(zhang.get(made["Location"]))
    assert "Please bring a gift back" in text(zhang.get("/m/gifts/"))
    assert zhang.get("/m/gifts/4711/").status_code == 404
