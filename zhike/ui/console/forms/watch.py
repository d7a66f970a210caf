"""What is typed about watched words and alerts."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.components import watch as words
from zhike.ui.console.once import OnceForm


class WordsForm(OnceForm):
    terms = forms.CharField(
        max_length=8_000,
        label=_("Words, one a line"),
        help_text=_(
            "Spaces, signs, full width, pinyin and, from three characters on, the same sounds are seen through."
        ),
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    category = forms.ChoiceField(choices=list(words.CATEGORIES.items()), label=_("Category"))
    severity = forms.ChoiceField(choices=list(words.SEVERITIES.items()), label=_("How grave"))
    speaker = forms.ChoiceField(choices=list(words.SPEAKERS.items()), label=_("Whose words"))


class JudgeForm(OnceForm):
    verdict = forms.ChoiceField(
        choices=list(words.VERDICTS.items()), label=_("Your judgement"), widget=forms.RadioSelect
    )
    note = forms.CharField(max_length=300, required=False, label=_("Note"))
