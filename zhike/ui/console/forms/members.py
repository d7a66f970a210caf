"""What can be done to a member."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.organization.queries import MerchantRef
from zhike.ui.console.engagement_labels import BIRTHDAY_CALENDARS
from zhike.ui.console.labels import IDENTIFIERS, MEMBER_STATUSES, SEXES
from zhike.ui.console.once import OnceForm

REASON_HELP = _("It is kept in the audit trail.")
REVEAL_REASONS = [
    ("identity check", _("To check who is speaking")),
    ("complaint", _("To work on a complaint")),
    ("contact", _("To contact the member")),
    ("delivery", _("To deliver something")),
]
CARD_REASONS = [
    ("lost", _("Lost")),
    ("damaged", _("Damaged")),
    ("stolen", _("Stolen")),
    ("other", _("Other")),
]
RETIRE_REASONS = [
    ("given_up", _("Given up")),
    ("lost", _("Lost")),
    ("replaced", _("Replaced")),
    ("wrong", _("Entered wrongly")),
]


def reason_field() -> forms.CharField:
    return forms.CharField(max_length=200, label=_("Reason"), help_text=REASON_HELP)


class AdjustForm(OnceForm):
    points = forms.IntegerField(
        min_value=-10_000_000,
        max_value=10_000_000,
        label=_("Points"),
        help_text=_("Negative numbers take points away."),
        widget=forms.NumberInput(attrs={"autofocus": True}),
    )
    reason = reason_field()
    expires_on = forms.DateField(
        required=False,
        label=_("Last day they can be spent"),
        help_text=_("Empty: as the programme says."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def clean_points(self) -> int:
        points: int = self.cleaned_data["points"]
        if points == 0:
            raise forms.ValidationError(_("Zero points change nothing."))
        return points


class RedeemForm(OnceForm):
    points = forms.IntegerField(min_value=1, max_value=100_000_000, label=_("Points"))
    merchant_id = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label=_("At merchant"))
    reference = forms.CharField(
        max_length=80,
        required=False,
        label=_("Reference"),
        help_text=_("A receipt number, or what it was for."),
    )

    def __init__(self, *args: Any, merchants: Sequence[MerchantRef], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "–"), *((merchant.id, merchant.name) for merchant in merchants if merchant.is_open)]
        self.fields["merchant_id"].choices = choices  # type: ignore[attr-defined]


class ReverseForm(OnceForm):
    points = forms.IntegerField(min_value=1, label=_("Points to give back"))
    reason = reason_field()

    def __init__(self, *args: Any, left: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["points"].initial = left
        self.fields["points"].max_value = left  # type: ignore[attr-defined]
        self.fields["points"].widget.attrs["max"] = left


class ProfileForm(forms.Form):
    """What may be seen is filled in; birthday and address are masked on pages, so here empty means unchanged."""

    name = forms.CharField(max_length=80, label=_("Name"))
    sex = forms.ChoiceField(choices=list(SEXES.items()), label=_("Sex"))
    birthday = forms.DateField(
        required=False, label=_("Birthday"), widget=forms.DateInput(attrs={"type": "date"})
    )
    birthday_calendar = forms.ChoiceField(
        choices=list(BIRTHDAY_CALENDARS.items()), required=False, label=_("Celebrated by")
    )
    occupation = forms.CharField(max_length=80, required=False, label=_("Occupation"))
    address = forms.CharField(max_length=300, required=False, label=_("Address"))
    language = forms.ChoiceField(
        choices=[("", "–"), ("zh-hans", "简体中文"), ("zh-hant", "繁體中文"), ("en", "English")],
        required=False,
        label=_("Language"),
    )
    reason = forms.CharField(max_length=200, required=False, label=_("Reason"), help_text=REASON_HELP)

    def __init__(self, *args: Any, may_change_identity: bool, masked: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, shown in masked.items():
            if shown:
                self.fields[name].help_text = _("Now %(value)s; leave empty to keep it.") % {"value": shown}
        if not may_change_identity:
            del self.fields["name"], self.fields["birthday"], self.fields["birthday_calendar"]

    @property
    def changes(self) -> dict[str, Any]:
        """The fields to hand to the operation: those filled in, or emptied where the old value could be seen."""
        hidden = ("birthday", "birthday_calendar", "address")
        data = self.cleaned_data
        return {
            name: value for name, value in data.items() if name != "reason" and (name not in hidden or value)
        }


class WaiverForm(OnceForm):
    points = forms.IntegerField(min_value=1, label=_("Points"))
    reason = reason_field()


class StatusForm(forms.Form):
    reason = reason_field()


class CardForm(OnceForm):
    reason = forms.ChoiceField(
        choices=CARD_REASONS, label=_("Why a new card"), widget=forms.RadioSelect, initial="lost"
    )


class IdentifierForm(forms.Form):
    kind = forms.ChoiceField(
        choices=[(kind, label) for kind, label in IDENTIFIERS.items() if kind not in ("card", "account")],
        label=_("Kind"),
    )
    value = forms.CharField(
        max_length=120, label=_("Value"), widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    reason = forms.CharField(max_length=200, required=False, label=_("Reason"), help_text=REASON_HELP)


class RetireForm(forms.Form):
    reason = forms.ChoiceField(
        choices=RETIRE_REASONS, label=_("Why"), widget=forms.RadioSelect, initial="given_up"
    )


class RevealForm(forms.Form):
    reason = forms.ChoiceField(
        choices=REVEAL_REASONS,
        label=_("Why do you need it?"),
        widget=forms.RadioSelect,
        initial="identity check",
        help_text=_("Your name, the time and this reason are kept in the audit trail."),
    )


class IdsField(forms.Field):
    """Ids as they come from check boxes, at most a page of them."""

    widget = forms.MultipleHiddenInput
    default_error_messages = {"required": _("Tick some members first.")}
    MAX = 200

    def to_python(self, value: Any) -> list[int]:
        texts = [str(text) for text in value or []]
        if len(texts) > self.MAX or not all(
            text.isascii() and text.isdecimal() and len(text) < 18 for text in texts
        ):
            raise forms.ValidationError(_("This is not a selection from the list."))
        return sorted({int(text) for text in texts})


class BulkForm(forms.Form):
    """Members ticked in the list, and the status they get."""

    ids = IdsField()
    status = forms.ChoiceField(choices=list(MEMBER_STATUSES.items()), widget=forms.HiddenInput)
    reason = reason_field()
