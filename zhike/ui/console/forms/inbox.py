"""What is typed in the inbox: hand-over, snooze, ticket, seats and phrases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.components import service as words
from zhike.ui.console.forms.service import NumberChoice, area, optional
from zhike.ui.console.once import OnceForm

HOURS = 3600


class TransferForm(OnceForm):
    staff_id = NumberChoice(label=_("To whom"))
    skill = forms.ChoiceField(
        choices=optional(list(words.SKILLS.items())),
        required=False,
        label=_("Or into the queue, for whoever knows about"),
    )
    note = area(_("What they should know"), required=False, rows=3)

    def __init__(self, *args: Any, staff: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["staff_id"].choices = [("", _("Back into the queue")), *staff]  # type: ignore[attr-defined]


class SnoozeForm(OnceForm):
    seconds = forms.TypedChoiceField(
        coerce=int,
        choices=[
            (HOURS // 2, _("Half an hour")),
            (HOURS, _("One hour")),
            (3 * HOURS, _("Three hours")),
            (24 * HOURS, _("One day")),
            (72 * HOURS, _("Three days")),
            (7 * 24 * HOURS, _("One week")),
        ],
        initial=HOURS,
        label=_("For how long"),
        help_text=_("It comes back sooner if the member writes."),
    )

    def until(self, now: dt.datetime) -> dt.datetime:
        return now + dt.timedelta(seconds=self.cleaned_data["seconds"])


class ChatTicketForm(OnceForm):
    type = forms.ChoiceField(choices=list(words.TYPES.items()), label=_("Kind of matter"))
    severity = forms.ChoiceField(choices=list(words.SEVERITIES.items()), label=_("How grave"))
    merchant_id = NumberChoice(label=_("Merchant"))
    text = area(_("What it is about"), rows=6)
    close = forms.BooleanField(required=False, initial=True, label=_("And end the conversation"))

    def __init__(self, *args: Any, merchants: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["merchant_id"].choices = optional(merchants)  # type: ignore[attr-defined]


class SeatForm(OnceForm):
    skills = forms.MultipleChoiceField(
        choices=list(words.SKILLS.items()),
        required=False,
        label=_("Knows about"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Nothing ticked: everything."),
    )
    places = forms.IntegerField(min_value=1, max_value=50, label=_("Conversations at a time"))


class PhraseForm(OnceForm):
    code = forms.CharField(max_length=40, label=_("Short code"))
    title = forms.CharField(max_length=80, label=_("Title"))
    text = area(
        _("Text"),
        rows=4,
        help_text=_("Gaps: {member} {agent} {mall} {tier} {points} {hours}"),
    )


class ArticleForm(OnceForm):
    code = forms.CharField(
        max_length=40,
        label=_("Code"),
        help_text=_("Small letters, digits and underscores; the assistant finds it by this."),
    )
    skill = forms.ChoiceField(choices=list(words.SKILLS.items()), label=_("Subject"))
    title = forms.CharField(max_length=120, label=_("Title"))
    body = area(_("Text"), rows=8)
    questions = area(_("Other ways to ask, one a line"), required=False, rows=4)
    for_members = forms.BooleanField(required=False, label=_("Members may read it"))


class TeachForm(OnceForm):
    intent = forms.ChoiceField(required=False, label=_("It meant"))
    text = forms.CharField(
        max_length=200,
        required=False,
        label=_("Words to learn"),
        help_text=_("Take out names, numbers and whatever concerns one member only."),
    )

    def __init__(self, *args: Any, intents: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["intent"].choices = [("", _("Nothing to learn")), *intents]  # type: ignore[attr-defined]
