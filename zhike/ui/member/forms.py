"""What members type. Forms check shape; whether it may be done is the operations' to say."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.utils.translation import gettext_lazy as _

from zhike.kernel.money import FEN_MAX, NotAnAmount, fen_from_text
from zhike.ui.components import service
from zhike.ui.components.consents import ConsentForm
from zhike.ui.member.once import TokenForm

SEXES = [("unknown", _("I would rather not say")), ("female", _("Female")), ("male", _("Male"))]
BIRTHDAY_CALENDARS = [("solar", _("the Gregorian calendar")), ("lunar", _("the Chinese calendar"))]
PICTURES = "image/jpeg,image/png,image/webp"
FIRST_BIRTHDAY = dt.date(1900, 1, 1)
_DIGITS = re.compile(r"[\s\-()]+")


class PhoneForm(forms.Form):
    phone = forms.CharField(
        label=_("Phone number"),
        max_length=24,
        widget=forms.TextInput(
            attrs={
                "type": "tel",
                "inputmode": "tel",
                "autocomplete": "tel",
                "class": "input-lg",
                "autofocus": True,
            }
        ),
    )

    def clean_phone(self) -> str:
        return _DIGITS.sub("", self.cleaned_data["phone"])


class QuietHoursForm(forms.Form):
    """On or off; both times when on."""

    is_on = forms.BooleanField(required=False, label=_("Keep my quiet hours"))
    quiet_from = forms.TimeField(
        required=False, label=_("From"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    quiet_until = forms.TimeField(
        required=False, label=_("until"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("is_on") and not (data.get("quiet_from") and data.get("quiet_until")):
            raise forms.ValidationError(_("Say from when until when."))
        return data

    @property
    def quiet(self) -> tuple[dt.time, dt.time] | None:
        data = self.cleaned_data
        return (data["quiet_from"], data["quiet_until"]) if data["is_on"] else None


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("One-time code"),
        validators=[RegexValidator(r"^[0-9]{4,8}$", _("The code has digits only."))],
        widget=forms.TextInput(
            attrs={
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
                "class": "input-lg tracking-widest",
                "autofocus": True,
                "maxlength": 8,
            }
        ),
    )


class PersonalForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    sex = forms.ChoiceField(label=_("Sex"), choices=SEXES, required=False, initial="unknown")
    birthday = forms.DateField(
        label=_("Birthday"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "bday"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )

    birthday_calendar = forms.ChoiceField(
        label=_("I celebrate it by"), choices=BIRTHDAY_CALENDARS, required=False, initial="solar",
        help_text=_("Give the date of birth by the Gregorian calendar; we find the day of the Chinese one."),
    )  # fmt: skip

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["birthday"].validators += [
            MinValueValidator(FIRST_BIRTHDAY),
            MaxValueValidator(today, _("A birthday lies in the past.")),
        ]

    def clean_sex(self) -> str:
        return self.cleaned_data["sex"] or "unknown"

    def clean_birthday_calendar(self) -> str:
        return self.cleaned_data["birthday_calendar"] or "solar"


class JoinForm(PersonalForm, ConsentForm):
    """Join: who one is, and what one agrees to."""


class ProfileForm(PersonalForm):
    occupation = forms.CharField(label=_("Occupation"), max_length=80, required=False)


class ClaimForm(forms.Form):
    """A receipt that was paid without showing the card."""

    merchant = forms.ChoiceField(label=_("Merchant"))
    number = forms.CharField(
        label=_("Receipt number"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off"}),
    )
    business_date = forms.DateField(
        label=_("Date on the receipt"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    amount = forms.CharField(
        label=_("Amount paid (yuan)"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, merchants: list[tuple[str, Any]], today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["merchant"].choices = merchants  # type: ignore[attr-defined]
        self.fields["business_date"].validators += [
            MaxValueValidator(today, _("This day has not come yet.")),
        ]

    def clean_merchant(self) -> int:
        return int(self.cleaned_data["merchant"])

    def clean_amount(self) -> int:
        return amount_fen(self.cleaned_data["amount"])


class PhotoForm(TokenForm, ClaimForm):
    """A photographed receipt: taken now, or one of the phone's pictures."""

    taken = forms.FileField(label=_("Take a photo"), required=False)
    chosen = forms.FileField(label=_("or choose a picture"), required=False)
    bought_at = forms.TimeField(
        label=_("Time on the receipt"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    till = forms.CharField(
        label=_("Till"),
        max_length=40,
        required=False,
        help_text=_("If the receipt names one."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not (data.get("taken") or data.get("chosen")):
            raise forms.ValidationError(_("Take a photo of the receipt, or choose one."))
        return data

    @property
    def picture(self) -> Any:
        return self.cleaned_data["taken"] or self.cleaned_data["chosen"]


class HelpForm(TokenForm):
    """What is the matter, where, and in one's own words."""

    type = forms.ChoiceField(label=_("What is it?"), choices=list(service.TYPES.items()))
    merchant = forms.ChoiceField(label=_("Where?"), required=False)
    text = forms.CharField(
        label=_("What happened?"),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("The more exactly, the sooner we can help."),
    )

    def __init__(self, *args: Any, merchants: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["merchant"].choices = [("", _("The mall itself")), *merchants]  # type: ignore[attr-defined]

    def clean_merchant(self) -> int | None:
        chosen = self.cleaned_data["merchant"]
        return int(chosen) if chosen else None


class SayForm(TokenForm):
    text = forms.CharField(label=_("Your answer"), max_length=4_000, widget=forms.Textarea(attrs={"rows": 3}))


def amount_fen(text: str) -> int:
    """Fen of what was typed, a positive amount of money."""
    try:
        fen = fen_from_text(text.replace(",", "").removeprefix("¥"))
    except NotAnAmount as problem:
        raise forms.ValidationError(problem.sentence, code=problem.code) from None
    if not 0 < fen <= FEN_MAX:
        raise forms.ValidationError(_("Enter an amount above zero."), code="not-positive")
    return fen


class CouponClaimForm(forms.Form):
    """One tap. The token makes two taps one claim."""

    batch = forms.IntegerField(min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)
    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class DrawForm(TokenForm):
    """One press draws once. The nonce is the phone's own part of the roll."""

    nonce = forms.CharField(
        max_length=64, required=False, widget=forms.HiddenInput(attrs={"x-data": "nonce"})
    )


class BidForm(TokenForm):
    """So many points for one unit of what is auctioned."""

    points = forms.IntegerField(
        label=_("My bid (points)"),
        min_value=1,
        max_value=100_000_000,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


class ExchangeForm(TokenForm):
    """So many of a reward, at the price of one that was shown."""

    quantity = forms.IntegerField(
        label=_("How many"),
        min_value=1,
        max_value=1_000,
        initial=1,
        widget=forms.NumberInput(
            attrs={"inputmode": "numeric", "class": "text-center", "x-ref": "input", "@change": "typed"}
        ),
    )
    expected = forms.IntegerField(min_value=1, widget=forms.HiddenInput)


class CorrectionForm(forms.Form):
    """Which detail is wrong, how it should read, and what shows it."""

    name = forms.CharField(label=_("Name should read"), max_length=80, required=False)
    birthday = forms.DateField(
        label=_("Birthday should read"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    address = forms.CharField(label=_("Address should read"), max_length=300, required=False)
    note = forms.CharField(
        label=_("What shows it?"),
        help_text=_("For example: bring your ID card to the service desk, or tell us when you registered."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["birthday"].validators += [MaxValueValidator(today, _("This day has not come yet."))]

    @property
    def changes(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("name", "birthday", "address")}


class CloseForm(forms.Form):
    understood = forms.BooleanField(label=_("I understand that this cannot be undone once it is done."))


class FoundForm(forms.Form):
    name = forms.CharField(label=_("What is it called?"), max_length=40)


class LimitsForm(forms.Form):
    """Points of the pool a member may spend; nothing entered is no limit."""

    day_limit = forms.IntegerField(label=_("Points a day"), min_value=0, max_value=10**9, required=False)
    month_limit = forms.IntegerField(label=_("Points a month"), min_value=0, max_value=10**9, required=False)


class InviteForm(LimitsForm):
    number = forms.CharField(
        label=_("Their membership number"),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    role = forms.ChoiceField(
        label=_("As"), choices=[("adult", _("an adult")), ("child", _("a child, within limits"))]
    )


class PutInForm(TokenForm):
    points = forms.IntegerField(
        label=_("Points to share"),
        min_value=1,
        max_value=10**9,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


class DisputeForm(forms.Form):
    text = forms.CharField(
        label=_("What is wrong?"), max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )


class GiftForm(TokenForm):
    """The gift of one step of a campaign, for the receipts of one basket."""

    campaign = forms.IntegerField(min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)
    step = forms.IntegerField(min_value=0, max_value=100, widget=forms.HiddenInput)
    basket = forms.DateField(widget=forms.HiddenInput)
