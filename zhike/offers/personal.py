"""What offers keeps of a member: their coupons and what they were used for."""

from __future__ import annotations

from zhike.kernel.personal import KEEP, Holding

HOLDINGS = (
    Holding(
        "offers_couponuse", "offers_coupon", "coupon_id", "coupons", "contract", KEEP, "accounting",
        export=("coupon_id", "state", "basket_fen", "discount_fen"),
    ),
    Holding(
        "offers_coupon", "member", "member_id", "coupons", "contract", KEEP, "accounting",
        export=("id", "code", "status", "valid_from", "valid_until", "source", "issued_at"),
    ),
    Holding(
        "offers_batchholding", "member", "member_id", "coupons", "contract", KEEP, "ledger", row="batch_id",
        export=("batch_id", "taken"),
    ),
)  # fmt: skip
