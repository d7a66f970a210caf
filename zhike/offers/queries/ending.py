"""Coupons of members that end soon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from zhike.offers.models import Coupon


@dataclass(frozen=True, slots=True)
class EndingCoupon:
    """``last_moment`` is the last one at which it can be used."""

    coupon_id: int
    name: str
    last_moment: dt.datetime


def coupons_ending(
    member_ids: Sequence[int], now: dt.datetime, until: dt.datetime
) -> dict[int, EndingCoupon]:
    """By member: the coupon that ends first, before ``until``. For contexts above, which have checked already."""
    rows = Coupon.objects.filter(
        member_id__in=member_ids, status=Coupon.Status.ISSUED, valid_until__gt=now, valid_until__lte=until
    )
    found = rows.order_by("member_id", "valid_until", "id").distinct("member_id")
    values = found.values_list("member_id", "id", "batch__template__name", "valid_until")
    moment = dt.timedelta(microseconds=1)
    return {
        member_id: EndingCoupon(pk, name, ends - moment) for member_id, pk, name, ends in values if member_id
    }
