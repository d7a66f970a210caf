"""Coupons in the console: a template, its batch, handed out, used, void; each page for who may see it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.offers import operations as offers
from zhike.offers import queries
from zhike.offers.models import Coupon, CouponBatch, CouponTemplate

pytestmark = pytest.mark.feature("C109")
Enter = Callable[[Viewer], Client]


def template_form(**changes: Any) -> dict[str, Any]:
    return {
        "code": "T20", "place": "0", "name": "满100减20", "kind": "threshold", "value_fen": "20", "minimum_fen": "100",
        "percent": "", "days": "7", "merchants_mode": "except", "trade_categories_mode": "only",
        "product_categories_mode": "only", "mall_share": "60", "merchant_share": "40", "brand_share": "0",
        "on_return": "give_back", "grace_days": "3", "weekdays": ["1", "2"], "hour_from": "10", "hour_to": "14",
        **changes,
    }  # fmt: skip


def batch_form(world: World, **changes: Any) -> dict[str, Any]:
    day = (world.now + dt.timedelta(hours=8)).date()
    return {
        "code": "B20", "name": "开业满减", "stock": "50", "per_member": "1", "way": "public",
        "claim_from": f"{day}T00:00", "claim_until": f"{day + dt.timedelta(days=30)}T00:00", "once": "b1", **changes,
    }  # fmt: skip


@pytest.fixture
def batch_id(world: World) -> int:
    template_id = offers.save_template(
        actor=SYSTEM, group_id=world.malls.group, mall_id=world.malls.star, code="C10", name="10元代金券",
        terms={"kind": "cash", "value_fen": 1000, "validity": {"days": 7}}, now=world.now,
    )  # fmt: skip
    window = (world.now - dt.timedelta(days=1), world.now + dt.timedelta(days=30))
    batch = offers.NewBatch("C10-1", "开业代金券", 20, *window, is_public=True)
    return offers.open_batch(actor=SYSTEM, template_id=template_id, batch=batch, now=world.now)


def test_from_the_template_to_the_batch(world: World, admin: Client) -> None:
    merchants = {"merchants": [str(world.malls.cafe)]}
    form = template_form(offline="on", **merchants)
    assert admin.post("/console/coupons/templates/new/", form).status_code == 302
    template = CouponTemplate.objects.get()
    assert template.terms["offline"] is True
    assert template.terms["scope"]["merchants"]["except"] == [world.malls.cafe]
    assert template.terms["funding"] == {"mall": 6000, "merchant": 4000}
    assert "¥20" in said(admin.get("/console/coupons/templates/"))
    page = said(admin.get(f"/console/coupons/templates/{template.pk}/"))
    assert 'value="100.00"' in page
    assert re.search(r'name="offline"[^>]*checked', page)
    assert template.name in said(admin.get(f"/console/coupons/templates/{template.pk}/batch/"))
    for _ in range(2):
        answer = admin.post(f"/console/coupons/templates/{template.pk}/batch/", batch_form(world))
        assert answer.status_code == 302
    [batch] = CouponBatch.objects.all()
    assert "开业满减" in said(admin.get("/console/coupons/"))
    page = said(admin.get(f"/console/coupons/batches/{batch.pk}/"))
    assert "满 ¥100 可用" in page
    assert "10:00–14:00" in page


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"mall_share": "50"}, "mall_share"),
        ({"days": ""}, "days"),
        ({"hour_to": ""}, "hour_to"),
        ({"value_fen": "abc"}, "value_fen"),
        ({"value_fen": "0"}, None),
    ],
)
def test_a_template_that_cannot_be(
    world: World, admin: Client, changes: dict[str, Any], where: str | None
) -> None:
    answer = admin.post("/console/coupons/templates/new/", template_form(**changes))
    assert answer.status_code == 422
    assert where is None or where in answer.context["form"].errors
    assert not CouponTemplate.objects.exists()


def test_handed_out_to_a_list_by_phone(world: World, admin: Client, batch_id: int) -> None:
    address = f"/console/coupons/batches/{batch_id}/push/"
    form = {"members": "13800138000\n 13900139000", "reason": "会员日", "once": "p1"}
    wrong = admin.post(address, form | {"members": "13800138000\n13012345678"}, headers=HTMX)
    assert wrong.status_code == 422
    assert "13012345678" in said(wrong)
    assert not Coupon.objects.exists()
    for _ in range(2):
        admin.post(address, form, headers=HTMX)
    assert Coupon.objects.count() == 2
    assert "张三" in said(admin.get(f"/console/coupons/batches/{batch_id}/"))


def test_a_coupon_is_found_looked_at_and_made_void(world: World, admin: Client, batch_id: int) -> None:
    issued = offers.give_coupon(actor=SYSTEM, batch_id=batch_id, member_id=world.zhang_san, now=world.now)
    assert issued.code[:4] in said(admin.get("/console/coupons/list/", {"q": issued.code, "state": "usable"}))
    assert issued.code[:4] not in said(admin.get("/console/coupons/list/", {"state": "used"}))
    address = f"/console/coupons/{issued.coupon_id}/"
    assert admin.post(f"{address}void/", {"reason": ""}, headers=HTMX).status_code == 422
    admin.post(f"{address}void/", {"reason": "发错了"}, headers=HTMX)
    assert "发错了" in said(admin.get(address))
    assert "发错了" in said(admin.get(f"/console/members/{world.zhang_san}/timeline/"))


def test_the_stock_is_raised_and_codes_are_made(world: World, admin: Client, batch_id: int) -> None:
    day = (world.now + dt.timedelta(days=40)).date()
    change = {
        "stock": "60",
        "per_member": "2",
        "claim_until": f"{day}T00:00",
        "status": "open",
        "reason": "加量",
    }
    admin.post(f"/console/coupons/batches/{batch_id}/change/", change, headers=HTMX)
    assert CouponBatch.objects.get().stock == 60
    template = CouponTemplate.objects.get()
    admin.post(
        f"/console/coupons/templates/{template.pk}/batch/", batch_form(world, way="codes", code="PRINT")
    )
    printed = CouponBatch.objects.get(code="PRINT")
    form = {"count": "5", "codes": "", "once": "c1"}
    for _ in range(2):
        admin.post(f"/console/coupons/batches/{printed.pk}/codes/", form, headers=HTMX)
    assert Coupon.objects.count() == 5
    file = admin.post(f"/console/coupons/batches/{printed.pk}/codes/export/")
    assert len(b"".join(file.streaming_content).splitlines()) == 6  # type: ignore[attr-defined]


def test_each_desk_sees_its_own(world: World, desks: Desks, enter: Enter, batch_id: int) -> None:
    here, there, marketer = enter(desks.wang), enter(desks.qian), enter(desks.chen)
    assert "开业代金券" in said(here.get("/console/coupons/"))
    assert "开业代金券" not in said(there.get("/console/coupons/"))
    assert there.get(f"/console/coupons/batches/{batch_id}/").status_code == 404
    assert "开业代金券" in said(marketer.get("/console/coupons/"))
    for nobody in (enter(desks.li), enter(desks.tang)):
        assert nobody.get("/console/coupons/").status_code == 403
    form = {"members": "13800138000", "reason": "x", "once": "p"}
    assert there.post(f"/console/coupons/batches/{batch_id}/push/", form).status_code == 404
    assert not Coupon.objects.exists()


def test_the_keys_of_signed_coupons_are_shown_to_whoever_takes_coupons(admin: Client, batch_id: int) -> None:
    keys = queries.signing_keys(SYSTEM)
    page = admin.get("/console/coupons/keys/").content.decode()
    assert keys and all(kid in page and key in page for kid, key in keys.items())
    assert "/console/coupons/keys/" in admin.get("/console/coupons/").content.decode()


@pytest.mark.feature("C077")
def test_a_part_is_kept_for_a_tier(world: World, admin: Client, batch_id: int) -> None:
    template_id = CouponTemplate.objects.get(code="C10").pk
    url = f"/console/coupons/templates/{template_id}/batch/"
    day = (world.now + dt.timedelta(hours=8)).date()
    gold = str(world.tiers["gold"])
    form = batch_form(world, code="EARLY", stock="20", claim_from=f"{day + dt.timedelta(days=2)}T10:00")
    form |= {"early_from": f"{day}T00:00", "early_quota": "5", "early_tiers": [gold]}
    assert admin.post(url, form | {"early_quota": "21", "once": "e0"}).status_code == 422
    assert admin.post(url, form | {"once": "e1"}).status_code == 302
    row = CouponBatch.objects.get(code="EARLY")
    assert (row.early_quota, row.early_tier_ids, row.early_stays) == (5, [int(gold)], False)
    page = admin.get(f"/console/coupons/batches/{row.pk}/").content.decode()
    assert "优先领取" in page and "0 / 5" in page
