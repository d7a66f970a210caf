"""Risk of leaving in words: figures, reasons, what to do; for staff, and for programs."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.insight.queries import FIGURE_KINDS, Reason
from zhike.ui.components.formatting import grouped, percent, yuan

FIGURES = {
    "recency_days": gettext_lazy("Days since the last purchase"),
    "overdue": gettext_lazy("That time against the usual gap"),
    "days_30": gettext_lazy("Days with purchases in the last 30"),
    "days_90": gettext_lazy("Days with purchases in the last 90"),
    "days_ever": gettext_lazy("Days with purchases so far"),
    "gap_days": gettext_lazy("Usual gap between purchases"),
    "tenure_days": gettext_lazy("Time since the first purchase"),
    "known_days": gettext_lazy("Time since enrolment"),
    "spend_90": gettext_lazy("Spend in the last 90 days"),
    "spend_year": gettext_lazy("Spend in the last year"),
    "average": gettext_lazy("Average receipt"),
    "lately_share": gettext_lazy("Share of the year's spend in the last 30 days"),
    "shops": gettext_lazy("Shops bought at"),
    "trades": gettext_lazy("Lines of business bought from"),
    "discount_share": gettext_lazy("Share taken off by discounts"),
    "returns": gettext_lazy("Returns"),
    "weekend_share": gettext_lazy("Share of purchases at weekends"),
    "evening_share": gettext_lazy("Share of purchases after 18:00"),
    "points_balance": gettext_lazy("Points at hand"),
    "points_spent_90": gettext_lazy("Points used or lapsed in 90 days"),
    "coupons_open": gettext_lazy("Coupons at hand"),
    "coupons_used": gettext_lazy("Coupons used"),
    "messages_90": gettext_lazy("Marketing messages in 90 days"),
    "messages_read_90": gettext_lazy("Of these read"),
    "online_30": gettext_lazy("Visits and looks online in 30 days"),
    "check_ins_30": gettext_lazy("Check-ins in 30 days"),
    "age": gettext_lazy("Age"),
}
BANDS = {
    "high": pgettext_lazy("risk", "High risk"),
    "middle": pgettext_lazy("risk", "Some risk"),
    "low": pgettext_lazy("risk", "Low risk"),
}
VALUES = {
    "top": gettext_lazy("Best fifth by expected spend"),
    "middle": gettext_lazy("Next three tenths"),
    "rest": gettext_lazy("The other half"),
}
BAND_TONES = {"high": "error", "middle": "warning", "low": "success"}
BAND_ICONS = {"high": "door-open", "middle": "moon", "low": "heart"}
ACTIONS = {
    "call": gettext_lazy("Call in person"),
    "coupon": gettext_lazy("Send a coupon to return"),
    "points": gettext_lazy("Remind of the points"),
    "message": gettext_lazy("Send a message"),
    "offer": gettext_lazy("Make an offer to return"),
    "invite": gettext_lazy("Invite to an event"),
    "online": gettext_lazy("Show what they looked at"),
    "thank": gettext_lazy("Say thank you"),
    "none": gettext_lazy("Nothing now"),
}
ACTIONS_WHY = {
    "call": gettext_lazy("High risk, and among the best fifth by expected spend: worth a person's time."),
    "coupon": gettext_lazy("High risk, and they used coupons or bought at a discount before."),
    "points": gettext_lazy("High risk, with points at hand that they could use."),
    "message": gettext_lazy("High risk, and they read what was sent to them."),
    "offer": gettext_lazy("High risk, and nothing is known that they answered to."),
    "invite": gettext_lazy("Some risk: a reason to come by is enough."),
    "online": gettext_lazy("Some risk, but they look around online: show them those things."),
    "thank": gettext_lazy("Low risk and valuable: keep it so, without discounts."),
    "none": gettext_lazy("Low risk: contact would cost more than it saves."),
}
SOURCES = {
    "trees": gettext_lazy("Gradient-boosted trees"),
    "baseline": gettext_lazy("BG/NBD (baseline)"),
}
DRIFTS = {
    "stable": gettext_lazy("stable"),
    "moving": gettext_lazy("moving"),
    "shifted": gettext_lazy("shifted"),
}
DRIFT_TONES = {"stable": "success", "moving": "warning", "shifted": "error"}
FAULTS = {
    "too-short": gettext_lazy("The history is too short"),
    "too-few": gettext_lazy("Too few members to learn from"),
    "not-fitted": gettext_lazy("No maximum was found"),
    "broken-off": gettext_lazy("Broken off, replaced by a later run"),
}
STATES = {
    "scoring": pgettext_lazy("model run", "scoring"),
    "done": pgettext_lazy("model run", "done"),
    "failed": pgettext_lazy("model run", "not done"),
}
_KINDS = {
    "days": gettext_lazy("%(number)s days"),
    "times": "%(number)s",
    "decimal": "%(number)s",
    "points": gettext_lazy("%(number)s points"),
    "years": gettext_lazy("%(number)s years"),
    "ratio": gettext_lazy("%(number)s times"),
}
STRONG, CLEAR = 1_000, 300


def figure_text(code: str, kind: str, value: float | None) -> str:
    """A figure as one reads it; "not known" where it is not."""
    if value is None:
        return _("not known")
    if kind == "fen":
        return yuan(round(value))
    if kind == "share":
        return percent(value)
    number = f"{value:.1f}" if kind in ("ratio", "decimal") else grouped(round(value))
    return str(_KINDS[kind]) % {"number": number}


def weight_text(adds: int) -> str:
    """How much a figure moves the score, and which way."""
    if adds > 0:
        return (
            _("raises the risk much")
            if adds >= STRONG
            else _("raises the risk")
            if adds >= CLEAR
            else _("raises the risk a little")
        )
    return (
        _("lowers the risk much")
        if adds <= -STRONG
        else _("lowers the risk")
        if adds <= -CLEAR
        else _("lowers the risk a little")
    )


def reason_parts(reason: Reason) -> dict[str, Any]:
    """For a page: name, value, which way, in words."""
    return {
        "name": str(FIGURES[reason.code]),
        "value": figure_text(reason.code, FIGURE_KINDS[reason.code], reason.value),
        "weight": weight_text(reason.adds),
        "is_up": reason.adds > 0,
    }


def reason_text(reason: Reason) -> str:
    """In one line: "Days since the last purchase: 45 days (raises the risk)"."""
    parts = reason_parts(reason)
    return _("%(name)s: %(value)s (%(weight)s)") % parts
