"""Amends: what is typed when they are offered, decided, handed over; the catalogue and the authorities."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhike.kernel.money import yuan_text
from zhike.service import queries
from zhike.ui.components import service as words
from zhike.ui.console.labels import ROLES
from zhike.ui.console.once import OnceForm

YUAN_MAX = 1_000_000


def item_label(item: queries.ItemView) -> str:
    """ "Points: up to 5,000 points", "Cash: up to ¥1,000.00", "Lounge: up to 2, ¥80.00 each"."""
    if item.kind == "points":
        limit = _now("up to %(limit)s points") % {"limit": f"{item.amount_max:,}"}
    elif item.kind == "cash":
        limit = _now("up to ¥%(limit)s") % {"limit": yuan_text(item.amount_max)}
    else:
        limit = _now("up to %(limit)s pieces, ¥%(cost)s each") % {
            "limit": item.amount_max,
            "cost": yuan_text(item.unit_cost_fen),
        }
    return _now("%(name)s (%(limit)s)") % {"name": item.name, "limit": limit}


class OfferForm(OnceForm):
    """``amount`` is points, yuan of cash, or pieces."""

    item = forms.ChoiceField(label=_("What we offer"))
    amount = forms.DecimalField(
        min_value=Decimal("0.01"),
        max_value=YUAN_MAX,
        decimal_places=2,
        label=_("How much"),
        help_text=_("Points, yuan of cash, or pieces."),
    )
    payer = forms.ChoiceField(label=_("Who pays"), widget=forms.RadioSelect, initial="mall")
    reason = forms.CharField(max_length=200, label=_("Reason"))

    def __init__(
        self, *args: Any, items: Sequence[queries.ItemView], merchant_name: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._kinds = {item.code: item.kind for item in items}
        self.fields["item"].choices = [(item.code, item_label(item)) for item in items]  # type: ignore[attr-defined]
        payers: list[tuple[str, Any]] = [("mall", _("The mall"))]
        if merchant_name:
            payers.append(("merchant", _("%(name)s, whose fault it is") % {"name": merchant_name}))
        self.fields["payer"].choices = payers  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        amount, kind = data.get("amount"), self._kinds.get(data.get("item", ""))
        if amount is None or kind is None:
            return data
        if kind == "cash":
            data["amount"] = int(amount * 100)
        elif amount != int(amount):
            self.add_error("amount", _("Points and pieces are whole numbers."))
        else:
            data["amount"] = int(amount)
        return data


class DecideForm(OnceForm):
    note = forms.CharField(max_length=200, required=False, label=_("Note"))


class HandOverForm(OnceForm):
    reference = forms.CharField(
        max_length=80, label=_("What proves it"), help_text=_("Number of the payment, or who received it.")
    )


class WithdrawForm(OnceForm):
    reason = forms.CharField(max_length=200, label=_("Reason"))


class ItemForm(OnceForm):
    code = forms.RegexField(r"\A[a-z0-9][a-z0-9_-]*\Z", max_length=40, label=_("Code"))
    name = forms.CharField(max_length=80, label=_("Display name"))
    kind = forms.ChoiceField(choices=list(words.COMPENSATION_KINDS.items()), label=_("Kind"))
    amount_max = forms.DecimalField(
        min_value=Decimal("0.01"),
        max_value=YUAN_MAX,
        decimal_places=2,
        label=_("At most at once"),
        help_text=_("Points, yuan of cash, or pieces."),
    )
    unit_cost = forms.DecimalField(
        min_value=0,
        max_value=100_000,
        decimal_places=2,
        required=False,
        label=_("Cost of a piece (yuan)"),
        help_text=_("For presents, services and coupons; cash and points cost what they are."),
    )
    batch_id = forms.TypedChoiceField(
        coerce=int, empty_value=None, required=False, label=_("Batch the coupon comes from")
    )
    is_offered = forms.BooleanField(required=False, initial=True, label=_("May be offered"))

    def __init__(self, *args: Any, batches: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["batch_id"].choices = [("", "–"), *batches]  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """As the operation takes them."""
        data = {name: self.cleaned_data[name] for name in ("code", "name", "kind", "batch_id", "is_offered")}
        scale = 100 if data["kind"] == "cash" else 1
        data["amount_max"] = int(self.cleaned_data["amount_max"] * scale)
        data["unit_cost_fen"] = int((self.cleaned_data["unit_cost"] or 0) * 100)
        return data


class AuthorityForm(OnceForm):
    """Empty amounts are no limit."""

    role = forms.ChoiceField(choices=list(ROLES.items()), label=_("Role"))
    each = forms.DecimalField(
        min_value=0,
        max_value=YUAN_MAX,
        decimal_places=2,
        required=False,
        label=_("On one ticket (yuan)"),
        help_text=_("Empty: no limit."),
    )
    period = forms.ChoiceField(
        choices=list(words.AUTHORITY_PERIODS.items()), label=_("Period"), initial="month"
    )
    total = forms.DecimalField(
        min_value=0,
        max_value=YUAN_MAX,
        decimal_places=2,
        required=False,
        label=_("In a period (yuan)"),
        help_text=_("Empty: no limit."),
    )

    def values(self) -> dict[str, Any]:
        each, total = self.cleaned_data["each"], self.cleaned_data["total"]
        return {
            "role": self.cleaned_data["role"],
            "period": self.cleaned_data["period"],
            "each_fen": None if each is None else int(each * 100),
            "period_fen": None if total is None else int(total * 100),
        }
