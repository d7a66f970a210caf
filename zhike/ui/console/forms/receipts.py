"""Returning lines of a sale."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.kernel.money import NotAnAmount, fen_from_text
from zhike.loyalty.operations import ReturnLine
from zhike.sales.queries import LineView


class ReturnForm(forms.Form):
    """How many of each line come back. `number` is made once when the form is shown, so that it counts once."""

    number = forms.CharField(max_length=60, label=_("Return number"))
    till = forms.CharField(max_length=40, label=_("Till"))

    def __init__(self, *args: Any, lines: Sequence[LineView], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = [line for line in lines if line.left > 0]
        for line in self.lines:
            quantity = forms.DecimalField(
                min_value=0,
                max_value=line.left,
                max_digits=14,
                decimal_places=3,
                required=False,
                label=line.name,
            )
            quantity.widget.attrs.update({"class": "w-24 text-end", "inputmode": "decimal"})
            self.fields[f"quantity_{line.line_no}"] = quantity
            refund = forms.CharField(max_length=16, required=False, label=_("Refund (yuan)"))
            refund.widget.attrs.update(
                {"class": "w-28 text-end", "inputmode": "decimal", "placeholder": _("pro rata")}
            )
            self.fields[f"refund_{line.line_no}"] = refund

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "line": line,
                "quantity": self[f"quantity_{line.line_no}"],
                "refund": self[f"refund_{line.line_no}"],
            }
            for line in self.lines
        ]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for line in self.lines:
            name = f"refund_{line.line_no}"
            if data.get(name):
                try:
                    data[name] = fen_from_text(data[name])
                except NotAnAmount as problem:
                    self.add_error(name, problem.sentence)
        if not self.errors and not self.chosen:
            raise forms.ValidationError(_("Say how many of which line come back."))
        return data

    @property
    def chosen(self) -> list[ReturnLine]:
        """The lines that come back."""
        found = []
        for line in self.lines:
            quantity: Decimal | None = self.cleaned_data.get(f"quantity_{line.line_no}")
            if quantity:
                refund = self.cleaned_data.get(f"refund_{line.line_no}")
                found.append(ReturnLine(line.line_no, quantity, refund if isinstance(refund, int) else None))
        return found
