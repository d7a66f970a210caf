"""By how many days without a purchase a mall says that somebody has left."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.insight import queries as insight
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


def _money(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        min_value=0, max_value=100_000_000, decimal_places=2, max_digits=11, label=label
    )


def _share(label: Any) -> forms.DecimalField:
    return forms.DecimalField(min_value=0, max_value=100, decimal_places=2, max_digits=5, label=label)


class PlanForm(forms.Form):
    """What the plan takes for granted, in yuan and per cent."""

    budget = _money(_("Budget, yuan"))
    cost_top = _money(_("A contact with the best fifth costs, yuan"))
    cost_middle = _money(_("A contact with the middle costs, yuan"))
    cost_rest = _money(_("A contact with the rest costs, yuan"))
    saved_high = _share(_("Saved by a contact at high risk, %"))
    saved_middle = _share(_("Saved by a contact at some risk, %"))
    saved_low = _share(_("Saved by a contact at low risk, %"))
    margin = _share(_("Our margin of what is spent, %"))

    @property
    def assumptions(self) -> insight.Assumptions:
        data = self.cleaned_data
        return insight.Assumptions(
            int(data["budget"] * 100),
            {value: int(data[f"cost_{value}"] * 100) for value in ("top", "middle", "rest")},
            {band: int(data[f"saved_{band}"] * 100) for band in ("high", "middle", "low")},
            int(data["margin"] * 100),
        )

    @staticmethod
    def initial_of(given: insight.Assumptions) -> dict[str, str]:
        """As it is typed."""
        costs = {f"cost_{value}": fen for value, fen in given.cost_fen.items()}
        shares = {f"saved_{band}": bp for band, bp in given.saved_bp.items()}
        hundredths = {"budget": given.budget_fen, "margin": given.margin_bp, **costs, **shares}
        return {name: f"{one / 100:.2f}".removesuffix(".00") for name, one in hundredths.items()}
