"""A benefit of tiers as plain fields: what it is, how much of it each tier has, what it costs whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.rewards.operations import NewBenefit
from zhike.rewards.queries import BenefitView
from zhike.ui.components.labels import BENEFIT_KINDS, LIMIT_PERIODS
from zhike.ui.console.forms.organization import code_field
from zhike.ui.console.forms.percent import HUNDRED, percent_field
from zhike.ui.console.forms.programme import FenField
from zhike.ui.console.forms.rewards import PARTIES

_SAID = ("name", "kind", "unit", "description", "how_to_use", "period", "birth_month", "position")


class BenefitForm(forms.Form):
    """A tier whose field is empty does not have it; 0: it is always there and nothing is counted."""

    name = forms.CharField(max_length=60, label=_("Display name"), help_text=_("Members read it."))
    kind = forms.ChoiceField(choices=list(BENEFIT_KINDS.items()), label=_("Kind"))
    unit = forms.CharField(max_length=10, label=_("Counted in"), help_text=_("Hours, visits, pieces …"))
    period = forms.ChoiceField(choices=list(LIMIT_PERIODS.items()), initial="month", label=_("So many"))
    birth_month = forms.BooleanField(required=False, label=_("In the month of the birthday only"))
    description = forms.CharField(
        max_length=300, required=False, label=_("Description"), widget=forms.Textarea(attrs={"rows": 2})
    )
    how_to_use = forms.CharField(
        max_length=300, required=False, label=_("How it is used"), widget=forms.Textarea(attrs={"rows": 2})
    )
    position = forms.IntegerField(min_value=0, max_value=1_000, initial=0, label=_("Position"))
    cost_fen = FenField(required=False, label=_("One costs (yuan)"))
    mall_share = percent_field(label=_("The mall pays (%)"), initial=HUNDRED)
    merchant_share = percent_field(label=_("The merchant pays (%)"), initial=0)
    brand_share = percent_field(label=_("The brand pays (%)"), initial=0)

    def __init__(
        self,
        *args: Any,
        tiers: Sequence[tuple[int, str]],
        places: Sequence[tuple[str, str]],
        known: BenefitView | None = None,
        **kwargs: Any,
    ) -> None:
        if known is not None:
            kwargs["initial"] = {
                **{name: getattr(known, name) for name in (*_SAID, "cost_fen")},
                **{f"tier_{tier_id}": quota for tier_id, quota in known.quotas.items()},
                **{f"{party}_share": HUNDRED * known.funding.get(party, 0) / 10_000 for party in PARTIES},
            }
        super().__init__(*args, **kwargs)
        self.known, self.tier_fields = known, [f"tier_{tier_id}" for tier_id, _name in tiers]
        for tier_id, name in tiers:
            self.fields[f"tier_{tier_id}"] = forms.IntegerField(
                min_value=0, max_value=10_000, required=False, label=name
            )
        if known is None:
            place = forms.ChoiceField(choices=list(places), label=_("Belongs to"))
            self.fields = {"code": code_field(), "mall": place, **self.fields}

    @property
    def quotas(self) -> list[Any]:
        return [self[name] for name in self.tier_fields]

    @property
    def benefit(self) -> NewBenefit:
        """The cleaned fields."""
        data = self.cleaned_data
        said: dict[str, Any] = {name: data[name] for name in _SAID}
        return NewBenefit(
            code=self.known.code if self.known else data["code"],
            quotas={
                name.removeprefix("tier_"): data[name] for name in self.tier_fields if data[name] is not None
            },
            cost_fen=data["cost_fen"] or 0,
            funding={party: int(data[f"{party}_share"] * 100) for party in PARTIES if data[f"{party}_share"]},
            **said,
        )
