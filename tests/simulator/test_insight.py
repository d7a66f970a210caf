"""What marketing makes of a history: searches, a coupon made of the best rule, recommendations that members looked at. Once."""

from __future__ import annotations

import pytest

from tests.insight.conftest import DAY, SYSTEM, Audience, audience
from tests.insight.shops import buy, stock
from tests.people import NOW
from zhike.insight import queries
from zhike.simulator.segments import seed_baskets, seed_recommended

__all__ = ["audience"]
pytestmark = [pytest.mark.django_db, pytest.mark.feature("C056", "C129")]


def test_seeded_once(audience: Audience) -> None:
    malls = audience.malls
    ids = stock(malls)
    for ago in range(1, 9):
        buy(
            malls,
            ids,
            audience.persons[audience.bai],
            ago,
            "BEANS",
            "CUP",
            "FILTER",
            *(["DRESS"] if ago < 7 else []),
        )
        buy(malls, ids, audience.persons[audience.an], ago, "RING")
    for _ in range(2):
        seed_baskets(SYSTEM, malls.group, malls.star, NOW)
        seed_recommended(SYSTEM, malls.star, NOW, 1)
    states = [(one.level, one.status) for one in queries.basket_runs(SYSTEM)]
    assert states == [("product", "waiting"), ("category", "waiting"), ("merchant", "done")]
    assert len(queries.basket_offers(SYSTEM)) == 1
    usage = queries.recommend_usage(SYSTEM, NOW + DAY)
    assert sum(one.shown for one in usage) == 12
