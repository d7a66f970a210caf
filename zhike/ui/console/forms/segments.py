"""The builder of segments: a tree of conditions as a form. The server keeps the tree; the page only shows it.

Each node has a path, its place in the tree ("0" is the root, "0.2" its third child). Hidden fields named ``node`` tell paths and
kinds in reading order, all else of a node is named after its path: ``0.2.field``, ``0.2.op`` …
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from zhike.insight import queries
from zhike.kernel.money import yuan_text
from zhike.ui.components import segments as words
from zhike.ui.components.consents import CHANNELS, MARKETING_CHANNELS, PURPOSES
from zhike.ui.console.once import OnceForm

NODES_MAX = 80
LISTS = {"malls": "malls", "merchants": "merchants", "trade_categories": "trades", "weekdays": "weekdays"}


@dataclass
class Draft:
    """One node as it stands in the form; ``given`` are the texts of a condition, ``lists`` its ticked choices."""

    path: str
    kind: str
    match: str = "all"
    of: list[Draft] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    is_new: bool = False
    options: list[Any] = field(default_factory=list)
    ops: list[Any] = field(default_factory=list)

    @property
    def asked(self) -> queries.Field | None:
        return queries.FIELDS.get(self.given.get("field", ""))

    @property
    def is_narrowed(self) -> bool:
        return any(self.lists.get(name) for name in (*LISTS.values(), "names")) or any(
            self.given.get(name) for name in ("minimum", "key")
        )

    @property
    def number(self) -> str:
        """As sentences about faults count it: the root's first child is 1."""
        return ".".join(str(int(part) + 1) for part in self.path.split(".")[1:])

    @property
    def depth(self) -> int:
        return self.path.count(".") + 1


TEXTS = (
    "field",
    "op",
    "low",
    "high",
    "window",
    "days",
    "first",
    "last",
    "minimum",
    "key",
    "keyop",
    "keyvalue",
)
TICKED = ("value", "malls", "merchants", "trades", "weekdays", "names")


def empty_draft() -> Draft:
    return Draft("0", "group", of=[Draft("0.0", "leaf", is_new=True)])


def draft_of_form(given: QueryDict) -> Draft:
    """The tree that was sent; what does not hang together is left out."""
    nodes: dict[str, Draft] = {}
    for text in given.getlist("node")[:NODES_MAX]:
        path, _colon, kind = text.partition(":")
        parent = nodes.get(path.rpartition(".")[0])
        if kind not in ("group", "leaf") or path in nodes or (parent is None) != (path == "0"):
            continue
        node = Draft(path, kind, match=given.get(f"{path}.match", "all"))
        node.given = {name: given.get(f"{path}.{name}", "").strip() for name in TEXTS}
        node.lists = {name: given.getlist(f"{path}.{name}") for name in TICKED}
        nodes[path] = node
        if parent is not None:
            parent.of.append(node)
    root = nodes.get("0")
    return root if root is not None and root.kind == "group" else empty_draft()


def draft_of_definition(node: queries.Node, path: str = "0") -> Draft:
    """A stored definition in the form."""
    if isinstance(node, queries.Group):
        children = [draft_of_definition(one, f"{path}.{at}") for at, one in enumerate(node.of)]
        return Draft(path, "group", match=node.match, of=children)
    where, window = node.where, node.window
    is_money = node.field.kind == "money"
    bounds = {"low": node.low, "high": node.high}
    if node.field.kind == "days_ago":
        bounds = {"low": node.high if node.low is None else node.low, "high": None}
    elif node.op == "at_most":
        bounds = {"low": node.high, "high": None}
    given = {name: _amount(bound, is_money) for name, bound in bounds.items()}
    given |= {"field": node.field.code, "op": node.op, "window": "days" if window.days else "dates"}
    if window.is_open:
        given["window"] = "ever"
    given |= {
        "days": str(window.days or ""),
        "first": str(window.first or ""),
        "last": str(window.last or ""),
    }
    given["minimum"] = _amount(where.minimum_fen or None, True)
    for one in where.properties[:1]:
        given |= {"key": one.key, "keyop": one.op, "keyvalue": one.value}
    lists = {"value": [str(value) for value in node.values], "names": list(where.names)}
    lists |= {form: [str(one) for one in getattr(where, name)] for name, form in LISTS.items()}
    return Draft(path, "leaf", given=given, lists=lists)


def _amount(value: int | None, is_money: bool) -> str:
    if value is None:
        return ""
    return yuan_text(value).replace(",", "").removesuffix(".00") if is_money else str(value)


def changed(root: Draft, act: str) -> Draft:
    """The tree after one press of a button: add, group, drop, asked (another field was chosen)."""
    what, _colon, path = act.partition(":")
    node = _find(root, path)
    if node is None:
        return root
    if what == "add" and node.kind == "group":
        node.of.append(Draft("", "leaf", is_new=True))
    elif what == "group" and node.kind == "group":
        node.of.append(Draft("", "group", match="any", of=[Draft("", "leaf", is_new=True)]))
    elif what == "drop" and path != "0":
        _drop(root, node)
    elif what == "asked":
        node.given, node.lists = {"field": node.given.get("field", "")}, {}
        node.is_new = True
    _renumber(root, "0")
    return root


def _find(node: Draft, path: str) -> Draft | None:
    if node.path == path:
        return node
    return next((found for one in node.of if (found := _find(one, path))), None)


