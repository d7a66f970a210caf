"""The three classifications in words, and the four classes made of them with what to do."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.insight import operations
from zhike.kernel.money import yuan_text

KINDS = {
    "behaviour": gettext_lazy("How they buy"),
    "preference": gettext_lazy("What they prefer"),
    "value": gettext_lazy("What they are worth"),
}
ICONS = {"behaviour": "footprints", "preference": "heart", "value": "gem"}
BEHAVIOURS = {
    "frequent": pgettext_lazy("class", "Buys often"),
    "regular": pgettext_lazy("class", "Buys regularly"),
    "occasional": pgettext_lazy("class", "Buys now and then"),
    "discount": pgettext_lazy("class", "Buys at a discount"),
    "none": pgettext_lazy("class", "Bought nothing lately"),
}
PREFERENCES = {
    "family": pgettext_lazy("class", "Children and family"),
    "fashion": pgettext_lazy("class", "Fashion"),
    "beauty": pgettext_lazy("class", "Beauty"),
    "dining": pgettext_lazy("class", "Food and drink"),
    "daily": pgettext_lazy("class", "Daily needs and home"),
    "leisure": pgettext_lazy("class", "Leisure and books"),
    "sports": pgettext_lazy("class", "Sports"),
    "digital": pgettext_lazy("class", "Electronics"),
    "mixed": pgettext_lazy("class", "A bit of everything"),
    "none": pgettext_lazy("class", "Bought nothing lately"),
}
VALUES = {
    "high": pgettext_lazy("class", "High contribution"),
    "middle": pgettext_lazy("class", "Middling contribution"),
    "low": pgettext_lazy("class", "Low contribution"),
    "none": pgettext_lazy("class", "Bought nothing lately"),
}
NAMES = {"behaviour": BEHAVIOURS, "preference": PREFERENCES, "value": VALUES}
PRESETS = {
    "valuable": pgettext_lazy("class", "High value"),
    "potential": pgettext_lazy("class", "Potential"),
    "usual": pgettext_lazy("class", "Usual"),
    "lost": pgettext_lazy("class", "Lost"),
}
PRESET_TONES = {"valuable": "success", "potential": "info", "usual": "", "lost": "error"}
PRESET_ICONS = {"valuable": "gem", "potential": "sprout", "usual": "users-round", "lost": "door-open"}
STRATEGIES = {
    "valuable": gettext_lazy(
        "Keep them without discounts: an associate of their own, first look at what is new, thanks on their birthday."
    ),
    "potential": gettext_lazy(
        "Make them come again and buy a second kind: a coupon for what goes with what they buy, a mission over two visits."
    ),
    "usual": gettext_lazy("Cheap means only: what is on, by app and WeChat; tags show who begins to grow."),
    "lost": gettext_lazy(
        "Spend on those first whose loss weighs most: value times risk says on whom; the others one plain offer to return."
    ),
}


def definitions(policy: operations.ClassPolicy) -> dict[str, dict[str, str]]:
    """What each class means under these settings, by kind and class."""
    days = policy.window_days
    high, middle = (yuan_text(one).removesuffix(".00") for one in (policy.high_fen, policy.middle_fen))
    nothing = _("No purchase in the last %(days)s days") % {"days": days}
    main = _("At least %(percent)s per cent of the purchases are of this kind") % {
        "percent": policy.main_percent
    }
    return {
        "behaviour": {
            "discount": _("At least %(percent)s per cent taken off by discounts, whatever else")
            % {"percent": policy.discount_percent},
            "frequent": _("On %(count)s days and more") % {"count": policy.frequent_from},
            "regular": _("On %(low)s to %(high)s days")
            % {"low": policy.regular_from, "high": policy.frequent_from - 1},
            "occasional": _("On fewer than %(count)s days") % {"count": policy.regular_from},
            "none": nothing,
        },
        "preference": {code: main for code in PREFERENCES if code not in ("mixed", "none")}
        | {"mixed": _("No kind has so large a share"), "none": nothing},
        "value": {
            "high": _("Spend of ¥%(amount)s and more, less returns") % {"amount": high},
            "middle": _("Spend from ¥%(low)s to below ¥%(high)s") % {"low": middle, "high": high},
            "low": _("Spend below ¥%(amount)s") % {"amount": middle},
            "none": nothing,
        },
    }
