"""A recommendation in words: one sentence says why it stands there."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from zhike.insight.queries import Recommendations, Recommended
from zhike.ui.components.formatting import percent

SOURCES = {
    "repeat": gettext_lazy("Bought before"),
    "together": gettext_lazy("Goes with what was bought"),
    "viewed": gettext_lazy("Looked at lately"),
    "rule": gettext_lazy("Basket rule"),
    "popular": gettext_lazy("Popular"),
}
ICONS = {"product": "shopping-bag", "merchant": "store", "coupon": "ticket-percent"}
KINDS = {
    "product": gettext_lazy("Articles sold"),
    "merchant": gettext_lazy("Merchants"),
    "coupon": gettext_lazy("Coupons to claim"),
}


def reason(one: Recommended) -> str:
    """To the member."""
    if one.kind == "merchant":
        return _merchant(one)
    if one.kind == "coupon":
        return (
            _("Good at %(name)s, where you like to be.") % {"name": one.because}
            if one.because
            else _("Many members claim it.")
        )
    if one.source == "repeat":
        return ngettext("You bought it once.", "You bought it %(times)s times.", one.times) % {
            "times": one.times
        }
    if one.source != "popular" and not one.because:
        return _("It suits what this member likes.")
    if one.source == "viewed" and one.because != one.name:
        return _("Like “%(name)s”, which you looked at lately.") % {"name": one.because}
    if one.source == "viewed":
        return _("You looked at it lately.")
    if one.source == "rule":
        return _("%(share)s of those who buy “%(name)s” take it along.") % {
            "share": percent(one.share, 0),
            "name": one.because,
        }
    if one.source == "together":
        return _("Members who buy “%(name)s” like it too.") % {"name": one.because}
    return _("Many members bought it in the last 30 days.")


def _merchant(one: Recommended) -> str:
    if one.source == "repeat":
        return ngettext("You were there once.", "You were there %(times)s times.", one.times) % {
            "times": one.times
        }
    if one.source == "rule":
        return _("%(share)s of those who go to %(name)s go there on the same day.") % {
            "share": percent(one.share, 0),
            "name": one.because,
        }
    if one.because:
        return _("Members who go to %(name)s go there too.") % {"name": one.because}
    return _("Many members went there in the last 30 days.")


def basis(found: Recommendations) -> str:
    """Whom the list is for, in one sentence; "" when it is personal."""
    return {
        "refused": _("What many members like: personal recommendations are switched off."),
        "unknown": _("What many members like: we know no purchase yet."),
        "not-fitted": _("Recommendations are being worked out."),
    }.get(found.basis, "")
