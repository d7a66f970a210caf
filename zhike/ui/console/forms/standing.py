"""Settings of stages and of RFM."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.insight import operations as insight
from zhike.kernel.money import yuan_text
from zhike.ui.console.once import OnceForm

SHARED = _("Four rising numbers with spaces between; left empty: the quintiles of who bought.")


class ThresholdsForm(OnceForm):
    mall = forms.ChoiceField(label=_("Mall"))
    new_days = forms.IntegerField(
        min_value=1, max_value=3_660, label=_("New for … days after the first purchase")
    )
    dormant_days = forms.IntegerField(
        min_value=1, max_value=3_660, label=_("Dormant after … days without a purchase")
    )
    churn_days = forms.IntegerField(
        min_value=1, max_value=3_660, label=_("Churned after … days without a purchase")
    )
    note = forms.CharField(max_length=200, required=False, label=_("Why"))

    def __init__(self, *args: Any, malls: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mall"].choices = malls  # type: ignore[attr-defined]

    @property
    def thresholds(self) -> insight.Thresholds:
        data = self.cleaned_data
        return insight.Thresholds(data["new_days"], data["dormant_days"], data["churn_days"])

    @property
    def mall_id(self) -> int | None:
        return int(self.cleaned_data["mall"]) or None


class BreaksField(forms.CharField):
    """Four rising numbers; money is typed in yuan and kept in fen."""

    def __init__(self, *, is_money: bool = False, **kwargs: Any) -> None:
        super().__init__(max_length=60, required=False, help_text=SHARED, **kwargs)
        self.is_money = is_money

    def clean(self, value: Any) -> tuple[int, ...]:
        words = super().clean(value).replace(",", " ").replace("，", " ").split()
        if not all(word.isascii() and word.isdecimal() and len(word) < 12 for word in words):
            raise forms.ValidationError(_("Whole numbers only."))
        return tuple(int(word) * (100 if self.is_money else 1) for word in words)

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return " ".join(
            yuan_text(one).removesuffix(".00").replace(",", "") if self.is_money else str(one)
            for one in value
        )


class RfmForm(OnceForm):
    window_days = forms.IntegerField(min_value=1, max_value=3_660, label=_("Purchases of the last … days"))
    high_from = forms.TypedChoiceField(
        coerce=int, choices=[(one, str(one)) for one in range(2, 6)], label=_("A score is high from")
    )
    recency = BreaksField(label=_("Recency, in days"))
    frequency = BreaksField(label=_("Frequency, in purchases"))
    monetary = BreaksField(label=_("Value, in yuan"), is_money=True)
    note = forms.CharField(max_length=200, required=False, label=_("Why"))

    @property
    def policy(self) -> insight.RfmPolicy:
        names = ("window_days", "recency", "frequency", "monetary", "high_from")
        return insight.RfmPolicy(**{name: self.cleaned_data[name] for name in names})
