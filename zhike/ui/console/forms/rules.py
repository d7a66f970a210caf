"""The earning rule editor: the definition of a rule as a form of plain fields, and back. Pure translation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from zhike.ui.console.forms.percent import HUNDRED, percent_field
from zhike.ui.console.labels import RULE_EXPIRIES, TENDERS

UNIT_BP = 10_000
TIMES_MAX = 100
POINTS_MAX = 100_000
MONTHS_MAX = 120
GRACE_DAYS_MAX = 366
PAYERS = range(1, 5)
SCOPES = ("merchants", "trade_categories", "product_categories")
WEEKDAYS = [
    (1, _("Mon")),
    (2, _("Tue")),
    (3, _("Wed")),
    (4, _("Thu")),
    (5, _("Fri")),
    (6, _("Sat")),
    (7, _("Sun")),
]
CAPS = [
    ("receipt", _("Per receipt")),
    ("member_day", _("Per member and day")),
    ("member_merchant_day", _("Per member, merchant and day")),
    ("member_total", _("Per member, for the whole life of the rule")),
]

Choices = Sequence[tuple[Any, Any]]


@dataclass(frozen=True)
class RuleChoices:
    """What the editor offers to choose from, as (id, name)."""

    malls: Choices = ()
    tiers: Choices = ()
    merchants: Choices = ()
    trade_categories: Choices = ()
    product_categories: Choices = ()
    payers: Choices = ()
    scopes: Mapping[str, Choices] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scopes", {name: getattr(self, name) for name in SCOPES})


def times_field(**extra: Any) -> forms.DecimalField:
    """A multiplier such as 1.5; empty means ×1."""
    widget = forms.NumberInput(attrs={"step": "0.1", "min": "0", "inputmode": "decimal", "placeholder": "1"})
    return forms.DecimalField(
        min_value=0, max_value=TIMES_MAX, decimal_places=4, required=False, widget=widget, **extra
    )


def _points_field(**extra: Any) -> forms.IntegerField:
    return forms.IntegerField(min_value=0, max_value=10**9, required=False, **extra)


class ScopeRow(forms.Form):
    """One merchant or category that earns more, less, or nothing."""

    target = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label=_("Applies to"))
    effect = forms.ChoiceField(
        choices=[("times", _("Multiplier")), ("except", _("Earns nothing"))],
        initial="times",
        label=_("Effect"),
    )
    times = times_field(label=_("Multiplier"))

    def __init__(self, *args: Any, choices: Choices = (), empty: Any = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["target"].choices = [("", empty), *choices]  # type: ignore[attr-defined]


class BoostRow(forms.Form):
    """A period in which everything earns more."""

    name = forms.CharField(max_length=40, required=False, label=_("Display name"))
    from_date = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}), label=_("From")
    )
    to_date = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}), label=_("To (inclusive)")
    )
    weekdays = forms.TypedMultipleChoiceField(
        coerce=int, choices=WEEKDAYS, required=False, widget=forms.CheckboxSelectMultiple, label=_("Weekdays")
    )
    hour_from = forms.IntegerField(min_value=0, max_value=23, required=False, label=_("From hour"))
    hour_to = forms.IntegerField(min_value=1, max_value=24, required=False, label=_("To hour"))
    times = times_field(label=_("Multiplier"))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not any(
            data.get(name) not in (None, "", []) for name in ("name", "from_date", "to_date", "times")
        ):
            return data
        if not data.get("name") and "name" not in self.errors:
            self.add_error("name", _("Give the period a name; members will read it."))
        if data.get("times") is None and "times" not in self.errors:
            self.add_error("times", _("How many times the points?"))
        if data.get("from_date") and data.get("to_date") and data["from_date"] > data["to_date"]:
            self.add_error("to_date", _("The period ends before it begins."))
        hours = (data.get("hour_from"), data.get("hour_to"))
        if (hours[0] is None) != (hours[1] is None) or (None not in hours and hours[0] >= hours[1]):  # type: ignore[operator]
            self.add_error("hour_to", _("Give both hours, the later one second."))
        return data


class RuleForm(forms.Form):
    """The plain fields of a rule; the rows of scopes and of the calendar are formsets beside it."""

    name = forms.CharField(max_length=120, label=_("Name of the rule"))
    base_points = forms.IntegerField(min_value=0, max_value=POINTS_MAX, initial=1, label=_("Points"))
    base_per_yuan = forms.DecimalField(
        min_value=Decimal("0.01"), max_value=10**6, decimal_places=2, initial=1, label=_("for every … yuan")
    )
    minimum_yuan = forms.DecimalField(
        min_value=0,
        max_value=10**6,
        decimal_places=2,
        required=False,
        label=_("Minimum spend (yuan)"),
        help_text=_("Receipts below this earn nothing by this rule."),
    )
    malls = forms.TypedMultipleChoiceField(
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Malls"),
        help_text=_("None ticked: every mall."),
    )
    excluded_tenders = forms.MultipleChoiceField(
        choices=list(TENDERS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Payments that earn nothing"),
        help_text=_("The part of a receipt that was paid in these ways does not count."),
    )

    expiry_kind = forms.ChoiceField(
        choices=[("", _("as the programme says")), *RULE_EXPIRIES.items()],
        required=False,
        label=_("Points of this rule lapse"),
    )
    expiry_months = forms.IntegerField(
        min_value=0, max_value=MONTHS_MAX, required=False, label=_("after … months")
    )
    expiry_month_day = forms.CharField(
        max_length=5,
        required=False,
        label=_("Day of the year"),
        help_text=_("MM-DD; for a fixed day of the year only."),
    )
    expiry_on = forms.DateField(
        required=False, label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    expiry_grace_days = forms.IntegerField(
        min_value=0, max_value=GRACE_DAYS_MAX, required=False, label=_("Days of grace")
    )

    def __init__(self, *args: Any, choices: RuleChoices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["malls"].choices = choices.malls  # type: ignore[attr-defined]
        for tier_id, name in choices.tiers:
            self.fields[f"tier_{tier_id}"] = times_field(label=name)
        for scope in SCOPES:
            self.fields[f"{scope}_only"] = forms.BooleanField(required=False)
        for name, label in CAPS:
            self.fields[f"cap_{name}"] = _points_field(label=label)
        for at in PAYERS:
            self.fields[f"payer_{at}"] = forms.ChoiceField(
                choices=[("", _("nobody else")), *choices.payers], required=False, label=_("Paid by")
            )
            self.fields[f"payer_{at}_share"] = percent_field(label=_("Share (%)"))
        self.tier_names = [f"tier_{tier_id}" for tier_id, _name in choices.tiers]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("expiry_kind") == "on_date" and not data.get("expiry_on"):
            self.add_error("expiry_on", _("Which day?"))
        if data.get("expiry_kind") == "rolling_months" and not data.get("expiry_months"):
            self.add_error("expiry_months", _("After how many months?"))
        self._check_payers(data)
        return data

    def _check_payers(self, data: dict[str, Any]) -> None:
        named = [at for at in PAYERS if data.get(f"payer_{at}")]
        for at in named:
            if not data.get(f"payer_{at}_share"):
                self.add_error(f"payer_{at}_share", _("Which part?"))
        payers = [data[f"payer_{at}"] for at in named]
        if len(set(payers)) != len(payers):
            self.add_error(f"payer_{named[-1]}", _("Name each payer once."))
        elif named and not self.errors and sum(data[f"payer_{at}_share"] for at in named) != HUNDRED:
            self.add_error(f"payer_{named[-1]}_share", _("The shares must come to 100% together."))

    @property
    def expiry_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("expiry_")]

    @property
    def payer_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"payer_{at}"], self[f"payer_{at}_share"]) for at in PAYERS]

    @property
    def tier_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.tier_names]

    @property
    def cap_fields(self) -> list[forms.BoundField]:
        return [self[f"cap_{name}"] for name, _label in CAPS]


class RuleEditor:
    """The whole editor: one form and four formsets over the same data."""

    def __init__(
        self,
        choices: RuleChoices,
        data: Any = None,
        definition: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> None:
        self.choices = choices
        definition = definition or {}
        initial = {"name": name, **form_initial(definition)} if definition else {"name": name}
        self.form = RuleForm(data, initial=initial, choices=choices)
        self.scopes = {
            scope: _rows(
                ScopeRow, scope, data, scope_initial(definition.get(scope) or {}), choices.scopes[scope]
            )
            for scope in SCOPES
        }
        self.calendar = _rows(BoostRow, "calendar", data, calendar_initial(definition.get("calendar") or []))

    def is_valid(self) -> bool:
        parts = [self.form, *self.scopes.values(), self.calendar]
        verdicts = [part.is_valid() for part in parts]  # all of them, so that every mistake is shown
        return all(verdicts)

    @property
    def definition(self) -> dict[str, Any]:
        """The JSON definition of what was entered. Only after `is_valid`."""
        data = self.form.cleaned_data
        made: dict[str, Any] = {
            "base": {"points": data["base_points"], "per_fen": _fen(data["base_per_yuan"])},
            "malls": sorted(data["malls"]),
            "tiers": {"bp": _tier_multipliers(data)},
            "calendar": [boost for row in _filled(self.calendar) if (boost := _boost(row))],
            "minimum_fen": _fen(data["minimum_yuan"]),
            "excluded_tenders": data["excluded_tenders"],
            "caps": {name: data[f"cap_{name}"] for name, _label in CAPS if data[f"cap_{name}"] is not None},
            "expiry": _expiry(data),
            "funding": {
                data[f"payer_{at}"]: int(data[f"payer_{at}_share"] * 100)
                for at in PAYERS
                if data[f"payer_{at}"]
            },
        }
        for scope in SCOPES:
            made[scope] = _scope(_filled(self.scopes[scope]), data[f"{scope}_only"])
        return {key: value for key, value in made.items() if value not in ([], {}, {"bp": {}}, 0)}


def form_initial(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The plain fields for a stored definition."""
    base = definition.get("base") or {}
    initial: dict[str, Any] = {
        "base_points": base.get("points", 1),
        "base_per_yuan": _yuan(base.get("per_fen", 100)),
        "minimum_yuan": _yuan(definition.get("minimum_fen") or 0) or None,
        "malls": list(definition.get("malls") or []),
        "excluded_tenders": list(definition.get("excluded_tenders") or []),
    }
    for tier_id, bp in ((definition.get("tiers") or {}).get("bp") or {}).items():
        initial[f"tier_{tier_id}"] = _times(bp)
    for name, limit in (definition.get("caps") or {}).items():
        initial[f"cap_{name}"] = limit
    for name, value in (definition.get("expiry") or {}).items():
        initial[f"expiry_{name}"] = value
    for at, (payer, bp) in enumerate((definition.get("funding") or {}).items(), start=1):
        initial[f"payer_{at}"], initial[f"payer_{at}_share"] = payer, _plain(Decimal(bp) / 100)
    for scope in SCOPES:
        initial[f"{scope}_only"] = bool((definition.get(scope) or {}).get("only"))
    return initial


