"""The redemption rates as a form: a price, lines that say otherwise, limits; and back. Pure translation."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.loyalty.queries import RateTable
from zhike.ui.console.forms.percent import HUNDRED, percent_field
from zhike.ui.console.forms.programme import FenField, PublishForm
from zhike.ui.console.forms.rules import WEEKDAYS

Choices = Sequence[tuple[Any, Any]]
_DAY = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
BP = 100


class RatesForm(forms.Form):
    """The table's own price and how much may be spent at once."""

    points = forms.IntegerField(min_value=1, max_value=1_000_000, label=_("So many points"))
    fen = FenField(label=_("are worth (yuan)"))
    step = forms.IntegerField(min_value=1, max_value=1_000_000, label=_("Redeemed in steps of"))
    minimum = forms.IntegerField(min_value=1, max_value=100_000_000, label=_("At least"))
    maximum = forms.IntegerField(min_value=1, max_value=100_000_000, label=_("At most"))
    share = percent_field(label=_("Part of a bill that points may pay (%)"))

    def clean_fen(self) -> int:
        fen: int = self.cleaned_data["fen"]
        if fen < 1:
            raise forms.ValidationError(_("Points must be worth something."))
        return fen


class RatesPublishForm(PublishForm):
    keeps = forms.BooleanField(
        required=False,
        label=_("Points given before keep what they were worth"),
        help_text=_("Counts when this makes points worth less anywhere."),
    )


class RateRow(forms.Form):
    """One line: where it holds, and a price or a premium."""

    name = forms.CharField(max_length=60, required=False, label=_("Display name"))
    yuan = FenField(required=False, label=_("The points above are worth (yuan)"))
    premium = forms.DecimalField(
        min_value=-90,
        max_value=1_000,
        decimal_places=2,
        required=False,
        label=_("or a premium (%)"),
        widget=forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal", "placeholder": "20"}),
    )
    dates = forms.CharField(
        required=False,
        max_length=2_000,
        label=_("Dates"),
        help_text=_("One period a line: 2027-10-01 2027-10-07. Empty: always."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    weekdays = forms.TypedMultipleChoiceField(
        coerce=int, choices=WEEKDAYS, required=False, widget=forms.CheckboxSelectMultiple, label=_("Weekdays")
    )
    tiers = forms.TypedMultipleChoiceField(
        coerce=int, required=False, widget=forms.CheckboxSelectMultiple, label=_("Tiers")
    )
    trade_categories = forms.TypedMultipleChoiceField(
        coerce=int, required=False, widget=forms.CheckboxSelectMultiple, label=_("Trade categories")
    )

    def __init__(
        self, *args: Any, tiers: Choices = (), trade_categories: Choices = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tiers"].choices = tiers  # type: ignore[attr-defined]
        self.fields["trade_categories"].choices = trade_categories  # type: ignore[attr-defined]

    def clean_dates(self) -> list[dict[str, str]]:
        found = []
        for line in self.cleaned_data["dates"].replace(",", "\n").replace("，", "\n").splitlines():
            if not line.strip():
                continue
            try:
                days = [dt.date(*map(int, day.split("-"))) for day in _DAY.findall(line)]
            except ValueError:
                days = []
            if not 1 <= len(days) <= 2 or days[0] > days[-1]:
                raise forms.ValidationError(_("A period is one day or two: the first and the last."))
            found.append({"from": days[0].isoformat(), "to": days[-1].isoformat()})
        return found

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("DELETE"):
            return data
        given = [name for name in ("yuan", "premium") if data.get(name) is not None]
        if len(given) != 1 and "yuan" not in self.errors and "premium" not in self.errors:
            self.add_error("yuan", _("Give a price or a premium, not both."))
        if data.get("yuan") == 0:
            self.add_error("yuan", _("Points must be worth something."))
        return data


class RatesEditor:
    """The whole editor: the table's own price, its lines, and when it begins."""

    def __init__(
        self,
        data: Any,
        table: RateTable,
        *,
        tiers: Choices,
        trade_categories: Choices,
    ) -> None:
        initial = {
            "points": table.points,
            "fen": table.fen,
            "step": table.step,
            "minimum": table.minimum,
            "maximum": table.maximum,
            "share": Decimal(table.share_bp) / BP,
        }
        self.form = RatesForm(data, initial=initial)
        factory: Any = forms.formset_factory(RateRow, extra=0, can_delete=True, max_num=60, validate_max=True)
        self.rows = factory(
            data,
            prefix="lines",
            initial=[_initial(line, table.points) for line in table.lines],
            form_kwargs={"tiers": tiers, "trade_categories": trade_categories},
        )
        self.publish = RatesPublishForm(data, is_new=False)

    def is_valid(self) -> bool:
        return all([self.form.is_valid(), self.rows.is_valid(), self.publish.is_valid()])

    @property
    def definition(self) -> dict[str, Any]:
        """The table's JSON."""
        data = self.form.cleaned_data
        share = data["share"]
        rows = [
            row.cleaned_data
            for row in self.rows.forms
            if row.cleaned_data and not row.cleaned_data.get("DELETE")
        ]
        return {
            "points": data["points"],
            "fen": data["fen"],
            "lines": [_line(row, data["points"]) for row in rows],
            "step": data["step"],
            "minimum": data["minimum"],
            "maximum": data["maximum"],
            "share_bp": int((HUNDRED if share is None else share) * BP),
        }


def _line(row: dict[str, Any], points: int) -> dict[str, Any]:
    worth = (
        {"points": points, "fen": row["yuan"]}
        if row["premium"] is None
        else {"premium_bp": int(row["premium"] * BP)}
    )
    named = {name: row[name] for name in ("dates", "weekdays", "tiers", "trade_categories")}
    return {"name": row["name"].strip(), **worth, **named}


def _initial(line: Any, points: int) -> dict[str, Any]:
    fen = None if line.fen is None else line.fen * points // line.points
    return {
        "name": line.name,
        "yuan": fen,
        "premium": None if line.premium_bp is None else Decimal(line.premium_bp) / BP,
        "dates": "\n".join(f"{one.from_date} {one.to_date}" for one in line.dates),
        "weekdays": list(line.weekdays),
        "tiers": list(line.tiers),
        "trade_categories": list(line.trade_categories),
    }
