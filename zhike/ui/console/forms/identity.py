"""Forms about who is who."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console.forms.members import reason_field
from zhike.ui.console.once import OnceForm


class FindOtherForm(forms.Form):
    text = forms.CharField(
        max_length=60,
        label=_("The other record's phone, card or member number"),
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )


class MergeForm(OnceForm):
    survivor = forms.TypedChoiceField(
        coerce=int, label=_("The record that goes on"), widget=forms.RadioSelect, choices=()
    )
    reason = forms.CharField(
        max_length=200,
        label=_("How do you know that they are one person?"),
        help_text=_("It is kept with the merge."),
    )

    def __init__(self, *args: Any, sides: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["survivor"].choices = sides  # type: ignore[attr-defined]
        self.fields["survivor"].initial = sides[0][0]


class UndoForm(OnceForm):
    reason = reason_field()


class VerdictForm(forms.Form):
    reason = forms.CharField(
        max_length=200, required=False, label=_("Remark"), help_text=_("It is kept with the merge.")
    )
