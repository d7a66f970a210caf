"""Lending a tier and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.loyalty.queries import TierView
from zhike.ui.console.forms.members import reason_field
from zhike.ui.console.once import OnceForm

KINDS = (
    ("temporary", _("Lend it at once")),
    ("exception", _("Ask for an exception; a colleague approves it")),
)


class GrantForm(OnceForm):
    """``ladder`` without its lowest step, which everybody has."""

    tier = forms.ChoiceField(label=_("Tier"))
    until = forms.DateField(
        label=_("Until and including"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    kind = forms.ChoiceField(choices=KINDS, initial="temporary", widget=forms.RadioSelect, label=_("How"))
    reason = reason_field()

    def __init__(self, *args: Any, ladder: Sequence[TierView], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tier"].choices = [(str(step.id), step.name) for step in ladder[1:]]  # type: ignore[attr-defined]


class RevokeForm(forms.Form):
    reason = reason_field()
