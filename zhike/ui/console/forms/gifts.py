"""Gifts for what was spent: a gift with its stock, a campaign as plain fields, and its steps as rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.rewards.operations import NewGiftCampaign, NewGiftItem
from zhike.rewards.queries import GiftCampaignView, GiftItemView
from zhike.ui.components.labels import TENDERS
from zhike.ui.console.forms.organization import code_field
from zhike.ui.console.forms.percent import HUNDRED, percent_field
from zhike.ui.console.forms.programme import FenField
from zhike.ui.console.forms.rewards import ICONS
from zhike.ui.console.reward_labels import GIFT_ADDS_UP

Choices = Sequence[tuple[Any, Any]]
PARTIES = ("mall", "merchant", "brand")
STEPS, STEPS_MAX = 4, 8
NOT_COUNTED = ("voucher", "points", "stored_value")


def _number(maximum: int, **extra: Any) -> forms.IntegerField:
    return forms.IntegerField(min_value=0, max_value=maximum, initial=0, **extra)


def _day(**extra: Any) -> forms.DateField:
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **extra)


def _several(**extra: Any) -> forms.TypedMultipleChoiceField:
    widget = forms.SelectMultiple(attrs={"class": "max-h-48 overflow-y-auto", "size": 6})
    return forms.TypedMultipleChoiceField(coerce=int, required=False, widget=widget, **extra)


class GiftItemForm(forms.Form):
    name = forms.CharField(max_length=60, label=_("Display name"), help_text=_("Members read it."))
    icon = forms.ChoiceField(choices=[(name, name) for name in ICONS], label=_("Sign"))
    stock = _number(10_000_000, label=_("Stock"), help_text=_("In all, with what was given already."))
    per_day = _number(10_000_000, label=_("A day"), help_text=_("0: no limit."))
    value_fen = FenField(required=False, label=_("Market value (yuan)"))
    cost_fen = FenField(required=False, label=_("Cost of one (yuan)"))
    points = _number(
        10_000_000,
        label=_("Its worth in points"),
        help_text=_("Taken from whoever returns goods and keeps the gift. 0: nothing is taken."),
    )
    mall_share = percent_field(label=_("The mall pays (%)"), initial=HUNDRED)
    merchant_share = percent_field(label=_("The merchant pays (%)"), initial=0)
    brand_share = percent_field(label=_("The brand pays (%)"), initial=0)

    def __init__(self, *args: Any, places: Choices, known: GiftItemView | None, **kwargs: Any) -> None:
        if known is not None:
            names = ("name", "icon", "stock", "per_day", "value_fen", "cost_fen", "points")
            kwargs["initial"] = {name: getattr(known, name) for name in names} | {
                f"{party}_share": HUNDRED * known.funding.get(party, 0) / 10_000 for party in PARTIES
            }
        super().__init__(*args, **kwargs)
        self.known = known
        if known is None:
            place = forms.ChoiceField(choices=list(places), label=_("Belongs to"))
            self.fields = {"code": code_field(), "mall": place, **self.fields}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if sum(data.get(f"{party}_share") or 0 for party in PARTIES) != HUNDRED:
            self.add_error("mall_share", _("The shares must sum to 100%."))
        return data

    @property
    def item(self) -> NewGiftItem:
        data = self.cleaned_data
        return NewGiftItem(
            code=self.known.code if self.known else data["code"],
            name=data["name"],
            icon=data["icon"],
            per_day=data["per_day"],
            value_fen=data["value_fen"] or 0,
            cost_fen=data["cost_fen"] or 0,
            points=data["points"],
            funding={party: int(data[f"{party}_share"] * 100) for party in PARTIES if data[f"{party}_share"]},
        )


class GiftStepForm(forms.Form):
    """One step; a row without an amount is none."""

    threshold = forms.DecimalField(
        min_value=Decimal("0.01"), max_value=1_000_000, decimal_places=2, required=False, label=_("From (yuan) on"),
        widget=forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal"}),
    )  # fmt: skip
    item = forms.TypedChoiceField(coerce=int, required=False, empty_value=None, label=_("Gift"))

    def __init__(self, *args: Any, items: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].choices = [("", "–"), *items]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("threshold") and not data.get("item") and "item" not in self.errors:
            self.add_error("item", _("Which gift?"))
        return data


GiftStepRows = forms.formset_factory(GiftStepForm, extra=STEPS, max_num=STEPS_MAX)


class GiftCampaignForm(forms.Form):
    name = forms.CharField(max_length=60, label=_("Display name"), help_text=_("Members read it."))
    description = forms.CharField(
        max_length=500, required=False, label=_("Description"), widget=forms.Textarea(attrs={"rows": 2})
    )
    starts_on = _day(label=_("Receipts from"))
    ends_on = _day(label=_("Receipts until (inclusive)"))
    collect_until = _day(label=_("Gifts can be fetched until (inclusive)"))
    adds_up = forms.ChoiceField(choices=list(GIFT_ADDS_UP.items()), label=_("What adds up"))
    receipt_min_fen = FenField(
        required=False, label=_("Each receipt of at least (yuan)"), help_text=_("Smaller ones do not count.")
    )
    merchants = _several(label=_("Merchants that take part"), help_text=_("None chosen: all."))
    trade_categories = _several(label=_("Trades that take part"), help_text=_("None chosen: all."))
    merchants_out = _several(label=_("Merchants that do not"))
    categories_out = _several(label=_("Product categories that do not count"))
    tenders_out = forms.MultipleChoiceField(
        choices=list(TENDERS.items()), required=False, initial=list(NOT_COUNTED), label=_("Money that does not count"),
        widget=forms.CheckboxSelectMultiple, help_text=_("Its share of a receipt is left out."),
    )  # fmt: skip
    per_member = _number(1_000, label=_("Gifts a member in all"), help_text=_("0: no limit."))
    per_member_day = _number(1_000, label=_("Gifts a member a day"), help_text=_("0: no limit."))
    alone = forms.BooleanField(
        required=False,
        label=_("Counts by itself"),
        help_text=_(
            "What another campaign counted counts here too. Otherwise every yuan counts once in the mall."
        ),
    )
    keep_days = _number(
        90, label=_("Days a reserved gift is kept"), help_text=_("0: until the end of the day.")
    )
    ask_back_days = forms.IntegerField(
        min_value=0,
        max_value=90,
        initial=7,
        label=_("Days to bring a gift back"),
        help_text=_("After goods were returned; then its worth in points is taken. 0: at once."),
    )

    def __init__(
        self,
        *args: Any,
        places: Choices,
        options: dict[str, Choices],
        known: GiftCampaignView | None,
        **kwargs: Any,
    ) -> None:
        if known is not None:
            terms = known.terms
            names = ("name", "description", "starts_on", "ends_on", "collect_until")
            kwargs["initial"] = {name: getattr(known, name) for name in names} | {
                name: getattr(terms, name) for name in self._said
            }
        super().__init__(*args, **kwargs)
        for name, choices in options.items():
            self.fields[name].choices = list(choices)  # type: ignore[attr-defined]
        self.known = known
        if known is None:
            self.fields["per_member"].initial = 1
            place = forms.ChoiceField(choices=list(places), label=_("Belongs to"))
            self.fields = {"code": code_field(), "mall": place, **self.fields}

    _said = (
        "adds_up", "receipt_min_fen", "merchants", "trade_categories", "merchants_out", "categories_out", "tenders_out",
        "per_member", "per_member_day", "alone", "keep_days", "ask_back_days",
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        days: list[dt.date | None] = [data.get(name) for name in ("starts_on", "ends_on", "collect_until")]
        if all(days) and days != sorted(days):  # type: ignore[type-var]
            self.add_error("ends_on", _("The days must follow each other."))
        return data

    def campaign(self, steps: Sequence[dict[str, Any]]) -> NewGiftCampaign:
        """The cleaned fields with these steps, in the order of their thresholds."""
        data = self.cleaned_data
        terms = {name: data[name] for name in self._said} | {
            "receipt_min_fen": data["receipt_min_fen"] or 0,
            "steps": sorted(
                (
                    {"threshold_fen": int(one["threshold"] * 100), "item_id": one["item"]}
                    for one in steps
                    if one.get("threshold")
                ),
                key=lambda one: one["threshold_fen"],
            ),
        }
        return NewGiftCampaign(
            code=self.known.code if self.known else data["code"],
            name=data["name"],
            description=data["description"],
            terms=terms,
            starts_on=data["starts_on"],
            ends_on=data["ends_on"],
            collect_until=data["collect_until"],
        )


def rows_of(known: GiftCampaignView) -> list[dict[str, Any]]:
    return [{"threshold": Decimal(one.threshold_fen) / 100, "item": one.item.id} for one in known.steps]
