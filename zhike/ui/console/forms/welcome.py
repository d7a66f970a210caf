"""A welcome offer as plain fields."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console.engagement_labels import WELCOME_COUPONS
from zhike.ui.console.forms.draws import moment_field
from zhike.ui.console.forms.engagement import TermsForm, points_field, shared_initial
from zhike.ui.console.forms.members import reason_field
from zhike.ui.console.forms.programme import FenField

FIRST: Mapping[str, Any] = {
    "is_open": True, "share": 100, "times": 2, "minimum_fen": 10_000, "days_to_buy": 30, "wait_days": 0, "per_device": True,
}  # fmt: skip
PLAIN = ("points_max", "minimum_fen", "days_to_buy", "wait_days", "quota", "budget_points", "per_device")
UNIT_BP = 10_000


class WelcomeForm(TermsForm):
    """What the first purchase gives, which one counts, and how much there is in all."""

    points = points_field(label=_("Points on top"))
    times = forms.DecimalField(
        min_value=1, max_value=10, decimal_places=2, required=False, label=_("The purchase's points times"),
        help_text=_("2 doubles them; empty or 1: as they are."),
    )  # fmt: skip
    points_max = points_field(
        min_value=1, label=_("Most points for one member"), help_text=_("Empty: no limit.")
    )
    batch_id = forms.ChoiceField(required=False, label=_("Coupon"))
    coupon_on = forms.ChoiceField(choices=list(WELCOME_COUPONS.items()), label=_("The coupon comes"))
    minimum_fen = FenField(label=_("Purchase from (yuan)"))
    days_to_buy = points_field(min_value=1, max_value=366, required=True, label=_("Within … days of joining"))
    wait_days = points_field(
        max_value=366,
        label=_("Points … days after the purchase"),
        help_text=_("0: at once. Empty: when the purchase's own points can be spent."),
    )
    per_device = forms.BooleanField(required=False, label=_("Once for a browser, too"))
    quota = points_field(
        min_value=1, max_value=10_000_000, label=_("New members in all"), help_text=_("Empty: no limit.")
    )
    budget_points = points_field(
        min_value=1,
        max_value=1_000_000_000,
        label=_("Points to give in all"),
        help_text=_("Empty: no limit."),
    )
    effective_from = moment_field(
        required=False, label=_("For those who join from"), help_text=_("Empty: from now on.")
    )
    reason = reason_field()

    @property
    def terms(self) -> dict[str, Any]:
        data = self.cleaned_data
        times = data["times"] if data["times"] is not None else Decimal(1)
        return (
            self.shared
            | self.reward()
            | {name: data[name] for name in PLAIN}
            | {"multiplier_bp": int(times * UNIT_BP), "coupon_on": data["coupon_on"]}
        )


def welcome_initial(terms: Any, is_open: bool) -> Mapping[str, Any]:
    times = Decimal(terms.multiplier_bp) / UNIT_BP
    return (
        shared_initial(terms, is_open)
        | {name: getattr(terms, name) for name in (*PLAIN, "points", "coupon_on")}
        | {"times": times.normalize() if times != int(times) else int(times)}
        | {"batch_id": str(terms.batch_id or "")}
    )
