"""Promotions in the console: drafted, tried on a basket, published, ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import Desks, World
from zhike.kernel.access import Viewer
from zhike.offers.models import Promotion, PromotionVersion

pytestmark = pytest.mark.feature("C110")


def form(world: World, **changes: Any) -> dict[str, Any]:
    return {
        "code": "P100", "place": "0", "name": "满100减20", "kind": "reach", "steps": "100 20\n200 50", "minimum_fen": "",
        "percent": "", "priority": "100", "merchants_mode": "only", "trade_categories_mode": "only",
        "product_categories_mode": "only", "merchant": str(world.malls.cafe), "basket": "2 59.90\n1 100", **changes,
    }  # fmt: skip


def test_tried_published_and_seen(world: World, admin: Client) -> None:
    tried = said(admin.post("/console/promotions/new/try/", form(world), headers=HTMX))
    assert "¥50.00" in tried
    assert "满 ¥200 减 ¥50" in tried
    assert not Promotion.objects.exists()
    assert admin.post("/console/promotions/new/", form(world)).status_code == 302
    promotion = Promotion.objects.get()
    assert PromotionVersion.objects.get().definition["steps"] == [[10_000, 2000], [20_000, 5000]]
    assert "满 ¥100 减 ¥20" in said(admin.get("/console/promotions/"))
    basket = {"merchant": str(world.malls.cafe), "basket": "1 100"}
    assert "¥80.00" in said(admin.post("/console/promotions/try/", basket, headers=HTMX))
    page = said(admin.get(f"/console/promotions/{promotion.pk}/"))
    assert "100.00 20.00" in page
    admin.post(f"/console/promotions/{promotion.pk}/", form(world, kind="pieces", steps="3 20"))
    assert PromotionVersion.objects.get(version=2).definition["steps"] == [[3, 2000]]
    admin.post(f"/console/promotions/{promotion.pk}/end/")
    assert "已结束" in said(admin.get("/console/promotions/"))


@pytest.mark.parametrize(
    "changes", [{"steps": "100"}, {"steps": "abc 1"}, {"steps": ""}, {"steps": "100 200"}]
)
def test_what_cannot_be_is_refused(world: World, admin: Client, changes: dict[str, Any]) -> None:
    assert admin.post("/console/promotions/new/", form(world, **changes)).status_code == 422
    assert admin.post("/console/promotions/new/try/", form(world, **changes), headers=HTMX).status_code == 422
    assert not Promotion.objects.exists()
    bad = {"merchant": str(world.malls.cafe), "basket": "two coffees"}
    assert admin.post("/console/promotions/try/", bad, headers=HTMX).status_code == 422


def test_who_may(world: World, desks: Desks, enter: Callable[[Viewer], Client], admin: Client) -> None:
    admin.post("/console/promotions/new/", form(world))
    promotion = Promotion.objects.get()
    there = enter(desks.qian)
    assert "满100减20" not in said(there.get("/console/promotions/"))
    assert there.post(f"/console/promotions/{promotion.pk}/end/").status_code == 404
    assert enter(desks.li).get("/console/promotions/").status_code == 403
    promotion.refresh_from_db()
    assert promotion.ends_at is None
