"""Deciding about a photographed receipt: what stands on it, or why it is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.components.photo_claims import REASONS
from zhike.ui.console.forms.programme import FenField


class PaperForm(forms.Form):
    """What the reviewer reads on the picture."""

    merchant = forms.TypedChoiceField(label=_("Merchant"), coerce=int)
    number = forms.CharField(
        label=_("Receipt number"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    till = forms.CharField(label=_("Till"), max_length=40, required=False)
    business_date = forms.DateField(
        label=_("Date on the receipt"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    bought_at = forms.TimeField(
        label=_("Time on the receipt"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    net_fen = FenField(label=_("Amount paid (yuan)"))

    def __init__(self, *args: Any, merchants: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["merchant"].choices = list(merchants)  # type: ignore[attr-defined]


class RefusePhotoForm(forms.Form):
    reason = forms.ChoiceField(label=_("Why"), choices=list(REASONS.items()), widget=forms.RadioSelect)
    note = forms.CharField(
        label=_("In your own words"),
        max_length=300,
        required=False,
        help_text=_("The member reads both."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
