"""The terms of the tiers as a form: what reaches, keeps and comes with each, and how they are held; and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.loyalty.queries import DEEDS, GROWTH_MAX, GrowthRules, TierPolicy, TierView, deed_names
from zhike.ui.console import labels
from zhike.ui.console.forms.programme import FenField, PublishForm

_OF_ALL = ("basis", "window", "period", "grace_days", "fall", "reverses_on_refund", "text")


class TierPolicyForm(PublishForm):
    """Fields of each tier carry its id; ``steps`` gives them by tier."""

    basis = forms.ChoiceField(
        choices=list(labels.TIER_BASES.items()), label=_("Tiers are reached by"),
        help_text=_("A ladder that counts something else than before needs the notice."),
    )  # fmt: skip
    window = forms.ChoiceField(
        choices=list(labels.TIER_WINDOWS.items()), label=_("What counts toward a tier")
    )
    grows = forms.BooleanField(
        required=False, label=_("Members gather growth value"),
        help_text=_("It is never spent. It can be gathered and shown before any ladder counts it."),
    )  # fmt: skip
    growth = forms.IntegerField(min_value=0, max_value=GROWTH_MAX, required=False, label=_("Growth value"))
    per_fen = FenField(required=False, label=_("for every so much spent (yuan)"))
    visit = forms.IntegerField(
        min_value=0, max_value=GROWTH_MAX, required=False, label=_("for a day with a purchase")
    )
    since = forms.DateField(
        required=False, label=_("Purchases count from"), widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Earlier than the version begins: members start with what they have bought since."),
    )  # fmt: skip
    growth_returns = forms.BooleanField(
        required=False, label=_("Goods that come back take their growth value with them")
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
                f"count_{term.tier}": term.threshold_count,
                f"keepcount_{term.tier}": term.keep_count,
                f"benefits_{term.tier}": term.benefits,
            }
        super().__init__(data, initial=initial | _initial_growth(policy.growth), is_new=False)
        names = deed_names()
        for deed in DEEDS:
            self.fields[f"deed_{deed}"] = forms.IntegerField(
                min_value=0, max_value=GROWTH_MAX, required=False, label=names[deed]
            )
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
                    for name in ("threshold", "keep", "count", "keepcount", "visits")
                    if f"{name}_{tier.id}" in self.fields
                ],
                "benefits": self[f"benefits_{tier.id}"],
            }
            for tier in self.ladder
        ]

    @property
    def of_growth(self) -> list[Any]:
        """The fields of how growth value is earned."""
        names = ("growth", "per_fen", "visit", *(f"deed_{deed}" for deed in DEEDS), "since")
        return [self[name] for name in names]

    @property
    def _growth(self) -> dict[str, Any] | None:
        data = self.cleaned_data
        if not data["grows"]:
            return None
        given = {deed: data[f"deed_{deed}"] for deed in DEEDS if data[f"deed_{deed}"]}
        return {
            "growth": data["growth"] or 0,
            "per_fen": data["per_fen"] or 100,
            "visit": data["visit"] or 0,
            "deeds": given,
            "since": data["since"].isoformat() if data["since"] else None,
            "returns": data["growth_returns"],
        }

    @property
    def definition(self) -> dict[str, Any]:
        """The document's JSON."""
        data = self.cleaned_data
        found = {name: data[name] for name in _OF_ALL} | {"grace_days": data["grace_days"] or 0}
        found["growth"] = self._growth
        found["tiers"] = [
            {
                "tier": tier.id,
                "threshold_fen": data.get(f"threshold_{tier.id}") or 0,
                "keep_fen": data.get(f"keep_{tier.id}"),
                "keep_visits": data.get(f"visits_{tier.id}"),
                "threshold_count": data.get(f"count_{tier.id}") or 0,
                "keep_count": data.get(f"keepcount_{tier.id}"),
                "benefits": data[f"benefits_{tier.id}"].replace("\r\n", "\n"),
            }
            for tier in self.ladder
        ]
        return found


def _initial_growth(rules: GrowthRules | None) -> dict[str, Any]:
    known = rules or GrowthRules()
    return {
        "grows": rules is not None,
        "growth": known.growth,
        "per_fen": known.per_fen,
        "visit": known.visit,
        "since": known.since,
        "growth_returns": known.returns,
        **{f"deed_{deed}": growth for deed, growth in known.deeds.items()},
    }


def _of_tier(tier_id: int, *, is_lowest: bool) -> dict[str, forms.Field]:
    figures: dict[str, forms.Field] = {
        f"threshold_{tier_id}": FenField(required=False, label=_("Reached at a spend of (yuan)")),
        f"keep_{tier_id}": FenField(
            required=False, label=_("Kept with a spend of (yuan)"),
            help_text=_("At the end of its period. Empty: as much as reaching it takes."),
        ),
        f"count_{tier_id}": forms.IntegerField(
            min_value=0, required=False, label=_("Reached with so many visits, or so much growth value"),
            help_text=_("Where tiers are reached by visits or growth value."),
        ),
        f"keepcount_{tier_id}": forms.IntegerField(
            min_value=0, required=False, label=_("Kept with so many visits, or so much growth value"),
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
