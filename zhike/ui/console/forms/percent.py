"""Shares in per cent, as forms take them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

HUNDRED = Decimal(100)


def percent_field(**extra: Any) -> forms.DecimalField:
    widget = forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal"})
    return forms.DecimalField(
        min_value=0, max_value=HUNDRED, decimal_places=2, required=False, widget=widget, **extra
    )
