"""How a comment is to be read."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.components import service as words
from zhike.ui.console.once import OnceForm


class ReadingForm(OnceForm):
    sentiment = forms.ChoiceField(
        choices=[(code, name) for code, name in words.SENTIMENTS.items() if code],
        label=_("How content they are"),
        widget=forms.RadioSelect,
    )
    topics = forms.MultipleChoiceField(
        choices=list(words.TOPICS.items()),
        required=False,
        label=_("What it is about"),
        widget=forms.CheckboxSelectMultiple,
    )
