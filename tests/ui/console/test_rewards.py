"""The points mall in the console: rewards made, changed and stocked; orders prepared, cancelled, taken back, exported."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.rewards.world import SYSTEM, give, sell_tier, stock_the_mall
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import Desks, World
from zhike.kernel.access import Viewer
from zhike.kernel.models import AuditEntry
from zhike.rewards import operations as rewards
from zhike.rewards.models import Auction, Benefit, ExchangeOrder, LuckyDraw, Reward, RewardCategory

pytestmark = pytest.mark.feature("C079")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture
def mall(world: World) -> dict[str, int]:
    give(world.zhang_san, 1_000, world.now)
    return stock_the_mall(world.malls, world.now)


def order(world: World, reward_id: int, quantity: int = 1) -> int:
    return rewards.exchange_reward(
        actor=SYSTEM, member_id=world.zhang_san, reward_id=reward_id, quantity=quantity, now=world.now
    ).order_id


def once_of(page: Any) -> str:
    found = re.search(r'name="once" value="(\w+)"', said(page))
    assert found
    return found[1]


def test_a_reward_from_the_draft_to_the_shelf(admin: Client, world: World) -> None:
    shelf = {"code": "home", "name": "居家好物", "icon": "armchair", "tone": "teal", "position": "1"}
    assert "New shelf" in said(
        admin.get("/console/rewards/categories/new/", headers={**HTMX, "accept-language": "en"})
    )
    admin.post("/console/rewards/categories/new/", shelf)
    category = RewardCategory.objects.get()
    page = admin.get("/console/rewards/new/")
    form = {
        "once": once_of(page), "code": "CUP", "mall": str(world.malls.star), "kind": "goods", "stock": "20",
        "name": "马克杯", "category": str(category.pk), "points": "800", "cash_fen": "9.90", "cost_fen": "21",
        "market_fen": "59", "mall_share": "40", "merchant_share": "60", "brand_share": "0", "per_member": "2",
        "limit_period": "month", "opens_at": "2026-01-01T10:00", "collect_days": "14", "on_expiry": "give_back",
        "member_may_cancel": "on", f"tier_{world.tiers['gold']}": "640",
    }  # fmt: skip
    assert admin.post("/console/rewards/new/", form | {"mall_share": "50"}).status_code == 422
    assert admin.post("/console/rewards/new/", form | {"kind": "seat"}).status_code == 422
    where = admin.post("/console/rewards/new/", form)["Location"]
    assert admin.post("/console/rewards/new/", form)["Location"] == "/console/rewards/"
    reward = Reward.objects.get()
    assert (reward.status, reward.cash_fen, reward.funding) == (
        "draft",
        990,
        {"mall": 4_000, "merchant": 6_000},
    )
    assert reward.tier_points == {str(world.tiers["gold"]): 640}
    assert "马克杯" in said(admin.get(where))
    admin.post(f"{where}status/", {"status": "open"})
    edit = admin.get(f"{where}edit/")
    assert 'value="640"' in said(edit) and 'value="9.90"' in said(edit)
    admin.post(f"{where}edit/", form | {"points": "900", "once": once_of(edit)})
    admin.post(f"{where}stock/", {"stock": "30", "reason": "补货"})
    admin.post(f"{where}picture/", {"picture": SimpleUploadedFile("a.png", PNG)})
    reward.refresh_from_db()
    assert (reward.status, reward.points, reward.stock, reward.version) == ("open", 900, 30, 3)
    assert admin.get(f"/console/rewards/pictures/{reward.picture}/").content == PNG
    assert (
        admin.post(f"{where}picture/", {"picture": SimpleUploadedFile("a.svg", b"<svg/>")}).status_code == 422
    )
    assert "马克杯" in said(admin.get("/console/rewards/?q=马克", headers=HTMX))
    assert "居家好物" in said(admin.get("/console/rewards/categories/"))
    admin.post(f"/console/rewards/categories/{category.pk}/retire/")
    category.refresh_from_db()
    assert category.retired_at is None, "there is a reward on it"
    admin.post(f"{where}status/", {"status": "closed"})
    admin.post(f"/console/rewards/categories/{category.pk}/retire/")
    assert "居家好物" not in said(admin.get("/console/rewards/categories/"))


def test_codes_are_taken_in(admin: Client, mall: dict[str, int]) -> None:
    where = f"/console/rewards/{mall['VIDEO']}/"
    form = {"once": once_of(admin.get(f"{where}codes/")), "codes": "A-1\nA-2\n\n"}
    admin.post(f"{where}codes/", form)
    admin.post(f"{where}codes/", form)
    assert Reward.objects.get(id=mall["VIDEO"]).stock == 3
    again = admin.post(f"{where}codes/", form | {"once": "other"})
    assert again.status_code == 422


def test_orders_are_prepared_extended_cancelled_and_taken_back(
    admin: Client, world: World, mall: dict[str, int]
) -> None:
    first, second = order(world, mall["CUP"]), order(world, mall["CUP"], 2)
    listed = said(admin.get("/console/rewards/orders/?state=reserved", headers=HTMX))
    assert f"DH{first:08d}" in listed and 'name="ids"' in listed
    admin.post("/console/rewards/orders/ready/", {"ids": [first, second]})
    assert ExchangeOrder.objects.filter(state="ready").count() == 2
    where = f"/console/rewards/orders/{second}/"
    before = ExchangeOrder.objects.get(id=second).collect_by
    admin.post(f"{where}extend/", {"days": "5", "reason": "出差"})
    assert ExchangeOrder.objects.get(id=second).collect_by != before
    rewards.collect_order(actor=SYSTEM, order_id=second, now=world.now)
    form = {
        "once": once_of(admin.get(f"{where}back/")),
        "quantity": "1",
        "restock": "on",
        "reason": "杯口有裂",
    }
    for _ in range(2):
        admin.post(f"{where}back/", form)
    assert ExchangeOrder.objects.get(id=second).returned == 1
    assert admin.post(f"/console/rewards/orders/{first}/cancel/", {"reason": ""}).status_code == 422
    admin.post(f"/console/rewards/orders/{first}/cancel/", {"reason": "缺货"})
    page = said(admin.get(f"/console/rewards/orders/{first}/"))
    assert "缺货" in page
    assert f"DH{second:08d}" in said(admin.get(f"/console/rewards/orders/?q=DH{second:08d}"))
    assert "张三" in said(admin.get(f"/console/rewards/{mall['CUP']}/"))
    timeline = said(admin.get(f"/console/members/{world.zhang_san}/timeline/"))
    assert "星河马克杯 × 2" in timeline


def test_the_file_names_members_so_it_is_audited(admin: Client, world: World, mall: dict[str, int]) -> None:
    order(world, mall["COFFEE"])
    answer = admin.post("/console/rewards/orders/export/?state=ready")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "手冲一杯" in text and "张三" in text
    assert ExchangeOrder.objects.get().code not in text
    assert AuditEntry.objects.latest("id").action == "exchange_order.export"


def test_who_sees_and_who_changes(
    world: World, desks: Desks, mall: dict[str, int], enter: Callable[[Viewer], Client]
) -> None:
    made = order(world, mall["CUP"])
    marketer, elsewhere = enter(desks.chen), enter(desks.qian)
    assert marketer.get("/console/rewards/").status_code == 200
    assert marketer.post(f"/console/rewards/orders/{made}/cancel/", {"reason": "x"}).status_code == 403
    assert elsewhere.get(f"/console/rewards/orders/{made}/").status_code == 404
    assert elsewhere.get(f"/console/rewards/{mall['CUP']}/").status_code == 404
    assert "星河马克杯" not in said(elsewhere.get("/console/rewards/"))
    assert enter(desks.li).get("/console/rewards/").status_code == 403


def test_lists_cost_the_same_however_long(
    admin: Client, world: World, mall: dict[str, int], django_assert_max_num_queries: Any
) -> None:
    for _ in range(4):
        order(world, mall["COFFEE"])
    for address in ("/console/rewards/", "/console/rewards/orders/"):
        admin.get(address)
        with django_assert_max_num_queries(18):
            admin.get(address)


@pytest.mark.feature("C081")
def test_a_benefit_its_use_and_its_cost(admin: Client, world: World) -> None:
    page = admin.get("/console/benefits/new/")
    assert said(page)
    form = {
        "code": "PARK", "mall": str(world.malls.star), "name": "免费停车", "kind": "parking", "unit": "小时",
        "period": "month", "position": "0", "cost_fen": "5", "mall_share": "100", "merchant_share": "0",
        "brand_share": "0", f"tier_{world.tiers['silver']}": "3",
    }  # fmt: skip
    assert admin.post("/console/benefits/new/", form | {"mall_share": "50"}).status_code == 422
    admin.post("/console/benefits/new/", form)
    benefit = Benefit.objects.get()
    assert 'value="3"' in said(admin.get(f"/console/benefits/{benefit.pk}/"))
    admin.post(f"/console/benefits/{benefit.pk}/", form | {"name": "停车"})
    use = rewards.use_benefit(
        actor=SYSTEM, member_id=world.zhang_san, benefit_id=benefit.pk, mall_id=world.malls.star, quantity=2,
        now=world.now,
    )  # fmt: skip
    assert "¥10.00" in said(admin.get("/console/benefits/"))
    assert "张三" in said(admin.get("/console/benefits/uses/"))
    where = f"/console/benefits/uses/{use.use_id}/cancel/"
    assert admin.get(where, headers=HTMX).status_code == 200
    admin.post(where, {"reason": "记错了"})
    assert "记错了" in said(admin.get(f"/console/benefits/uses/?benefit={benefit.pk}", headers=HTMX))
    admin.post(f"/console/benefits/{benefit.pk}/retire/")
    assert f"/console/benefits/{benefit.pk}/" not in said(admin.get("/console/benefits/"))


@pytest.mark.feature("B31")
def test_a_draw_is_written_published_and_then_stays(admin: Client, world: World) -> None:
    now = world.now.astimezone(ZoneInfo("Asia/Shanghai"))
    form = {
        "code": "SPIN", "mall": str(world.malls.star), "name": "周末转盘", "points": "50", "daily_limit": "2",
        "opens_at": f"{now - dt.timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "closes_at": f"{now + dt.timedelta(days=1):%Y-%m-%dT%H:%M}", "collect_days": "7",
        "prizes-TOTAL_FORMS": "2", "prizes-INITIAL_FORMS": "0",
        "prizes-0-name": "马克杯", "prizes-0-kind": "goods", "prizes-0-odds": "20", "prizes-0-stock": "5",
        "prizes-0-value_fen": "59",
        "prizes-1-name": "5 积分", "prizes-1-kind": "points", "prizes-1-odds": "70", "prizes-1-points": "5",
        "prizes-1-value_fen": "0.05",
    }  # fmt: skip
    assert admin.get("/console/rewards/draws/new/").status_code == 200
    assert admin.post("/console/rewards/draws/new/", form | {"points": ""}).status_code == 422
    where = admin.post("/console/rewards/draws/new/", form)["Location"]
    assert "概率之和" in said(admin.post(f"{where}publish/", follow=True))
    assert 'value="20' in said(admin.get(f"{where}edit/"))
    admin.post(f"{where}edit/", form | {"prizes-1-odds": "80", "prizes-INITIAL_FORMS": "2"})
    admin.post(f"{where}publish/")
    draw = LuckyDraw.objects.get()
    assert (draw.status, len(draw.commitment)) == ("published", 64)
    assert draw.commitment in said(admin.get(where))
    assert admin.get(f"{where}edit/").status_code == 404
    assert "周末转盘" in said(admin.get("/console/rewards/draws/"))
    assert admin.get(f"{where}record/").json()["commitment"] == draw.commitment


@pytest.mark.feature("C103")
def test_an_auction_is_written_published_followed_and_called_off(
    admin: Client, world: World, mall: dict[str, int]
) -> None:
    now = world.now.astimezone(ZoneInfo("Asia/Shanghai"))
    form = {
        "code": "A1", "name": "年终竞拍", "reward": str(mall["CUP"]), "kind": "sealed", "units": "2",
        "reserve_points": "100", "step_points": "50", "extension_minutes": "0", "extension_most": "0",
        "opens_at": f"{now - dt.timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "closes_at": f"{now + dt.timedelta(days=1):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    assert "还没有竞拍" in said(admin.get("/console/rewards/auctions/"))
    page = said(admin.get("/console/rewards/auctions/new/"))
    assert "星河马克杯" in page and "视频月卡" not in page
    assert admin.post("/console/rewards/auctions/new/", form | {"units": ""}).status_code == 422
    assert admin.post("/console/rewards/auctions/new/", form | {"extension_minutes": "5"}).status_code == 422
    where = admin.post("/console/rewards/auctions/new/", form)["Location"]
    assert 'value="100"' in said(admin.get(f"{where}edit/"))
    admin.post(f"{where}edit/", form | {"reserve_points": "200"})
    admin.post(f"{where}publish/")
    auction = Auction.objects.get()
    assert (auction.status, auction.reserve_points) == ("published", 200)
    assert admin.get(f"{where}edit/").status_code == 404
    rewards.place_bid(
        actor=SYSTEM, member_id=world.zhang_san, auction_id=auction.pk, points=350, now=world.now
    )
    page = said(admin.get(where))
    assert "密封" in page and "350" not in page
    assert "年终竞拍" in said(admin.get("/console/rewards/auctions/"))
    assert len(admin.get(f"{where}record/").json()["bids"]) == 1
    assert admin.get(f"{where}cancel/", headers=HTMX).status_code == 200
    admin.post(f"{where}cancel/", {"reason": "商品破损"})
    assert "商品破损" in said(admin.get(where))
    assert Reward.objects.get(id=mall["CUP"]).taken == 0


@pytest.mark.feature("C095")
def test_a_tier_is_put_on_the_shelf_and_taken_back_unused(
    admin: Client, world: World, mall: dict[str, int]
) -> None:
    category = RewardCategory.objects.get()
    form = {
        "once": once_of(admin.get("/console/rewards/new/")), "code": "GOLD", "mall": str(world.malls.star),
        "kind": "tier", "name": "金卡体验", "category": str(category.pk), "points": "80", "mall_share": "100",
        "merchant_share": "0", "brand_share": "0", "per_member": "0", "limit_period": "ever", "collect_days": "14",
        "opens_at": "2026-01-01T10:00", "on_expiry": "give_back", "member_may_cancel": "on",
        "tier": str(world.tiers["gold"]), "tier_length": "2", "tier_unit": "month",
    }  # fmt: skip
    assert admin.post("/console/rewards/new/", form | {"tier_length": "13"}).status_code == 422
    assert admin.post("/console/rewards/new/", form | {"kind": "goods"}).status_code == 422
    early = {
        "opens_at": "2099-01-05T10:00", "early_opens_at": "2026-01-01T10:00", "early_quota": "20",
        "early_tiers": str(world.tiers["silver"]),
    }  # fmt: skip
    assert admin.post("/console/rewards/new/", form | early | {"early_quota": "0"}).status_code == 422
    where = admin.post("/console/rewards/new/", form | early)["Location"]
    page = said(admin.get(where))
    assert "限时等级" in page and "金卡 · 2 个月" in page
    assert "等级优先兑换" in page and "银卡 · 0/20" in page
    edit = said(admin.get(f"{where}edit/"))
    assert 'name="tier_length" value="2"' in edit
    later = world.now + dt.timedelta(seconds=1)  # what the world did, it did before
    made = rewards.exchange_reward(
        actor=SYSTEM,
        member_id=world.zhang_san,
        reward_id=sell_tier(world.malls, world.program_id, world.now),
        now=later,
    )
    order_id = made.order_id
    shown = said(admin.get(f"/console/rewards/orders/{order_id}/"))
    assert "等级有效至" in shown
    admin.post(f"/console/rewards/orders/{order_id}/cancel/", {"reason": "会员改变主意"})
    assert ExchangeOrder.objects.get(id=order_id).state == "cancelled"
