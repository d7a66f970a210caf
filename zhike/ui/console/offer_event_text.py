"""Events of coupons, rewards, benefits and draws as lines for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.kernel.errors import NotFound
from zhike.offers import queries as offers
from zhike.rewards import queries as rewards
from zhike.ui.components.formatting import points_text, yuan
from zhike.ui.console.told import Data, Names, Teller, Told, merchant


def _coupon_name(data: Data) -> str:
    try:
        return offers.batch_name(data["batch_id"])
    except NotFound:
        return ""


def _coupon_url(data: Data) -> str:
    return reverse("console:coupon", args=[data["coupon_id"]])


def _coupon_issued(data: Data, tiers: Names) -> Told:
    return Told(_("Got a coupon"), _coupon_name(data), icon="ticket", tone="success", url=_coupon_url(data))


def _coupon_used(data: Data, tiers: Names) -> Told:
    title = _("Used a coupon: %(amount)s off") % {"amount": yuan(data["discount_fen"])}
    detail = " · ".join(part for part in (_coupon_name(data), merchant(data)) if part)
    return Told(title, detail, icon="ticket-check", tone="accent", url=_coupon_url(data))


def _coupon_returned(data: Data, tiers: Names) -> Told:
    return Told(
        _("A coupon came back with the goods"),
        _coupon_name(data),
        icon="ticket",
        tone="info",
        url=_coupon_url(data),
    )


def _coupon_expired(data: Data, tiers: Names) -> Told:
    return Told(_("A coupon expired"), _coupon_name(data), icon="ticket-x", url=_coupon_url(data))


def _coupon_voided(data: Data, tiers: Names) -> Told:
    return Told(
        _("A coupon was made void"),
        data.get("reason", ""),
        icon="ticket-x",
        tone="warning",
        url=_coupon_url(data),
    )


def _order(title: Any, icon: str, tone: str = "") -> Callable[[Data, Names], Told]:
    """What happened to an exchange order: of what, and what went where."""

    def told(data: Data, tiers: Names) -> Told:
        name = rewards.reward_names([data["reward_id"]]).get(data["reward_id"], "")
        parts = [name if data.get("quantity", 1) == 1 else f"{name} × {data['quantity']}"]
        parts += [points_text(data["points"])] if data.get("points") else []
        parts += [yuan(data["cash_fen"])] if data.get("cash_fen") else []
        parts += [data["reason"]] if data.get("reason") else []
        url = reverse("console:exchange_order", args=[data["order_id"]])
        return Told(str(title), " · ".join(part for part in parts if part), icon, tone, url)

    return told


def _benefit(title: Any, icon: str, tone: str = "") -> Callable[[Data, Names], Told]:
    def told(data: Data, tiers: Names) -> Told:
        name = rewards.benefit_names([data["benefit_id"]]).get(data["benefit_id"], "")
        detail = " · ".join(part for part in (f"{name} × {data['quantity']}", data.get("reason", "")) if part)
        return Told(str(title), detail, icon, tone)

    return told


def _drawn(title: Any, icon: str, tone: str = "") -> Callable[[Data, Names], Told]:
    def told(data: Data, tiers: Names) -> Told:
        draw = rewards.draw_names([data["draw_id"]]).get(data["draw_id"], "")
        prize = rewards.prize_names([data["prize_id"]]).get(data["prize_id"], "")
        url = reverse("console:draw", args=[data["draw_id"]])
        return Told(str(title), " · ".join(part for part in (draw, prize) if part), icon, tone, url)

    return told


def _bid(title: Any, icon: str, tone: str = "") -> Callable[[Data, Names], Told]:
    """What happened to a bid: in which auction, and what went where."""

    def told(data: Data, tiers: Names) -> Told:
        name = rewards.auction_names([data["auction_id"]]).get(data["auction_id"], "")
        parts = [name, points_text(data["points"]) if data.get("points") else ""]
        url = reverse("console:auction", args=[data["auction_id"]])
        return Told(str(title), " · ".join(part for part in parts if part), icon, tone, url)

    return told


def _gift(title: Any, icon: str, tone: str = "") -> Callable[[Data, Names], Told]:
    """What happened to a gift for what was spent: which, of which campaign, and what it cost."""

    def told(data: Data, tiers: Names) -> Told:
        item = rewards.gift_item_names([data["item_id"]]).get(data["item_id"], "")
        campaign = rewards.gift_campaign_names([data["campaign_id"]]).get(data["campaign_id"], "")
        parts = [item, campaign, GIFT_WHYS.get(data.get("why", ""), "")]
        parts += [points_text(data["points"])] if data.get("points") else []
        parts += [yuan(data["threshold_fen"])] if data.get("threshold_fen") else []
        url = reverse("console:gift_campaign", args=[data["campaign_id"]])
        return Told(str(title), " · ".join(str(part) for part in parts if part), icon, tone, url)

    return told


GIFT_WHYS = {
    "revoked": gettext_lazy("goods came back"),
    "expired": gettext_lazy("not fetched in time"),
    "cancelled": gettext_lazy("given up"),
    "covered": gettext_lazy("more was bought"),
    "waived": gettext_lazy("waived"),
}


OFFER_TELLERS: dict[str, Teller] = {
    "offers.coupon_issued": _coupon_issued,
    "offers.coupon_used": _coupon_used,
    "offers.coupon_returned": _coupon_returned,
    "offers.coupon_expired": _coupon_expired,
    "offers.coupon_voided": _coupon_voided,
    "rewards.benefit_used": _benefit(gettext_lazy("Used a benefit of the tier"), "badge-check", "accent"),
    "rewards.benefit_use_cancelled": _benefit(
        gettext_lazy("A use of a benefit was cancelled"), "undo-2", "warning"
    ),
    "rewards.gift_reserved": _gift(gettext_lazy("Has a right to a gift"), "gift", "accent"),
    "rewards.gift_handed_out": _gift(gettext_lazy("Was given a gift"), "gift", "success"),
    "rewards.gift_forfeited": _gift(gettext_lazy("A right to a gift ended"), "undo-2", "warning"),
    "rewards.gift_asked_back": _gift(gettext_lazy("Has to bring a gift back"), "undo-2", "error"),
    "rewards.gift_kept": _gift(gettext_lazy("May keep the gift after all"), "gift", "success"),
    "rewards.gift_taken_back": _gift(gettext_lazy("Brought a gift back"), "undo-2", "info"),
    "rewards.gift_charged": _gift(gettext_lazy("Points were taken for a gift"), "coins", "warning"),
    "rewards.bid_placed": _bid(gettext_lazy("Bid in an auction"), "gavel", "accent"),
    "rewards.bid_outbid": _bid(
        gettext_lazy("Was outbid in an auction, the points went back"), "gavel", "warning"
    ),
    "rewards.auction_won": _bid(gettext_lazy("Won an auction"), "trophy", "success"),
    "rewards.auction_lost": _bid(gettext_lazy("Did not win an auction, the points went back"), "gavel"),
    "rewards.ticket_drawn": _drawn(gettext_lazy("Drew in a lucky draw"), "ferris-wheel", "accent"),
    "rewards.prize_collected": _drawn(gettext_lazy("Collected a prize"), "party-popper", "success"),
    "rewards.reward_exchanged": _order(gettext_lazy("Exchanged points for a reward"), "gift", "accent"),
    "rewards.order_ready": _order(gettext_lazy("An exchange order is ready"), "package-check", "info"),
    "rewards.order_collected": _order(gettext_lazy("Collected an exchange order"), "package-open", "success"),
    "rewards.order_cancelled": _order(
        gettext_lazy("An exchange order was cancelled"), "package-x", "warning"
    ),
    "rewards.order_expired": _order(
        gettext_lazy("An exchange order was not collected in time"), "timer-off", "warning"
    ),
    "rewards.order_taken_back": _order(gettext_lazy("Exchanged goods came back"), "undo-2", "warning"),
}
