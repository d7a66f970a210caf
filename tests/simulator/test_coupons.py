"""The made mall has coupons that were taken, used and returned as in a real one, and a points mall that is used."""

from __future__ import annotations

import datetime as dt

import pytest

from zhike.kernel.access import system_viewer
from zhike.loyalty.queries import verify_ledger
from zhike.offers import queries
from zhike.offers.models import Coupon, CouponBatch, CouponUse
from zhike.rewards import queries as rewards
from zhike.rewards.models import ExchangeOrder, Reward
from zhike.simulator.operations import load_mall

NOW = dt.datetime(2026, 6, 10, 12, 0, tzinfo=dt.UTC)


@pytest.mark.django_db
@pytest.mark.feature("C109")
@pytest.mark.feature("C079")
def test_a_small_mall_uses_coupons_and_exchanges_points_and_does_so_once() -> None:
    load_mall(size="tiny", now=NOW)
    orders = ExchangeOrder.objects.count()
    assert orders > 10
    assert {"ready", "collected"} <= set(rewards.order_counts(system_viewer("tests")))
    assert Reward.objects.filter(status="open").count() == Reward.objects.count() >= 16
    assert verify_ledger().is_clean
    uses = CouponUse.objects.count()
    assert uses > 10
    assert CouponUse.objects.exclude(state="used").count() == 0
    for batch in CouponBatch.objects.all():
        assert batch.issued == Coupon.objects.filter(batch=batch).count() <= batch.stock
    figures = queries.batch_figures(list(CouponBatch.objects.values_list("id", flat=True)))
    assert sum(one.discount_fen for one in figures.values()) > 10_000
    states = {
        one.code.split("-")[0]: one.state
        for one in queries.batches_page(system_viewer("tests"), now=NOW).items
    }
    assert (states["FLASH50"], states["NEW20"]) == ("early", "open")
    load_mall(size="tiny", now=NOW)
    assert (CouponUse.objects.count(), ExchangeOrder.objects.count()) == (uses, orders)
