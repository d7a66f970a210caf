"""Gifts for purchases in the console: the stock, a campaign from the draft to its end, and each gift with its receipts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World, earlier_today, sell
from zhike.kernel.access import Viewer
from zhike.loyalty import operations as loyalty
from zhike.rewards import operations as rewards
from zhike.rewards.models import GiftCampaign, GiftItem, GiftRight, GiftShare

pytestmark = pytest.mark.feature("C115")
EN = {"accept-language": "en"}


def days(world: World) -> tuple[dt.date, dt.date]:
    """The first and the last day of a campaign that runs now."""
    today = world.now.astimezone(ZoneInfo("Asia/Shanghai")).date()
    return today - dt.timedelta(days=3), today + dt.timedelta(days=9)


def draft(world: World, item_id: int, **changes: Any) -> dict[str, Any]:
    first, last = days(world)
    return {
        "code": "G1", "mall": str(world.malls.star), "name": "周年庆满额赠", "starts_on": str(first), "ends_on": str(last),
        "collect_until": str(last), "adds_up": "campaign", "per_member": "1", "per_member_day": "0", "keep_days": "2",
        "ask_back_days": "7", "tenders_out": ["voucher"], "merchants_out": [str(world.malls.jeweller)],
        "steps-TOTAL_FORMS": "4", "steps-INITIAL_FORMS": "0", "steps-0-threshold": "50.00", "steps-0-item": str(item_id),
        **changes,
    }  # fmt: skip


def test_from_the_stock_to_the_gift_that_came_back(admin: Client, world: World) -> None:
    assert "Add a gift" in said(admin.get("/console/gifts/new/", headers=EN))
    item = {
        "code": "BAG", "mall": str(world.malls.star), "name": "帆布袋", "icon": "shopping-bag", "stock": "5", "per_day": "3",
        "value_fen": "39", "cost_fen": "15", "points": "300", "mall_share": "60", "merchant_share": "40", "brand_share": "0",
    }  # fmt: skip
    assert admin.post("/console/gifts/stock/new/", item | {"mall_share": "50"}).status_code == 422
    admin.post("/console/gifts/stock/new/", item)
    bag = GiftItem.objects.get()
    assert "帆布袋" in said(admin.get("/console/gifts/stock/"))
    assert "39" in said(admin.get(f"/console/gifts/stock/{bag.pk}/"))
    assert admin.post("/console/gifts/new/", draft(world, bag.pk, ends_on="2020-01-01")).status_code == 422
    admin.post("/console/gifts/new/", draft(world, bag.pk))
    campaign = GiftCampaign.objects.get()
    where = f"/console/gifts/{campaign.pk}/"
    assert 'value="50"' in said(admin.get(f"{where}edit/"))
    admin.post(f"{where}publish/")
    assert admin.get(f"{where}edit/").status_code == 404
    campaign.refresh_from_db()
    sell(world.malls.star, world.malls.fashion, 60_00, earlier_today(world.now), person_of(world), world.now)
    made = rewards.reserve_gift(
        actor=SYSTEM, member_id=world.zhang_san, campaign_id=campaign.pk, step=0, hand_out=True, now=world.now
    )
    oldest = GiftShare.objects.get().receipt_id
    behind = said(admin.get(f"/console/receipts/{oldest}/", headers=EN))
    assert "Gifts for purchases" in behind and "of ¥50.00 are from this receipt" in behind
    page = said(admin.get(where, headers=EN))
    for text in ("帆布袋", "Given out", "¥15.00", "¥9.00", "¥6.00", "Merchants that do not"):
        assert text in page
    assert "帆布袋" in said(admin.get(f"{where}?state=handed_out", headers=HTMX))
    assert "帆布袋" not in said(admin.get(f"{where}?state=owed", headers=HTMX))
    assert "周年庆满额赠" in said(admin.get("/console/gifts/"))
    right = f"/console/gifts/rights/{made.right_id}/"
    assert "¥50.00" in said(admin.get(right))
    give_everything_back(world)
    rewards.review_gifts(actor=SYSTEM, person_id=person_of(world), now=world.now)
    assert "has to come back" in said(admin.get(right, headers=EN))
    assert "Let the member keep" in said(admin.get(f"{right}waive/", headers={**HTMX, **EN}))
    admin.post(f"{right}waive/", {"reason": "老顾客"}, headers=HTMX)
    assert GiftRight.objects.get().state == "waived"
    assert "End the campaign" in said(admin.get(f"{where}end/", headers={**HTMX, **EN}))
    admin.post(f"{where}end/", {"reason": "赠品送完"}, headers=HTMX)
    assert "赠品送完" in said(admin.get(where))


def person_of(world: World) -> int:
    from zhike.loyalty import queries

    return queries.person_id_of(world.zhang_san)


def give_everything_back(world: World) -> None:
    from zhike.sales.models import Receipt

    for number, sale in enumerate(Receipt.objects.filter(person_id=person_of(world), kind="sale")):
        loyalty.return_lines(
            actor=SYSTEM, receipt_id=sale.pk, lines=[loyalty.ReturnLine(1)], till="01", number=f"B{number}",
            business_date=sale.business_date, occurred_at=world.now, now=world.now,
        )  # fmt: skip


def test_another_mall_sees_and_changes_nothing(
    enter: Callable[[Viewer], Client], desks: Desks, world: World
) -> None:
    item = rewards.NewGiftItem("BAG", "帆布袋")
    bag = rewards.save_gift_item(actor=SYSTEM, mall_id=world.malls.star, item=item, stock=3, now=world.now)
    first, last = days(world)
    terms = {"steps": [{"threshold_fen": 5_000, "item_id": bag}]}
    campaign_id = rewards.save_gift_campaign(
        actor=SYSTEM, mall_id=world.malls.star, now=world.now,
        campaign=rewards.NewGiftCampaign("G1", "周年庆", terms, first, last, last),
    )  # fmt: skip
    qian = enter(desks.qian)
    assert "周年庆" not in said(qian.get("/console/gifts/"))
    assert qian.get(f"/console/gifts/{campaign_id}/").status_code == 404
    assert qian.post(f"/console/gifts/{campaign_id}/publish/").status_code == 404
    assert enter(desks.sun).get("/console/gifts/new/").status_code == 403
    assert GiftCampaign.objects.get().status == "draft"
