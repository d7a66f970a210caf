"""The founding, step by step; and the privacy policy, which goes on having new versions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.loyalty.operations import COLOURS, FirstTerms
from zhike.ui.components.consents import NEEDED, PURPOSES
from zhike.ui.console import labels
from zhike.ui.console.forms.organization import MallForm, code_field
from zhike.ui.console.forms.programme import FenField
from zhike.ui.console.once import OnceForm

POINTS_MAX = 1_000
CATEGORIES: dict[str, list[str]] = {
    NEEDED: ["phone", "name", "purchases"],
    "marketing": ["phone"],
    "personalisation": ["purchases"],
    "sharing": ["name", "phone", "purchases"],
}
"""Which data each purpose needs."""
DAYS_MAX = 36_500


def app_name_field() -> forms.CharField:
    return forms.CharField(
        max_length=40,
        label=_("Name of the member app"),
        help_text=_("Members read it over their card, and on the home screen of their phone."),
    )


class FoundGroupForm(OnceForm):
    name = forms.CharField(
        max_length=120,
        label=_("Name of the group"),
        help_text=_("The company that runs the malls. Messages to members are signed with it."),
    )
    code = code_field()
    app_name = app_name_field()


class GroupForm(forms.Form):
    name = forms.CharField(max_length=120, label=_("Name of the group"))
    app_name = app_name_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["app_name"].required = False


class FoundMallForm(MallForm, OnceForm):
    field_order = ["name", "code", "address", "time_zone", "once"]


class FoundProgrammeForm(OnceForm):
    name = forms.CharField(max_length=120, label=_("Name of the programme"))
    code = code_field()
    tier_name = forms.CharField(
        max_length=60,
        label=_("Lowest tier"),
        help_text=_("Everybody who joins begins here. Higher tiers are added later."),
    )
    tier_colour = forms.ChoiceField(
        choices=[(colour, labels.COLOURS.get(colour, colour)) for colour in COLOURS], label=_("Colour")
    )
    rule_name = forms.CharField(
        max_length=120,
        label=_("Name of the first earning rule"),
        help_text=_("Members read it where their points are explained."),
    )
    points = forms.IntegerField(min_value=0, max_value=POINTS_MAX, label=_("So many points"))
    per_fen = FenField(
        label=_("for every (yuan)"), help_text=_("From now on; earlier receipts earn nothing.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        drafted = {
            "code": "main",
            "tier_name": gettext("Basic card"),
            "tier_colour": COLOURS[0],
            "rule_name": gettext("Points for purchases"),
            "points": 1,
            "per_fen": 100,
        }
        super().__init__(*args, initial=drafted | kwargs.pop("initial", {}), **kwargs)

    def clean_per_fen(self) -> int:
        fen = int(self.cleaned_data["per_fen"])
        if not 1 <= fen <= 10**8:
            raise forms.ValidationError(_("This number is out of range."))
        return fen

    @property
    def terms(self) -> FirstTerms:
        names = ("tier_name", "tier_colour", "rule_name", "points", "per_fen")
        return FirstTerms(**{name: self.cleaned_data[name] for name in names})


class PolicyForm(OnceForm):
    """A version of what people agree to."""

    title = forms.CharField(max_length=120, label=_("Title"))
    version = forms.RegexField(
        r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z",
        max_length=40,
        label=_("Version"),
        help_text=_("Kept with every consent that is given under it."),
        error_messages={"invalid": _("Letters, digits, dots and dashes only.")},
    )
    text = forms.CharField(
        max_length=20_000,
        label=_("Text"),
        help_text=_("A draft only. Let a lawyer read it before anybody agrees to it."),
        widget=forms.Textarea(attrs={"rows": 12}),
    )
    membership_days = forms.IntegerField(
        min_value=1, max_value=DAYS_MAX, label=_("Days that data of the membership are kept")
    )
    purposes = forms.MultipleChoiceField(
        choices=[(purpose, PURPOSES[purpose][0]) for purpose in CATEGORIES if purpose != NEEDED],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Members are also asked for"),
        help_text=_("Each is a question of its own, and may be refused."),
    )
    other_days = forms.IntegerField(
        min_value=1, max_value=DAYS_MAX, label=_("Days that data for these are kept")
    )

    @property
    def terms(self) -> dict[str, dict[str, Any]]:
        chosen = [NEEDED, *self.cleaned_data["purposes"]]
        days = {NEEDED: self.cleaned_data["membership_days"]}
        return {
            purpose: {
                "categories": categories,
                "retention_days": days.get(purpose, self.cleaned_data["other_days"]),
            }
            for purpose, categories in CATEGORIES.items()
            if purpose in chosen
        }


def policy_draft(house: str, version: str) -> dict[str, Any]:
    """A first text to start from, in the reader's language."""
    return {
        "title": gettext("How we treat the personal data of our members"),
        "version": version,
        "text": gettext(
            "%(house)s processes your phone number, your name and your purchases to run your membership: to "
            "recognise you, to add up your points and to let you redeem them.\n\n"
            "Messages about offers need a consent of their own. You can withdraw it in the member app at any time; "
            "refusing it changes nothing about your membership.\n\n"
            "You may see, correct, copy and delete your data, and close your membership, in the member app or at the "
            "service desk.\n\n"
            "We keep your data as long as you are a member and as long after that as is written below, and pass them to "
            "nobody without your consent unless the law demands it."
        )
        % {"house": house},
        "membership_days": 1_825,
        "purposes": ["marketing"],
        "other_days": 730,
    }
