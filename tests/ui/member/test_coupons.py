"""Coupons on the member's phone: claimed with one tap, shown as a code, and nobody else's."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.counter.world import LI_PHONE, SYSTEM, World
from zhike.loyalty import queries as loyalty
from zhike.offers import operations as offers
from zhike.offers.models import Coupon

pytestmark = pytest.mark.feature("C109")


@pytest.fixture
def batch_id(world: World) -> int:
    template_id = offers.save_template(
        actor=SYSTEM, group_id=world.malls.group, mall_id=world.malls.star, code="C10", name="咖啡券",
        terms={"kind": "cash", "value_fen": 1000, "validity": {"days": 7}}, instructions="限堂食", now=world.now,
    )  # fmt: skip
    window = (world.now - dt.timedelta(hours=1), world.now + dt.timedelta(days=9))
    batch = offers.NewBatch("C10-1", "咖啡券", 5, *window, per_member=2, is_public=True)
    return offers.open_batch(actor=SYSTEM, template_id=template_id, batch=batch, now=world.now)


def hidden(page: Any) -> dict[str, str]:
    text = page.content.decode()
    values = {}
    for name in ("batch", "token"):
        found = re.search(rf'name="{name}" value="([^"]+)"', text)
        assert found, text
        values[name] = found[1]
    return values


def test_one_tap_claims_once_and_the_code_is_there(zhang: Client, batch_id: int) -> None:
    form = hidden(zhang.get("/m/offers/"))
    first = zhang.post("/m/offers/", form)
    second = zhang.post("/m/offers/", form)
    assert first["Location"] == second["Location"]
    [coupon] = Coupon.objects.all()
    page = zhang.get(first["Location"]).content.decode()
    assert coupon.code[:4] in page
    assert "<svg" in page
    assert "限堂食" in page
    assert "咖啡券" in zhang.get("/m/coupons/").content.decode()
    assert "咖啡券" not in zhang.get("/m/coupons/?ended").content.decode()


def test_one_that_was_taken_out_says_so(zhang: Client, batch_id: int, world: World) -> None:
    where = zhang.post("/m/offers/", hidden(zhang.get("/m/offers/")))["Location"]
    coupon = Coupon.objects.get()
    offers.void_coupon(actor=SYSTEM, coupon_id=coupon.pk, reason="错发", now=world.now)
    page = zhang.get(where).content.decode()
    assert '<svg class="qr' not in page
    assert coupon.code[:4] not in page
    assert "咖啡券" in zhang.get("/m/coupons/?ended").content.decode()


def test_at_the_limit_there_is_no_button(zhang: Client, batch_id: int) -> None:
    for _ in range(2):
        zhang.post("/m/offers/", hidden(zhang.get("/m/offers/")))
    page = zhang.get("/m/offers/").content.decode()
    assert "You have it" in page
    assert 'name="token"' not in page
    form = {"batch": str(batch_id), "token": "0197a9d4-0000-7000-8000-000000000000"}
    zhang.post("/m/offers/", form)
    assert Coupon.objects.count() == 2


def test_another_members_coupon_is_not_there(
    zhang: Client, world: World, enter: Callable[..., Any], batch_id: int
) -> None:
    zhang.post("/m/offers/", hidden(zhang.get("/m/offers/")))
    coupon = Coupon.objects.get()
    other = Client(headers={"accept-language": "en"})
    assert other.get(f"/m/coupons/{coupon.pk}/").status_code == 302
    enter(other, LI_PHONE)
    assert other.get(f"/m/coupons/{coupon.pk}/").status_code == 404


@pytest.mark.feature("C077")
def test_early_for_ones_tier_and_later_for_others(zhang: Client, world: World) -> None:
    def open_batch(code: str, tier_id: int) -> None:
        template_id = offers.save_template(
            actor=SYSTEM, group_id=world.malls.group, mall_id=world.malls.star, code=code, name=code,
            terms={"kind": "cash", "value_fen": 1000, "validity": {"days": 7}}, now=world.now,
        )  # fmt: skip
        opens = world.now + dt.timedelta(days=1)
        batch = offers.NewBatch(
            code, code, 9, opens, opens + dt.timedelta(days=9), is_public=True, early_quota=4,
            early_from=world.now - dt.timedelta(hours=1), early_tier_ids=[tier_id],
        )  # fmt: skip
        offers.open_batch(actor=SYSTEM, template_id=template_id, batch=batch, now=world.now)

    own = loyalty.tier_id_of(world.zhang.member_id)
    open_batch("OWN", own)
    page = zhang.get("/m/offers/").content.decode()
    assert "4 kept for your tier" in page and "Early for your tier" in page
    assert zhang.post("/m/offers/", hidden(zhang.get("/m/offers/")))["Location"] != "/m/offers/"
    open_batch("OTHER", next(one.id for one in loyalty.tiers(world.program_id) if one.id != own))
    page = zhang.get("/m/offers/").content.decode()
    assert page.count("Early for your tier") == 1, "the other opens for everybody later"
    assert Coupon.objects.count() == 1
