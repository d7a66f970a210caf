"""Uploading a file of receipts and saying what its columns mean. Pure translation to and from a mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.intake.queries import FieldChoice
from zhike.ui.console.labels import TENDERS

ENCODINGS = ["auto", "utf-8", "gb18030", "utf-16", "big5", "cp1252", "latin-1"]
DELIMITERS = [("auto", _("Find out")), (",", ","), (";", ";"), ("\t", _("Tab")), ("|", "|")]
DATE_FORMATS = [
    ("auto", _("Year first, such as 2026-03-08 14:05")),
    ("%d/%m/%Y %H:%M", _("Day first, such as 08/03/2026 14:05")),
    ("%m/%d/%Y %H:%M", _("Month first, such as 03/08/2026 14:05")),
    ("%d/%m/%Y", _("Day first, without time")),
    ("%m/%d/%Y", _("Month first, without time")),
    ("%Y%m%d%H%M%S", _("Digits only, such as 20260308140500")),
    ("%Y%m%d", _("Digits only, the day")),
]


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV, TSV or Excel (.xlsx), also packed as .gz; UTF-8 or GBK."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.xml,.gz"}),
    )
    mall_id = forms.TypedChoiceField(coerce=int, label=_("Mall"))

    def __init__(self, *args: Any, malls: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mall_id"].choices = list(malls)  # type: ignore[attr-defined]


class BalancesForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "CSV or Excel with the columns phone or card number, points and, if known, their last day."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.gz"}),
    )
    batch = forms.CharField(
        max_length=30,
        label=_("Name of the move"),
        initial="opening",
        help_text=_("Under one name nothing comes in twice, so a corrected file can be sent again."),
    )


class MappingForm(forms.Form):
    """A column or a fixed value for each field, and how to read the rest."""

    encoding = forms.ChoiceField(
        choices=[(name, _("Find out") if name == "auto" else name) for name in ENCODINGS], label=_("Encoding")
    )
    delimiter = forms.ChoiceField(choices=DELIMITERS, label=_("Columns are separated by"))
    sheet = forms.ChoiceField(required=False, label=_("Sheet"))
    header = forms.BooleanField(required=False, label=_("The first row holds the headings"))
    time_format = forms.ChoiceField(label=_("Dates look like"))
    unit = forms.ChoiceField(
        choices=[("major", _("yuan, with decimals")), ("minor", _("fen, whole numbers"))],
        label=_("Amounts are in"),
    )
    decimal = forms.ChoiceField(
        choices=[(".", _("a point: 12.50")), (",", _("a comma: 12,50"))], label=_("Decimals stand after")
    )
    negative_quantity_is_return = forms.BooleanField(
        required=False, label=_("A negative quantity is a return")
    )
    negative_amount_is_return = forms.BooleanField(required=False, label=_("A negative amount is a return"))
    return_number_prefixes = forms.CharField(
        required=False,
        label=_("Returns have numbers that begin with"),
        help_text=_("Several, separated by commas."),
    )
    return_values = forms.CharField(
        required=False,
        label=_("Words that mean return"),
        help_text=_("In the column “sale or return”; separated by commas."),
    )
    unknown_members = forms.ChoiceField(
        label=_("A member we do not know"),
        choices=[
            ("create", _("is enrolled")),
            ("without", _("is left out; the receipt can be claimed later")),
            ("quarantine", _("sets the row aside")),
        ],
    )
    card_prefix = forms.CharField(
        required=False,
        max_length=20,
        label=_("Put before every card number"),
        help_text=_("So that numbers of another system do not clash with ours."),
    )
    unknown_merchants = forms.ChoiceField(
        label=_("A merchant we do not know"),
        choices=[("quarantine", _("sets the row aside")), ("create", _("is created"))],
    )
    duplicate_lines = forms.ChoiceField(
        label=_("Rows that agree in every cell"),
        choices=[("merge", _("are one row")), ("keep", _("are all kept"))],
    )
    zero_price = forms.ChoiceField(
        label=_("Lines that cost nothing"),
        choices=[("keep", _("are kept")), ("quarantine", _("are set aside"))],
    )
    unmatched_returns = forms.ChoiceField(
        label=_("Returns whose sale is not found"),
        choices=[("accept", _("are recorded")), ("quarantine", _("are set aside"))],
    )
    incomplete_receipts = forms.ChoiceField(
        label=_("When a row of a receipt cannot be used"),
        choices=[("hold", _("the whole receipt waits for it")), ("accept", _("the rest is recorded"))],
    )
    not_products = forms.CharField(
        required=False,
        label=_("Articles that are no goods"),
        help_text=_("Such as postage or fees; article numbers separated by commas."),
    )

    def __init__(
        self,
        *args: Any,
        columns: Sequence[str],
        sheets: Sequence[str],
        fields: Sequence[FieldChoice],
        mapping: Mapping[str, Any],
        **kwargs: Any,
    ) -> None:
        self.mapping = mapping
        self.field_choices = fields
        kwargs["initial"] = DEFAULTS | mapping_initial(mapping)
        super().__init__(*args, **kwargs)
        headings = [("", _("not in the file")), *((column, column) for column in columns)]
        for choice in fields:
            self.fields[f"column_{choice.name}"] = forms.ChoiceField(
                choices=headings, required=False, label=choice.label
            )
            if choice.has_default:
                self.fields[f"default_{choice.name}"] = self._default_field(choice)
        self.fields["sheet"].choices = [("", _("the first")), *((sheet, sheet) for sheet in sheets)]  # type: ignore[attr-defined]
        self.fields["time_format"].choices = self._date_formats()  # type: ignore[attr-defined]

    @staticmethod
    def _default_field(choice: FieldChoice) -> forms.Field:
        if choice.name == "tender":
            tenders = [("", "–"), *TENDERS.items()]
            return forms.ChoiceField(choices=tenders, required=False, label=choice.label)
        return forms.CharField(required=False, max_length=60, label=choice.label)

    def _date_formats(self) -> list[tuple[str, Any]]:
        kept = (self.mapping.get("time") or {}).get("format", "auto")
        known = [value for value, _label in DATE_FORMATS]
        return DATE_FORMATS if kept in known else [*DATE_FORMATS, (kept, kept)]

    @property
    def column_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "choice": choice,
                "column": self[f"column_{choice.name}"],
                "default": self[f"default_{choice.name}"] if choice.has_default else None,
            }
            for choice in self.field_choices
        ]

    @property
    def result(self) -> dict[str, Any]:
        """The mapping as entered; what the form does not show stays as it was."""
        data = self.cleaned_data
        made = {name: dict(part) if isinstance(part, dict) else part for name, part in self.mapping.items()}
        made["columns"] = {
            choice.name: data[f"column_{choice.name}"]
            for choice in self.field_choices
            if data[f"column_{choice.name}"]
        }
        made["defaults"] = {
            choice.name: data[f"default_{choice.name}"]
            for choice in self.field_choices
            if choice.has_default and data[f"default_{choice.name}"]
        }
        parts: dict[str, dict[str, Any]] = {
            "file": {name: data[name] for name in ("encoding", "delimiter", "sheet", "header")},
            "time": {"format": data["time_format"]},
            "amounts": {
                "unit": data["unit"],
                "decimal": data["decimal"],
                "thousands": "." if data["decimal"] == "," else ",",
            },
            "kind": {
                "negative_quantity_is_return": data["negative_quantity_is_return"],
                "negative_amount_is_return": data["negative_amount_is_return"],
                "return_number_prefixes": _words(data["return_number_prefixes"]),
                "return_values": _words(data["return_values"]),
            },
            "members": {"unknown": data["unknown_members"], "card_prefix": data["card_prefix"]},
            "cleaning": {
                **{name: data[name] for name in _CLEANING},
                "not_products": _words(data["not_products"]),
            },
        }
        for name, part in parts.items():
            made[name] = {**(made.get(name) or {}), **part}
        return made


# What a mapping that says nothing means.
DEFAULTS = {
    "encoding": "auto",
    "delimiter": "auto",
    "unit": "major",
    "decimal": ".",
    "unknown_merchants": "quarantine",
    "duplicate_lines": "merge",
    "zero_price": "keep",
    "unmatched_returns": "accept",
    "incomplete_receipts": "hold",
}
_CLEANING = ("unknown_merchants", "duplicate_lines", "zero_price", "unmatched_returns", "incomplete_receipts")


def mapping_initial(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping as the form shows it."""
    initial: dict[str, Any] = {
        f"column_{name}": column for name, column in (mapping.get("columns") or {}).items()
    }
    initial |= {f"default_{name}": value for name, value in (mapping.get("defaults") or {}).items()}
    initial |= mapping.get("file") or {}
    initial |= mapping.get("amounts") or {}
    initial |= mapping.get("cleaning") or {}
    kind, members = mapping.get("kind") or {}, mapping.get("members") or {}
    initial |= kind
    initial["time_format"] = (mapping.get("time") or {}).get("format", "auto")
    initial["unknown_members"] = members.get("unknown", "without")
    initial["card_prefix"] = members.get("card_prefix", "")
    for name in ("return_number_prefixes", "return_values", "not_products"):
        initial[name] = ", ".join(initial.get(name) or [])
    initial.setdefault("header", True)
    return initial


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.replace("，", ",").split(",") if word.strip()]


class MappingNameForm(forms.Form):
    name = forms.CharField(
        max_length=80, label=_("Display name"), help_text=_("The next file of this kind can use it.")
    )


class RowForm(forms.Form):
    """The cells of one row in quarantine."""

    def __init__(self, *args: Any, columns: Sequence[str], cells: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for at, column in enumerate(columns):
            value = cells[at] if at < len(cells) else ""
            self.fields[f"cell_{at}"] = forms.CharField(
                required=False, max_length=1000, strip=False, label=column, initial=value
            )

    @property
    def cells(self) -> list[str]:
        return [self.cleaned_data[name] for name in self.fields]
