"""Endpoints of webhooks and their secrets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class EndpointForm(forms.Form):
    name = forms.CharField(max_length=60, label=_("Display name"), help_text=_("Such as “Data warehouse”."))
    url = forms.CharField(
        max_length=500,
        label=_("Address"),
        widget=forms.URLInput(attrs={"placeholder": "https://example.com/hooks"}),
        help_text=_("It must begin with https:// and be public."),
    )
    types = forms.MultipleChoiceField(
        required=False,
        label=_("Events"),
        help_text=_("None ticked means all."),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, types: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(code, code.removeprefix("zhike.")) for code in types]
        self.fields["types"].choices = choices  # type: ignore[attr-defined]


class EndpointSettingsForm(EndpointForm):
    is_active = forms.BooleanField(
        required=False,
        label=_("Switched on"),
        help_text=_("Switched off, events wait; switched on again, it goes on where it stopped."),
    )


class RotateSecretForm(forms.Form):
    overlap_hours = forms.IntegerField(
        min_value=0,
        max_value=720,
        initial=24,
        label=_("Hours the present secret signs along"),
        help_text=_("Meanwhile each message carries both signatures."),
    )
