"""Forms of the rights desk."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.components.rights_labels import RIGHTS_KINDS
from zhike.ui.console.labels import SEXES
from zhike.ui.console.once import OnceForm

ASKED_AT_DESK = ("access", "correction", "restriction", "erasure")


class AskForm(OnceForm):
    """What a person asks for at the desk, by letter or on the phone; the fields below only for a correction."""

    kind = forms.ChoiceField(
        label=_("What is asked for"), choices=[(kind, RIGHTS_KINDS[kind]) for kind in ASKED_AT_DESK]
    )
    note = forms.CharField(
        label=_("How they asked, and how you know that it is them"),
        help_text=_("Kept encrypted, and erased with the person."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    name = forms.CharField(label=_("Name should read"), max_length=80, required=False)
    sex = forms.ChoiceField(label=_("Sex should read"), choices=[("", "–"), *SEXES.items()], required=False)
    birthday = forms.DateField(
        label=_("Birthday should read"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    occupation = forms.CharField(label=_("Occupation should read"), max_length=80, required=False)
    address = forms.CharField(label=_("Address should read"), max_length=300, required=False)

    @property
    def changes(self) -> dict[str, Any]:
        return {
            name: self.cleaned_data[name] for name in ("name", "sex", "birthday", "occupation", "address")
        }


class ApproveForm(OnceForm):
    note = forms.CharField(
        label=_("What you looked at"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class RefuseForm(OnceForm):
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("The person is told; the law gives them the right to know."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class RetentionForm(OnceForm):
    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=36_500)
    note = forms.CharField(label=_("Why"), max_length=200, required=False)


class ReportForm(OnceForm):
    """The days a compliance report is about, the last one included."""

    first = forms.DateField(
        label=_("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last = forms.DateField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
