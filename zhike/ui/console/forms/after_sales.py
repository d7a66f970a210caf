"""What is typed about goods that come back: a step, the plan of a repair, the terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.service import operations
from zhike.ui.console.forms.programme import FenField
from zhike.ui.console.once import OnceForm

SAYS = {
    "refuse": _("Why it is refused; the member reads it"),
    "reject": _("Why the goods are not accepted; the member reads it"),
    "settle": _("What was given in exchange"),
}


def days(label: Any) -> forms.IntegerField:
    return forms.IntegerField(min_value=0, max_value=3_650, initial=0, label=label)


class StepForm(OnceForm):
    """The next step; ``note`` must be there where the member has to know why."""

    note = forms.CharField(max_length=500, required=False, label=_("Note to the member"))

    def __init__(self, *args: Any, act: str, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if act in ("agree", "decline") or (act == "settle" and kind == "return"):
            del self.fields["note"]
        elif act in SAYS:
            self.fields["note"].label = SAYS[act]
            self.fields["note"].required = True


class PlanForm(OnceForm):
    workshop = forms.CharField(max_length=80, label=_("Workshop"))
    promised_on = forms.DateField(
        label=_("Promised for"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    labour_fen = FenField(required=False, label=_("Labour (yuan)"))
    charge_fen = FenField(
        required=False, label=_("The member pays (yuan)"), help_text=_("Nothing within the warranty.")
    )
    note = forms.CharField(max_length=500, required=False, label=_("Note to the member"))


class PartForm(forms.Form):
    name = forms.CharField(max_length=80, label=pgettext_lazy("after-sales", "Part"))
    quantity = forms.IntegerField(min_value=1, max_value=1_000, initial=1, label=_("How many"))
    cost_fen = FenField(label=_("One costs (yuan)"))

    def part(self) -> operations.Part:
        data = self.cleaned_data
        return operations.Part(data["name"], data["quantity"], data["cost_fen"] or 0)


Parts = forms.formset_factory(PartForm, extra=0, can_delete=True, max_num=20)


def kept(formset: Any) -> list[Any]:
    """The forms of a set that are filled in and stay."""
    return [form for form in formset if form.cleaned_data and not form.cleaned_data.get("DELETE")]


class TermsHeadForm(forms.Form):
    at_once_fen = FenField(
        required=False,
        label=_("Approved at once up to (yuan)"),
        help_text=_("By what was paid for the goods; 0: somebody decides each time."),
    )
    photo_for_faults = forms.BooleanField(
        required=False, label=_("Members add a photo when something is faulty")
    )
    note = forms.CharField(max_length=200, required=False, label=_("What changes and why"))


class TermsRowForm(forms.Form):
    """Days from the day of purchase; 0 is never."""

    category = forms.ChoiceField(label=pgettext_lazy("after-sales", "Goods"))
    return_days = days(_("Return, no reason (days)"))
    exchange_days = days(_("Exchange, no reason (days)"))
    fault_return_days = days(_("Return, faulty (days)"))
    fault_exchange_days = days(_("Exchange, faulty (days)"))
    repair_days = days(_("Free repair (days)"))
    opened_ok = forms.BooleanField(required=False, label=_("Opened goods too"))

    def __init__(self, *args: Any, categories: Sequence[tuple[str, Any]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].choices = [("*", _("All other goods")), *categories]  # type: ignore[attr-defined]

    def row(self) -> operations.Terms:
        return operations.Terms(
            **{name: value for name, value in self.cleaned_data.items() if name != "DELETE"}
        )


class ExtensionForm(forms.Form):
    key = forms.ChoiceField(label=_("Tier or benefit"))
    extra_days = days(_("Days more, no reason"))
    opened_ok = forms.BooleanField(required=False, label=_("Opened goods too"))
    free_repair = forms.BooleanField(required=False, label=_("Repairs free after the warranty"))

    def __init__(self, *args: Any, keys: Sequence[tuple[str, Any]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].choices = keys  # type: ignore[attr-defined]

    def row(self) -> operations.Extension:
        return operations.Extension(
            **{name: value for name, value in self.cleaned_data.items() if name != "DELETE"}
        )


TermsRows = forms.formset_factory(TermsRowForm, extra=0, can_delete=True, min_num=1, max_num=60)
ExtensionRows = forms.formset_factory(ExtensionForm, extra=0, can_delete=True, max_num=60)
