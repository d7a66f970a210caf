"""Every write of the loyalty context."""

from zhike.loyalty.operations.administration import (
    COLOURS,
    InvalidProgramme,
    InvalidRule,
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
from zhike.loyalty.operations.cards import QrExpired, QrInvalid, QrReplayed, read_qr
from zhike.loyalty.operations.claiming import (
    AlreadyClaimed,
    AmountDiffers,
    ClaimWindowClosed,
    ImportInUse,
    claim_receipt,
    undo_import,
)
from zhike.loyalty.operations.earning import MerchantNotFound, ReceiptOutcome, take_receipt
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
from zhike.loyalty.operations.state import MemberFrozen, MemberNotFound, Once
from zhike.loyalty.operations.tiering import review_tiers
from zhike.loyalty.operations.upkeep import expire_points, seal_transfers

__all__ = [name for name in dir() if not name.startswith("_")]
