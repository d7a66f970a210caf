"""The terms of the tiers as a form: what reaches, keeps and comes with each, and how they are held; and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.loyalty.queries import TierPolicy, TierView
from zhike.ui.console import labels
from zhike.ui.console.forms.programme import FenField, PublishForm

_OF_ALL = ("window", "period", "grace_days", "fall", "reverses_on_refund", "text")


class TierPolicyForm(PublishForm):
    """Fields of each tier carry its id; ``steps`` gives them by tier."""

    window = forms.ChoiceField(
        choices=list(labels.TIER_WINDOWS.items()), label=_("Spend that counts toward a tier")
    )
    period = forms.ChoiceField(choices=list(labels.TIER_PERIODS.items()), label=_("A tier is held"))
    grace_days = forms.IntegerField(
        min_value=0, max_value=90, required=False, label=_("Days of grace after the period")
    )
    fall = forms.ChoiceField(choices=list(labels.TIER_FALLS.items()), label=_("Who does not keep it falls"))
    reverses_on_refund = forms.BooleanField(
        required=False, label=_("A return takes the tier back that its purchase gave")
    )
    text = forms.CharField(
        required=False, max_length=5_000, label=_("The rules in words"), widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("Scope, exceptions, how benefits are used. Members read it."),
    )  # fmt: skip
    texts_only_add = forms.BooleanField(
        required=False, label=_("The changed words take nothing away"),
        help_text=_("Otherwise changed words need the notice too. Your name stands by it."),
    )  # fmt: skip

    def __init__(self, data: Any, *, policy: TierPolicy, ladder: Sequence[TierView]) -> None:
        initial: dict[str, Any] = {name: getattr(policy, name) for name in _OF_ALL}
        for term in policy.tiers:
            initial |= {
                f"threshold_{term.tier}": term.threshold_fen,
                f"keep_{term.tier}": term.keep_fen,
                f"visits_{term.tier}": term.keep_visits,
                f"benefits_{term.tier}": term.benefits,
            }
        super().__init__(data, initial=initial, is_new=False)
        self.ladder = ladder
        for place, tier in enumerate(ladder):
            self.fields |= _of_tier(tier.id, is_lowest=place == 0)

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Each tier with its fields."""
        return [
            {
                "tier": tier,
                "figures": [
                    self[f"{name}_{tier.id}"]
                    for name in ("threshold", "keep", "visits")
                    if f"{name}_{tier.id}" in self.fields
                ],
                "benefits": self[f"benefits_{tier.id}"],
            }
            for tier in self.ladder
        ]

    @property
    def definition(self) -> dict[str, Any]:
        """The document's JSON."""
        data = self.cleaned_data
        found = {name: data[name] for name in _OF_ALL} | {"grace_days": data["grace_days"] or 0}
        found["tiers"] = [
            {
                "tier": tier.id,
                "threshold_fen": data.get(f"threshold_{tier.id}") or 0,
                "keep_fen": data.get(f"keep_{tier.id}"),
                "keep_visits": data.get(f"visits_{tier.id}"),
                "benefits": data[f"benefits_{tier.id}"].replace("\r\n", "\n"),
            }
            for tier in self.ladder
        ]
        return found


def _of_tier(tier_id: int, *, is_lowest: bool) -> dict[str, forms.Field]:
    figures: dict[str, forms.Field] = {
        f"threshold_{tier_id}": FenField(label=_("Reached at a spend of (yuan)")),
        f"keep_{tier_id}": FenField(
            required=False, label=_("Kept with a spend of (yuan)"),
            help_text=_("At the end of its period. Empty: as much as reaching it takes."),
        ),
        f"visits_{tier_id}": forms.IntegerField(
            min_value=1, max_value=366, required=False, label=_("or with purchases on so many days"),
            help_text=_("Empty: days do not count."),
        ),
    }  # fmt: skip
    benefits = forms.CharField(
        required=False, max_length=2_000, label=_("Benefits"), widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line; members read them in their app."),
    )  # fmt: skip
    return ({} if is_lowest else figures) | {f"benefits_{tier_id}": benefits}
