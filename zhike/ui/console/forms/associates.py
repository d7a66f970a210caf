"""Who looks after members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console.forms.service import NumberChoice, optional
from zhike.ui.console.once import OnceForm


class HandOverForm(OnceForm):
    to_staff_id = NumberChoice(label=_("To whom"))
    reason = forms.CharField(max_length=200, label=_("Why"))

    def __init__(self, *args: Any, people: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to_staff_id"].required = True
        self.fields["to_staff_id"].choices = optional(people)  # type: ignore[attr-defined]


class AssignForm(OnceForm):
    staff_id = NumberChoice(label=_("Sales associate"))
    reason = forms.CharField(max_length=200, required=False, label=_("Why"))

    def __init__(self, *args: Any, people: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["staff_id"].choices = [("", _("Nobody")), *people]  # type: ignore[attr-defined]
