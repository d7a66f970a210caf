"""The plan of a campaign as plain fields and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.marketing.operations import ArmPlan, Plan, Target
from zhike.marketing.queries import EXPLORE_BP, FUNDERS
from zhike.ui.console import marketing_labels as labels
from zhike.ui.console.forms.members import reason_field
from zhike.ui.console.forms.percent import percent_field
from zhike.ui.console.forms.programme import FenField
from zhike.ui.console.forms.promotions import moment_field
from zhike.ui.console.once import OnceForm
from zhike.ui.console.uplift_labels import TARGET_RULES

ARM_KEYS = ("A", "B", "C")
Choices = Sequence[tuple[str, Any]]


@dataclass(frozen=True)
class PlanChoices:
    """What may be chosen: places ("0" is the group), audiences ("" is everybody), wordings by code, batches by id,
    ``models`` of uplift by id; ``is_refused`` when there are models and none is better than chance."""

    places: Choices
    audiences: Choices
    templates: Choices
    batches: Choices
    models: Choices = ()
    is_refused: bool = False


class CampaignForm(OnceForm):
    name = forms.CharField(max_length=80, label=_("Campaign name"))
    place = forms.ChoiceField(label=_("Belongs to"))
    goal = forms.ChoiceField(choices=list(labels.CAMPAIGN_GOALS.items()), label=_("Goal"))
    theme = forms.CharField(
        max_length=500,
        required=False,
        label=_("What it is about"),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    segment = forms.ChoiceField(required=False, label=_("Audience"))
    rhythm = forms.ChoiceField(choices=list(labels.CAMPAIGN_RHYTHMS.items()), label=_("How often"))
    starts_at = moment_field(label=_("Begins"), help_text=_("Empty: at the launch. In the mall’s time."))
    ends_on = forms.DateField(
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        label=_("Last day"),
        help_text=_("Of a daily campaign."),
    )
    target_run = forms.ChoiceField(required=False, label=_("Uplift model"))
    target_rule = forms.ChoiceField(
        choices=list(TARGET_RULES.items()), required=False, label=_("Who of the audience")
    )
    target_share = percent_field(label=_("The best (%)"), help_text=_("Of the audience, by expected uplift."))
    target_cost = FenField(
        required=False,
        label=_("Cost of reaching one (yuan)"),
        help_text=_("Whoever is expected to bring more."),
    )
    target_explore = percent_field(
        label=_("Explore (%)"),
        help_text=_("So many are in whatever the model thinks, so that the next one can be learnt."),
    )
    holdout = percent_field(
        label=_("Holdout (%)"),
        help_text=_("They get nothing. Without them nobody knows what the campaign added."),
    )
    test = percent_field(
        label=_("Try on (%)"),
        help_text=_(
            "Less than 100: the groups are tried on a part of the audience first, the winner goes to the rest."
        ),
    )
    window_days = forms.IntegerField(
        min_value=1,
        max_value=90,
        label=_("Window (days)"),
        help_text=_("So long after the start receipts count."),
    )

    def __init__(self, *args: Any, choices: PlanChoices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer("place", choices.places)
        self._offer("segment", choices.audiences)
        self._offer("target_run", [("", _("none: everybody in the audience")), *choices.models])
        self.is_refused = choices.is_refused
        for payer in FUNDERS:
            self.fields[f"budget_{payer}"] = FenField(
                required=False, label=labels.CAMPAIGN_PAYERS[payer], help_text=_("Empty: no limit.")
            )
        for key in ARM_KEYS:
            self.fields[f"{key}_template"] = forms.ChoiceField(
                choices=[("", "–"), *choices.templates], required=key == ARM_KEYS[0], label=_("Wording")
            )
            self.fields[f"{key}_batch"] = forms.ChoiceField(
                choices=[("", _("none")), *choices.batches], required=False, label=_("Coupon")
            )
            self.fields[f"{key}_points"] = forms.IntegerField(
                min_value=0, max_value=100_000, required=False, label=_("Points")
            )
            self.fields[f"{key}_weight"] = forms.IntegerField(
                min_value=1, max_value=100, required=False, initial=1, label=_("Weight")
            )

    def _offer(self, name: str, choices: Choices) -> None:
        field: Any = self.fields[name]
        field.choices = list(choices)

    @property
    def arms(self) -> list[dict[str, Any]]:
        """The fields of each group, for the template."""
        names = ("template", "batch", "points", "weight")
        return [{"key": key, "fields": [self[f"{key}_{name}"] for name in names]} for key in ARM_KEYS]

    @property
    def budgets(self) -> list[Any]:
        return [self[f"budget_{payer}"] for payer in FUNDERS]

    def plan(self, zone: str, scenario: str = "") -> Plan:
        """The cleaned fields as a plan."""
        data = self.cleaned_data
        starts_at = data["starts_at"]
        return Plan(
            name=data["name"],
            goal=data["goal"],
            arms=tuple(self._arm(key) for key in ARM_KEYS if data[f"{key}_template"]),
            mall_id=int(data["place"]) or None,
            scenario=scenario,
            theme=data["theme"],
            segment=int(data["segment"]) if data["segment"] else None,
            holdout_bp=int((data["holdout"] or 0) * 100),
            test_bp=int((100 if data["test"] is None else data["test"]) * 100),
            window_days=data["window_days"],
            budget={
                payer: data[f"budget_{payer}"] for payer in FUNDERS if data[f"budget_{payer}"] is not None
            },
            rhythm=data["rhythm"],
            starts_at=starts_at.replace(tzinfo=ZoneInfo(zone)) if starts_at else None,
            ends_on=data["ends_on"] if data["rhythm"] == "daily" else None,
            target=self._target(),
        )

    def _target(self) -> Target | None:
        data = self.cleaned_data
        if not data["target_run"]:
            return None
        return Target(
            run=int(data["target_run"]),
            rule=data["target_rule"] or "top",
            share_bp=int((data["target_share"] or 0) * 100),
            cost_fen=data["target_cost"] or 0,
            explore_bp=int((data["target_explore"] or 0) * 100),
        )

    def _arm(self, key: str) -> ArmPlan:
        data = self.cleaned_data
        batch = data[f"{key}_batch"]
        return ArmPlan(
            key,
            data[f"{key}_template"],
            int(batch) if batch else None,
            data[f"{key}_points"] or 0,
            data[f"{key}_weight"] or 1,
        )


def initial_of(plan: Plan, zone: str) -> dict[str, Any]:
    """The form's fields for a plan."""
    initial: dict[str, Any] = {
        name: getattr(plan, name) for name in ("name", "goal", "theme", "rhythm", "ends_on", "window_days")
    }
    initial |= {
        "place": str(plan.mall_id or 0),
        "segment": "" if plan.segment is None else str(plan.segment),
        "holdout": plan.holdout_bp / 100,
        "test": plan.test_bp / 100,
        "starts_at": plan.starts_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        if plan.starts_at
        else None,
    }
    initial |= {f"budget_{payer}": (plan.budget or {}).get(payer) for payer in FUNDERS}
    target = plan.target
    initial |= {
        "target_run": str(target.run) if target else "",
        "target_rule": target.rule if target else "top",
        "target_share": target.share_bp / 100 if target else 30,
        "target_cost": target.cost_fen if target else None,
        "target_explore": target.explore_bp / 100 if target else EXPLORE_BP / 100,
    }
    for arm in plan.arms:
        initial |= {
            f"{arm.key}_template": arm.template,
            f"{arm.key}_batch": "" if arm.batch_id is None else str(arm.batch_id),
            f"{arm.key}_points": arm.points or None,
            f"{arm.key}_weight": arm.weight,
        }
    return initial


