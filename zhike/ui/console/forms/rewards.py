"""The points mall: a reward as plain fields and back, its stock, codes and picture, shelves, and orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.rewards.operations import PICTURE_BYTES_MAX, NewCategory, NewReward
from zhike.rewards.queries import CategoryView, RewardView
from zhike.ui.components.labels import LIMIT_PERIODS, REWARD_KINDS
from zhike.ui.console import reward_labels
from zhike.ui.console.forms.coupons import in_zone
from zhike.ui.console.forms.members import reason_field
from zhike.ui.console.forms.organization import code_field
from zhike.ui.console.forms.percent import HUNDRED, percent_field
from zhike.ui.console.forms.programme import FenField
from zhike.ui.console.once import OnceForm

PARTIES = ("mall", "merchant", "brand")
ICONS = (
    "gift", "coffee", "cup-soda", "leaf", "cake-slice", "utensils", "armchair", "lamp", "umbrella", "shopping-bag", "shirt",
    "baby", "blocks", "palette", "music", "ticket", "ticket-percent", "car", "square-parking", "spray-can", "sparkles",
    "smartphone", "tv", "heart-handshake", "book-open", "tree-pine", "snowflake", "sun", "flower", "sofa", "crown", "gem",
)  # fmt: skip
_SAID = (
    "name", "summary", "description", "icon", "points", "limit_period", "place", "needs_preparing", "collect_days", "on_expiry",
    "member_may_cancel",
)  # fmt: skip
_COUNTED = ("cash_fen", "market_fen", "cost_fen", "per_member", "goal_points", "tier_length", "early_quota")
_MOMENTS = ("opens_at", "closes_at", "starts_at", "early_opens_at")
_MOMENT = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def _moment(**extra: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(input_formats=_MOMENT, widget=widget, **extra)


def _number(minimum: int, maximum: int, **extra: Any) -> forms.IntegerField:
    return forms.IntegerField(min_value=minimum, max_value=maximum, **extra)


class RewardForm(OnceForm):
    """All that is said of a reward. A tier without a price of its own pays what others pay."""

    name = forms.CharField(max_length=80, label=_("Display name"), help_text=_("Members read it."))
    category = forms.TypedChoiceField(coerce=int, label=_("Shelf"))
    summary = forms.CharField(max_length=120, required=False, label=_("In one line"))
    description = forms.CharField(
        max_length=5_000, required=False, label=_("Description"), widget=forms.Textarea(attrs={"rows": 5})
    )
    icon = forms.ChoiceField(
        choices=[("", _("the shelf's")), *((name, name) for name in ICONS)], required=False, label=_("Sign")
    )
    points = _number(1, 100_000_000, label=_("Points"))
    cash_fen = FenField(required=False, label=_("and cash (yuan)"), help_text=_("Paid when it is collected."))
    market_fen = FenField(required=False, label=_("Worth in shops (yuan)"))
    cost_fen = FenField(required=False, label=_("Costs us (yuan)"))
    mall_share = percent_field(label=_("The mall pays (%)"), initial=HUNDRED)
    merchant_share = percent_field(label=_("The merchant pays (%)"), initial=0)
    brand_share = percent_field(label=_("The brand pays (%)"), initial=0)
    tiers = forms.TypedMultipleChoiceField(
        coerce=int, required=False, widget=forms.CheckboxSelectMultiple, label=_("Tiers that may have it"),
        help_text=_("None ticked: every tier."),
    )  # fmt: skip
    per_member = _number(0, 1_000, initial=0, label=_("Per member"), help_text=_("0: no limit."))
    limit_period = forms.ChoiceField(choices=list(LIMIT_PERIODS.items()), label=_("Counted"))
    opens_at = _moment(label=_("From"))
    closes_at = _moment(required=False, label=_("Until"))
    starts_at = _moment(required=False, label=_("The activity begins"), help_text=_("Seats only."))
    place = forms.CharField(
        max_length=120,
        required=False,
        label=_("Where it is collected"),
        help_text=_("Empty: the service desk."),
    )
    needs_preparing = forms.BooleanField(
        required=False, label=_("Has to be prepared before it can be collected")
    )
    collect_days = _number(1, 365, initial=14, label=_("Days to collect it"))
    on_expiry = forms.ChoiceField(
        choices=list(reward_labels.REWARD_ON_EXPIRY.items()), label=_("When nobody collects it in time")
    )
    member_may_cancel = forms.BooleanField(
        required=False, initial=True, label=_("Members may cancel by themselves")
    )
    goal_points = _number(
        0, 10_000_000_000, required=False, label=_("Goal in points"), help_text=_("Donations only.")
    )
    coupon_batch = forms.TypedChoiceField(
        coerce=int,
        required=False,
        empty_value=None,
        label=_("Batch of coupons"),
        help_text=_("Coupons only."),
    )

    early_opens_at = _moment(
        required=False, label=_("Early, from"), help_text=_("Before it opens for everybody.")
    )
    early_quota = _number(0, 10_000_000, required=False, label=_("Kept for them"))
    early_tiers = forms.TypedMultipleChoiceField(
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Tiers that may have it early"),
    )
    tier = forms.TypedChoiceField(
        coerce=int, required=False, empty_value=None, label=_("Tier that is lent"), help_text=_("Tiers only.")
    )
    tier_length = _number(0, 366, required=False, label=_("For how long"), help_text=_("Tiers only."))
    tier_unit = forms.ChoiceField(
        choices=list(reward_labels.TIER_UNITS.items()), required=False, label=_("Days or months")
    )

    def __init__(
        self,
        *args: Any,
        shelves: Sequence[CategoryView],
        tiers: Sequence[tuple[int, str]],
        batches: Sequence[tuple[int, str]],
        places: Sequence[tuple[str, str]],
        zone: str,
        known: RewardView | None = None,
        **kwargs: Any,
    ) -> None:
        if known is not None:
            kwargs["initial"] = _initial(known, zone)
        super().__init__(*args, **kwargs)
        self.known, self.zone, self.tier_fields = known, zone, [f"tier_{tier_id}" for tier_id, _name in tiers]
        named: dict[str, Any] = self.fields
        named["category"].choices = [(one.id, one.name) for one in shelves]
        named["tiers"].choices = list(tiers)
        named["coupon_batch"].choices = [("", "–"), *batches]
        named["early_tiers"].choices = list(tiers)
        named["tier"].choices = [("", "–"), *list(tiers)[1:]]
        for tier_id, name in tiers:
            named[f"tier_{tier_id}"] = _number(1, 100_000_000, required=False, label=name)
        if known is None:
            place = forms.ChoiceField(choices=list(places), label=_("Belongs to"))
            kind = forms.ChoiceField(choices=list(REWARD_KINDS.items()), label=_("Kind"))
            stock = _number(
                0, 10_000_000, required=False, label=_("How many"),
                help_text=_("Empty: without end. Codes are counted when they are taken in."),
            )  # fmt: skip
            self.fields = {"code": code_field(), "mall": place, "kind": kind, "stock": stock, **named}

    @property
    def tier_prices(self) -> list[Any]:
        return [self[name] for name in self.tier_fields]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if sum(data.get(f"{party}_share") or 0 for party in PARTIES) != HUNDRED:
            self.add_error("mall_share", _("The shares must sum to 100%."))
        return data

    @property
    def reward(self) -> NewReward:
        """The cleaned fields."""
        data, known = self.cleaned_data, self.known
        said: dict[str, Any] = {name: data[name] for name in _SAID}
        said |= {name: data[name] or 0 for name in _COUNTED}
        for name in _MOMENTS:
            said[name] = in_zone(data[name], self.zone) if data[name] else None
        return NewReward(
            code=known.code if known else data["code"],
            kind=known.kind if known else data["kind"],
            category_id=data["category"],
            tier_ids=data["tiers"],
            early_tier_ids=data["early_tiers"],
            tier_points={name.removeprefix("tier_"): data[name] for name in self.tier_fields if data[name]},
            funding={party: int(data[f"{party}_share"] * 100) for party in PARTIES if data[f"{party}_share"]},
            coupon_batch_id=data["coupon_batch"],
            tier_id=data["tier"],
            tier_unit=data["tier_unit"] or "day",
            **said,
        )


def _initial(known: RewardView, zone: str) -> dict[str, Any]:
    local = ZoneInfo(zone)
    return {
        **{name: getattr(known, name) for name in (*_SAID, *_COUNTED)},
        **{
            name: getattr(known, name).astimezone(local).replace(tzinfo=None)
            for name in _MOMENTS
            if getattr(known, name)
        },
        **{f"tier_{tier_id}": points for tier_id, points in known.tier_points.items()},
        **{f"{party}_share": HUNDRED * known.funding.get(party, 0) / 10_000 for party in PARTIES},
        "category": known.category.id,
        "tiers": list(known.tier_ids),
        "early_tiers": list(known.early_tier_ids),
        "coupon_batch": known.coupon_batch_id,
        "tier": known.tier_id,
        "tier_unit": known.tier_unit,
    }


class CategoryForm(forms.Form):
    name = forms.CharField(max_length=40, label=_("Display name"))
    icon = forms.ChoiceField(choices=[(name, name) for name in ICONS], label=_("Sign"))
    tone = forms.ChoiceField(choices=list(reward_labels.REWARD_TONES.items()), label=_("Colour"))
    position = _number(0, 1_000, initial=0, label=_("Position"))
    season_from = forms.DateField(
        required=False, label=_("Season from"), widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Outside its season nothing of the shelf can be had."),
    )  # fmt: skip
    season_until = forms.DateField(
        required=False, label=_("Season until"), widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, known: CategoryView | None = None, **kwargs: Any) -> None:
        if known is not None:
            kwargs["initial"] = {name: getattr(known, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
        self.known = known
        if known is None:
            self.fields = {"code": code_field(), **self.fields}

    @property
    def category(self) -> NewCategory:
        data = dict(self.cleaned_data)
        return NewCategory(code=self.known.code if self.known else data.pop("code"), **data)


class StockForm(forms.Form):
    stock = _number(
        0, 10_000_000, required=False, label=_("How many in all"), help_text=_("Empty: without end.")
    )
    reason = reason_field()


class CodePoolForm(OnceForm):
    codes = forms.CharField(
        max_length=4_000_000, label=_("Codes"), help_text=_("One a line; they are kept encrypted."),
        widget=forms.Textarea(attrs={"rows": 10, "class": "font-mono", "autocomplete": "off"}),
    )  # fmt: skip

    @property
    def lines(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["codes"].splitlines() if line.strip()]


class PictureForm(forms.Form):
    picture = forms.FileField(
        required=False, label=_("Picture"), help_text=_("JPEG, PNG or WebP, at most 600 KB. None: the shelf's sign."),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )  # fmt: skip

    @property
    def content(self) -> bytes:
        """At most one byte more than is allowed is read."""
        file = self.cleaned_data["picture"]
        found: bytes = file.read(PICTURE_BYTES_MAX + 1) if file else b""
        return found


class OrderReasonForm(forms.Form):
    reason = reason_field()


class ExtendForm(forms.Form):
    days = _number(1, 90, initial=7, label=_("More days"))
    reason = reason_field()


class TakeBackForm(OnceForm):
    quantity = _number(1, 1_000, initial=1, label=_("How many came back"))
    restock = forms.BooleanField(required=False, initial=True, label=_("They can be handed out again"))
    reason = reason_field()
