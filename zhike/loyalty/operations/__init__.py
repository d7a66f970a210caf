"""Every write of the loyalty context."""

from zhike.loyalty.operations.administration import (
    COLOURS,
    InvalidProgramme,
    InvalidTier,
    RuleInThePast,
    TierInUse,
    create_program,
    publish_rule_version,
    remove_tier,
    retire_rule,
    save_tier,
    update_program,
)
from zhike.loyalty.operations.batches import take_receipts
from zhike.loyalty.operations.cards import QrExpired, QrInvalid, QrReplayed, hand_out_secrets, read_qr
from zhike.loyalty.operations.claiming import (
    AlreadyClaimed,
    AmountDiffers,
    ClaimWindowClosed,
    ImportInUse,
    claim_receipt,
    undo_import,
)
from zhike.loyalty.operations.digests import DayNotOver, hand_out_ledger, sign_day
from zhike.loyalty.operations.earning import MerchantNotFound, ReceiptOutcome, take_receipt
from zhike.loyalty.operations.finance import (
    InvalidProvision,
    ProvisionInThePast,
    hand_out_journal,
    publish_provision_policy,
)
from zhike.loyalty.operations.founding import FirstTerms, found_program
from zhike.loyalty.operations.lists import begin_member_export, set_member_statuses
from zhike.loyalty.operations.members import (
    EnrolledMember,
    NewMember,
    NoProgramme,
    NothingToKnowThemBy,
    enroll_member,
    enroll_members,
    replace_card,
    set_member_status,
)
from zhike.loyalty.operations.previews import RedemptionPreview, preview_redemption, preview_return
from zhike.loyalty.operations.returning import (
    NotReturnable,
    ReceiptNotFound,
    ReturnLine,
    ReturnNeedsPoints,
    ReturnOutcome,
    ReturnTooMuch,
    return_lines,
)
from zhike.loyalty.operations.spending import (
    InsufficientPoints,
    NothingToAdjust,
    PointsOutOfRange,
    ReasonMissing,
    RedemptionNotFound,
    RedemptionOutcome,
    ReversalTooMuch,
    adjust_points,
    redeem_points,
    reverse_redemption,
)
from zhike.loyalty.operations.state import MemberFrozen, Once
from zhike.loyalty.operations.tiering import review_tiers
from zhike.loyalty.operations.upkeep import expire_points, seal_transfers
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.programmes import InvalidRule

__all__ = [
    "COLOURS",
    "AlreadyClaimed",
    "AmountDiffers",
    "ClaimWindowClosed",
    "DayNotOver",
    "EnrolledMember",
    "FirstTerms",
    "ImportInUse",
    "InsufficientPoints",
    "InvalidProgramme",
    "InvalidProvision",
    "InvalidRule",
    "InvalidTier",
    "MemberFrozen",
    "MemberNotFound",
    "MerchantNotFound",
    "NewMember",
    "NoProgramme",
    "NotReturnable",
    "NothingToAdjust",
    "NothingToKnowThemBy",
    "Once",
    "PointsOutOfRange",
    "ProvisionInThePast",
    "QrExpired",
    "QrInvalid",
    "QrReplayed",
    "ReasonMissing",
    "ReceiptNotFound",
    "ReceiptOutcome",
    "RedemptionNotFound",
    "RedemptionOutcome",
    "RedemptionPreview",
    "ReturnLine",
    "ReturnNeedsPoints",
    "ReturnOutcome",
    "ReturnTooMuch",
    "ReversalTooMuch",
    "RuleInThePast",
    "TierInUse",
    "adjust_points",
    "begin_member_export",
    "claim_receipt",
    "create_program",
    "enroll_member",
    "enroll_members",
    "expire_points",
    "found_program",
    "hand_out_journal",
    "hand_out_ledger",
    "hand_out_secrets",
    "preview_redemption",
    "preview_return",
    "publish_provision_policy",
    "publish_rule_version",
    "read_qr",
    "redeem_points",
    "remove_tier",
    "replace_card",
    "retire_rule",
    "return_lines",
    "reverse_redemption",
    "review_tiers",
    "save_tier",
    "seal_transfers",
    "set_member_status",
    "set_member_statuses",
    "sign_day",
    "take_receipt",
    "take_receipts",
    "undo_import",
    "update_program",
]
