"""What the time machine is asked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console import labels
from zhike.ui.console.forms.programme import FenField

WINDOWS = [
    ("30", _("the last 30 days")),
    ("90", _("the last 90 days")),
    ("365", _("the last year")),
    ("0", _("always")),
]


def window_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        choices=WINDOWS,
        initial="30",
        required=False,
        label=_("As if in force for"),
        help_text=_("Everything before stays as it was."),
    )


def days_of(text: str | None) -> int | None:
    """Days of a window; None for ever. What makes no sense is the shortest."""
    known = {value for value, _label in WINDOWS}
    days = int(text) if text in known else 30
    return days or None


class DraftForm(forms.Form):
    """Thresholds and expiry; left as they are, today's rules are replayed and must reproduce the ledger."""

    def __init__(self, *args: Any, programme: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.programme = programme
        for step in programme.ladder:
            self.fields[f"tier_{step.code}"] = FenField(
                label=step.name, initial=step.threshold_fen, disabled=step.threshold_fen == 0
            )
        kinds = [
            (kind, label)
            for kind, label in labels.EXPIRIES.items()
            if kind in ("rolling_months", "end_of_year", "never")
        ]
        self.fields["expiry"] = forms.ChoiceField(
            choices=[("", _("as it is")), *kinds], required=False, label=_("Points lapse")
        )
        self.fields["expiry_months"] = forms.IntegerField(
            min_value=1,
            max_value=120,
            required=False,
            label=_("after … months"),
            initial=programme.expiry_months,
        )
        self.fields["days"] = window_field()

    @property
    def tier_fields(self) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith("tier_")]

    @property
    def draft(self) -> dict[str, Any]:
        data = self.cleaned_data
        changed = {
            step.code: data[f"tier_{step.code}"]
            for step in self.programme.ladder
            if data[f"tier_{step.code}"] not in (None, step.threshold_fen)
        }
        made: dict[str, Any] = {"tiers": changed}
        if data["expiry"]:
            made |= {"expiry": data["expiry"], "expiry_months": data["expiry_months"] or 0}
        return made

    @property
    def days(self) -> int | None:
        return days_of(self.cleaned_data["days"])
