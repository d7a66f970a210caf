"""Every write of the engagement context."""

from zhike.engagement.operations._giving import NotRunning, TermsUnusable
from zhike.engagement.operations.birthday import give_birthday_gifts, save_birthday_plan
from zhike.engagement.operations.check_in import (
    CannotMakeUp,
    CheckInOutcome,
    bring_in_check_ins,
    check_in,
    make_up_check_in,
    save_check_in_plan,
)
from zhike.engagement.operations.deeds import (
    DeedNotFound,
    DeedOfAnother,
    DeedUnusable,
    record_deed,
    withdraw_deed,
)
from zhike.engagement.operations.missions import (
    MissionNameMissing,
    MissionNotFound,
    NotForThem,
    accept_mission,
    review_missions,
    save_mission,
    settle_missions,
)
from zhike.engagement.operations.referral import (
    Accepted,
    InviteCodeUnknown,
    accept_invitation,
    invite_code,
    join_invited,
    review_referral,
    save_referral_plan,
    see_device,
    settle_referrals,
)
from zhike.engagement.operations.stamps import (
    StampCardNotFound,
    StampCardUnusable,
    StampsAreCollected,
    review_stamps,
    save_stamp_card,
    settle_stamps,
)
from zhike.engagement.operations.welcome import (
    WelcomeInThePast,
    part_welcomes,
    review_welcome,
    save_welcome_offer,
    settle_welcomes,
)

__all__ = [
    "Accepted",
    "CannotMakeUp",
    "CheckInOutcome",
    "DeedNotFound",
    "DeedOfAnother",
    "DeedUnusable",
    "InviteCodeUnknown",
    "MissionNameMissing",
    "MissionNotFound",
    "NotForThem",
    "NotRunning",
    "StampCardNotFound",
    "StampCardUnusable",
    "StampsAreCollected",
    "TermsUnusable",
    "WelcomeInThePast",
    "accept_invitation",
    "accept_mission",
    "bring_in_check_ins",
    "check_in",
    "give_birthday_gifts",
    "invite_code",
    "join_invited",
    "make_up_check_in",
    "part_welcomes",
    "record_deed",
    "review_missions",
    "review_referral",
    "review_stamps",
    "review_welcome",
    "save_birthday_plan",
    "save_check_in_plan",
    "save_mission",
    "save_referral_plan",
    "save_stamp_card",
    "save_welcome_offer",
    "see_device",
    "settle_missions",
    "settle_referrals",
    "settle_stamps",
    "settle_welcomes",
    "withdraw_deed",
]
