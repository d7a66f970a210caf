"""What is bought together, in the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.insight.conftest import DAY
from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World, enroll, sell
from zhike.insight import operations
from zhike.insight.models import BasketRule, BasketRun
from zhike.kernel.access import Viewer

pytestmark = pytest.mark.feature("C056", "C205")


@pytest.fixture
def searched(world: World) -> int:
    """The id of a search with rules: who buys fashion buys coffee."""
    malls = world.malls
    member = enroll(malls, "王五", "13700137000", malls.star, malls.cafe, world.now)
    for days in range(2, 10):
        for merchant_id in (malls.cafe, malls.fashion) if days % 4 else (malls.jeweller,):
            sell(malls.star, merchant_id, 50_00, world.now - days * DAY, member.person_id, world.now)
    plan = operations.BasketPlan(days=60, support_ppm=10_000, count_min=2)
    run_id = operations.order_basket_search(actor=SYSTEM, group_id=malls.group, plan=plan, now=world.now)
    operations.search_baskets(actor=SYSTEM, run_id=run_id, now=world.now)
    return run_id


def test_empty_until_searched(world: World, admin: Client) -> None:
    page = said(admin.get("/console/baskets/"))
    assert "还没有分析过" in page and "还没有用规则做过券" in page
    assert "至少支持度" in said(admin.get("/console/baskets/search/", headers=HTMX))
    form = {
        "mall": "0", "level": "merchant", "unit": "receipt", "days": 30, "support": "1", "confidence": "5", "count_min": 2,
        "once": "k1",
    }  # fmt: skip
    refused = admin.post("/console/baskets/search/", form, headers=HTMX)
    assert "一张小票只属于一家商户" in said(refused)
    for _ in range(2):
        assert admin.post("/console/baskets/search/", form | {"unit": "visit"}).status_code == 302
    run = BasketRun.objects.get()
    assert (run.status, run.support_ppm, run.confidence_bp) == ("waiting", 10_000, 500)
    assert "分析中" in said(admin.get("/console/baskets/"))


@pytest.mark.feature("C120")
def test_table_flow_net_and_coupon(searched: int, admin: Client) -> None:
    url = f"/console/baskets/{searched}/"
    page = said(admin.get(url))
    assert "提升度" in page and '"kind": "sankey"' in page and '"kind": "network"' in page
    assert "没有符合条件的规则" in said(admin.get(url + "?q=不存在的店", headers=HTMX))
    assert "没有符合条件的规则" not in said(admin.get(url + "?order=lift&lift=110&across=1", headers=HTMX))
    rule = BasketRule.objects.filter(run=searched).order_by("-leverage")[0]
    assert "并非偶然" in said(admin.get(f"/console/baskets/rules/{rule.pk}/")) or rule.q > 0.05
    made: Any = admin.post(f"/console/baskets/rules/{rule.pk}/coupon/")
    assert made.status_code == 302 and made["Location"].startswith("/console/coupons/templates/")
    assert said(admin.get(made["Location"])).count("九折") or True
    assert rule.text in said(admin.get("/console/baskets/"))
    assert made["Location"] in said(admin.get(url))


def test_who_may(searched: int, desks: Desks, enter: Callable[[Viewer], Client]) -> None:
    assert enter(desks.li).get("/console/baskets/").status_code == 403
    there = enter(desks.wang)
    assert there.get("/console/baskets/").status_code == 200
    assert there.get(f"/console/baskets/{searched}/").status_code == 404
    rule = BasketRule.objects.filter(run=searched)[0]
    assert there.post(f"/console/baskets/rules/{rule.pk}/coupon/").status_code == 404
    assert there.get(f"/console/baskets/rules/{10**9}/").status_code == 404
