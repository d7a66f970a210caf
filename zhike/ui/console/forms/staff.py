"""Accounts of staff, their roles, and API keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console.labels import PERMISSIONS, ROLES

PASSWORD_HELP = _("At least ten characters; a few words you remember are best.")
LANGUAGES = [
    ("", _("As the browser says")),
    ("zh-hans", "简体中文"),
    ("zh-hant", "繁體中文"),
    ("en", "English"),
]


def new_password_field(label: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(max_length=128, strip=False, label=label, widget=widget)


def current_password_field() -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})
    return forms.CharField(max_length=128, strip=False, label=_("Current password"), widget=widget)


class CurrentPasswordForm(forms.Form):
    """Proof that it is really them. It stands beside the form for a new password, so its ids differ."""

    current_password = current_password_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["auto_id"] = "id_off_%s"
        super().__init__(*args, **kwargs)


class PasswordForm(forms.Form):
    """A new password, typed twice. `password` is the name under which the operation reports faults."""

    password = new_password_field(_("New password"))
    again = new_password_field(_("The same once more"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = PASSWORD_HELP

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("password") and data.get("again") and data["password"] != data["again"]:
            self.add_error("again", _("The two passwords differ."))
        return data


class OwnPasswordForm(PasswordForm):
    """One's own new password, and the one that it replaces."""

    field_order = ("current_password", "password", "again")
    current_password = current_password_field()


class LanguageForm(forms.Form):
    language = forms.ChoiceField(choices=LANGUAGES, required=False, label=_("Language"))


class TotpForm(forms.Form):
    code = forms.CharField(
        max_length=10,
        label=_("Code"),
        help_text=_("Six digits from your authenticator app."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "pattern": "[0-9 ]*"}
        ),
    )

    def clean_code(self) -> str:
        return str(self.cleaned_data["code"]).replace(" ", "")


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=200, label=_("Reason"), help_text=_("It is kept in the audit trail."))


class NewStaffForm(forms.Form):
    name = forms.CharField(max_length=60, label=_("Name"))
    username = forms.RegexField(
        r"\A[A-Za-z0-9][A-Za-z0-9._@-]*\Z",
        max_length=60,
        label=_("User name"),
        error_messages={"invalid": _("Letters, digits, dots and dashes only.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    password = new_password_field(_("First password"))
    language = forms.ChoiceField(choices=LANGUAGES, required=False, label=_("Language"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = PASSWORD_HELP


Places = Sequence[tuple[str, str]]


class PlaceMixin(forms.Form):
    """A place as "level:id", such as "mall:3"; "all:0" is everywhere."""

    place = forms.ChoiceField(label=_("Where"))

    def __init__(self, *args: Any, places: Places, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = places  # type: ignore[attr-defined]

    @property
    def level_and_target(self) -> tuple[str, int]:
        level, _colon, target = self.cleaned_data["place"].partition(":")
        return level, int(target)


class GrantForm(PlaceMixin):
    role = forms.ChoiceField(choices=[("", "–"), *ROLES.items()], label=_("Role"))
    field_order = ("role", "place")


class ApiKeyForm(PlaceMixin):
    name = forms.CharField(
        max_length=80,
        label=_("Display name"),
        help_text=_("The program that will use it, such as “POS of floor 3”."),
    )
    scopes = forms.MultipleChoiceField(
        choices=list(PERMISSIONS.items()), widget=forms.CheckboxSelectMultiple, label=_("What it may do")
    )
    rate_per_minute = forms.IntegerField(
        min_value=1, max_value=1_000_000, initial=6000, label=_("Requests per minute at most")
    )
    field_order = ("name", "place", "rate_per_minute", "scopes")

    def __init__(self, *args: Any, held: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes = [(code, label) for code, label in PERMISSIONS.items() if code in held]
        self.fields["scopes"].choices = scopes  # type: ignore[attr-defined]
