"""Malls, floors, merchants, brands and trade categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.organization.queries import PlaceRef

CODE_HELP = _("Short and lasting; tills and files name it by this.")


def code_field() -> forms.RegexField:
    return forms.RegexField(
        r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z",
        max_length=40,
        label=_("Code"),
        help_text=CODE_HELP,
        error_messages={"invalid": _("Letters, digits, dots and dashes only.")},
    )


def choices_of(places: Sequence[PlaceRef]) -> list[tuple[str, str]]:
    return [("", "–"), *((str(place.id), place.name) for place in places)]


@dataclass(frozen=True)
class MerchantChoices:
    floors: Sequence[PlaceRef]
    brands: Sequence[PlaceRef]
    trade_categories: Sequence[PlaceRef]


class MerchantForm(forms.Form):
    """`is_new` adds what cannot change later."""

    name = forms.CharField(max_length=120, label=_("Display name"))
    floor_id = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label=_("Floor"))
    trade_category_id = forms.TypedChoiceField(
        coerce=int, empty_value=None, required=False, label=_("Trade category")
    )
    brand_id = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label=_("Brand"))

    def __init__(self, *args: Any, choices: MerchantChoices, is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["floor_id"].choices = choices_of(choices.floors)  # type: ignore[attr-defined]
        self.fields["brand_id"].choices = choices_of(choices.brands)  # type: ignore[attr-defined]
        self.fields["trade_category_id"].choices = choices_of(choices.trade_categories)  # type: ignore[attr-defined]
        if is_new:
            self.fields = {"code": code_field(), **self.fields}
        else:
            statuses = [("open", _("In business")), ("closed", _("Out of business"))]
            self.fields["status"] = forms.ChoiceField(choices=statuses, label=_("Status"))
            self.fields["reason"] = forms.CharField(
                max_length=200, required=False, label=_("Reason for the change")
            )


class NamedForm(forms.Form):
    """A brand: code and name."""

    code = code_field()
    name = forms.CharField(max_length=120, label=_("Display name"))


class FloorForm(NamedForm):
    position = forms.IntegerField(
        min_value=-20,
        max_value=200,
        initial=0,
        label=_("Position"),
        help_text=_("Counted from the ground up; −1 is below."),
    )


class TradeCategoryForm(NamedForm):
    parent_id = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label=_("Part of"))

    def __init__(self, *args: Any, categories: Sequence[PlaceRef], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parent_id"].choices = choices_of(categories)  # type: ignore[attr-defined]


class MallForm(NamedForm):
    time_zone = forms.CharField(max_length=60, initial="Asia/Shanghai", label=_("Time zone"))
    address = forms.CharField(max_length=240, required=False, label=_("Address"))