def scope_initial(scope: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows for {"only": [], "except": [], "bp": {}}; a multiplier of what takes no part has no row."""
    only = [int(target) for target in scope.get("only") or []]
    excluded = [int(target) for target in scope.get("except") or []]
    multipliers = {int(target): bp for target, bp in (scope.get("bp") or {}).items()}
    shown = only or [target for target in multipliers if target not in excluded]
    rows = [{"target": target, "effect": "except"} for target in excluded]
    rows += [
        {"target": target, "effect": "times", "times": _times(multipliers.get(target, UNIT_BP))}
        for target in shown
        if target not in excluded
    ]
    return rows


def calendar_initial(boosts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for boost in boosts:
        hours = boost.get("hours") or (None, None)
        rows.append(
            {
                "name": boost.get("name", ""),
                "from_date": boost.get("from"),
                "to_date": boost.get("to"),
                "weekdays": list(boost.get("weekdays") or []),
                "hour_from": hours[0],
                "hour_to": hours[1],
                "times": _times(boost["bp"]),
            }
        )
    return rows


def _rows(
    row: type[forms.Form],
    prefix: str,
    data: Any,
    initial: list[dict[str, Any]],
    choices: Choices | None = None,
) -> Any:
    factory: Any = forms.formset_factory(row, extra=0, can_delete=True, max_num=500)
    arguments = {} if choices is None else {"form_kwargs": {"choices": choices}}
    return factory(data, prefix=prefix, initial=initial, **arguments)


def _filled(formset: Any) -> list[dict[str, Any]]:
    return [
        row.cleaned_data for row in formset.forms if row.cleaned_data and not row.cleaned_data.get("DELETE")
    ]


def _expiry(data: Mapping[str, Any]) -> dict[str, Any]:
    """The expiry a rule has of its own: the fields its kind needs."""
    kind = data["expiry_kind"]
    if not kind:
        return {}
    made: dict[str, Any] = {"kind": kind}
    if kind == "on_date":
        made["on"] = data["expiry_on"].isoformat()
    elif kind != "never":
        made["months"] = data["expiry_months"] or 0
    if kind == "fixed_date" and data["expiry_month_day"]:
        made["month_day"] = data["expiry_month_day"]
    if kind != "never" and data["expiry_grace_days"]:
        made["grace_days"] = data["expiry_grace_days"]
    return made


def _tier_multipliers(data: Mapping[str, Any]) -> dict[str, int]:
    found = {name.removeprefix("tier_"): data[name] for name in data if name.startswith("tier_")}
    return {tier: _bp(times) for tier, times in found.items() if times is not None and times != 1}


def _scope(rows: list[dict[str, Any]], is_only: bool) -> dict[str, Any]:
    rows = [row for row in rows if row.get("target") is not None]
    excluded = sorted({row["target"] for row in rows if row["effect"] == "except"})
    covered = {row["target"]: row["times"] for row in rows if row["effect"] == "times"}
    multipliers = {str(target): _bp(times) for target, times in covered.items() if times not in (None, 1)}
    made = {"only": sorted(covered) if is_only else [], "except": excluded, "bp": multipliers}
    return {key: value for key, value in made.items() if value}


def _boost(row: Mapping[str, Any]) -> dict[str, Any] | None:
    if row.get("times") is None:
        return None
    boost: dict[str, Any] = {"name": row["name"], "bp": _bp(row["times"])}
    if row.get("from_date"):
        boost["from"] = row["from_date"].isoformat()
    if row.get("to_date"):
        boost["to"] = row["to_date"].isoformat()
    if row.get("weekdays"):
        boost["weekdays"] = sorted(row["weekdays"])
    if row.get("hour_from") is not None:
        boost["hours"] = [row["hour_from"], row["hour_to"]]
    return boost


def _bp(times: Decimal) -> int:
    return int(times * UNIT_BP)


def _times(bp: int) -> Decimal:
    return _plain(Decimal(bp) / UNIT_BP)


def _fen(yuan: Decimal | None) -> int:
    return int((yuan or 0) * 100)


def _yuan(fen: int) -> Decimal:
    return _plain(Decimal(fen) / 100)


def _plain(value: Decimal) -> Decimal:
    """1.50 → 1.5 and 100 → 100, never 1E+2."""
    return value.quantize(Decimal(1)) if value == value.to_integral() else value.normalize()
