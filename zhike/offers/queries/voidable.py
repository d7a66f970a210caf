"""Which coupons of a member could still be made void."""

from __future__ import annotations

from dataclasses import dataclass

from zhike.loyalty.queries import family_of
from zhike.offers.models import Coupon
from zhike.offers.queries.known import known_batch


@dataclass(frozen=True, slots=True)
class VoidableCoupon:
    coupon_id: int
    name: str


def voidable_coupons(member_id: int) -> dict[int, VoidableCoupon]:
    """Of a member with everybody merged into them, the newest first; the caller has authorised the reader."""
    rows = Coupon.objects.filter(member_id__in=family_of(member_id), status=Coupon.Status.ISSUED)
    return {
        row.pk: VoidableCoupon(row.pk, known_batch(row.batch_id).name) for row in rows.order_by("-id")[:200]
    }
