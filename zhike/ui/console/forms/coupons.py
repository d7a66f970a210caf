"""Coupons: a template's terms as plain fields and back, batches, and handing out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console import offer_labels
from zhike.ui.console.forms.members import reason_field
from zhike.ui.console.forms.organization import code_field
from zhike.ui.console.forms.percent import HUNDRED, percent_field
from zhike.ui.console.forms.programme import FenField
from zhike.ui.console.forms.rules import WEEKDAYS, RuleChoices
from zhike.ui.console.once import OnceForm

SCOPED = ("merchants", "trade_categories", "product_categories")
MODES = [("only", _("only these")), ("except", _("all but these"))]
LIST_MAX = 200_000


def _number(minimum: int, maximum: int, **extra: Any) -> forms.IntegerField:
    return forms.IntegerField(min_value=minimum, max_value=maximum, required=False, **extra)


def _day(**extra: Any) -> forms.DateField:
    return forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}), **extra)


def _moment(**extra: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        **extra,
    )


class ScopeForm(forms.Form):
    """Where, on what, when and for whom; shared by coupons and promotions. `is_new` adds what cannot change later."""

    merchants_mode = forms.ChoiceField(choices=MODES, label=_("Merchants"))
    merchants = forms.TypedMultipleChoiceField(coerce=int, required=False, label=_("Merchants listed"))
    trade_categories_mode = forms.ChoiceField(choices=MODES, label=_("Trade categories"))
    trade_categories = forms.TypedMultipleChoiceField(
        coerce=int, required=False, label=_("Trade categories listed")
    )
    product_categories_mode = forms.ChoiceField(choices=MODES, label=_("Product categories"))
    product_categories = forms.TypedMultipleChoiceField(
        coerce=int, required=False, label=_("Product categories listed")
    )
    tiers = forms.TypedMultipleChoiceField(
        coerce=int, required=False, widget=forms.CheckboxSelectMultiple, label=_("Tiers that may use it"),
        help_text=_("None ticked: every tier."),
    )  # fmt: skip
    weekdays = forms.TypedMultipleChoiceField(
        coerce=int, choices=WEEKDAYS, required=False, widget=forms.CheckboxSelectMultiple, label=_("Weekdays"),
        help_text=_("None ticked: every day."),
    )  # fmt: skip
    hour_from = _number(0, 23, label=_("From hour"))
    hour_to = _number(1, 24, label=_("To hour"))

    def __init__(
        self, *args: Any, choices: RuleChoices, places: Sequence[Any], is_new: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for name in SCOPED:
            field: Any = self.fields[name]
            field.choices = list(getattr(choices, name))
            field.widget.attrs["size"] = 8
        self.fields["tiers"].choices = list(choices.tiers)  # type: ignore[attr-defined]
        if is_new:
            place = forms.ChoiceField(choices=places, label=_("Belongs to"))
            self.fields = {"code": code_field(), "place": place, **self.fields}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        hours = (data.get("hour_from"), data.get("hour_to"))
        if (hours[0] is None) != (hours[1] is None) or (None not in hours and hours[0] >= hours[1]):  # type: ignore[operator]
            self.add_error("hour_to", _("Give both hours, the later one second."))
        return data

    @property
    def scope(self) -> dict[str, Any]:
        """The cleaned fields as a scope."""
        data = self.cleaned_data
        scope: dict[str, Any] = {name: {data[f"{name}_mode"]: data[name]} for name in SCOPED if data[name]}
        window: dict[str, Any] = {}
        if data["weekdays"]:
            window["weekdays"] = data["weekdays"]
        if data["hour_from"] is not None:
            window |= {"from_minute": data["hour_from"] * 60, "to_minute": data["hour_to"] * 60}
        if window:
            scope["windows"] = [window]
        return scope | {"tiers": data["tiers"]}


class TemplateForm(ScopeForm):
    """The terms of a coupon. What a kind does not use is left out of them."""

    name = forms.CharField(max_length=80, label=_("Display name"), help_text=_("Members read it."))
    kind = forms.ChoiceField(choices=list(offer_labels.COUPON_KINDS.items()), label=_("Kind"))
    value_fen = FenField(
        required=False,
        label=_("Takes off (yuan)"),
        help_text=_("Of a gift, parking or service: what it costs."),
    )
    minimum_fen = FenField(required=False, label=_("Usable from (yuan)"), help_text=_("On what it covers."))
    percent = percent_field(
        label=_("Percent off"), help_text=_("Discount coupons: 15 means 8.5 tenths are paid.")
    )
    cap_fen = FenField(required=False, label=_("At most off (yuan)"))
    minutes = _number(0, 44_640, label=_("Minutes of parking"))
    item = forms.CharField(max_length=120, required=False, label=_("Gift or service"))
    days = _number(1, 3660, label=_("Good for … days"), help_text=_("The day of the issue is the first."))
    after_days = _number(0, 3660, label=_("beginning … days later"))
    from_date = _day(label=_("Or good from"))
    to_date = _day(label=_("to (inclusive)"))
    mall_share = percent_field(label=_("The mall pays (%)"), initial=HUNDRED)
    merchant_share = percent_field(label=_("The merchant pays (%)"), initial=0)
    brand_share = percent_field(label=_("The brand pays (%)"), initial=0)
    on_return = forms.ChoiceField(
        choices=list(offer_labels.COUPON_ON_RETURN.items()),
        label=_("When all that it was used for comes back"),
    )
    grace_days = _number(0, 3660, label=_("Then good for … more days"), initial=0)
    alone = forms.BooleanField(required=False, label=_("Not together with another coupon"))
    offline = forms.BooleanField(
        required=False, label=_("Tills without network can check it"),
        help_text=_("The QR code is signed. A coupon taken offline at two tills is noticed only afterwards."),
    )  # fmt: skip
    instructions = forms.CharField(
        max_length=1000, required=False, label=_("How it is used"), help_text=_("Members read it."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        shares = [data.get(f"{party}_share") or Decimal(0) for party in ("mall", "merchant", "brand")]
        if sum(shares) != HUNDRED:
            self.add_error("mall_share", _("The shares must sum to 100%."))
        if data.get("days") and (data.get("from_date") or data.get("to_date")):
            self.add_error("days", _("Either so many days, or from one date to another."))
        if not data.get("days") and not (data.get("from_date") and data.get("to_date")):
            self.add_error("days", _("Either so many days, or from one date to another."))
        return data

    @property
    def terms(self) -> dict[str, Any]:
        """The cleaned fields as terms."""
        data = self.cleaned_data
        kind = data["kind"]
        terms: dict[str, Any] = {
            "kind": kind,
            "value_fen": 0 if kind == "percent" else data["value_fen"] or 0,
            "minimum_fen": data["minimum_fen"] or 0,
            "percent_bp": int((data["percent"] or 0) * 100) if kind == "percent" else 0,
            "cap_fen": (data["cap_fen"] or None) if kind == "percent" else None,
            "minutes": (data["minutes"] or 0) if kind == "parking" else 0,
            "item": data["item"] if kind in ("gift", "service") else "",
            "validity": self._validity(),
            "scope": self.scope,
            "funding": self._funding(),
            "on_return": data["on_return"],
            "grace_days": data["grace_days"] or 0,
            "alone": data["alone"],
            "offline": data["offline"],
        }
        return terms

    def _validity(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data["days"]:
            return {"days": data["days"], "after_days": data["after_days"] or 0}
        return {"from": data["from_date"].isoformat(), "to": data["to_date"].isoformat()}

    def _funding(self) -> dict[str, int]:
        shares = {
            party: int((self.cleaned_data[f"{party}_share"] or 0) * 100)
            for party in ("mall", "merchant", "brand")
        }
        return {party: share for party, share in shares.items() if share}


def scope_initial(scope: Mapping[str, Any]) -> dict[str, Any]:
    """The form's fields for a scope as it is stored; only the first time of the week can be shown."""
    initial: dict[str, Any] = {}
    for name in SCOPED:
        chosen = scope.get(name, {})
        mode = "except" if chosen.get("except") else "only"
        initial |= {f"{name}_mode": mode, name: chosen.get(mode, [])}
    initial["tiers"] = scope.get("tiers", [])
    for window in scope.get("windows", [])[:1]:
        initial["weekdays"] = window.get("weekdays", [])
        begin, end = window.get("from_minute", 0), window.get("to_minute", 1440)
        if (begin, end) != (0, 1440):
            initial |= {"hour_from": begin // 60, "hour_to": end // 60}
    return initial


def initial_of(terms: Mapping[str, Any]) -> dict[str, Any]:
    """The form's fields for terms as they are stored."""
    scope, validity = terms.get("scope", {}), terms["validity"]
    initial: dict[str, Any] = {
        name: terms.get(name)
        for name in (
            "kind",
            "value_fen",
            "minimum_fen",
            "cap_fen",
            "minutes",
            "item",
            "on_return",
            "grace_days",
            "alone",
            "offline",
        )
    }
    initial["percent"] = Decimal(terms.get("percent_bp", 0)) / 100 or None
    initial |= {"days": validity.get("days"), "after_days": validity.get("after_days")}
    initial |= {"from_date": validity.get("from"), "to_date": validity.get("to")}
    initial |= scope_initial(scope)
    for party in ("mall", "merchant", "brand"):
        initial[f"{party}_share"] = Decimal(terms.get("funding", {}).get(party, 0)) / 100
    return initial


class BatchForm(OnceForm):
    """So many coupons of a template."""

    name = forms.CharField(max_length=80, label=_("Display name"), help_text=_("Members read it."))
    stock = forms.IntegerField(min_value=1, max_value=10_000_000, label=_("How many"))
    per_member = forms.IntegerField(
        min_value=0, max_value=1000, initial=1, label=_("Per member"), help_text=_("0: no limit.")
    )
    way = forms.ChoiceField(
        choices=list(offer_labels.COUPON_WAYS.items()),
        widget=forms.RadioSelect,
        label=_("How they get out"),
        initial="public",
    )
    claim_from = _moment(label=_("Handed out from"))
    claim_until = _moment(label=_("Handed out until"))
    tiers = forms.TypedMultipleChoiceField(
        coerce=int, required=False, widget=forms.CheckboxSelectMultiple, label=_("Tiers that may claim it"),
        help_text=_("None ticked: every tier."),
    )  # fmt: skip
    early_from = _moment(label=_("For some tiers already from"), required=False)
    early_quota = forms.IntegerField(
        min_value=0, max_value=10_000_000, required=False, label=_("How many are kept for them")
    )
    early_tiers = forms.TypedMultipleChoiceField(
        coerce=int, required=False, widget=forms.CheckboxSelectMultiple, label=_("Tiers that come first")
    )
    early_stays = forms.BooleanField(
        required=False, label=_("What is left of it stays theirs after the opening for everybody")
    )

    def __init__(self, *args: Any, tiers: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("tiers", "early_tiers"):
            self.fields[name].choices = list(tiers)  # type: ignore[attr-defined]
        self.fields = {"code": code_field(), **self.fields}


class BatchChangeForm(forms.Form):
    stock = forms.IntegerField(min_value=1, max_value=10_000_000, label=_("How many"))
    per_member = forms.IntegerField(min_value=0, max_value=1000, label=_("Per member"))
    claim_until = _moment(label=_("Handed out until"))
    status = forms.ChoiceField(choices=list(offer_labels.COUPON_BATCH_STATUSES.items()), label=_("State"))
    reason = reason_field()


class PushForm(OnceForm):
    """A list of members by what one has of them, one a line."""

    members = forms.CharField(
        max_length=LIST_MAX,
        label=_("Members"),
        help_text=_("Phone or card numbers, one a line."),
        widget=forms.Textarea(attrs={"rows": 10, "class": "font-mono"}),
    )
    reason = reason_field()

    @property
    def lines(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["members"].splitlines() if line.strip()]


class CodesForm(OnceForm):
    """Codes to be made, or a list of foreign ones."""

    count = _number(1, 100_000, label=_("Make so many codes"))
    codes = forms.CharField(
        required=False,
        max_length=LIST_MAX * 10,
        label=_("Or take in these codes"),
        help_text=_("6 to 40 letters and digits, one a line."),
        widget=forms.Textarea(attrs={"rows": 8, "class": "font-mono"}),
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if bool(data.get("count")) == bool((data.get("codes") or "").strip()):
            self.add_error("count", _("Either a number, or a list of codes."))
        return data

    @property
    def lines(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["codes"].splitlines() if line.strip()]


class VoidForm(forms.Form):
    reason = reason_field()


def in_zone(moment: dt.datetime, zone: str) -> dt.datetime:
    """What was entered, as a moment of the mall's."""
    return moment.replace(tzinfo=ZoneInfo(zone))
