"""How one of us is told of alerts, and who is told in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console.forms.service import NumberChoice, optional
from zhike.ui.console.once import OnceForm

PLACES = 5


class ContactForm(OnceForm):
    channel = forms.ChoiceField(
        choices=[("sms", _("Text message")), ("email", _("E-mail"))], label=_("How to tell me")
    )
    address = forms.CharField(
        max_length=120,
        required=False,
        label=_("Phone or e-mail address"),
        help_text=_("Left empty, the one that is kept stays."),
    )
    quiet_from = forms.TimeField(
        required=False, label=_("Quiet from"), widget=forms.TimeInput(attrs={"type": "time"})
    )
    quiet_until = forms.TimeField(
        required=False,
        label=_("until"),
        widget=forms.TimeInput(attrs={"type": "time"}),
        help_text=_("Major and escalated matters come all the same."),
    )
    absent_days = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=60,
        label=_("Absent for so many days"),
        help_text=_("The next in the chain is told meanwhile. 0: back again."),
    )
    is_off = forms.BooleanField(required=False, label=_("No messages to me"))


class ChainForm(OnceForm):
    """People in order; nobody chosen means everybody with the role."""

    patience = forms.IntegerField(
        min_value=1, max_value=240, label=_("After so many minutes without a note, tell the next")
    )

    def __init__(self, *args: Any, people: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for place in range(PLACES):
            label = _("First") if place == 0 else _("Then")
            self.fields[f"person_{place}"] = NumberChoice(label=label)
            self.fields[f"person_{place}"].choices = optional(people)  # type: ignore[attr-defined]

    @property
    def staff_ids(self) -> list[int]:
        chosen = (self.cleaned_data.get(f"person_{place}") for place in range(PLACES))
        return [pk for pk in chosen if pk]
