"""The editor of a tag's rule: conditions one below the other, each a sentence with gaps. The server keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from zhike.insight import queries
from zhike.insight.queries import tag_rule as rules
from zhike.kernel.money import yuan_text
from zhike.ui.components import tags as words
from zhike.ui.console.once import OnceForm

ROWS_MAX = 12
NARROWINGS = 2
TEXTS = (
    "ask", "not", "event", "measure", "of", "number", "unit", "op", "low", "high", "by", "wait", "wait_unit", "least",
    *(f"{name}{at}" for at in range(NARROWINGS) for name in ("key", "keyop", "keyvalue")),
)  # fmt: skip
LISTS = tuple(f"values{at}" for at in range(NARROWINGS))
FRESH = {
    "ask": "figure", "event": "purchase", "measure": "count", "number": "30", "unit": "days", "op": "at_least", "low": "1",
    "by": "purchase", "wait": "7", "wait_unit": "days", "least": "3",
}  # fmt: skip


@dataclass
class Row:
    """One condition as it stands in the form."""

    given: dict[str, str] = field(default_factory=lambda: dict(FRESH))
    lists: dict[str, list[str]] = field(default_factory=dict)
    is_new: bool = False
    number: int = 0

    @property
    def measures_money(self) -> bool:
        return self.given.get("of", "").endswith("_fen") and self.given.get("measure") != "distinct"

    @property
    def kind(self) -> queries.tag_catalogue.Kind | None:
        return queries.tag_catalogue.kind_of(self.given.get("event", ""))

    @property
    def measurable(self) -> list[tuple[str, str]]:
        """What can be added up or told apart."""
        found = list(self.kind.properties) if self.kind else []
        wanted = (
            ("number", "money") if self.given.get("measure") != "distinct" else ("number", "choice", "text")
        )
        codes = [one.code for one in found if one.kind in wanted and one.code not in ("weekday", "hour")]
        codes += ["day"] if self.given.get("measure") == "distinct" else []
        return [(code, words.property_name(code)) for code in codes]

    @property
    def narrowings(self) -> list[dict[str, Any]]:
        """The gaps that narrow what counts, as the template draws them."""
        return [self._narrowing(at) for at in range(NARROWINGS)]

    def _narrowing(self, at: int) -> dict[str, Any]:
        key = self.given.get(f"key{at}", "")
        known = words.property_of(self.given.get("event", ""), key)
        numeric = known is not None and known.kind in ("number", "money")
        ops = ("at_least", "at_most", "equals") if numeric else ("equals", "differs", "contains")
        return {
            "at": at, "key": key, "op": self.given.get(f"keyop{at}", ""), "value": self.given.get(f"keyvalue{at}", ""),
            "values": self.lists.get(f"values{at}", []), "choices": known.choices if known else "",
            "is_money": known is not None and known.kind == "money",
            "ops": [(op, words.OPS[op]) for op in ops],
        }  # fmt: skip


@dataclass
class Draft:
    """The rule as it stands in the form. ``is_foreign``: it has a shape that this form cannot show."""

    match: str = "all"
    rows: list[Row] = field(default_factory=lambda: [Row(is_new=True)])
    is_foreign: bool = False

    def numbered(self) -> Draft:
        for number, row in enumerate(self.rows):
            row.number = number
        return self


def draft_of_form(given: QueryDict) -> Draft:
    rows = []
    for text in given.getlist("row")[:ROWS_MAX]:
        if not text.isascii() or not text.isdecimal():
            continue
        row = Row({name: given.get(f"{text}.{name}", "").strip() for name in TEXTS})
        row.lists = {name: given.getlist(f"{text}.{name}") for name in LISTS}
        rows.append(row)
    match = given.get("match", "all")
    return Draft(match if match in ("all", "any") else "all", rows or [Row(is_new=True)]).numbered()


def changed(draft: Draft, act: str) -> Draft:
    """After one press of a button: add, drop:2, asked:2 (another kind was chosen)."""
    what, _colon, at = act.partition(":")
    number = int(at) if at.isdecimal() and int(at) < len(draft.rows) else None
    if what == "add" and len(draft.rows) < ROWS_MAX:
        draft.rows.append(Row(is_new=True))
    elif what == "drop" and number is not None and len(draft.rows) > 1:
        del draft.rows[number]
    elif what == "asked" and number is not None:
        row = draft.rows[number]
        row.given = {**FRESH, **{name: text for name, text in row.given.items() if text}}
        offered = [code for code, _text in row.measurable]
        if row.given.get("measure") == "count":
            row.given["of"] = ""
        elif row.given.get("of") not in offered:
            row.given["of"] = offered[0] if offered else ""
    return draft.numbered()


def draft_of_rule(root: rules.Group | None) -> Draft:
    """A stored rule in the form."""
    if root is None:
        return Draft().numbered()
    rows = []
    for one in root.of:
        is_not = isinstance(one, rules.Group) and one.match == "none" and len(one.of) == 1
        leaf = one.of[0] if is_not and isinstance(one, rules.Group) else one
        if isinstance(leaf, rules.Group) or root.match == "none":
            return Draft(is_foreign=True).numbered()
        row = _row(leaf)
        row.given["not"] = "1" if is_not else ""
        rows.append(row)
    too_narrow = any(
        len(chosen.where) > NARROWINGS for leaf in rules.leaves(root) for chosen in rules.chosen_of(leaf)
    )
    others = any(chosen.where for leaf in rules.leaves(root) for chosen in rules.chosen_of(leaf)[1:])
    return Draft(root.match, rows, is_foreign=too_narrow or others).numbered()


def _row(leaf: rules.Leaf) -> Row:
    first, *others = rules.chosen_of(leaf)
    given = {**FRESH, "event": first.event, **_time(leaf.within_ms, "number", "unit")}
    if others:
        given["by"] = others[0].event
    if isinstance(leaf, rules.Unfollowed):
        given |= {"ask": "unfollowed", "low": str(leaf.times), **_time(leaf.wait_ms, "wait", "wait_unit")}
    else:
        is_share = isinstance(leaf, rules.Share)
        given |= {"ask": "share" if is_share else "figure", "measure": leaf.measure, "of": leaf.of}
        money = not is_share and leaf.of.endswith("_fen") and leaf.measure != "distinct"
        low, high = (_amount(bound, money) for bound in (leaf.low, leaf.high))
        given |= {"op": "between" if low and high else "at_least" if low else "at_most", "low": low or high}
        given["high"] = high if low and high else ""
    if isinstance(leaf, rules.Share):
        given["least"] = str(leaf.least)
    row = Row(given)
    for at, one in enumerate(first.where[:NARROWINGS]):
        known = words.property_of(first.event, one.key)
        row.given |= {f"key{at}": one.key, f"keyop{at}": one.op}
        if isinstance(one.value, tuple):
            row.lists[f"values{at}"] = list(one.value)
        else:
            is_money = known is not None and known.kind == "money"
            row.given[f"keyvalue{at}"] = _amount(int(one.value), True) if is_money else str(one.value)
    return row


def _time(span: int, number: str, unit: str) -> dict[str, str]:
    name, size = ("hours", rules.HOUR_MS) if span % rules.DAY_MS else ("days", rules.DAY_MS)
    return {number: str(span // size), unit: name}


def _amount(value: int | None, is_money: bool) -> str:
    if value is None:
        return ""
    return yuan_text(value).replace(",", "").removesuffix(".00") if is_money else str(value)


# --- what it says --------------------------------------------------------------------------------------------------


def rule_of(draft: Draft) -> dict[str, Any]:
    """As operations take it; what is no number is passed on as it is and refused there."""
    of = [{"match": "none", "of": [_leaf(row)]} if row.given.get("not") else _leaf(row) for row in draft.rows]
    return {"match": draft.match, "of": of}


def _leaf(row: Row) -> dict[str, Any]:
    given = row.given
    found: dict[str, Any] = {"ask": given.get("ask"), "event": given.get("event")}
    if where := [one for at in range(NARROWINGS) if (one := _narrowed(row, at))]:
        found["where"] = where
    found["within"] = {given.get("unit") or "days": _whole(given.get("number", ""))}
    if found["ask"] == "unfollowed":
        found |= {"by": given.get("by"), "value": _whole(given.get("low", ""))}
        return found | {"wait": {given.get("wait_unit") or "days": _whole(given.get("wait", ""))}}
    found |= {"measure": given.get("measure") or "count", "op": given.get("op") or "at_least"}
    if found["measure"] != "count":
        found["of"] = given.get("of", "")
    if found["ask"] == "share":
        found |= {"to": given.get("by"), "least": _whole(given.get("least", "") or "1")}
    read = _fen if found["ask"] == "figure" and row.measures_money else _whole
    low, high = read(given.get("low", "")), read(given.get("high", ""))
    return found | {"value": [low, high] if found["op"] == "between" else low}


def _narrowed(row: Row, at: int) -> dict[str, Any] | None:
    key = row.given.get(f"key{at}", "")
    known = words.property_of(row.given.get("event", ""), key)
    if not key:
        return None
    if known and known.choices:
        values = row.lists.get(f"values{at}", [])
        return {"key": key, "op": "one_of", "value": values} if values else None
    value: Any = row.given.get(f"keyvalue{at}", "")
    if value == "":
        return None
    op = row.given.get(f"keyop{at}") or (
        "at_least" if known and known.kind in ("number", "money") else "equals"
    )
    if known and known.kind == "money":
        value = _fen(value)
    elif op in ("at_least", "at_most"):
        value = _whole(value)
    return {"key": key, "op": op, "value": value}


def _whole(text: str) -> Any:
    plain = text.replace(",", "").replace("，", "")
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 18 else text


def _fen(text: str) -> Any:
    if not text:
        return text
    try:
        fen = Decimal(text.replace(",", "").replace("，", "")) * 100
        return int(fen) if fen == fen.to_integral_value() and abs(fen) < 10**14 else text
    except (InvalidOperation, ValueError):
        return text


def offered(names: Mapping[str, Mapping[Any, Any]]) -> dict[str, Any]:
    """Everything the editor offers."""
    properties = {
        code: [(one.code, words.property_name(one.code)) for one in kind.properties]
        for code, kind in queries.tag_catalogue.KINDS.items()
    }
    return {
        "asks": list(words.ASKS.items()),
        "events": list(words.EVENTS.items()),
        "measures": list(words.MEASURES.items()),
        "ops": [("at_least", _("at least")), ("at_most", _("at most")), ("between", _("between"))],
        "units": [("days", _("days")), ("hours", _("hours"))],
        "properties": properties,
        "lists": {name: [(str(key), text) for key, text in known.items()] for name, known in names.items()},
    }


class TagForm(OnceForm):
    name = forms.CharField(max_length=40, label=_("Name of the tag"))
    name_en = forms.CharField(
        max_length=60,
        required=False,
        label=_("English name"),
        help_text=_("Shown where people read English."),
    )
    code = forms.SlugField(
        max_length=40,
        label=_("Code"),
        help_text=_("Small letters, digits and dashes; cannot be changed later."),
    )
    category = forms.ChoiceField(label=_("Category"), choices=list(words.CATEGORIES.items()))
    ttl_days = forms.IntegerField(
        min_value=1, max_value=rules.DAYS_MAX, required=False, label=_("Ends after … days"),
        help_text=_("Counted from the last event it is based on; empty: as long as the rule holds."),
    )  # fmt: skip
    note = forms.CharField(max_length=300, required=False, label=_("What it is for"))

    def __init__(self, *args: Any, is_known: bool, by_rule: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_known:
            del self.fields["code"]
        if not by_rule:
            del self.fields["ttl_days"]


class PublishForm(OnceForm):
    note = forms.CharField(max_length=200, required=False, label=_("What changes, and why"))


class TakeForm(OnceForm):
    """A wording becomes a new tag, or one that is there."""

    w = forms.CharField(max_length=60, widget=forms.HiddenInput)
    tag = forms.ChoiceField(label=_("Tag"), required=False)
    name = forms.CharField(max_length=40, required=False, label=_("Name of the tag"))
    code = forms.SlugField(max_length=40, required=False, label=_("Code"))
    category = forms.ChoiceField(label=_("Category"), choices=list(words.CATEGORIES.items()), initial="note")

    def __init__(self, *args: Any, tags: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tag"].choices = [("", _("A new tag")), *tags]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("tag"):
            for name in ("name", "code"):
                if not data.get(name):
                    self.add_error(name, _("A new tag needs it."))
        return data
