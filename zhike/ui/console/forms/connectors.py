"""Connectors and the credentials of tills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.intake.operations import tender_table


class TillConnectorForm(forms.Form):
    name = forms.CharField(max_length=60, label=_("Display name"), initial=_("Uploads of merchants' tills"))
    mall_id = forms.TypedChoiceField(coerce=int, label=_("Mall"))

    def __init__(self, *args: Any, malls: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mall_id"].choices = list(malls)  # type: ignore[attr-defined]


class TillSettingsForm(forms.Form):
    """What uploads are judged by."""

    name = forms.CharField(max_length=60, label=_("Display name"))
    mall_number = forms.CharField(
        max_length=6,
        required=False,
        label=_("Mall number"),
        help_text=_("As the tills have it. The mall's code is understood as well."),
    )
    tenders = forms.CharField(
        max_length=2000,
        label=_("Codes of payment"),
        help_text=_(
            "One a line, such as “WX = wechat”. Kinds: cash, wechat, alipay, card, stored_value, voucher, points, other."
        ),
        widget=forms.Textarea(attrs={"rows": 7, "class": "font-mono text-sm", "spellcheck": "false"}),
    )
    unknown_member = forms.ChoiceField(
        choices=[
            ("without", _("Record the receipt without a member; it can be claimed later")),
            ("quarantine", _("Set the receipt aside")),
        ],
        label=_("When the till names a member nobody knows"),
    )
    is_on = forms.BooleanField(
        required=False, label=_("Switched on"), help_text=_("Switched off, every till is turned away.")
    )

    def clean_tenders(self) -> dict[str, str]:
        try:
            return tender_table(str(self.cleaned_data["tenders"]))
        except ValueError as error:
            raise forms.ValidationError(
                _("This line cannot be read: %(line)s"), params={"line": str(error)}
            ) from error


class TillsForm(forms.Form):
    tills = forms.CharField(
        max_length=400,
        required=False,
        label=_("Numbers of its tills"),
        help_text=_("Separated by commas, such as 01, 02. Left empty, any number will do."),
    )

    def clean_tills(self) -> list[str]:
        text = str(self.cleaned_data["tills"])
        return [one.strip() for one in text.replace("，", ",").split(",") if one.strip()]


class CredentialForm(TillsForm):
    merchant_id = forms.TypedChoiceField(coerce=int, label=_("Merchant"))
    field_order = ("merchant_id", "tills")

    def __init__(self, *args: Any, merchants: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["merchant_id"].choices = list(merchants)  # type: ignore[attr-defined]


class NewPasswordForm(forms.Form):
    overlap_hours = forms.IntegerField(
        min_value=0,
        max_value=720,
        initial=72,
        label=_("Hours the present password works on"),
        help_text=_("So that no till falls silent until its shop has entered the new one."),
    )


class FetchingForm(forms.Form):
    """What every connector that fetches has."""

    name = forms.CharField(max_length=60, label=_("Display name"))
    every_minutes = forms.IntegerField(
        min_value=1, max_value=10_080, initial=60, label=_("Every how many minutes")
    )


class FetchingSettingsForm(FetchingForm):
    is_on = forms.BooleanField(
        required=False, label=_("Switched on"), help_text=_("Switched off, nothing is fetched.")
    )


class _NewFetchingForm(FetchingForm):
    mall_id = forms.TypedChoiceField(coerce=int, label=_("Mall"))
    mapping_id = forms.TypedChoiceField(
        coerce=int,
        empty_value=None,
        required=False,
        label=_("Mapping"),
        help_text=_("One that was kept under a name. Without one the headings must speak for themselves."),
    )

    def __init__(
        self, *args: Any, malls: Sequence[tuple[int, str]], mappings: Sequence[tuple[int, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mall_id"].choices = list(malls)  # type: ignore[attr-defined]
        self.fields["mapping_id"].choices = [("", _("From the headings")), *mappings]  # type: ignore[attr-defined]


class FolderForm(_NewFetchingForm):
    folder = forms.CharField(
        max_length=200, label=_("Folder"), help_text=_("Below the inbox of this server, such as “pos/daily”.")
    )
    field_order = ("name", "mall_id", "folder", "mapping_id", "every_minutes")


class DatabaseForm(_NewFetchingForm):
    url = forms.CharField(
        max_length=500,
        label=_("Address of the database"),
        help_text=_(
            "Such as postgresql+psycopg://user:password@host/database. Kept encrypted and never shown again."
        ),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    query = forms.CharField(
        max_length=10_000,
        label=_("Query"),
        help_text=_("One SELECT with a row for each line of a receipt. Use a log-in that may only read."),
        widget=forms.Textarea(attrs={"rows": 6, "class": "font-mono text-sm", "spellcheck": "false"}),
    )
    watermark_column = forms.CharField(
        max_length=63,
        label=_("Column that only grows"),
        help_text=_("A number or a time of the receipt. Next time only rows from there on are read."),
    )
    field_order = ("name", "mall_id", "url", "query", "watermark_column", "mapping_id", "every_minutes")


def tender_lines(tenders: Mapping[str, str]) -> str:
    return "\n".join(f"{code} = {kind}" for code, kind in sorted(tenders.items()))
