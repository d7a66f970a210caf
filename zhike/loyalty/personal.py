"""What loyalty keeps of a member: the membership, its card, its points and where they went."""

from __future__ import annotations

from zhike.kernel.personal import BLANK, DELETE, KEEP, Holding, Keeping

_LEDGER = "ledger"

HOLDINGS = (
    Holding(
        "loyalty_membercard", "member", "member_id", "identity", "membership", BLANK, "tombstone",
        export=("number", "status", "issued_at"),
        blanks={"number": "'erased-' || id", "secret": "''", "status": "'lost'"},
    ),
    Holding(
        "loyalty_tierchange", "member", "member_id", "points", "membership", KEEP, _LEDGER,
        export=("before_id", "after_id", "cause", "until", "changed_at"),
    ),
    Holding(
        "loyalty_tiergrant", "member", "member_id", "points", "membership", BLANK, _LEDGER,
        export=("tier_id", "kind", "status", "reason", "starts_at", "ends_at"), blanks={"reason": "'—'", "note": "''"},
    ),
    Holding(
        "loyalty_transfer", "loyalty_account", "debit_account_id", "points", "contract", KEEP, _LEDGER,
        export=("points", "reason", "reference", "occurred_at"),
    ),
    Holding(
        "loyalty_transfer", "loyalty_account", "credit_account_id", "points", "contract", KEEP, _LEDGER,
        export=("points", "reason", "reference", "occurred_at"),
    ),
    Holding(
        "loyalty_lot", "loyalty_account", "account_id", "points", "contract", KEEP, _LEDGER, row="account_id",
        export=("expires_on", "earned", "remaining"),
    ),
    Holding("loyalty_capusage", "loyalty_account", "account_id", "points", "contract", DELETE, row="account_id"),
    Holding(
        "loyalty_award", "loyalty_account", "account_id", "points", "contract", KEEP, _LEDGER, row="receipt_id",
        export=("receipt_id", "points", "clawed_points", "explanation", "occurred_at"),
    ),
    Holding(
        "loyalty_pendingpoints", "loyalty_account", "account_id", "points", "contract", KEEP, _LEDGER, row="receipt_id",
        export=("receipt_id", "points", "remaining", "available_on"),
    ),
    Holding(
        "loyalty_hold", "member", "member_id", "points", "contract", KEEP, _LEDGER,
        export=("points", "value_fen", "status", "held_at"),
    ),
    Holding(
        "loyalty_redemption", "member", "member_id", "points", "contract", KEEP, _LEDGER,
        export=("points", "value_fen", "reversed_points", "redeemed_at"),
    ),
    Holding(
        "loyalty_adjustmentline", "member", "member_id", "points", "contract", KEEP, _LEDGER,
        export=("points", "expires_on"),
    ),
    Holding(
        "loyalty_redemptionquote", "member", "member_id", "points", "contract", DELETE,
        export=("points", "value_fen", "quoted_at", "valid_until", "used_at"),
    ),
    Holding(
        "loyalty_ratenotice", "member", "member_id", "points", "contract", KEEP, _LEDGER,
        export=("points", "before_fen", "after_fen", "told_at"),
    ),
    Holding(
        "loyalty_tiernotice", "member", "member_id", "points", "contract", KEEP, _LEDGER,
        export=("tier_id", "told_at"),
    ),
    Holding(
        "loyalty_growthaccount", "loyalty_account", "account_id", "points", "contract", KEEP, _LEDGER, row="account_id",
        export=("balance",),
    ),
    Holding(
        "loyalty_growthtransfer", "loyalty_account", "debit_account_id", "points", "contract", KEEP, _LEDGER,
        export=("growth", "source", "reference", "day", "occurred_at"),
    ),
    Holding(
        "loyalty_growthtransfer", "loyalty_account", "credit_account_id", "points", "contract", KEEP, _LEDGER,
        export=("growth", "source", "reference", "day", "occurred_at"),
    ),
    Holding(
        "loyalty_waiver", "member", "member_id", "points", "contract", BLANK, _LEDGER,
        export=("points", "reason", "status", "asked_at"), blanks={"reason": "''", "note": "''"},
    ),
    Holding(
        "loyalty_photoclaim", "member", "member_id", "points", "contract", DELETE, files="path",
        export=("merchant_id", "number", "business_date", "net_fen", "state", "reason", "note", "handed_in_at", "points"),
    ),
    Holding(
        "loyalty_restraint", "member", "member_id", "points", "contract", BLANK, _LEDGER,
        export=("stops_earning", "reason", "placed_at", "lifted_at"), blanks={"reason": "''", "lift_reason": "''"},
    ),
    Holding(
        "loyalty_withdrawal", "member", "member_id", "points", "contract", BLANK, _LEDGER,
        export=("receipt_id", "points", "reason", "taken_at", "restored_points"), blanks={"reason": "''"},
    ),
    Holding(
        "loyalty_account", "member", "member_id", "points", "contract", KEEP, _LEDGER,
        export=("balance", "debt", "qualifying_fen"),
    ),
    Holding(
        "loyalty_memberactivity", "member", "member_id", "insight", "personalisation", BLANK, "statistics",
        row="member_id", export=("visits", "purchases", "returns", "spent_fen", "first_purchase_at", "last_purchase_at"),
        blanks={
            "visits": "0", "purchases": "0", "returns": "0", "spent_fen": "0", "first_purchase_at": "NULL",
            "last_purchase_at": "NULL", "last_merchant_id": "NULL",
        },
    ),
    Holding(
        "loyalty_householdmember", "member", "member_id", "points", "membership", KEEP, _LEDGER,
        export=("household_id", "role", "status", "joined_at", "left_at"),
    ),
    Holding(
        "loyalty_poolshare", "member", "member_id", "points", "contract", KEEP, _LEDGER, row="member_id",
        export=("household_id", "expires_on", "remaining"),
    ),
    Holding(
        "loyalty_poolentry", "member", "member_id", "points", "contract", KEEP, _LEDGER,
        export=("household_id", "kind", "points", "at"),
    ),
    Holding(
        "loyalty_pooldispute", "member", "member_id", "service", "contract", BLANK, "dispute",
        export=("text", "verdict", "raised_at", "settled_at"), blanks={"text": "'—'", "verdict": "''"},
    ),
    Holding("loyalty_membermerge", "member", "survivor_id", "points", "contract", KEEP, _LEDGER, row="merge_id"),
    Holding("loyalty_membermerge", "member", "merged_id", "points", "contract", KEEP, _LEDGER, row="merge_id"),
    Holding(
        "loyalty_member", "person", "person_id", "identity", "membership", BLANK, "tombstone",
        export=("number", "status", "tier_id", "mall_id", "merchant_id", "enrolled_at", "source"),
        blanks={"number": "'erased-' || id"},
    ),
    Holding("loyalty_member", "member", "survivor_id", "identity", "membership", KEEP, "tombstone"),
)  # fmt: skip
"""Points are money: their account stays, balanced and nobody's."""

KEEPINGS = (
    Keeping(
        "receipt_photos", "loyalty_photoclaim", "decided_at", 180, days_min=30, blanks={"path": "''"}, files="path",
        also="decided_at IS NOT NULL",
    ),
)  # fmt: skip
"""The picture goes, its fingerprint and what came of it stay."""
