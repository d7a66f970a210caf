"""Sources of behaviour, their keys, and messages that are mended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console.labels import SOURCE_KINDS, USER_ID_KINDS


class SourceForm(forms.Form):
    name = forms.CharField(
        max_length=60, label=_("Display name"), help_text=_("Such as “Web site” or “Mini program server”.")
    )
    kind = forms.ChoiceField(choices=list(SOURCE_KINDS.items()), label=_("What sends"))
    mall_id = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label=_("Mall"))
    space = forms.RegexField(
        r"\A[a-z0-9_-]+\Z",
        max_length=20,
        initial="default",
        label=_("Numbering of accounts"),
        help_text=_("Sources that use the same user ids share one name here, such as “shop”."),
    )
    user_id_kind = forms.ChoiceField(
        choices=list(USER_ID_KINDS.items()), initial="account", label=_("What its user ids are")
    )
    consent_category = forms.CharField(
        max_length=40,
        initial="Analytics",
        label=_("Category of the consent banner"),
        help_text=_("Behaviour is kept as somebody's only when this category was agreed to."),
    )
    consent_assumed = forms.BooleanField(
        required=False,
        label=_("It sends only after consent"),
        help_text=_("Tick this only where the site itself waits for consent before it sends anything."),
    )
    is_trusted = forms.BooleanField(
        required=False,
        label=_("Its key stays on our servers"),
        help_text=_(
            "Then it may create people and fill their profiles. Never for keys inside a page or an app."
        ),
    )
    rate_per_minute = forms.IntegerField(
        min_value=1, max_value=10_000_000, initial=60_000, label=_("Requests per minute at most")
    )

    def __init__(self, *args: Any, malls: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mall_id"].choices = [("", _("All malls")), *malls]  # type: ignore[attr-defined]


class SourceSettingsForm(SourceForm):
    """What may be changed later; kind, mall and numbering stay."""

    is_active = forms.BooleanField(
        required=False, label=_("Switched on"), help_text=_("Switched off, all its keys stop working.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, malls=(), **kwargs)
        for fixed in ("kind", "mall_id", "space"):
            del self.fields[fixed]


class RotateForm(forms.Form):
    overlap_days = forms.IntegerField(
        min_value=0,
        max_value=90,
        initial=7,
        label=_("Days the present key works on"),
        help_text=_("So that apps already out there go on sending until they are updated."),
    )


class MessageForm(forms.Form):
    """A message as JSON."""

    body = forms.CharField(
        max_length=40_000,
        label=_("Message"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14, "class": "font-mono text-sm", "spellcheck": "false"}),
    )

    def clean_body(self) -> str:
        text = str(self.cleaned_data["body"])
        try:
            json.loads(text)
        except ValueError as error:
            raise forms.ValidationError(_("This is not JSON.")) from error
        return text
