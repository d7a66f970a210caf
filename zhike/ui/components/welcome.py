"""Welcome offers in words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from zhike.engagement.queries import WelcomeTerms
from zhike.ui.components.formatting import points_text

UNIT_BP = 10_000


def times_text(terms: WelcomeTerms) -> str:
    """“2” or “1.5”."""
    return f"{terms.multiplier_bp / UNIT_BP:.2f}".rstrip("0").rstrip(".")


def gift_words(terms: WelcomeTerms, coupon_name: str) -> list[str]:
    """What a welcome gives, part by part, as a member reads it."""
    parts = []
    if terms.batch_id is not None and terms.coupon_on == "joining":
        parts.append(_("“%(name)s” off the first purchase") % {"name": coupon_name})
    if terms.multiplies:
        parts.append(_("%(times)s times the points") % {"times": times_text(terms)})
    if terms.points:
        parts.append(_("%(points)s on top") % {"points": points_text(terms.points)})
    if terms.batch_id is not None and terms.coupon_on == "purchase":
        parts.append(_("“%(name)s” for the next purchase") % {"name": coupon_name})
    return parts
