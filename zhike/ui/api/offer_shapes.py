"""What tills send and get about coupons and prices: msgspec structs, like `shapes`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from zhike.ui.api.shapes import Fen, Id, MemberRef, Name40, Text40, Text60

CodeText = Annotated[str, Meta(min_length=1, max_length=240, pattern=r"^[^\x00-\x1f\x7f]*$")]
LineNo = Annotated[int, Meta(ge=1, le=31_999)]


class BasketLineIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """One line of a basket. `net_fen` is what the line costs before coupons."""

    net_fen: Fen
    sku: Text60 = ""
    category_code: Name40 | None = None
    line_no: Annotated[LineNo | None, Meta(description="By default 1, 2, 3 …")] = None


class CouponQuoteIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """Coupons held against a basket, in the order in which they are to be taken off."""

    codes: Annotated[list[CodeText], Meta(min_length=1, max_length=20)]
    lines: Annotated[list[BasketLineIn], Meta(min_length=1, max_length=500)]
    merchant_id: Id | None = None
    merchant_code: Name40 | None = None
    mall_code: Name40 | None = None
    member: MemberRef | None = None


class CouponLockIn(CouponQuoteIn, forbid_unknown_fields=True, kw_only=True):
    """The same, to be held for this basket. The receipt may be named now or when it is confirmed."""

    till: Text40 = ""
    number: Text60 = ""
    business_date: dt.date | None = None
    lock_seconds: Annotated[int, Meta(ge=30, le=86_400)] = 900


class CouponConfirmIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """The receipt that the basket became, so that its return can bring the coupons back."""

    till: Text40 = ""
    number: Text60 = ""
    business_date: dt.date | None = None


class CouponReleaseIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """Nothing has to be said."""


class CouponClaimIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """For whom."""

    member_id: Id


class LineOffOut(Struct):
    """What a coupon takes off one line."""

    line_no: int
    discount_fen: int


class CouponQuotedOut(Struct):
    """One coupon's verdict. `refusal` is a stable code, null when it can be used; `sentence` says it in words."""

    code: str
    coupon_id: int | None
    name: str
    kind: str
    discount_fen: int
    lines: list[LineOffOut]
    funding: dict[str, int]
    refusal: str | None
    sentence: str


class CouponQuoteOut(Struct):
    """What would be taken off; `usable` when every coupon can be."""

    basket_fen: int
    discount_fen: int
    to_pay_fen: int
    usable: bool
    member_id: int | None
    coupons: list[CouponQuotedOut]


class CouponTakenOut(Struct):
    """One coupon of a lock: fen off by line, and who pays how much of it."""

    coupon_id: int
    code: str
    name: str
    kind: str
    discount_fen: int
    lines: list[LineOffOut]
    funding: dict[str, int]


class CouponLockOut(Struct):
    """Coupons held for one basket, until `lock_until` unless they are confirmed or released before."""

    lock_id: UUID
    state: Literal["locked", "used", "released"]
    basket_fen: int
    discount_fen: int
    to_pay_fen: int
    lock_until: dt.datetime
    coupons: list[CouponTakenOut]


class CouponIssuedOut(Struct):
    """A coupon that a member has now; `valid_until` is the first moment it is no longer good."""

    coupon_id: int
    code: str
    batch_id: int
    member_id: int
    valid_from: dt.datetime
    valid_until: dt.datetime


class PriceLineIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """Pieces of one article at one price, before promotions."""

    quantity: Annotated[int, Meta(ge=1, le=10_000)]
    unit_price_fen: Annotated[int, Meta(ge=0, le=100_000_000)]
    sku: Text60 = ""
    category_code: Name40 | None = None
    line_no: Annotated[LineNo | None, Meta(description="By default 1, 2, 3 …")] = None


class PriceQuoteIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A basket at a merchant; the member's tier may bring promotions of its own."""

    lines: Annotated[list[PriceLineIn], Meta(min_length=1, max_length=200)]
    merchant_id: Id | None = None
    merchant_code: Name40 | None = None
    mall_code: Name40 | None = None
    member: MemberRef | None = None


class PricedLineOut(Struct):
    """One line with what the promotions take off it, all together."""

    line_no: int
    gross_fen: int
    discount_fen: int
    net_fen: int


class GiftOut(Struct):
    """What is handed out, and how many of it."""

    gift: str
    quantity: int


class PromotionAppliedOut(Struct):
    """One promotion of the best price."""

    promotion_id: int
    code: str
    name: str
    kind: str
    sentence: str
    discount_fen: int
    lines: list[LineOffOut]
    gifts: list[GiftOut]


class PromotionNearOut(Struct):
    """What a little more would bring."""

    promotion_id: int
    code: str
    name: str
    sentence: str
    missing_fen: int
    missing_quantity: int


class PriceQuoteOut(Struct):
    """The best price. `exact`: no other choice of promotions takes more off; false when a basket is too large to try all."""

    gross_fen: int
    discount_fen: int
    net_fen: int
    exact: bool
    lines: list[PricedLineOut]
    promotions: list[PromotionAppliedOut]
    near: list[PromotionNearOut]
