"""What to search for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.insight.operations import BasketPlan
from zhike.ui.console import insight_labels as labels
from zhike.ui.console.once import OnceForm

PPM, BP = 10_000, 100
"""Millionths and hundredths of a per cent in one per cent."""


def _share(places: int, initial: str, **extra: Any) -> forms.DecimalField:
    widget = forms.NumberInput(attrs={"step": str(Decimal(1).scaleb(-places)), "inputmode": "decimal"})
    return forms.DecimalField(
        min_value=0, max_value=100, decimal_places=places, initial=Decimal(initial), widget=widget, **extra
    )


class BasketSearchForm(OnceForm):
    mall = forms.ChoiceField(label=_("Where"))
    level = forms.ChoiceField(choices=list(labels.BASKET_LEVELS.items()), label=_("What goes together"))
    unit = forms.ChoiceField(
        choices=list(labels.BASKET_UNITS.items()),
        label=_("A basket is"),
        help_text=_(
            "A visit is everything a member buys in a mall in one day, so it shows what goes together across merchants."
        ),
    )
    days = forms.IntegerField(min_value=1, max_value=730, initial=180, label=_("Days back"))
    support = _share(
        4, "0.1", label=_("Support at least (%)"), help_text=_("Share of all baskets that hold it all.")
    )
    confidence = _share(
        2,
        "5",
        label=_("Confidence at least (%)"),
        help_text=_("Of the baskets with what comes before, the share with what comes next."),
    )
    count_min = forms.IntegerField(
        min_value=2, max_value=1_000_000, initial=5, label=_("In at least so many baskets")
    )

    def __init__(self, *args: Any, malls: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mall"].choices = malls  # type: ignore[attr-defined]

    @property
    def plan(self) -> BasketPlan:
        data = self.cleaned_data
        return BasketPlan(
            level=data["level"],
            unit=data["unit"],
            days=data["days"],
            support_ppm=int(data["support"] * PPM),
            confidence_bp=int(data["confidence"] * BP),
            count_min=data["count_min"],
            mall_id=int(data["mall"]) or None,
        )
