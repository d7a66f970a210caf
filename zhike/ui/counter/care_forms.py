"""What a sales associate fills in for members of their own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.components import care
from zhike.ui.counter.once import TokenForm

OPTIONAL = [("", _("No contact to write down"))]
DAYS = {1: _("Tomorrow"), 3: _("In 3 days"), 7: _("In a week")}


class SearchForm(forms.Form):
    """Not `FindForm`: a phone's own keyboard is wanted here, and no pad."""

    q = forms.CharField(
        label=_("End of the phone number, name, pinyin or card"),
        max_length=120,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "enterkeyhint": "search",
                "class": "btn-big",
            }
        ),
    )


class FinishForm(TokenForm):
    outcome = forms.ChoiceField(label=_("What came of it"), choices=list(care.OUTCOMES.items()))
    channel = forms.ChoiceField(
        label=_("How you were in touch"), choices=[*OPTIONAL, *care.CHANNELS.items()], required=False
    )
    began_by_member = forms.BooleanField(label=_("They came or called themselves"), required=False)
    note = forms.CharField(
        label=_("In a few words"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class SnoozeForm(TokenForm):
    days = forms.TypedChoiceField(coerce=int, choices=list(DAYS.items()), label=_("Put off until"))


class SkipForm(TokenForm):
    reason = forms.ChoiceField(choices=list(care.SKIPS.items()), label=_("Leave it be"))


class CallForm(TokenForm):
    """Nothing to fill in: the number is shown."""


class ContactForm(TokenForm):
    channel = forms.ChoiceField(label=_("How you were in touch"), choices=list(care.CHANNELS.items()))
    result = forms.ChoiceField(label=_("What came of it"), choices=list(care.RESULTS.items()))
    began_by_member = forms.BooleanField(label=_("They came or called themselves"), required=False)
    note = forms.CharField(
        label=_("In a few words"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class CareNoteForm(TokenForm):
    text = forms.CharField(
        label=_("What did you hear?"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Type it, or paste a transcript. Nothing about health, faith, family troubles or money."),
    )
    is_voice = forms.BooleanField(label=_("This is a transcript of speech"), required=False)


class DecideForm(TokenForm):
    is_right = forms.TypedChoiceField(coerce=lambda text: text == "yes", choices=[("yes", ""), ("no", "")])


class ReminderForm(TokenForm):
    text = forms.CharField(label=_("What for"), max_length=120)
    due_on = forms.DateField(label=_("On which day"), widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].widget.attrs["autocomplete"] = "off"
