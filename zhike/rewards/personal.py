"""What rewards keeps of a member: what they had for points, and what luck gave them."""

from __future__ import annotations

from zhike.kernel.personal import BLANK, KEEP, Holding, Loose

HOLDINGS = (
    Holding(
        "rewards_exchangeorder", "member", "member_id", "coupons", "contract", BLANK, "accounting",
        export=("reward_id", "mall_id", "state", "quantity", "points", "cash_fen", "ordered_at", "collected_at"),
        blanks={"end_reason": "''"},
    ),
    Holding(
        "rewards_rewardcode", "rewards_exchangeorder", "order_id", "coupons", "contract", KEEP, "accounting",
        export=("value",), encrypted={"value": "rewards.code"},
    ),
    Holding(
        "rewards_rewardholding", "member", "member_id", "coupons", "contract", KEEP, "ledger", row="reward_id",
        export=("reward_id", "period", "taken"),
    ),
    Holding(
        "rewards_benefitusage", "member", "member_id", "coupons", "membership", KEEP, "ledger", row="benefit_id",
        export=("benefit_id", "period", "used"),
    ),
    Holding(
        "rewards_benefituse", "member", "member_id", "coupons", "membership", BLANK, "accounting",
        export=("benefit_id", "mall_id", "quantity", "used_at"), blanks={"note": "''", "cancel_reason": "''"},
    ),
    Holding(
        "rewards_drawholding", "member", "member_id", "participation", "contract", KEEP, "ledger", row="draw_id",
        export=("draw_id", "day", "taken"),
    ),
    Holding(
        "rewards_drawticket", "member", "member_id", "participation", "contract", KEEP, "proof",
        export=("draw_id", "number", "drawn_at"),
    ),
    Holding(
        "rewards_auctionbid", "member", "member_id", "participation", "contract", KEEP, "proof",
        export=("auction_id", "number", "points", "state", "bid_at"),
    ),
    Holding(
        "rewards_giftright", "member", "member_id", "coupons", "contract", BLANK, "accounting",
        export=("campaign_id", "item_id", "mall_id", "state", "threshold_fen", "reserved_at", "handed_at"),
        blanks={"end_reason": "''"},
    ),
    Holding(
        "rewards_giftshare", "rewards_giftright", "right_id", "coupons", "contract", KEEP, "accounting",
        row="receipt_id", export=("receipt_id", "fen"),
    ),
)  # fmt: skip
LOOSE = (
    Loose("rewards_luckydraw", "nobody"), Loose("rewards_auction", "nobody"), Loose("rewards_giftcampaign", "nobody"),
)  # fmt: skip
