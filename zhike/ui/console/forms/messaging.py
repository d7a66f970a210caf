"""Accounts with vendors of messages, wordings, and when and how often we write."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.messaging.queries import AccountView, gateway

FIELD_PREFIX = "v_"


class AccountForm(forms.Form):
    """Name and price, and what this vendor must be told. A secret is asked for once and never shown."""

    name = forms.CharField(max_length=60, label=_("Name"))
    price = forms.IntegerField(
        min_value=0,
        max_value=1_000_000,
        label=_("Price of a thousand parts, in fen"),
        help_text=_("4500 is 0.045 yuan a part."),
    )
    position = forms.IntegerField(
        min_value=0, max_value=99, initial=0, label=_("Order"), help_text=_("The lowest is tried first.")
    )
    is_active = forms.BooleanField(required=False, initial=True, label=_("In use"))

    def __init__(self, *args: Any, vendor: str, known: AccountView | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.vendor_fields = gateway(vendor).fields
        for field in self.vendor_fields:
            name = FIELD_PREFIX + field.name
            is_kept = known is not None and field.name in known.kept_secrets
            help_text = _("Kept. Leave it empty to keep it.") if field.is_secret and is_kept else field.help
            widget = (
                forms.PasswordInput(attrs={"autocomplete": "new-password"})
                if field.is_secret
                else forms.TextInput(attrs={"autocomplete": "off"})
            )
            self.fields[name] = forms.CharField(
                max_length=500,
                required=field.is_required and not is_kept and not field.default,
                label=field.label,  # type: ignore[arg-type]
                help_text=help_text,  # type: ignore[arg-type]
                initial=field.default,
                widget=widget,
                strip=True,
            )

    @property
    def values(self) -> dict[str, str]:
        return {field.name: self.cleaned_data[FIELD_PREFIX + field.name] for field in self.vendor_fields}


class TestForm(forms.Form):
    to = forms.CharField(max_length=254, label=_("To"), help_text=_("Your own phone or e-mail address."))
