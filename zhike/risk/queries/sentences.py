"""What detectors and their findings say, one sentence each."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.kernel.money import yuan_text

NAMES = {
    "velocity": gettext_lazy("Too much too fast"),
    "cashier_self": gettext_lazy("Cashier and the same few members"),
    "lent_receipts": gettext_lazy("Receipts of strangers"),
    "return_farming": gettext_lazy("Spent, then returned"),
    "referral_ring": gettext_lazy("Invited for the reward"),
    "duplicate_persons": gettext_lazy("One device, many members"),
    "coupon_farming": gettext_lazy("Enrolled for the coupon"),
    "takeover": gettext_lazy("Points spent after a new phone number"),
    "false_photos": gettext_lazy("False photographs of receipts"),
}
WHAT = {
    "velocity": gettext_lazy(
        "More purchases, points or redemptions in an hour or on a day than a person has, or than this one and the mall ever had."
    ),
    "cashier_self": gettext_lazy(
        "One cashier rings up the same few members again and again: own cards, or those of friends."
    ),
    "lent_receipts": gettext_lazy(
        "A member claims large receipts long after the purchase, or of a time at which they paid in another shop."
    ),
    "false_photos": gettext_lazy(
        "Photographed receipts of a member were refused again and again as altered, or as counted before."
    ),
    "return_farming": gettext_lazy(
        "A member buys, spends the points and brings the goods back: again and again the points are gone."
    ),
    "referral_ring": gettext_lazy(
        "A member invited many, and nearly all of them bought once, for little, or never."
    ),
    "duplicate_persons": gettext_lazy("The same device or identifier led to several members."),
    "coupon_farming": gettext_lazy(
        "A desk enrols many on one day; each takes a coupon, and hardly anybody is seen to buy."
    ),
    "takeover": gettext_lazy("Many points are spent soon after the phone number of a member changed."),
}
PARAMS = {
    "receipts_hour": gettext_lazy("Purchases within an hour"),
    "receipts_day": gettext_lazy("Purchases on one day"),
    "points_day": gettext_lazy("Points earned on one day"),
    "redemptions_day": gettext_lazy("Redemptions on one day"),
    "times_norm": gettext_lazy("Times what is usual for the member and the mall"),
    "own_days": gettext_lazy("Days of shopping needed to know what is usual"),
    "receipts": gettext_lazy("Purchases of one member at one cashier"),
    "few": gettext_lazy("How many members are “a few”"),
    "share": gettext_lazy("Their share, in percent"),
    "claims": gettext_lazy("Strange claims"),
    "late_hours": gettext_lazy("Hours after the purchase that are late"),
    "least_fen": gettext_lazy("Late claims count from this amount on, in fen"),
    "returns": gettext_lazy("Returns with the points already spent"),
    "points": gettext_lazy("Points in all"),
    "invited": gettext_lazy("Invited members who came for the reward only"),
    "most_fen": gettext_lazy("Who bought once for at most this came for the reward, in fen"),
    "persons": gettext_lazy("Other members on the same device"),
    "joined": gettext_lazy("Enrolments of one desk on one day"),
    "hours": gettext_lazy("Hours after the change"),
    "photos": gettext_lazy("Photographed receipts refused as altered or counted before"),
}


def detector_name(code: str) -> str:
    return str(NAMES.get(code, code))


def finding_sentence(code: str, figures: Mapping[str, int]) -> str:
    """What was found, in one sentence with its figures."""
    told = {name: f"{value:,}" for name, value in figures.items()}
    if "fen" in figures:
        told["amount"] = f"¥{yuan_text(figures['fen'])}"
    return _sentence(code, figures) % told


def _sentence(code: str, figures: Mapping[str, int]) -> str:
    if code == "velocity":
        return _velocity(figures)
    sentences = {
        "cashier_self": _(
            "%(receipts)s purchases of only %(members)s members, %(share)s%% of what this cashier rang up for members."
        ),
        "lent_receipts": _(
            "%(claims)s strange receipts over %(amount)s were claimed, %(hours)s hours after the purchase on average."
        ),
        "return_farming": _(
            "%(returns)s times goods came back when the points were spent; %(points)s points are missing."
        ),
        "referral_ring": _("%(hollow)s of %(invited)s invited members came for the reward only."),
        "duplicate_persons": _("%(persons)s other members were met on the same device or identifier."),
        "coupon_farming": _(
            "%(joined)s were enrolled on one day; %(vanished)s of them took a coupon and were not seen again."
        ),
        "false_photos": _(
            "%(photos)s photographed receipts over %(amount)s were refused as altered or counted before."
        ),
        "takeover": _("%(points)s points were spent %(hours)s hours after the phone number changed."),
    }
    return sentences.get(code, "")


def _velocity(figures: Mapping[str, int]) -> str:
    if "norm" in figures:
        return _("%(receipts_day)s purchases on one day, more than %(times)s times the usual %(norm)s a day.")
    if "receipts_hour" in figures:
        return _("%(receipts_hour)s purchases within an hour; %(limit)s are the limit.")
    if "receipts_day" in figures:
        return _("%(receipts_day)s purchases on one day; %(limit)s are the limit.")
    if "redemptions_day" in figures:
        return _("%(redemptions_day)s redemptions on one day; %(limit)s are the limit.")
    return _("%(points_day)s points on one day; %(limit)s are the limit.")
