"""How the books value points."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console.forms.programme import FenField

ACCOUNT_LABELS = {
    "expense": _("Expense (what the mall pays itself)"),
    "receivable": _("Receivable (what others pay)"),
    "provision": _("Provision or contract liability"),
    "payable": _("Payable to who honours points"),
}


class ProvisionForm(forms.Form):
    """A version of the valuation."""

    value_points = forms.IntegerField(min_value=1, max_value=1_000_000, label=_("So many points"))
    value_fen = FenField(label=_("cost (yuan)"))
    redemption_percent = forms.DecimalField(
        min_value=0,
        max_value=100,
        decimal_places=2,
        label=_("Expected to be spent (%)"),
        help_text=_("The curve on the page is the evidence for it."),
    )
    effective_on = forms.DateField(
        label=_("From the month"),
        widget=forms.DateInput(attrs={"type": "month"}, format="%Y-%m"),
        input_formats=["%Y-%m", "%Y-%m-%d"],
    )
    note = forms.CharField(max_length=300, required=False, label=_("What changes and why"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in ACCOUNT_LABELS.items():
            self.fields[name] = forms.CharField(max_length=60, label=label)

    @property
    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        month: dt.date = data["effective_on"]
        return {
            "value_points": data["value_points"],
            "value_fen": data["value_fen"] or 0,
            "redemption_bp": int(data["redemption_percent"] * 100),
            "effective_on": month.replace(day=1),
            "accounts": {name: data[name].strip() for name in ACCOUNT_LABELS},
            "note": data["note"],
        }
