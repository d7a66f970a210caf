"""Forms of oversight."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.risk import queries
from zhike.ui.console.once import OnceForm


def _reason(label: Any = None, most: int = 300) -> forms.CharField:
    return forms.CharField(
        label=label or _("Reason"), max_length=most, widget=forms.Textarea(attrs={"rows": 3})
    )


class DecideForm(OnceForm):
    reason = _reason(_("What you found"))


class DismissForm(DecideForm):
    exempt_until = forms.DateField(
        label=_("Do not tell of this subject until"),
        help_text=_("Empty: new evidence raises a new alert."),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


class FreezeForm(OnceForm):
    member = forms.TypedChoiceField(label=_("Whose points"), coerce=int)
    stops_earning = forms.BooleanField(
        label=_("No points for purchases either"),
        help_text=_("Otherwise what is earned meanwhile waits with the rest."),
        required=False,
    )
    reason = _reason()

    def __init__(self, *args: Any, concerned: tuple[queries.Concerned, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(one.member_id, one.name) for one in concerned if not one.is_frozen]
        self.fields["member"].choices = choices  # type: ignore[attr-defined]


class ItemsForm(OnceForm):
    """What was ticked on the page travels along."""

    items = forms.CharField(widget=forms.HiddenInput, max_length=20_000)
    reason = _reason()

    @property
    def chosen(self) -> list[str]:
        return [one for one in self.cleaned_data["items"].split(",") if one]


class UndoForm(OnceForm):
    reason = _reason(_("Why it is undone"))


class ObjectForm(OnceForm):
    text = _reason(_("What the member says"), 1000)


class AnswerForm(OnceForm):
    upheld = forms.ChoiceField(
        label=_("The member is"),
        choices=[("yes", _("right: the measure is undone")), ("no", _("wrong: the measure stays"))],
    )
    answer = _reason(_("Answer, the member reads it"), 1000)


class DetectorForm(OnceForm):
    """A detector's numbers, made from its parameters."""

    is_on = forms.BooleanField(label=_("In use"), required=False)
    note = forms.CharField(label=_("Why it changes"), max_length=300, required=False)
    replaces = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, detector: queries.DetectorView, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = [one.name for one in detector.params]
        self.fields["is_on"].initial = detector.is_on
        self.fields["replaces"].initial = detector.version
        for one in detector.params:
            self.fields[f"p_{one.name}"] = forms.IntegerField(
                label=one.label, initial=one.value, min_value=one.param.least, max_value=one.param.most
            )

    @property
    def number_fields(self) -> list[forms.BoundField]:
        return [self[f"p_{name}"] for name in self.names]

    @property
    def params(self) -> dict[str, int]:
        return {name: self.cleaned_data[f"p_{name}"] for name in self.names}


class LimitForm(OnceForm):
    points = forms.IntegerField(
        label=_("Points one person may withdraw alone"), min_value=0, max_value=100_000_000
    )
