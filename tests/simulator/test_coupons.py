"""The made mall has coupons that were taken, used and returned as in a real one."""

from __future__ import annotations

import datetime as dt

import pytest

from zhike.kernel.access import system_viewer
from zhike.offers import queries
from zhike.offers.models import Coupon, CouponBatch, CouponUse
from zhike.simulator.operations import load_mall

NOW = dt.datetime(2026, 6, 10, 12, 0, tzinfo=dt.UTC)


@pytest.mark.django_db
@pytest.mark.feature("C109")
def test_a_small_mall_uses_coupons_and_does_so_once() -> None:
    load_mall(size="tiny", now=NOW)
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
    assert CouponUse.objects.count() == uses
