"""What the log says of redemption rates, in words."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.ui.console.told import Data, Names, Told


def _published(data: Data, tiers: Names) -> Told:
    title = _("Redemption rates published: version %(number)s") % {"number": data["version"]}
    cut = _("up to %(cut)s%% less") % {"cut": f"{data['cut_bp'] / 100:g}"} if data["cut_bp"] else ""
    return Told(title, cut, "badge-japanese-yen", "warning" if cut else "info", reverse("console:rates"))


def _noticed(data: Data, tiers: Names) -> Told:
    title = _("Everybody who holds points was told of version %(number)s") % {"number": data["version"]}
    detail = _("%(count)s members told") % {"count": f"{data['told']:,}"}
    return Told(title, detail, "megaphone", "info", reverse("console:rates"))


RATE_TELLERS = {
    "loyalty.redemption_rates_published": _published,
    "loyalty.rate_notice_given": _noticed,
}
