"""What engagement keeps of a member: check-ins, birthday gifts, invitations, missions."""

from __future__ import annotations

from zhike.kernel.personal import BLANK, DELETE, KEEP, Holding, Keeping

HOLDINGS = (
    Holding(
        "engagement_checkin", "member", "member_id", "participation", "membership", KEEP, "ledger",
        export=("mall_id", "day", "streak", "points", "made_up", "made_at"),
    ),
    Holding(
        "engagement_checkinrecord", "member", "member_id", "participation", "membership", DELETE, row="member_id",
        export=("mall_id", "total", "longest", "last_day"),
    ),
    Holding(
        "engagement_birthdaygift", "member", "member_id", "participation", "membership", BLANK, "ledger", row="member_id",
        export=("year", "day", "points", "given_at"), blanks={"key": "''"},
    ),
    Holding("engagement_invitecode", "member", "member_id", "identity", "membership", DELETE, row="member_id", export=("code",)),
    Holding(
        "engagement_memberdevice", "member", "member_id", "behaviour", "security", DELETE, row="member_id",
        export=("seen_at",),
    ),
    Holding(
        "engagement_referral", "member", "inviter_id", "participation", "membership", KEEP, "ledger",
        export=("status", "inviter_points", "joined_at"),
    ),
    Holding(
        "engagement_referral", "member", "invitee_id", "participation", "membership", BLANK, "ledger",
        export=("status", "invitee_points", "joined_at"), blanks={"device": "''", "address": "''"},
    ),
    Holding(
        "engagement_missionrun", "member", "member_id", "participation", "membership", KEEP, "ledger",
        export=("period", "status", "points", "started_at", "finished_at"),
    ),
    Holding(
        "engagement_deed", "member", "member_id", "participation", "membership", BLANK, "ledger",
        export=("kind", "reference", "happened_at"), blanks={"reference": "'erased:' || id"},
    ),
    Holding(
        "engagement_stampreward", "engagement_stampholding", "holding_id", "participation", "membership", KEEP, "ledger",
        export=("number", "points", "is_standing", "given_at"),
    ),
    Holding(
        "engagement_stampholding", "member", "member_id", "participation", "membership", KEEP, "ledger",
        export=("card_id", "stamps", "total", "rounds"),
    ),
    Holding(
        "engagement_welcome", "member", "member_id", "participation", "membership", KEEP, "ledger", row="member_id",
        export=("status", "points", "joined_at", "bought_at"),
    ),
    Holding(
        "engagement_welcomemark", "engagement_welcome", "welcome_id", "identity", "security", BLANK, "once",
        export=("kind", "made_at"), blanks={"welcome_id": "NULL"},
    ),
)  # fmt: skip

KEEPINGS = (
    Keeping(
        "welcome_marks", "engagement_welcomemark", "made_at", 1_095, days_min=30, also="welcome_id IS NULL"
    ),
)
"""After an erasure only a keyed fingerprint is left, so that a welcome is not given twice; after three years not even that."""