class WhyForm(OnceForm):
    reason = reason_field()


class BudgetForm(OnceForm):
    """More money for a campaign that stopped."""

    def __init__(self, *args: Any, budget: dict[str, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for payer, fen in budget.items():
            self.fields[payer] = FenField(label=labels.CAMPAIGN_PAYERS[payer], initial=fen)

    @property
    def budget(self) -> dict[str, int]:
        return {name: self.cleaned_data[name] for name in FUNDERS if name in self.fields}


class LessonsForm(OnceForm):
    lessons = forms.CharField(
        max_length=5_000, required=False, label=_("What we learnt"), widget=forms.Textarea(attrs={"rows": 5})
    )


class MeasuringForm(OnceForm):
    global_holdout = percent_field(
        label=_("Global holdout (%)"),
        help_text=_(
            "So many members get no campaign at all in a quarter; each quarter they are drawn anew. At most 20."
        ),
    )
    margin = percent_field(
        label=_("Margin (%)"),
        help_text=_(
            "What is left of a yuan of sales where neither the merchant nor its line of business has a rate. Empty: nobody knows."
        ),
    )
    withdrawn_max = percent_field(
        label=_("Consents taken back, at most (%)"),
        help_text=_(
            "Of those reached. A campaign stops by itself once more is certain; one early no does not stop it. Empty: never."
        ),
    )
    complained_max = percent_field(label=_("Complaints, at most (%)"), help_text=_("The same. Empty: never."))


class MarginForm(OnceForm):
    """What is left of a yuan of sales at a merchant or in a line of business."""

    subject = forms.ChoiceField(label=_("Line of business or merchant"))
    margin = percent_field(
        label=_("Margin (%)"), help_text=_("Empty: from that day on it has no rate of its own.")
    )
    valid_from = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), label=_("Holds from"))

    def __init__(self, *args: Any, subjects: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["subject"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = list(subjects)


class SizeForm(forms.Form):
    """How many people an experiment takes."""

    base = percent_field(label=_("Share that buys anyway (%)"))
    lift = percent_field(label=_("Lift to be seen (percentage points)"))
    holdout = percent_field(label=_("Holdout (%)"))
