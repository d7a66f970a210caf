"""What a column can mean, for the page that maps columns."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from zhike.intake.rules.mapping import DEFAULTABLE, FIELDS


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """`is_required` fields need a column; one of two that stand in for each other is not marked."""

    name: str
    label: str
    hint: str
    is_required: bool
    has_default: bool


_LABELS: dict[str, tuple[str | Promise, str | Promise]] = {
    "number": (_("Receipt number"), _("Rows with one number, till and day are one receipt.")),
    "merchant": (_("Merchant"), _("The merchant's code; or one merchant for the whole file.")),
    "till": (_("Till"), _("Which till or terminal.")),
    "occurred_at": (_("Time of sale"), _("Date and time, or the date alone.")),
    "business_date": (_("Business date"), _("Where it differs from the date of the sale.")),
    "time": (_("Time of day"), _("Where it stands apart from the date.")),
    "kind": (_("Sale or return"), _("A word that says which.")),
    "sku": (_("Article number"), _("SKU or barcode.")),
    "name": (_("Article name"), ""),
    "quantity": (_("Quantity"), _("1 where there is none.")),
    "unit_price": (_("Unit price"), _("Needed unless there is an amount.")),
    "amount": (_("Amount paid"), _("Of the line, after discounts.")),
    "discount": (_("Discount"), _("Of the line, as an amount.")),
    "tender": (_("Payment"), _("How it was paid.")),
    "member_phone": (_("Member's phone"), ""),
    "member_card": (_("Member's card"), _("Or the customer number of the old system.")),
    "original_number": (_("Number of the original sale"), _("Of a return.")),
    "cashier": (_("Cashier"), ""),
    "category": (_("Product category"), ""),
}
_REQUIRED = ("number",)


def fields() -> list[FieldChoice]:
    """In the order a person would ask."""
    return [
        FieldChoice(
            name, str(_LABELS[name][0]), str(_LABELS[name][1]), name in _REQUIRED, name in DEFAULTABLE
        )
        for name in FIELDS
    ]
