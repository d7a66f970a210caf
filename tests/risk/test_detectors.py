"""What detectors say of deeds, without a database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest

from zhike.risk.rules import deeds as kinds
from zhike.risk.rules.deeds import Deed, Finding, Norms, severity_of
from zhike.risk.rules.detectors import DETECTORS

pytestmark = pytest.mark.feature("C080", "B16")
NOON = dt.datetime(2026, 6, 10, 4, 0, tzinfo=dt.UTC)
HOUR, DAY, MINUTE = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(minutes=1)
_positions = count(1)


def deed(kind: str, at: dt.datetime = NOON, person: int = 1, **more: Any) -> Deed:
    return Deed(next(_positions), kind, at, at + 8 * HOUR, person, **more)


def judge(code: str, deeds: Sequence[Deed], norms: Norms | None = None, **params: int) -> Finding | None:
    detector = DETECTORS[code]
    ordered = sorted(deeds, key=lambda one: (one.at, one.position))
    return detector.judge(ordered, detector.defaults() | params, norms or Norms())


def test_nothing_is_said_of_nothing() -> None:
    assert [judge(code, []) for code in DETECTORS] == [None] * len(DETECTORS)


@pytest.mark.parametrize(("times", "found"), [(4, False), (5, True)])
def test_velocity_within_an_hour(times: int, found: bool) -> None:
    said = judge("velocity", [deed(kinds.SALE, NOON + nth * 12 * MINUTE) for nth in range(times)])
    assert (said is not None) is found


def test_velocity_counts_days_where_the_mall_is() -> None:
    """Five in the evening and five after midnight are two days in the mall, though one in UTC."""
    evening = [deed(kinds.SALE, NOON.replace(hour=12) + nth * 80 * MINUTE) for nth in range(3)]
    morning = [deed(kinds.SALE, NOON.replace(hour=17) + nth * 80 * MINUTE) for nth in range(3)]
    assert judge("velocity", [*evening, *morning], receipts_day=4) is None
    assert judge("velocity", evening, receipts_day=3) is not None


def test_velocity_beyond_the_own_norm_and_the_malls() -> None:
    usual = [deed(kinds.SALE, NOON - nth * DAY) for nth in range(1, 6)]
    today = [deed(kinds.SALE, NOON + nth * 90 * MINUTE) for nth in range(8)]
    said = judge("velocity", [*usual, *today], Norms(receipts_day=2), receipts_day=100)
    assert said is not None
    assert said.figures == {"receipts_day": 8, "norm": 2, "times": 4}
    assert judge("velocity", [*usual, *today], Norms(receipts_day=3), receipts_day=100) is None
    assert judge("velocity", [*usual[:1], *today], Norms(receipts_day=2), receipts_day=100) is None


def test_a_popular_cashier_is_none_of_a_few() -> None:
    regular = [deed(kinds.SALE, NOON - nth * DAY, 1, actor="3/A") for nth in range(9)]
    crowd = [deed(kinds.SALE, NOON - nth * HOUR, 10 + nth, actor="3/A") for nth in range(40)]
    assert judge("cashier_self", [*regular, *crowd]) is None
    assert judge("cashier_self", [*regular, *crowd[:9]]) is not None


def test_a_receipt_of_elsewhere_is_strange_however_small() -> None:
    claims, own = [], []
    for nth in range(4):
        began = NOON - nth * DAY
        claims.append(
            deed(kinds.CLAIM, began + HOUR, merchant_id=5, fen=500, began_at=began, receipt=f"r{nth}")
        )
        own.append(deed(kinds.SALE, began + 10 * MINUTE, merchant_id=6))
    assert judge("lent_receipts", claims) is None
    said = judge("lent_receipts", [*claims, *own])
    assert said is not None
    assert said.figures["claims"] == 4


def test_a_return_without_a_redemption_is_no_farming() -> None:
    back = [
        deed(kinds.CLAWED, NOON + nth * HOUR, owed=500, points=-500, receipt=f"r{nth}") for nth in range(3)
    ]
    assert judge("return_farming", back) is None
    assert judge("return_farming", [deed(kinds.REDEEMED, NOON - HOUR, points=900), *back]) is not None


def test_a_ring_is_hollow() -> None:
    invited = [deed(kinds.INVITED, NOON - DAY, 10 + nth, other=1) for nth in range(6)]
    tea = [deed(kinds.SALE, NOON, 10 + nth, fen=2_000) for nth in range(6)]
    assert judge("referral_ring", [*invited, *tea]) is not None
    real = [deed(kinds.SALE, NOON + HOUR, 10 + nth, fen=80_000) for nth in range(3)]
    assert judge("referral_ring", [*invited, *tea, *real]) is None


def test_one_device_and_three_others() -> None:
    met = [deed(kinds.SHARED, NOON, other=other) for other in (2, 3, 3)]
    assert judge("duplicate_persons", met) is None
    assert judge("duplicate_persons", [*met, deed(kinds.SHARED, NOON, other=4)]) is not None


def test_enrolled_for_the_coupon_and_gone() -> None:
    joined = [deed(kinds.JOINED, NOON + nth * MINUTE, 10 + nth, actor="staff:7") for nth in range(10)]
    took = [deed(kinds.COUPON, NOON + HOUR, 10 + nth) for nth in range(10)]
    said = judge("coupon_farming", [*joined, *took])
    assert said is not None
    assert said.figures == {"joined": 10, "vanished": 10}
    bought = [deed(kinds.SALE, NOON + DAY, 10 + nth) for nth in range(3)]
    assert judge("coupon_farming", [*joined, *took, *bought]) is None
    assert judge("coupon_farming", joined) is None


def test_a_takeover_is_soon_after() -> None:
    change = deed(kinds.PHONE, NOON)
    late = deed(kinds.REDEEMED, NOON + 30 * HOUR, points=9_000)
    before = deed(kinds.REDEEMED, NOON - HOUR, points=9_000)
    assert judge("takeover", [change, late, before]) is None
    soon = deed(kinds.REDEEMED, NOON + 3 * HOUR, points=600)
    said = judge("takeover", [change, soon, late])
    assert said is not None
    assert (said.figures, said.severity) == ({"points": 600, "hours": 3}, kinds.LOW)


def test_how_serious_and_what_fits() -> None:
    assert [severity_of(weight) for weight in (100, 149, 150, 199, 200, 900)] == [1, 1, 2, 2, 3, 3]
    for detector in DETECTORS.values():
        assert detector.faults(detector.defaults()) == {}
        first = detector.params[0]
        assert first.name in detector.faults(detector.defaults() | {first.name: first.most + 1})
        assert set(detector.faults({})) == {param.name for param in detector.params}


@pytest.mark.feature("B07")
def test_one_refused_photograph_may_be_a_mistake() -> None:
    refused = [deed(kinds.FORGED, NOON - nth * DAY, fen=5_000) for nth in range(4)]
    assert judge("false_photos", refused[:1]) is None
    said = judge("false_photos", refused)
    assert said is not None
    assert (said.figures, said.severity) == ({"photos": 4, "fen": 20_000}, kinds.HIGH)
