"""Which coupons a human being who leaves still has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from zhike.offers.models import Coupon, CouponUse


def coupons_left(member_ids: Sequence[int], now: dt.datetime) -> tuple[int, int]:
    """How many coupons of these memberships can still be used, and how many are held for a basket right now.

    For contexts above, which have checked already.
    """
    rows = Coupon.objects.filter(member_id__in=member_ids)
    usable = rows.filter(status=Coupon.Status.ISSUED, valid_until__gt=now)
    return usable.count(), rows.filter(status=Coupon.Status.LOCKED).count()


def used_coupons_since(member_ids: Sequence[int], since: dt.datetime) -> bool:
    """Whether a coupon of these memberships was used, or locked for a basket that still waits, since a moment.

    For contexts above, which have checked already.
    """
    had = (CouponUse.State.LOCKED, CouponUse.State.USED, CouponUse.State.KEPT)
    return CouponUse.objects.filter(
        coupon__member_id__in=member_ids, locked_at__gte=since, state__in=had
    ).exists()
