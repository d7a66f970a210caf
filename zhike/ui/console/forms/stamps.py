"""A stamp card as plain fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.engagement.queries import StampCardView
from zhike.ui.console.forms.engagement import Choices, TermsForm, points_field, shared_initial
from zhike.ui.console.forms.members import reason_field
from zhike.ui.console.forms.programme import FenField

FIRST: Mapping[str, Any] = {"is_open": True, "share": 100, "stamps": 8, "day_max": 1, "wait_days": 0}
PLAIN = ("stamps", "each_fen", "day_max", "rounds_max", "days", "wait_days", "trade_categories")
_WORDS = re.compile(r"[\s,，、]+")


def _date(label: Any) -> forms.DateField:
    return forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}), label=label)


class StampCardForm(TermsForm):
    """What gives a stamp, how many fill a card, and what a full one gives."""

    name = forms.CharField(max_length=60, label=_("Display name"), help_text=_("Members read it."))
    description = forms.CharField(
        max_length=300, required=False, label=_("Description"), widget=forms.Textarea(attrs={"rows": 2})
    )
    merchant_id = forms.ChoiceField(required=False, label=_("Whose card"))
    stamps = points_field(min_value=2, max_value=50, required=True, label=_("Stamps to fill it"))
    minimum_fen = FenField(required=False, label=_("A receipt from (yuan)"), help_text=_("Empty: any."))
    each_fen = FenField(
        required=False, label=_("A stamp for each … yuan"), help_text=_("Empty: one for a receipt.")
    )
    day_max = points_field(
        min_value=1, max_value=1_000, label=_("Most stamps a day"), help_text=_("Empty: no limit.")
    )
    skus = forms.CharField(
        max_length=1_000,
        required=False,
        label=_("Article numbers"),
        help_text=_("With commas between them. Empty: all."),
    )
    trade_categories = forms.TypedMultipleChoiceField(
        coerce=int, required=False, widget=forms.SelectMultiple(attrs={"class": "max-h-40 overflow-y-auto"}), label=_("Trade categories"),
        help_text=_("Nothing chosen: everywhere."),
    )  # fmt: skip
    points = points_field(label=_("Points"))
    batch_id = forms.ChoiceField(required=False, label=_("Coupon"))
    wait_days = points_field(
        max_value=366, label=_("Reward … days after the last stamp"),
        help_text=_("0: at once. Empty: when the purchases can no longer be returned."),
    )  # fmt: skip
    rounds_max = points_field(
        min_value=1, max_value=1_000, label=_("Cards a member can fill"), help_text=_("Empty: no limit.")
    )
    days = points_field(
        min_value=1,
        max_value=1_000,
        label=_("Days to fill a card"),
        help_text=_("From its first stamp on. Empty: no limit."),
    )
    starts_on = _date(_("From"))
    ends_on = _date(_("To (inclusive)"))
    reason = reason_field()

    def __init__(
        self, *args: Any, merchants: Choices, trades: Sequence[tuple[int, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["merchant_id"].choices = [("", _("the mall's")), *merchants]  # type: ignore[attr-defined]
        self.fields["trade_categories"].choices = list(trades)  # type: ignore[attr-defined]

    @property
    def terms(self) -> dict[str, Any]:
        data = self.cleaned_data
        days = {name: data[name].isoformat() if data[name] else None for name in ("starts_on", "ends_on")}
        return (
            self.shared
            | {name: data[name] or None for name in PLAIN if name not in ("wait_days", "trade_categories")}
            | days
            | {
                "wait_days": data["wait_days"],
                "trade_categories": data["trade_categories"],
                "minimum_fen": data["minimum_fen"] or 1,
                "skus": [one for one in _WORDS.split(data["skus"]) if one],
                "reward": self.reward(),
            }
        )


def card_initial(card: StampCardView) -> Mapping[str, Any]:
    terms = card.terms
    return (
        shared_initial(terms, card.is_open)
        | {name: getattr(terms, name) for name in (*PLAIN, "starts_on", "ends_on")}
        | {
            "name": card.name,
            "description": card.description,
            "merchant_id": str(card.merchant_id or ""),
            "minimum_fen": terms.minimum_fen if terms.minimum_fen > 1 else None,
            "skus": ", ".join(terms.skus),
            "points": terms.reward.points,
            "batch_id": str(terms.reward.batch_id or ""),
        }
    )
