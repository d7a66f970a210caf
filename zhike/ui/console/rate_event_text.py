"""What the log says of redemption rates and of points corrected by hand, in words."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.ui.components.formatting import points_text
from zhike.ui.console.told import Data, Names, Told


def _published(data: Data, tiers: Names) -> Told:
    title = _("Redemption rates published: version %(number)s") % {"number": data["version"]}
    cut = _("up to %(cut)s%% less") % {"cut": f"{data['cut_bp'] / 100:g}"} if data["cut_bp"] else ""
    return Told(title, cut, "badge-japanese-yen", "warning" if cut else "info", reverse("console:rates"))


def _noticed(data: Data, tiers: Names) -> Told:
    title = _("Everybody who holds points was told of version %(number)s") % {"number": data["version"]}
    detail = _("%(count)s members told") % {"count": f"{data['told']:,}"}
    return Told(title, detail, "megaphone", "info", reverse("console:rates"))


def _adjustment_asked(data: Data, tiers: Names) -> Told:
    title = _("A correction of points was asked for")
    return Told(title, _many(data), "sliders-vertical", "warning", reverse("console:adjustments"))


def _adjustment_decided(data: Data, tiers: Names) -> Told:
    title = (
        _("A correction of points was approved")
        if data["approved"]
        else _("A correction of points was refused")
    )
    return Told(title, _many(data), "sliders-vertical", url=reverse("console:adjustments"))


def _reinstated(data: Data, tiers: Names) -> Told:
    title = _("Expired points given back: %(reason)s") % {"reason": data["reason"]}
    return Told(title, points_text(data["points"]), "history", "success")


def _many(data: Data) -> str:
    points = points_text(data["points"])
    return (
        points
        if data["members"] == 1
        else _("%(points)s, %(count)s members") % {"points": points, "count": data["members"]}
    )


def _tier_policy_published(data: Data, tiers: Names) -> Told:
    title = _("Terms of the tiers published: version %(number)s") % {"number": data["version"]}
    worse = _("Members are told before it begins.") if data["worsens"] else ""
    tone = "warning" if worse else "info"
    return Told(title, worse, "scroll-text", tone, reverse("console:tier_policy"))


def _tier_notice(data: Data, tiers: Names) -> Told:
    title = _("Every member was told of version %(number)s of the terms") % {"number": data["version"]}
    detail = _("%(count)s members told") % {"count": f"{data['told']:,}"}
    return Told(title, detail, "megaphone", "info", reverse("console:tier_policy"))


RATE_TELLERS = {
    "loyalty.tier_policy_published": _tier_policy_published,
    "loyalty.tier_notice_given": _tier_notice,
    "loyalty.points_adjustment_asked": _adjustment_asked,
    "loyalty.points_adjustment_decided": _adjustment_decided,
    "loyalty.points_reinstated": _reinstated,
    "loyalty.redemption_rates_published": _published,
    "loyalty.rate_notice_given": _noticed,
}
