"""Who of us WeCom knows under which userid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console.forms.service import NumberChoice, optional
from zhike.ui.console.once import OnceForm


class BindForm(OnceForm):
    account_id = NumberChoice(label=_("Account"))
    staff_id = NumberChoice(label=_("Sales associate"))
    userid = forms.CharField(
        max_length=64, label=_("Userid at WeCom"), help_text=_("As the directory of WeCom has it.")
    )
    welcome = forms.CharField(
        max_length=600,
        required=False,
        label=_("Words of welcome"),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "Whoever adds them reads it first. ${house} is the name of the house. Empty: no welcome of ours."
        ),
    )

    def __init__(
        self,
        *args: Any,
        people: Sequence[tuple[str, str]],
        accounts: Sequence[tuple[int, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        choices = [(str(pk), name) for pk, name in accounts]
        self.fields["account_id"].required = self.fields["staff_id"].required = True
        self.fields["account_id"].choices = choices  # type: ignore[attr-defined]
        self.fields["staff_id"].choices = optional(people)  # type: ignore[attr-defined]
