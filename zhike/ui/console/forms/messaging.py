"""Accounts with vendors of messages, wordings, and when and how often we write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.messaging.queries import CHANNELS, AccountView, PolicyView, TemplateView, gateway
from zhike.ui.console.message_labels import CHANNELS as CHANNEL_NAMES
from zhike.ui.console.message_labels import MESSAGE_KINDS

FIELD_PREFIX = "v_"


def add_vendor_fields(form: forms.BaseForm, fields: Sequence[Any], kept: Sequence[str]) -> None:
    """A field for each thing that a vendor must be told; ``kept`` are secrets that are there already."""
    for field in fields:
        is_kept = field.name in kept
        help_text = _("Kept. Leave it empty to keep it.") if field.is_secret and is_kept else field.help
        widget = (
            forms.PasswordInput(attrs={"autocomplete": "new-password"})
            if field.is_secret
            else forms.TextInput(attrs={"autocomplete": "off"})
        )
        form.fields[FIELD_PREFIX + field.name] = forms.CharField(
            max_length=500,
            required=field.is_required and not is_kept and not field.default,
            label=field.label,
            help_text=help_text,
            initial=field.default,
            widget=widget,
            strip=True,
        )


class AccountForm(forms.Form):
    """Name and price, and what this vendor must be told. A secret is asked for once and never shown."""

    name = forms.CharField(max_length=60, label=_("Designation"))
    price = forms.IntegerField(
        min_value=0,
        max_value=1_000_000,
        label=_("Price of a thousand parts, in fen"),
        help_text=_("4500 is 0.045 yuan a part."),
    )
    position = forms.IntegerField(
        min_value=0, max_value=99, initial=0, label=_("Order"), help_text=_("The lowest is tried first.")
    )
    is_active = forms.BooleanField(required=False, initial=True, label=_("In use"))

    def __init__(self, *args: Any, vendor: str, known: AccountView | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.vendor_fields = gateway(vendor).fields
        add_vendor_fields(self, self.vendor_fields, known.kept_secrets if known else ())

    @property
    def values(self) -> dict[str, str]:
        return {field.name: self.cleaned_data[FIELD_PREFIX + field.name] for field in self.vendor_fields}


class PolicyForm(forms.Form):
    """Hours, caps and budget; an empty budget is no limit, 0 is no cap."""

    quiet_from = forms.TimeField(
        label=_("No offers from"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    quiet_until = forms.TimeField(
        label=_("until"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    when_quiet = forms.ChoiceField(
        choices=[("postpone", _("Send them when it is over")), ("drop", _("Do not send them"))],
        label=_("Offers that fall into it"),
    )
    skips_holidays = forms.BooleanField(required=False, label=_("No offers on public holidays either"))
    total_per_day = forms.IntegerField(min_value=0, max_value=1_000, label=_("Offers to one person a day"))
    total_per_month = forms.IntegerField(
        min_value=0, max_value=1_000, label=_("Offers to one person in 30 days")
    )
    budget_yuan = forms.IntegerField(
        min_value=0,
        max_value=20_000_000,
        required=False,
        label=_("Budget of a month, in yuan"),
        help_text=_("When it is spent, no more offers that cost money go out. Empty: no limit."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for channel in CHANNELS:
            for span, words in (
                ("day", _("%(channel)s: offers a day")),
                ("month", _("%(channel)s: offers in 30 days")),
            ):
                self.fields[f"{channel}_{span}"] = forms.IntegerField(
                    min_value=0, max_value=1_000, label=words % {"channel": CHANNEL_NAMES[channel]}
                )

    @staticmethod
    def initial_of(known: PolicyView) -> dict[str, Any]:
        initial: dict[str, Any] = {
            name: getattr(known, name)
            for name in (
                "quiet_from", "quiet_until", "when_quiet", "skips_holidays", "total_per_day", "total_per_month",
            )
        }  # fmt: skip
        initial["budget_yuan"] = None if known.budget_fen is None else known.budget_fen // 100
        for channel in CHANNELS:
            initial[f"{channel}_day"] = known.channel_per_day.get(channel, 0)
            initial[f"{channel}_month"] = known.channel_per_month.get(channel, 0)
        return initial

    @property
    def changes(self) -> dict[str, Any]:
        data = dict(self.cleaned_data)
        budget = data.pop("budget_yuan")
        per_day = {channel: data.pop(f"{channel}_day") for channel in CHANNELS}
        per_month = {channel: data.pop(f"{channel}_month") for channel in CHANNELS}
        return data | {
            "budget_fen": None if budget is None else budget * 100,
            "channel_per_day": per_day,
            "channel_per_month": per_month,
        }


class TemplateForm(forms.Form):
    """What a kind of message is called and the order of its channels: the first is tried first."""

    name = forms.CharField(max_length=80, label=_("Designation"))
    code = forms.RegexField(
        r"\A[a-z][a-z0-9_]*\Z",
        max_length=60,
        label=_("Code"),
        help_text=_("Small letters, digits and underscores; programs name it by this."),
    )
    kind = forms.ChoiceField(
        choices=[(code, name) for code, name in MESSAGE_KINDS.items() if code != "code"],
        label=_("Kind"),
        help_text=_(
            "An offer needs consent and keeps caps and quiet hours. A service message is owed or asked for."
        ),
    )
    first = forms.ChoiceField(choices=list(CHANNEL_NAMES.items()), label=_("First channel"))
    second = forms.ChoiceField(choices=[("", "–"), *CHANNEL_NAMES.items()], required=False, label=_("then"))
    third = forms.ChoiceField(
        choices=[("", "–"), *CHANNEL_NAMES.items()], required=False, label=_("and then")
    )

    @property
    def fallback(self) -> list[str]:
        data = self.cleaned_data
        return list(dict.fromkeys(one for one in (data["first"], data["second"], data["third"]) if one))


class VersionForm(forms.Form):
    channel = forms.ChoiceField(label=_("Channel"))
    language = forms.ChoiceField(
        choices=[("zh-hans", "简体中文"), ("zh-hant", "繁體中文"), ("en", "English")], label=_("Language")
    )
    title = forms.CharField(
        max_length=120,
        required=False,
        label=_("Title"),
        help_text=_("For e-mail, notifications and the inbox."),
    )
    body = forms.CharField(
        max_length=2_000,
        label=_("Text"),
        help_text=_(
            "Write ${name} where a value goes. The signature is put in front of text messages by itself. "
            "For an official account write one line for each keyword of its template, such as thing1：${name}."
        ),
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    as_member = forms.CharField(
        max_length=40, required=False, label=_("As this member reads it"), help_text=_("A phone number.")
    )

    def __init__(self, *args: Any, template: TemplateView, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        channels = [(code, CHANNEL_NAMES[code]) for code in template.fallback]
        self.fields["channel"].choices = channels  # type: ignore[attr-defined]


class VendorNumberForm(forms.Form):
    vendor_code = forms.CharField(max_length=60, label=_("Number at the vendor"))
    state = forms.ChoiceField(
        choices=[("approved", _("Approved")), ("pending", _("Being looked at")), ("rejected", _("Rejected"))],
        label=_("What the vendor says"),
    )
    note = forms.CharField(max_length=200, required=False, label=_("Note"))


class TestForm(forms.Form):
    to = forms.CharField(
        max_length=254,
        label=_("To"),
        help_text=_(
            "Your own phone or e-mail address. For notifications and WeChat, the phone of a member who gets them."
        ),
    )
