"""What people are asked to agree to when they join, the same question at the counter and on their own phone.

Nothing is ticked beforehand; what stays unticked is recorded as refused. Only membership itself is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

NEEDED = "membership"
GRANTED, REFUSED = "granted", "refused"

PURPOSES = {
    "membership": (
        _("Membership"),
        _("Keep my name, phone number and purchases to run my membership card and points."),
    ),
    "marketing": (_("News and offers"), _("Send me offers and invitations. Choose how we may reach you.")),
    "personalisation": (
        _("Personal recommendations"),
        _("Use my purchases to choose offers and services that suit me."),
    ),
    "sharing": (
        _("Sharing with merchants"),
        _("Let merchants in the mall see that I am their customer, for service after the sale."),
    ),
}
CHANNELS = {
    "any": _("I agree"),
    "sms": _("Text message"),
    "wechat": _("WeChat"),
    "phone": _("Phone call"),
    "email": _("E-mail"),
    "push": _("App notification"),
}
MARKETING_CHANNELS = ("sms", "wechat", "phone", "email", "push")


@dataclass(frozen=True, slots=True)
class Question:
    purpose: str
    channel: str

    @property
    def name(self) -> str:
        return f"consent-{self.purpose}-{self.channel}"

    @property
    def is_needed(self) -> bool:
        return self.purpose == NEEDED


def questions(terms: Mapping[str, Any]) -> list[Question]:
    """The questions for the purposes that the policy in force speaks of."""
    asked = [NEEDED, *(purpose for purpose in PURPOSES if purpose in terms and purpose != NEEDED)]
    return [Question(purpose, channel) for purpose in asked for channel in channels_of(purpose)]


def channels_of(purpose: str) -> tuple[str, ...]:
    return MARKETING_CHANNELS if purpose == "marketing" else ("any",)


class ConsentForm(forms.Form):
    """One tick box per purpose and channel. `terms` are those of the policy in force."""

    def __init__(self, *args: Any, terms: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions = questions(terms)
        for question in self.questions:
            self.fields[question.name] = forms.BooleanField(
                label=CHANNELS[question.channel],
                required=question.is_needed,
                widget=forms.CheckboxInput(attrs={"class": "checkbox checkbox-primary"}),
                error_messages={"required": _("Without this there can be no membership.")},
            )

    @property
    def consent_groups(self) -> Iterator[tuple[str, Any, Any, list[forms.BoundField]]]:
        """(purpose, heading, sentence, tick boxes), for the template."""
        for purpose, (heading, sentence) in PURPOSES.items():
            boxes = [self[question.name] for question in self.questions if question.purpose == purpose]
            if boxes:
                yield purpose, heading, sentence, boxes

    @property
    def decisions(self) -> list[tuple[str, str, str]]:
        """(purpose, channel, granted or refused), for every question that was asked."""
        return [
            (question.purpose, question.channel, GRANTED if self.cleaned_data.get(question.name) else REFUSED)
            for question in self.questions
        ]


def asked_for(purpose: str, channel: str) -> str:
    """A record's purpose and channel in words: News and offers · Text message."""
    name = str(PURPOSES[purpose][0]) if purpose in PURPOSES else purpose
    return name if channel == "any" else f"{name} · {CHANNELS.get(channel, channel)}"
