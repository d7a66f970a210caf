"""By how many days without a purchase a mall says that somebody has left."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console.once import OnceForm


class HorizonForm(OnceForm):
    mall = forms.ChoiceField(label=_("Mall"))
    horizon_days = forms.IntegerField(
        min_value=5, max_value=366, label=_("Left is who buys nothing in the next … days")
    )
    note = forms.CharField(max_length=200, required=False, label=_("Why"))

    def __init__(self, *args: Any, malls: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mall"].choices = malls  # type: ignore[attr-defined]

    @property
    def mall_id(self) -> int | None:
        return int(self.cleaned_data["mall"]) or None
