"""What is typed in reviews of conversations, and what they are judged by."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.service import operations, queries
from zhike.ui.components import quality as words
from zhike.ui.components import service
from zhike.ui.console.forms.service import area
from zhike.ui.console.once import OnceForm

NEW_ITEMS = 3
_ROW_CLASSES = {
    "section": "select w-full",
    "text": "input w-full",
    "weight": "input w-full",
    "fatal": "checkbox checkbox-sm",
    "fact": "select w-full",
}


class ReviewForm(OnceForm):
    """One answer, one note and evidence for each item; ``decides``: it decides an appeal."""

    def __init__(
        self, *args: Any, items: Sequence[operations.QualityItem], decides: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.items = items
        self.decides = decides
        for one in items:
            answers = [pair for pair in words.ANSWERS.items() if not (one.fatal and pair[0] == "partly")]
            self.fields[f"answer_{one.code}"] = forms.ChoiceField(
                choices=answers, label=one.text, widget=forms.RadioSelect(attrs={"class": "radio radio-sm"})
            )
            self.fields[f"note_{one.code}"] = forms.CharField(required=False, max_length=300, label=_("Note"))
            self.fields[f"quote_{one.code}"] = forms.CharField(
                required=False, max_length=120, label=_("Evidence")
            )
        self.fields["comment"] = forms.CharField(
            required=False, max_length=600, label=_("Altogether"), widget=forms.Textarea(attrs={"rows": 3})
        )
        if decides:
            self.fields["decision"] = forms.CharField(
                max_length=600, label=_("Reason of the decision"), widget=forms.Textarea(attrs={"rows": 3})
            )

    def clean(self) -> dict[str, Any]:
        """Evidence is "7" or "7:3-12", several with spaces between."""
        super().clean()
        for one in self.items:
            name = f"quote_{one.code}"
            quotes = [operations.quote_of(part) for part in self.cleaned_data.get(name, "").split()]
            if None in quotes:
                self.add_error(name, _("Write numbers of messages, such as 3 or 3:5-12."))
        return self.cleaned_data

    def findings(self) -> operations.Findings:
        data = self.cleaned_data
        quotes = {
            one.code: [
                found for part in data[f"quote_{one.code}"].split() if (found := operations.quote_of(part))
            ]
            for one in self.items
        }
        return operations.Findings(
            answers={one.code: data[f"answer_{one.code}"] for one in self.items},
            notes={one.code: data[f"note_{one.code}"] for one in self.items},
            quotes={code: many for code, many in quotes.items() if many},
            comment=data["comment"],
        )


def review_initial(review: queries.ReviewView) -> dict[str, str]:
    """A review as it was written, to be written anew."""
    initial = {"comment": review.comment}
    for code, answer in review.answers.items():
        initial[f"answer_{code}"] = answer
        initial[f"note_{code}"] = review.notes.get(code, "")
        initial[f"quote_{code}"] = " ".join(
            f"{one.quote.number}:{one.quote.start}-{one.quote.end}"
            if one.quote.end
            else str(one.quote.number)
            for one in review.quotes.get(code, ())
        )
    return initial


class AppealForm(OnceForm):
    reason = forms.CharField(
        max_length=600, label=_("What you see otherwise"), widget=forms.Textarea(attrs={"rows": 5})
    )


class UpholdForm(OnceForm):
    decision = forms.CharField(
        max_length=600, label=_("Reason of the decision"), widget=forms.Textarea(attrs={"rows": 4})
    )


class AssignForm(OnceForm):
    reviewer = forms.TypedChoiceField(coerce=int, label=_("Reviewer"))

    def __init__(self, *args: Any, people: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reviewer"].choices = people  # type: ignore[attr-defined]


class CoachingForm(OnceForm):
    staff_id = forms.TypedChoiceField(coerce=int, label=_("With whom"))
    text = area(_("What was agreed"), rows=5)

    def __init__(self, *args: Any, people: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["staff_id"].choices = people  # type: ignore[attr-defined]
        self.fields["text"].max_length = 1_000  # type: ignore[attr-defined]


class PlanForm(OnceForm):
    percent = forms.IntegerField(
        min_value=0, max_value=100, label=_("Share of each agent's conversations, per cent")
    )
    at_least = forms.IntegerField(min_value=0, max_value=50, label=_("At least so many per agent and week"))
    double_percent = forms.IntegerField(min_value=0, max_value=100, label=_("Reviewed twice, per cent"))
    appeal_days = forms.IntegerField(min_value=1, max_value=30, label=_("Days for an appeal"))
    answer_within_s = forms.IntegerField(
        min_value=10, max_value=86_400, label=_("First answer within, seconds")
    )
    vip_rank = forms.IntegerField(
        min_value=1, max_value=100, label=_("High tier: from this place of the tiers on")
    )
    always = forms.MultipleChoiceField(
        required=False,
        choices=[pair for pair in words.REASONS.items() if pair[0] != "random"],
        label=_("Looked at in any case"),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, people: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people
        for pk, name in people:
            self.fields[f"quota_{pk}"] = forms.IntegerField(
                required=False,
                min_value=0,
                max_value=500,
                label=_("%(name)s: reviews a week") % {"name": name},
            )

    def plan(self) -> operations.QualityPlan:
        data = self.cleaned_data
        many = {pk: data.get(f"quota_{pk}") or 0 for pk, _name in self.people}
        names = ("percent", "at_least", "double_percent", "appeal_days", "answer_within_s", "vip_rank")
        return operations.QualityPlan(
            always=tuple(data["always"]),
            reviewers=tuple((pk, quota) for pk, quota in many.items() if quota),
            **{name: data[name] for name in names},
        )


class ChecklistForm(OnceForm):
    """A checklist with a row for each item and some empty ones; a row without words is left out."""

    code = forms.SlugField(max_length=40, label=_("Code"))
    name = forms.CharField(max_length=80, label=_("Name of the checklist"))
    skills = forms.MultipleChoiceField(
        required=False,
        choices=list(service.SKILLS.items()),
        label=_("For conversations about (none: everything else)"),
        widget=forms.CheckboxSelectMultiple,
    )
    is_open = forms.BooleanField(required=False, initial=True, label=_("In use"))

    def __init__(self, *args: Any, items: Sequence[operations.QualityItem] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = list(items)
        rows = int(self.data.get("rows", 0)) if str(self.data.get("rows", "")).isdecimal() else 0
        self.rows = min(rows, 60) or len(known) + NEW_ITEMS
        facts = [("", "–"), *words.FACTS.items()]
        for at in range(self.rows):
            one = known[at] if at < len(known) else None
            self._row(at, one, facts)

    def _row(self, at: int, one: operations.QualityItem | None, facts: list[tuple[Any, Any]]) -> None:
        self.fields[f"key_{at}"] = forms.SlugField(
            required=False,
            max_length=40,
            widget=forms.HiddenInput,
            initial=one.code if one else f"i{secrets.token_hex(4)}",
        )
        self.fields[f"section_{at}"] = forms.ChoiceField(
            required=False,
            choices=list(words.SECTIONS.items()),
            initial=one.section if one else "quality",
            label=_("Section"),
        )
        self.fields[f"text_{at}"] = forms.CharField(
            required=False, max_length=160, initial=one.text if one else "", label=_("What is looked at")
        )
        self.fields[f"weight_{at}"] = forms.IntegerField(
            required=False,
            min_value=1,
            max_value=queries.WEIGHT_MAX,
            initial=one.weight if one else 5,
            label=_("Weight"),
        )
        self.fields[f"fatal_{at}"] = forms.BooleanField(
            required=False, initial=one.fatal if one else False, label=_("Knock-out")
        )
        self.fields[f"fact_{at}"] = forms.ChoiceField(
            required=False, choices=facts, initial=one.fact if one else "", label=_("Fact beside it")
        )
        for name, css in _ROW_CLASSES.items():
            field = self.fields[f"{name}_{at}"]
            field.widget.attrs |= {"class": css, "aria-label": f"{at + 1}: {field.label}"}

    def item_rows(self) -> list[dict[str, Any]]:
        names = ("key", "section", "text", "weight", "fatal", "fact")
        rows: list[dict[str, Any]] = []
        for at in range(self.rows):
            fields: dict[str, Any] = {name: self[f"{name}_{at}"] for name in names}
            rows.append(fields | {"errors": [bad for one in fields.values() for bad in one.errors]})
        return rows

    def item_list(self) -> list[operations.QualityItem]:
        data = self.cleaned_data
        return [
            operations.QualityItem(
                data[f"key_{at}"] or f"i{at}",
                data[f"section_{at}"],
                " ".join(data[f"text_{at}"].split()),
                data[f"weight_{at}"] or 0,
                data[f"fatal_{at}"],
                data[f"fact_{at}"],
            )
            for at in range(self.rows)
            if data.get(f"text_{at}", "").strip()
        ]
