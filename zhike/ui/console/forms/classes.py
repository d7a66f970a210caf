"""Settings of the three classifications."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.insight import operations as insight
from zhike.ui.console.once import OnceForm


class ClassesForm(OnceForm):
    """Money is typed in yuan and kept in fen."""

    mall = forms.ChoiceField(label=_("Mall"))
    window_days = forms.IntegerField(min_value=1, max_value=3_660, label=_("Purchases of the last … days"))
    frequent_from = forms.IntegerField(
        min_value=2, max_value=3_660, label=_("Buys often from … days with purchases")
    )
    regular_from = forms.IntegerField(
        min_value=2, max_value=3_660, label=_("Buys regularly from … days with purchases")
    )
    discount_percent = forms.IntegerField(
        min_value=1, max_value=100, label=_("Buys at a discount from … per cent taken off")
    )
    main_percent = forms.IntegerField(
        min_value=1, max_value=100, label=_("Prefers a kind from … per cent of the purchases")
    )
    high_yuan = forms.IntegerField(min_value=1, max_value=10**8, label=_("High contribution from … yuan"))
    middle_yuan = forms.IntegerField(
        min_value=1, max_value=10**8, label=_("Middling contribution from … yuan")
    )
    note = forms.CharField(max_length=200, required=False, label=_("Why"))

    def __init__(self, *args: Any, malls: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mall"].choices = malls  # type: ignore[attr-defined]

    def add_error(self, field: str | None, error: Any) -> None:
        """The operation speaks of fen."""
        super().add_error(
            {"high_fen": "high_yuan", "middle_fen": "middle_yuan"}.get(field or "", field), error
        )

    @property
    def policy(self) -> insight.ClassPolicy:
        data = self.cleaned_data
        plain = ("window_days", "discount_percent", "frequent_from", "regular_from", "main_percent")
        return insight.ClassPolicy(
            **{name: data[name] for name in plain},
            high_fen=data["high_yuan"] * 100,
            middle_fen=data["middle_yuan"] * 100,
        )

    @property
    def mall_id(self) -> int | None:
        return int(self.cleaned_data["mall"]) or None


def initial_of(policy: insight.ClassPolicy) -> dict[str, int]:
    found = {name: getattr(policy, name) for name in policy.__dataclass_fields__}
    return found | {"high_yuan": policy.high_fen // 100, "middle_yuan": policy.middle_fen // 100}
