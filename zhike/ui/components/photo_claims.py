"""What states, reasons and suspicions of photographed receipts are called on pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.ui.components.formatting import yuan

STATES = {
    "waiting": pgettext_lazy("photographed receipt", "Waits for review"),
    "second": pgettext_lazy("photographed receipt", "Waits for a second review"),
    "given": pgettext_lazy("photographed receipt", "Points given"),
    "refused": pgettext_lazy("photographed receipt", "Refused"),
    "withdrawn": pgettext_lazy("photographed receipt", "Taken back"),
}
MEMBER_STATES = STATES | {
    "waiting": pgettext_lazy("photographed receipt", "Being looked at"),
    "second": pgettext_lazy("photographed receipt", "Being looked at"),
    "refused": pgettext_lazy("photographed receipt", "Not accepted"),
}
TONES = {"waiting": "warning", "second": "info", "given": "success", "refused": "error", "withdrawn": ""}
REASONS = {
    "unreadable": _("The photo cannot be read"),
    "not_a_receipt": _("The photo does not show a receipt"),
    "wrong_details": _("The details do not fit the receipt"),
    "counted": _("This purchase was counted already"),
    "altered": _("The receipt was altered"),
    "not_ours": _("Not a shop or a purchase that earns here"),
    "other": _("Another reason"),
}
FIELDS = {
    "merchant_id": _("Merchant"),
    "till": _("Till"),
    "number": _("Receipt number"),
    "business_date": _("Date on the receipt"),
    "bought_at": _("Time on the receipt"),
    "net_fen": _("Amount paid"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One suspicion in words; ``claim`` or ``receipt`` is what to look at."""

    text: str
    is_grave: bool
    claim: str = ""
    receipt: str = ""


def told(one: Mapping[str, Any]) -> Told:
    code, figure = one["code"], one["figure"]
    if code == "reading":
        text = _now("The reader saw another %(field)s") % {"field": FIELDS.get(one["claim"], one["claim"])}
        return Told(text, False)
    texts: dict[str, Any] = {
        "picture": _("The same picture was handed in before (%(bits)s of 256 points differ)")
        % {"bits": figure},
        "paper": _("Another member handed in the same receipt"),
        "other_receipt": _("A receipt of this shop, day and amount belongs to another member"),
        "own_receipt": _("The member has a receipt of this shop, day and amount already"),
        "amount": _("Another member handed in the same amount of this shop and day"),
        "till_amount": _("The till recorded %(amount)s for this number") % {"amount": yuan(figure)},
        "till_silent": _("The till sent %(count)s receipts that day, and not this one") % {"count": figure},
        "refused_before": _("%(count)s photographs of this member were refused lately") % {"count": figure},
    }
    is_grave = code in loyalty.PHOTO_GRAVE
    return Told(
        str(texts.get(code, code)), is_grave, one["claim"] if code != "reading" else "", one["receipt"]
    )


def corrected(corrections: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """(what, what stood there before) of what a reviewer changed."""
    found = []
    for name, before in corrections.items():
        shown = yuan(before) if name == "net_fen" else "" if before is None else str(before)
        if name == "merchant_id":
            merchant = organization.merchant_ref(before)
            shown = merchant.name if merchant else ""
        found.append((FIELDS.get(name, name), shown))
    return found
