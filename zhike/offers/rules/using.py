"""Whether a coupon can be used for a basket, why not, and what it takes off which line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from zhike.offers.rules.shares import UNIT_BP, split, split_funding
from zhike.offers.rules.terms import MONEY_KINDS, CouponTerms, Scope


@dataclass(frozen=True, slots=True)
class BasketLine:
    """``net_fen`` is what the line costs before coupons."""

    line_no: int
    net_fen: int
    sku: str = ""
    product_category_id: int | None = None


@dataclass(frozen=True, slots=True)
class Basket:
    """What somebody is about to pay, where, and the moment in the mall's own time."""

    merchant_id: int
    mall_id: int
    trade_category_id: int | None
    local: dt.datetime
    lines: tuple[BasketLine, ...]
    member_id: int | None = None
    tier_id: int | None = None

    @property
    def total_fen(self) -> int:
        return sum(line.net_fen for line in self.lines)


@dataclass(frozen=True, slots=True)
class HeldCoupon:
    """A coupon as read. ``status`` is of the stored row; a lock that has run out counts as none.

    ``mall_id`` is whose coupon it is: a mall's is good there only, the group's (None) everywhere.
    """

    coupon_id: int
    code: str
    status: str
    member_id: int | None
    valid_from: dt.datetime
    valid_until: dt.datetime
    lock_until: dt.datetime | None
    batch_status: str
    terms: CouponTerms
    mall_id: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: a stable code and what its sentence needs."""

    code: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Share:
    """What a usable coupon does: fen off, by line, and who pays. ``eligible_fen`` is what it covered."""

    coupon_id: int
    discount_fen: int
    eligible_fen: int
    lines: tuple[tuple[int, int], ...]
    funding: dict[str, int]


@dataclass(frozen=True, slots=True)
class Judged:
    """One coupon's verdict: a share or a refusal."""

    coupon: HeldCoupon
    share: Share | None
    refusal: Refusal | None


def judge(coupons: Sequence[HeldCoupon], basket: Basket, now: dt.datetime) -> list[Judged]:
    """Coupons in the order given; a later one sees what the earlier ones left of each line."""
    left = {line.line_no: line.net_fen for line in basket.lines}
    verdicts: list[Judged] = []
    accepted: list[HeldCoupon] = []
    for coupon in coupons:
        refusal = refusal_of(coupon, basket, now) or _beside(coupon, accepted)
        share = None if refusal else _share(coupon, basket, left)
        if share is not None and not refusal:
            refusal = _worthless(coupon, share)
        if refusal is None and share is not None:
            accepted.append(coupon)
            for line_no, fen in share.lines:
                left[line_no] -= fen
        verdicts.append(Judged(coupon, None if refusal else share, refusal))
    return verdicts


def refusal_of(coupon: HeldCoupon, basket: Basket, now: dt.datetime) -> Refusal | None:
    """Why this coupon cannot be used here and now; None when it can."""
    return (
        state_refusal(coupon, now)
        or _holder_refusal(coupon, basket)
        or _mall_refusal(coupon, basket)
        or _scope_refusal(coupon.terms, basket)
    )


def state_refusal(coupon: HeldCoupon, now: dt.datetime) -> Refusal | None:
    """Why it cannot be used anywhere now."""
    if coupon.status in ("used", "void", "frozen"):
        return Refusal(coupon.status)
    if coupon.status == "locked" and coupon.lock_until is not None and coupon.lock_until > now:
        return Refusal("locked", {"until": coupon.lock_until})
    if coupon.status == "expired" or now >= coupon.valid_until:
        return Refusal("expired", {"day": coupon.valid_until})
    if now < coupon.valid_from:
        return Refusal("not-yet", {"day": coupon.valid_from})
    if coupon.batch_status == "closed":
        return Refusal("batch-closed")
    return None


def _holder_refusal(coupon: HeldCoupon, basket: Basket) -> Refusal | None:
    if coupon.member_id is not None and basket.member_id not in (None, coupon.member_id):
        return Refusal("other-member")
    tiers = coupon.terms.scope.tiers
    if tiers and basket.tier_id not in tiers:
        return Refusal("tier")
    return None


def _mall_refusal(coupon: HeldCoupon, basket: Basket) -> Refusal | None:
    return None if coupon.mall_id in (None, basket.mall_id) else Refusal("mall")


def _scope_refusal(terms: CouponTerms, basket: Basket) -> Refusal | None:
    scope = terms.scope
    if scope.malls and basket.mall_id not in scope.malls:
        return Refusal("mall")
    if not scope.merchants.covers(basket.merchant_id):
        return Refusal("merchant")
    if not scope.trade_categories.covers(basket.trade_category_id):
        return Refusal("trade-category")
    if basket.local.date() in scope.blackout_dates:
        return Refusal("day")
    if scope.windows and not any(window.covers(basket.local) for window in scope.windows):
        return Refusal("time")
    eligible = [line for line in basket.lines if _covers(scope, line)]
    if not eligible and (basket.lines or terms.kind in MONEY_KINDS):
        return Refusal("products")
    eligible_fen = sum(line.net_fen for line in eligible)
    if eligible_fen < terms.minimum_fen:
        return Refusal(
            "minimum", {"minimum_fen": terms.minimum_fen, "missing_fen": terms.minimum_fen - eligible_fen}
        )
    return None


def _covers(scope: Scope, line: BasketLine) -> bool:
    return scope.product_categories.covers(line.product_category_id) and (
        not scope.skus or line.sku in scope.skus
    )


def _beside(coupon: HeldCoupon, accepted: Sequence[HeldCoupon]) -> Refusal | None:
    if any(other.coupon_id == coupon.coupon_id for other in accepted):
        return Refusal("twice")
    if accepted and (coupon.terms.alone or any(other.terms.alone for other in accepted)):
        return Refusal("alone")
    return None


def _share(coupon: HeldCoupon, basket: Basket, left: dict[int, int]) -> Share:
    terms = coupon.terms
    lines = [line for line in basket.lines if _covers(terms.scope, line)]
    rest = [left[line.line_no] for line in lines]
    eligible_fen = sum(rest)
    if terms.kind not in MONEY_KINDS:
        return Share(coupon.coupon_id, 0, eligible_fen, (), split_funding(terms.value_fen, terms.funding))
    off = min(discount_of(terms, eligible_fen), eligible_fen)
    parts = split(off, rest)
    taken = tuple((line.line_no, part) for line, part in zip(lines, parts, strict=True) if part)
    return Share(coupon.coupon_id, off, eligible_fen, taken, split_funding(off, terms.funding))


def discount_of(terms: CouponTerms, eligible_fen: int) -> int:
    """Fen off so much of what the coupon covers; a percentage is rounded half up to the fen."""
    if terms.kind != "percent":
        return terms.value_fen
    off = (2 * eligible_fen * terms.percent_bp + UNIT_BP) // (2 * UNIT_BP)
    return off if terms.cap_fen is None else min(off, terms.cap_fen)


def _worthless(coupon: HeldCoupon, share: Share) -> Refusal | None:
    if coupon.terms.kind in MONEY_KINDS and share.discount_fen == 0:
        return Refusal("nothing-left")
    return None
