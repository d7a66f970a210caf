"""What offers tell the log. A named coupon's story stands on its member's timeline, a bearer's on its own."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class _OfCoupon(Fact):
    coupon_id: int
    batch_id: int
    person_id: int | None

    @property
    def subject(self) -> str:
        return f"coupon/{self.coupon_id}" if self.person_id is None else f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class CouponIssued(_OfCoupon):
    type: ClassVar[str] = "zhike.offers.coupon_issued"
    source: str
    valid_until: dt.datetime


@dataclass(frozen=True, slots=True)
class CouponUsed(_OfCoupon):
    type: ClassVar[str] = "zhike.offers.coupon_used"
    lock_id: str
    merchant_id: int
    basket_fen: int
    discount_fen: int


@dataclass(frozen=True, slots=True)
class CouponReturned(_OfCoupon):
    """Goods came back and the coupon can be used again."""

    type: ClassVar[str] = "zhike.offers.coupon_returned"
    return_id: str
    valid_until: dt.datetime


@dataclass(frozen=True, slots=True)
class CouponExpired(_OfCoupon):
    type: ClassVar[str] = "zhike.offers.coupon_expired"


@dataclass(frozen=True, slots=True)
class CouponVoided(_OfCoupon):
    type: ClassVar[str] = "zhike.offers.coupon_voided"
    reason: str


@dataclass(frozen=True, slots=True)
class CouponReinstated(_OfCoupon):
    """It had been made void and counts again."""

    type: ClassVar[str] = "zhike.offers.coupon_reinstated"


@dataclass(frozen=True, slots=True)
class BatchOpened(Fact):
    type: ClassVar[str] = "zhike.offers.batch_opened"
    batch_id: int
    template_id: int
    stock: int

    @property
    def subject(self) -> str:
        return f"coupon_batch/{self.batch_id}"


@dataclass(frozen=True, slots=True)
class CodesAdded(Fact):
    """Bearer codes were made or imported; one fact for all of them."""

    type: ClassVar[str] = "zhike.offers.codes_added"
    batch_id: int
    codes: int
    source: str

    @property
    def subject(self) -> str:
        return f"coupon_batch/{self.batch_id}"


@dataclass(frozen=True, slots=True)
class PromotionPublished(Fact):
    type: ClassVar[str] = "zhike.offers.promotion_published"
    promotion_id: int
    version: int
    effective_from: dt.datetime

    @property
    def subject(self) -> str:
        return f"promotion/{self.promotion_id}"
