"""What codes are called on pages, where more than one door shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.ui.components import rights_labels as rights

SEXES = {"unknown": _("Not said"), "female": _("Female"), "male": _("Male")}
TENDERS = {
    "wechat": _("WeChat Pay"),
    "alipay": _("Alipay"),
    "card": _("Bank card"),
    "cash": _("Cash"),
    "voucher": _("Voucher"),
    "stored_value": _("Stored value"),
    "points": _("Points"),
    "other": _("Other"),
}
REASONS = {
    "earn": _("Purchase"),
    "clawback": _("Goods returned"),
    "redeem": _("Redeemed"),
    "restore": _("Redemption reversed"),
    "expire": _("Expired"),
    "forfeit": _("Lapsed when the membership ended"),
    "adjust": _("Corrected by staff"),
    "grant": _("Given by us"),
    "revoke": _("Taken back by us"),
    "undo": _("Import undone"),
    "opening": _("Brought in from another system"),
    "release": _("Can be spent"),
    "hold": _("Points set aside"),
    "unhold": _("No longer set aside"),
    "check_in": _("Daily check-in"),
    "birthday": _("Birthday gift"),
    "referral": _("Friend invited"),
    "mission": _("Mission accomplished"),
    "prize": _("Won in a draw"),
    "welcome": _("Welcome gift"),
    "stamps": _("Stamp card full"),
    "journey": _("A gift from us"),
    "take_back": _("Taken back"),
    "waive": _("Debt waived"),
    "pool_in": _("Shared at home"),
    "pool_out": _("Back from sharing at home"),
    "merge": _("Memberships joined"),
    "unmerge": _("Memberships parted"),
}
DECISIONS = {
    "granted": pgettext_lazy("consent", "Agreed"),
    "refused": pgettext_lazy("consent", "Refused"),
    "withdrawn": pgettext_lazy("consent", "Withdrawn"),
}
PROFILE_FIELDS = {
    "name": _("Name"),
    "sex": _("Sex"),
    "birthday": _("Birthday"),
    "birthday_calendar": _("Celebrated by"),
    "occupation": _("Occupation"),
    "address": _("Address"),
    "language": _("Language"),
}
REWARD_KINDS = {
    "goods": _("Goods"),
    "code": _("Virtual code"),
    "coupon": _("Coupon"),
    "service": _("Service"),
    "seat": _("Activity seat"),
    "donation": _("Donation"),
    "tier": _("Tier for a time"),
}
AUCTION_KINDS = {"open": _("Open auction"), "sealed": _("Sealed bids")}
AUCTION_STATES = {
    "draft": _("Draft"),
    "early": _("Not begun"),
    "open": _("Running"),
    "over": _("Being settled"),
    "closed": _("Over"),
    "cancelled": _("Called off"),
}
AUCTION_STATE_TONES = {
    "draft": "info",
    "early": "info",
    "open": "success",
    "over": "warning",
    "cancelled": "error",
}
BID_STATES = {
    "standing": _("Stands"),
    "raised": _("Raised"),
    "outbid": _("Outbid"),
    "won": _("Won"),
    "lost": _("Not won"),
    "void": _("Void"),
}
BID_STATE_TONES = {"standing": "success", "won": "success", "outbid": "warning"}
ORDER_STATES = {
    "reserved": _("Being prepared"),
    "ready": _("Ready to collect"),
    "collected": _("Collected"),
    "cancelled": _("Cancelled"),
    "expired": _("Not collected in time"),
}
ORDER_STATE_TONES = {"reserved": "info", "ready": "success", "expired": "warning"}
LIMIT_PERIODS = {
    "ever": _("in all"),
    "year": _("a year"),
    "month": _("a month"),
    "day": _("a day"),
}
BENEFIT_KINDS = {
    "parking": _("Parking"),
    "lounge": _("Lounge"),
    "gift": _("Gift"),
    "service": _("Service"),
    "priority": _("Priority"),
    "points": _("Points"),
}
BENEFIT_REFUSALS = {
    "uncounted": _("Always there"),
    "birthday-unknown": _("Enter your birthday first"),
    "not-birth-month": _("In the month of the birthday"),
    "quota": _("Used up for now"),
}
GIFT_STATES = {
    "reserved": _("Waiting to be fetched"),
    "handed_out": _("Given out"),
    "owed": _("To be brought back"),
    "returned": _("Brought back"),
    "charged": _("Paid with points"),
    "waived": _("May be kept"),
    "revoked": _("Withdrawn after a return"),
    "expired": _("Not fetched in time"),
    "cancelled": _("Given up"),
}
GIFT_STATE_TONES = {
    "reserved": "info",
    "handed_out": "success",
    "owed": "error",
    "charged": "warning",
    "revoked": "warning",
    "expired": "warning",
}
GIFT_REFUSALS = {
    "ended": _("The campaign has ended"),
    "owed": _("A gift has to be brought back first"),
    "limit": _("Had as often as one may"),
    "limit_day": _("Had as often as one may today"),
    "stock": _("All gone"),
    "stock_day": _("All gone for today"),
    "spent": _("Not reached yet"),
}
GIFT_REASONS = {
    "returned": _("Returned"),
    "merchant": _("This merchant does not take part"),
    "category": _("Some goods do not count"),
    "tender": _("What was paid by voucher and the like does not count"),
    "minimum": _("The receipt is too small"),
}
HOUSEHOLD_ROLES = {"owner": _("Owner"), "adult": _("Adult"), "child": _("Child")}
POOL_KINDS = {
    "in": _("Put in"),
    "out": _("Taken back"),
    "spend": _("Spent from the pool"),
    "restore": _("Given back"),
    "lapse": _("Lapsed"),
}
TIER_WINDOWS = {
    "rolling_12_months": _("within the last twelve months"),
    "calendar_year": _("within the calendar year"),
    "lifetime": _("counted from the beginning"),
}
TIER_PERIODS = {
    "anniversary": _("for a year from the day you reach it"),
    "year": _("until the end of the calendar year"),
    "quarter": _("until the end of the quarter"),
}
TIER_FALLS = {
    "one_step": _("Who does not keep it goes down one step."),
    "to_spend": _("Who does not keep it goes down to the tier that the spend would have kept."),
}
LABELS: Mapping[str, Mapping[str, Any]] = {
    "sex": SEXES,
    "household_role": HOUSEHOLD_ROLES,
    "pool_kind": POOL_KINDS,
    "tender": TENDERS,
    "reason": REASONS,
    "decision": DECISIONS,
    "profile_field": PROFILE_FIELDS,
    "reward_kind": REWARD_KINDS,
    "order_state": ORDER_STATES,
    "order_state_tone": ORDER_STATE_TONES,
    "tier_window": TIER_WINDOWS,
    "tier_period": TIER_PERIODS,
    "tier_fall": TIER_FALLS,
    "limit_period": LIMIT_PERIODS,
    "auction_kind": AUCTION_KINDS,
    "auction_state": AUCTION_STATES,
    "auction_state_tone": AUCTION_STATE_TONES,
    "bid_state": BID_STATES,
    "bid_state_tone": BID_STATE_TONES,
    "benefit_kind": BENEFIT_KINDS,
    "benefit_refusal": BENEFIT_REFUSALS,
    "gift_state": GIFT_STATES,
    "gift_state_tone": GIFT_STATE_TONES,
    "gift_refusal": GIFT_REFUSALS,
    "gift_reason": GIFT_REASONS,
    "rights_kind": rights.RIGHTS_KINDS,
    "rights_state": rights.RIGHTS_STATES,
    "rights_tone": rights.RIGHTS_TONES,
    "data_category": rights.PERSONAL_CATEGORIES,
    "data_purpose": rights.DATA_PURPOSES,
    "data_erasure": rights.DATA_ERASURES,
    "data_basis": rights.DATA_BASES,
}


def label(code: str, kind: str) -> str:
    """The name of a code; an unknown code is shown as it is."""
    return str(LABELS[kind].get(code, "" if kind.endswith("_tone") else code))
