"""A mission as plain fields, and its steps as rows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.engagement.queries import MissionTerms, Step
from zhike.ui.console.engagement_labels import (
    MISSION_DISTINCT,
    MISSION_ON_RETURN,
    MISSION_REPEATS,
    MISSION_STARTS,
    MISSION_STEPS,
)
from zhike.ui.console.forms.engagement import Choices, TermsForm, points_field, shared_initial
from zhike.ui.console.forms.members import reason_field
from zhike.ui.console.forms.programme import FenField

STEPS, STEPS_MAX = 3, 6
PLACES = {"mall": "malls", "category": "trade_categories", "merchant": "merchants"}


class StepForm(forms.Form):
    """One step; a row without a kind is none."""

    kind = forms.ChoiceField(
        required=False, choices=[("", "–"), *MISSION_STEPS.items()], label=_("What has to be done")
    )
    goal = forms.DecimalField(
        min_value=Decimal("0.01"),
        max_value=1_000_000,
        decimal_places=2,
        required=False,
        label=_("How much"),
        help_text=_("Times; yuan where it is about spending."),
    )
    minimum_fen = FenField(required=False, label=_("Each of at least (yuan)"))
    distinct = forms.ChoiceField(
        required=False, choices=list(MISSION_DISTINCT.items()), label=_("Counts once")
    )
    places = forms.MultipleChoiceField(
        required=False,
        label=_("Where"),
        help_text=_("Nothing chosen: everywhere."),
        widget=forms.SelectMultiple(attrs={"class": "max-h-40 overflow-y-auto"}),
    )

    def __init__(self, *args: Any, places: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["places"].choices = list(places)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("kind") and not data.get("goal") and "goal" not in self.errors:
            self.add_error("goal", _("How much of it?"))
        goal = data.get("goal")
        if goal and data.get("kind") != "spend" and goal != int(goal):
            self.add_error("goal", _("Whole numbers only."))
        return data

    @property
    def step(self) -> dict[str, Any]:
        data = self.cleaned_data
        named: dict[str, list[int]] = {"merchants": [], "trade_categories": [], "malls": []}
        for code in data["places"]:
            level, _sep, place_id = code.partition(":")
            named[PLACES[level]].append(int(place_id))
        factor = 100 if data["kind"] == "spend" else 1
        return {
            "kind": data["kind"],
            "goal": int(data["goal"] * factor),
            "minimum_fen": data["minimum_fen"] or 1,
            "distinct": data["distinct"],
            **named,
        }


NewStepRows = forms.formset_factory(StepForm, extra=STEPS, max_num=STEPS_MAX)
StepRows = forms.formset_factory(StepForm, extra=1, max_num=STEPS_MAX)


class MissionForm(TermsForm):
    """Everything of a mission but its steps."""

    name = forms.CharField(max_length=60, label=_("Display name"), help_text=_("Members read it."))
    description = forms.CharField(
        max_length=300, required=False, label=_("Description"), widget=forms.Textarea(attrs={"rows": 2})
    )
    starts = forms.ChoiceField(choices=list(MISSION_STARTS.items()), label=_("How it begins"))
    days = points_field(
        min_value=1, max_value=366, label=_("Days to finish"), help_text=_("From accepting it or joining on.")
    )
    repeats = forms.ChoiceField(choices=list(MISSION_REPEATS.items()), label=_("How often"))
    starts_on = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}), label=_("From")
    )
    ends_on = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}), label=_("To (inclusive)")
    )
    in_order = forms.BooleanField(required=False, label=_("One step after the other"))
    tiers = forms.TypedMultipleChoiceField(
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Tiers"),
        help_text=_("None ticked: everybody."),
    )
    points = points_field(label=_("Points"))
    batch_id = forms.ChoiceField(required=False, label=_("Coupon"))
    quota = points_field(
        min_value=1, max_value=10_000_000, label=_("Rewards in all"), help_text=_("Empty: no limit.")
    )
    wait_days = points_field(
        max_value=366,
        label=_("Reward … days after the last step"),
        help_text=_("Empty: when the purchases' own points can be spent."),
    )
    on_return = forms.ChoiceField(choices=list(MISSION_ON_RETURN.items()), label=_("When goods are returned"))
    reason = reason_field()

    def __init__(self, *args: Any, tiers: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tiers"].choices = list(tiers)  # type: ignore[attr-defined]

    def terms(self, steps: Sequence[dict[str, Any]]) -> dict[str, Any]:
        data = self.cleaned_data
        own = ("starts", "days", "repeats", "in_order", "tiers", "quota", "wait_days", "on_return")
        return (
            self.shared
            | {name: data[name] for name in own}
            | {name: data[name].isoformat() if data[name] else None for name in ("starts_on", "ends_on")}
            | {"steps": list(steps), "reward": self.reward()}
        )


def mission_initial(name: str, description: str, terms: MissionTerms, is_open: bool) -> dict[str, Any]:
    own = ("starts", "days", "repeats", "in_order", "tiers", "quota", "wait_days", "on_return", "starts_on")
    return (
        shared_initial(terms, is_open)
        | {field: getattr(terms, field) for field in (*own, "ends_on")}
        | {
            "name": name,
            "description": description,
            "points": terms.reward.points,
            "batch_id": str(terms.reward.batch_id or ""),
        }
    )


def steps_initial(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [
        {
            "kind": step.kind,
            "goal": Decimal(step.goal) / 100 if step.kind == "spend" else step.goal,
            "minimum_fen": step.minimum_fen if step.minimum_fen > 1 else None,
            "distinct": step.distinct,
            "places": [f"{level}:{one}" for level, field in PLACES.items() for one in getattr(step, field)],
        }
        for step in steps
    ]
