"""Refusals and terms in words."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from zhike.kernel.money import yuan_text
from zhike.offers.rules.shares import UNIT_BP
from zhike.offers.rules.terms import CouponTerms
from zhike.offers.rules.using import Refusal

_REFUSALS: dict[str, str | Promise] = {
    "unknown": gettext_lazy("There is no coupon with this code."),
    "used": gettext_lazy("This coupon was used already."),
    "void": gettext_lazy("This coupon was made void."),
    "frozen": gettext_lazy("The membership this coupon belongs to is frozen or closed."),
    "locked": gettext_lazy("Another till is using this coupon at this moment."),
    "expired": gettext_lazy("This coupon ended on %(day)s."),
    "not-yet": gettext_lazy("This coupon begins on %(day)s."),
    "batch-closed": gettext_lazy("Coupons of this batch were called off."),
    "other-member": gettext_lazy("This coupon belongs to another member."),
    "tier": gettext_lazy("This coupon is for members of other tiers."),
    "mall": gettext_lazy("This coupon is for another mall."),
    "merchant": gettext_lazy("This coupon is not good at this shop."),
    "trade-category": gettext_lazy("This coupon is not good in this kind of shop."),
    "day": gettext_lazy("This coupon is not good today."),
    "time": gettext_lazy("This coupon is not good at this time of the week."),
    "products": gettext_lazy("Nothing in the basket is covered by this coupon."),
    "minimum": gettext_lazy("The coupon needs ¥%(minimum)s of what it covers; ¥%(missing)s are missing."),
    "twice": gettext_lazy("The same coupon is there twice."),
    "alone": gettext_lazy("These coupons cannot be used together."),
    "nothing-left": gettext_lazy("There is nothing left that this coupon could take off."),
}


def refusal_sentence(refusal: Refusal, zone: str) -> str:
    """Why a coupon cannot be used, in the reader's language; days in the mall's time."""
    given = dict(refusal.params)
    if isinstance(day := given.get("day"), dt.datetime):
        # an end is the first moment it no longer counts: the last good day is the one before
        moment = day - dt.timedelta(seconds=1) if refusal.code == "expired" else day
        given["day"] = date_format(moment.astimezone(ZoneInfo(zone)).date(), "DATE_FORMAT")
    if "minimum_fen" in given:
        given["minimum"], given["missing"] = yuan_text(given["minimum_fen"]), yuan_text(given["missing_fen"])
    text = str(_REFUSALS.get(refusal.code, refusal.code))
    return text % given if given else text


def value_text(terms: CouponTerms) -> str:
    """What a coupon is worth, in a few characters: ¥20, 8.5折, the gift."""
    if terms.kind in ("cash", "threshold"):
        return "¥" + short_yuan(terms.value_fen)
    if terms.kind == "percent":
        return rate_text(terms.percent_bp)
    if terms.kind == "parking":
        hours, minutes = divmod(terms.minutes, 60)
        return (
            _("%(hours)s h") % {"hours": hours}
            if not minutes
            else _("%(minutes)s min") % {"minutes": terms.minutes}
        )
    return terms.item


def condition_text(terms: CouponTerms) -> str:
    """From how much on, and up to how much."""
    parts = []
    if terms.minimum_fen:
        parts.append(_("from ¥%(amount)s") % {"amount": short_yuan(terms.minimum_fen)})
    if terms.cap_fen:
        parts.append(_("at most ¥%(amount)s off") % {"amount": short_yuan(terms.cap_fen)})
    return _(", ").join(parts) if parts else _("no minimum")


def rate_text(off_bp: int) -> str:
    """A share that is taken off, in words."""
    if off_bp == UNIT_BP:
        return _("free")
    if (get_language() or "").startswith("zh"):  # Chinese names what is left to pay, in tenths
        return _trimmed(UNIT_BP - off_bp, 1000) + "折"
    return _("%(percent)s%% off") % {"percent": _trimmed(off_bp, 100)}


def short_yuan(fen: int) -> str:
    """Yuan without decimals where there are none."""
    return str(fen // 100) if fen % 100 == 0 else yuan_text(fen)


def _trimmed(part: int, unit: int) -> str:
    """part / unit with as many decimals as it needs."""
    return f"{part / unit:.2f}".rstrip("0").rstrip(".")