def _drop(node: Draft, unwanted: Draft) -> None:
    node.of = [one for one in node.of if one is not unwanted]
    for one in node.of:
        _drop(one, unwanted)


def _renumber(node: Draft, path: str) -> None:
    node.path = path
    for at, one in enumerate(node.of):
        _renumber(one, f"{path}.{at}")


# --- what it says --------------------------------------------------------------------------------------------------


def definition_of(node: Draft) -> dict[str, Any]:
    """The tree as operations take it; what is no number is passed on as it is and refused there."""
    if node.kind == "group":
        return {"match": node.match, "of": [definition_of(one) for one in node.of]}
    asked = node.asked
    if asked is None:
        return {"field": node.given.get("field", "")}
    op = node.given.get("op") or queries.OPS[asked.kind][0]
    found: dict[str, Any] = {"field": asked.code, "op": op, "value": _value(node, asked, op)}
    if asked.is_windowed and (window := _window(node)):
        found["window"] = window
    if where := _where(node, asked):
        found["where"] = where
    return found


def _value(node: Draft, asked: queries.Field, op: str) -> Any:
    if asked.kind == "choice":
        values = node.lists.get("value", [])
        return values if asked.choices in queries.STATIC else [_whole(one) for one in values]
    read = _fen if asked.kind == "money" else _whole
    low, high = (read(node.given.get(name, "")) for name in ("low", "high"))
    return [low, high] if op == "between" else low


def _whole(text: str) -> Any:
    plain = text.replace(",", "").replace("，", "")
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 18 else text


def _fen(text: str) -> Any:
    if not text:
        return text
    try:
        fen = Decimal(text.replace(",", "").replace("，", "")) * 100
        return int(fen) if fen == fen.to_integral_value() and abs(fen) < 10**16 else text
    except (InvalidOperation, ValueError):
        return text


def _window(node: Draft) -> dict[str, Any]:
    kind = node.given.get("window")
    if kind == "days":
        return {"days": _whole(node.given.get("days", ""))}
    if kind == "dates":
        return {name: node.given[name] for name in ("first", "last") if node.given.get(name)}
    return {}


def _where(node: Draft, asked: queries.Field) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: [_whole(one) for one in node.lists[form]]
        for name, form in LISTS.items()
        if name in asked.where and node.lists.get(form)
    }
    if "minimum_fen" in asked.where and node.given.get("minimum"):
        found["minimum_fen"] = _fen(node.given["minimum"])
    if "names" in asked.where and node.lists.get("names"):
        found["names"] = node.lists["names"]
    if "properties" in asked.where and node.given.get("key"):
        one = {
            "key": node.given["key"],
            "op": node.given.get("keyop") or "equals",
            "value": node.given.get("keyvalue", ""),
        }
        found["properties"] = [one]
    return found


# --- what the templates show ---------------------------------------------------------------------------------------


def choices_of(names: words.Names, behaviours: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the builder offers."""
    by_family = [
        (
            words.FAMILIES[family],
            [(code, words.FIELDS[code]) for code, one in queries.FIELDS.items() if one.family == family],
        )
        for family in queries.FAMILIES
    ]
    return {
        "fields": by_family,
        "ops": {kind: [(op, words.OPS[op]) for op in ops] for kind, ops in queries.OPS.items()},
        "lists": {
            name: [(str(key), text) for key, text in known.items()] for name, known in names.choices.items()
        },
        "behaviours": list(behaviours.items()),
        "matches": list(words.MATCHES.items()),
        "property_ops": list(words.PROPERTY_OPS.items()),
    }


def furnish(node: Draft, choices: Mapping[str, Any]) -> Draft:
    """Give every condition what can be chosen for it."""
    for one in node.of:
        furnish(one, choices)
    if asked := node.asked:
        node.options = choices["lists"].get(asked.choices, [])
        node.ops = choices["ops"][asked.kind]
        node.given["op"] = node.given.get("op") or node.ops[0][0]
    return node


class SegmentForm(OnceForm):
    name = forms.CharField(max_length=80, label=_("Name of the segment"))
    code = forms.SlugField(
        max_length=40,
        label=_("Code"),
        help_text=_("Small letters, digits and dashes; cannot be changed later."),
    )
    place = forms.ChoiceField(
        label=_("Where it applies"),
        help_text=_("Whose members and receipts it is about; cannot be changed later."),
    )
    note = forms.CharField(max_length=300, required=False, label=_("What it is for"))

    def __init__(self, *args: Any, places: list[tuple[str, str]], is_known: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_known:
            del self.fields["code"], self.fields["place"]
        else:
            self.fields["place"].choices = places  # type: ignore[attr-defined]


class FreezeForm(OnceForm):
    label = forms.CharField(max_length=80, label=_("Name of the snapshot"))


class ExportForm(OnceForm):
    """Only who agreed to the purpose is in the file."""

    purpose = forms.ChoiceField(label=_("Purpose"))
    reason = forms.CharField(
        max_length=200, label=_("What the file is for"), widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        marketing = [
            (f"marketing.{one}", f"{PURPOSES['marketing'][0]} · {CHANNELS[one]}")
            for one in MARKETING_CHANNELS
        ]
        others = [(f"{one}.any", PURPOSES[one][0]) for one in ("membership", "personalisation", "sharing")]
        self.fields["purpose"].choices = [*marketing, *others]  # type: ignore[attr-defined]
