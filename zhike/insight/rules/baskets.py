"""What may be asked of a search for what is bought together. Pure."""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = ("merchant", "category", "product")
UNITS = ("visit", "receipt")
DAYS_MAX = 730
SUPPORT_PPM_MIN = 10
COUNT_MIN = 5
OFFER_PERCENT_BP = 1_000
OFFER_DAYS = 14


@dataclass(frozen=True, slots=True)
class BasketPlan:
    """``support_ppm`` in millionths of all baskets, ``confidence_bp`` in hundredths of a per cent."""

    level: str = "merchant"
    unit: str = "visit"
    days: int = 180
    support_ppm: int = 1_000
    confidence_bp: int = 500
    count_min: int = COUNT_MIN
    mall_id: int | None = None


def plan_faults(plan: BasketPlan) -> set[str]:
    """The fields that are wrong. A receipt is of one merchant, so between merchants only visits can be looked at."""
    checks = {
        "level": plan.level in LEVELS,
        "unit": plan.unit in UNITS and not (plan.level == "merchant" and plan.unit == "receipt"),
        "days": 1 <= plan.days <= DAYS_MAX,
        "support_ppm": SUPPORT_PPM_MIN <= plan.support_ppm <= 1_000_000,
        "confidence_bp": 1 <= plan.confidence_bp <= 10_000,
        "count_min": 2 <= plan.count_min <= 1_000_000,
    }
    return {name for name, is_right in checks.items() if not is_right}


def offer_scope(level: str, consequent: int, merchant_id: int | None, sku: str) -> dict[str, object]:
    """Where a coupon on the consequent is good, as terms of coupons say it."""
    if level == "merchant":
        return {"merchants": {"only": [consequent]}}
    if level == "category":
        return {"product_categories": {"only": [consequent]}}
    scope: dict[str, object] = {"skus": [sku]}
    return scope | ({"merchants": {"only": [merchant_id]}} if merchant_id is not None else {})
