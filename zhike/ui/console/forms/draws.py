"""A lucky draw as plain fields, and its prizes as rows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.rewards.operations import NewDraw, NewPrize
from zhike.rewards.queries import DrawView
from zhike.ui.console.forms.coupons import in_zone
from zhike.ui.console.forms.organization import code_field
from zhike.ui.console.forms.programme import FenField
from zhike.ui.console.reward_labels import PRIZE_KINDS

ROWS = 8
_PPM = Decimal(10_000)


def moment_field(**extra: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], widget=widget, **extra)


class PrizeForm(forms.Form):
    """One prize; a row without a name is none. Without a number it never runs out."""

    name = forms.CharField(max_length=60, required=False, label=_("Prize"))
    kind = forms.ChoiceField(choices=list(PRIZE_KINDS.items()), label=_("Kind"))
    odds = forms.DecimalField(
        min_value=0, max_value=100, decimal_places=4, required=False, label=_("Odds (%)"),
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
    )  # fmt: skip
    stock = forms.IntegerField(min_value=1, max_value=1_000_000, required=False, label=_("How many"))
    value_fen = FenField(required=False, label=_("Market value (yuan)"))
    points = forms.IntegerField(min_value=1, max_value=1_000_000, required=False, label=_("Points"))
    coupon_batch = forms.TypedChoiceField(
        coerce=int, required=False, empty_value=None, label=_("Batch of coupons")
    )

    def __init__(self, *args: Any, batches: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["coupon_batch"].choices = [("", "–"), *batches]  # type: ignore[attr-defined]

    @property
    def prize(self) -> NewPrize:
        data = self.cleaned_data
        return NewPrize(
            name=data["name"],
            kind=data["kind"],
            odds_ppm=int((data["odds"] or 0) * _PPM),
            stock=data["stock"],
            value_fen=data["value_fen"] or 0,
            points=data["points"] or 0,
            coupon_batch_id=data["coupon_batch"] if data["kind"] == "coupon" else None,
        )


PrizeRows = forms.formset_factory(PrizeForm, extra=ROWS, max_num=12)


class DrawForm(forms.Form):
    name = forms.CharField(max_length=60, label=_("Display name"), help_text=_("Members read it."))
    description = forms.CharField(
        max_length=2_000, required=False, label=_("Description"), widget=forms.Textarea(attrs={"rows": 2})
    )
    points = forms.IntegerField(min_value=1, max_value=1_000_000, label=_("Points a draw"))
    daily_limit = forms.IntegerField(min_value=1, max_value=100, initial=3, label=_("Draws a member a day"))
    opens_at = moment_field(label=_("From"))
    closes_at = moment_field(label=_("Until"))
    collect_days = forms.IntegerField(min_value=1, max_value=365, initial=14, label=_("Days to collect it"))

    def __init__(
        self, *args: Any, places: Sequence[tuple[str, str]], zone: str, known: DrawView | None, **kwargs: Any
    ) -> None:
        if known is not None:
            local = ZoneInfo(zone)
            kwargs["initial"] = {
                **{
                    name: getattr(known, name)
                    for name in ("name", "description", "points", "daily_limit", "collect_days")
                },
                **{
                    name: getattr(known, name).astimezone(local).replace(tzinfo=None)
                    for name in ("opens_at", "closes_at")
                },
            }
        super().__init__(*args, **kwargs)
        self.known, self.zone = known, zone
        if known is None:
            place = forms.ChoiceField(choices=list(places), label=_("Belongs to"))
            self.fields = {"code": code_field(), "mall": place, **self.fields}

    def draw(self, prizes: Sequence[NewPrize]) -> NewDraw:
        """The cleaned fields with these prizes."""
        data = self.cleaned_data
        return NewDraw(
            code=self.known.code if self.known else data["code"],
            name=data["name"],
            points=data["points"],
            daily_limit=data["daily_limit"],
            opens_at=in_zone(data["opens_at"], self.zone),
            closes_at=in_zone(data["closes_at"], self.zone),
            prizes=prizes,
            description=data["description"],
            collect_days=data["collect_days"],
        )


def rows_of(known: DrawView) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "kind": one.kind,
            "odds": Decimal(one.odds_ppm) / _PPM,
            "stock": one.stock,
            "value_fen": one.value_fen,
            "points": one.points or None,
            "coupon_batch": one.coupon_batch_id,
        }
        for one in known.prizes
    ]
