"""Names that people read for the codes of coupons and promotions."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.ui.console.engagement_labels import AWARDS

COUPON_KINDS = {
    "cash": _("Cash coupon"),
    "threshold": _("Threshold coupon"),
    "percent": _("Discount coupon"),
    "gift": _("Gift coupon"),
    "parking": _("Parking coupon"),
    "service": _("Service coupon"),
}
PROMOTION_KINDS = {
    "reach": _("So much off from an amount"),
    "every": _("So much off for every amount"),
    "percent": _("Percent off"),
    "pieces": _("Several pieces, percent off"),
    "nth": _("The second (nth) piece reduced"),
    "gift": _("A gift from an amount"),
}
PROMOTION_STATES = {"running": _("Running"), "planned": _("Planned"), "ended": _("Ended")}
PROMOTION_STATE_TONES = {"running": "success", "planned": "info"}
COUPON_STATES = {
    "usable": _("Can be used"),
    "locked": _("Locked"),
    "used": _("Used"),
    "expired": _("Expired"),
    "void": _("Void"),
    "not-yet": _("Not yet"),
    "frozen": _("Frozen"),
}
COUPON_STATE_TONES = {"usable": "success", "locked": "warning", "used": "info", "void": "error"}
COUPON_BATCH_STATUSES = {"open": _("Being handed out"), "paused": _("Paused"), "closed": _("Called off")}
COUPON_BATCH_STATES = {
    **COUPON_BATCH_STATUSES,
    "sold-out": _("All handed out"),
    "early": _("Begins later"),
    "over": _("Over"),
}
COUPON_BATCH_TONES = {"open": "success", "paused": "warning", "early": "info", "sold-out": "accent"}
COUPON_USES = {
    "locked": _("Locked"),
    "used": _("Used"),
    "released": _("Released"),
    "lapsed": _("Ran out"),
    "returned": _("Given back"),
    "kept": _("Goods returned, coupon not"),
}
COUPON_ON_RETURN = {"give_back": _("the member has it back"), "keep": _("it stays used")}
COUPON_WAYS = {
    "public": _("Members claim it themselves"),
    "desk": _("Staff and programs hand it out"),
    "codes": _("Codes for bearers"),
}
COUPON_SOURCES = {
    "claim": _("Claimed"),
    "desk": _("Handed out"),
    **AWARDS,
    "check_in": _("Daily check-in"),
    "birthday": _("Birthday gift"),
    "referral": _("Friend invited"),
    "mission": _("Mission accomplished"),
    "welcome": _("Welcome gift"),
    "stamps": _("Stamp card full"),
    "rewards": _("Points mall"),
    "push": _("Sent to a list"),
    "api": _("API"),
    "codes": _("Code made"),
    "import": _("Code taken in"),
}
