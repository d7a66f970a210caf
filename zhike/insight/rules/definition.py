"""A segment's definition: a tree of conditions under all, any or none. Read, checked, written back. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from zhike.insight.rules.fields import FIELDS, OPS, STATIC, Field

MATCHES = ("all", "any", "none")
DEPTH_MAX = 4
LEAVES_MAX = 40
VALUES_MAX = 200
DAYS_MAX = 3_660
PROPERTIES_MAX = 3
TEXT_MAX = 120
PROPERTY_OPS = ("equals", "differs", "contains", "at_least", "at_most")


class BadDefinition(ValueError):
    """``path`` is where: "2.1" is the first child of the second child of the root. ``code`` says what is wrong."""

    def __init__(self, path: str, code: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code = path, code


@dataclass(frozen=True, slots=True)
class Window:
    """The last ``days`` up to now, or the days from ``first`` to ``last``, both included; nothing set: ever."""

    days: int | None = None
    first: dt.date | None = None
    last: dt.date | None = None

    @property
    def is_open(self) -> bool:
        return self.days is None and self.first is None and self.last is None


@dataclass(frozen=True, slots=True)
class Property:
    key: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class Where:
    """What of the receipts or events counts; an empty part restricts nothing."""

    malls: tuple[int, ...] = ()
    merchants: tuple[int, ...] = ()
    trade_categories: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()
    minimum_fen: int = 0
    names: tuple[str, ...] = ()
    properties: tuple[Property, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition. Numbers and days have ``low`` and ``high`` (None: open), choices have ``values``."""

    field: Field
    op: str
    low: int | None = None
    high: int | None = None
    values: tuple[str | int, ...] = ()
    window: Window = Window()
    where: Where = Where()


@dataclass(frozen=True, slots=True)
class Group:
    match: str
    of: tuple[Node, ...]


Node: TypeAlias = "Group | Leaf"


def parse(given: Any) -> Group:
    """The tree of a definition as it is stored. Raises BadDefinition."""
    node = _node(given, "", 1)
    if not isinstance(node, Group):
        raise BadDefinition("", "root")
    if sum(1 for _ in leaves(node)) > LEAVES_MAX:
        raise BadDefinition("", "too-many")
    return node


def leaves(node: Node) -> Iterator[Leaf]:
    """Every condition, in reading order."""
    if isinstance(node, Leaf):
        yield node
        return
    for one in node.of:
        yield from leaves(one)


def is_profiling(node: Node) -> bool:
    """Whether it asks what somebody is like, which they may have forbidden."""
    return any(leaf.field.is_profiling for leaf in leaves(node))


def references(node: Node) -> frozenset[int]:
    """The segments it is made of."""
    return frozenset(
        int(value) for leaf in leaves(node) if leaf.field.code == "segment" for value in leaf.values
    )


def cycle(start: int, references_of: Mapping[int, frozenset[int]]) -> bool:
    """Whether a segment leads back to itself through those it is made of."""
    waiting, seen = list(references_of.get(start, ())), set[int]()
    while waiting:
        one = waiting.pop()
        if one == start:
            return True
        if one not in seen:
            seen.add(one)
            waiting.extend(references_of.get(one, ()))
    return False


# --- reading -------------------------------------------------------------------------------------------------------


def _node(given: Any, path: str, depth: int) -> Node:
    if not isinstance(given, Mapping):
        raise BadDefinition(path, "shape")
    if "field" in given:
        return _leaf(given, path)
    match, of = given.get("match"), given.get("of")
    if (
        match not in MATCHES
        or not isinstance(of, Sequence)
        or isinstance(of, str)
        or set(given) - {"match", "of"}
    ):
        raise BadDefinition(path, "shape")
    if not of:
        raise BadDefinition(path, "empty")
    if depth > DEPTH_MAX or len(of) > LEAVES_MAX:
        raise BadDefinition(path, "too-deep" if depth > DEPTH_MAX else "too-many")
    parts = tuple(
        _node(one, f"{path}.{number}".lstrip("."), depth + 1) for number, one in enumerate(of, start=1)
    )
    return Group(match, parts)


def _leaf(given: Mapping[str, Any], path: str) -> Leaf:
    field_ = FIELDS.get(str(given.get("field")))
    if field_ is None or set(given) - {"field", "op", "value", "window", "where"}:
        raise BadDefinition(path, "field")
    op = given.get("op")
    if op not in OPS[field_.kind]:
        raise BadDefinition(path, "op")
    low = high = None
    values: tuple[str | int, ...] = ()
    if field_.kind == "choice":
        values = _values(given.get("value"), field_, path)
    else:
        low, high = _range(str(op), given.get("value"), field_, path)
    window = _window(given.get("window"), field_, path)
    where = _where(given.get("where"), field_, path)
    return Leaf(field_, str(op), low, high, values, window, where)


def _values(given: Any, field_: Field, path: str) -> tuple[str | int, ...]:
    known = STATIC.get(field_.choices)
    if not isinstance(given, list) or not 0 < len(given) <= VALUES_MAX:
        raise BadDefinition(path, "value-missing" if given in (None, [], "") else "value")
    if known is not None:
        if any(one not in known for one in given):
            raise BadDefinition(path, "value")
        return tuple(dict.fromkeys(given))
    return tuple(sorted({_whole(one, path) for one in given}))


def _range(op: str, given: Any, field_: Field, path: str) -> tuple[int | None, int | None]:
    if given in (None, "", [], [None, None]):
        raise BadDefinition(path, "value-missing")
    if op == "between":
        if not isinstance(given, list) or len(given) != 2:
            raise BadDefinition(path, "value")
        low, high = (_whole(one, path, field_.largest) for one in given)
        if low > high:
            raise BadDefinition(path, "order")
        return low, high
    number = _whole(given, path, field_.largest)
    if field_.kind == "days_ago":
        return (None, number) if op == "within" else (number, None)
    return (number, None) if op == "at_least" else (None, number)


def _whole(given: Any, path: str, largest: int = 2**62) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= largest:
        raise BadDefinition(path, "value")
    return given


def _window(given: Any, field_: Field, path: str) -> Window:
    if given in (None, {}):
        return Window()
    if not field_.is_windowed or not isinstance(given, Mapping) or set(given) - {"days", "first", "last"}:
        raise BadDefinition(path, "window")
    if "days" in given:
        days = _whole(given["days"], path, DAYS_MAX)
        if days == 0 or len(given) > 1:
            raise BadDefinition(path, "window")
        return Window(days=days)
    first, last = (_day(given.get(name), path) for name in ("first", "last"))
    if first and last and first > last:
        raise BadDefinition(path, "order")
    return Window(first=first, last=last)


def _day(given: Any, path: str) -> dt.date | None:
    if given in (None, ""):
        return None
    try:
        day = dt.date.fromisoformat(given)
    except (TypeError, ValueError) as error:
        raise BadDefinition(path, "window") from error
    if not 2000 <= day.year < 9000:
        raise BadDefinition(path, "window")
    return day


def _where(given: Any, field_: Field, path: str) -> Where:
    if given in (None, {}):
        return Where()
    if not isinstance(given, Mapping) or set(given) - set(field_.where):
        raise BadDefinition(path, "where")
    readers: dict[str, Callable[[Any, str], Any]] = {
        "malls": _ids, "merchants": _ids, "trade_categories": _ids, "weekdays": _weekdays,
        "minimum_fen": lambda value, at: _whole(value, at, 10**13), "names": _names, "properties": _properties,
    }  # fmt: skip
    return Where(**{name: readers[name](value, path) for name, value in given.items()})


def _ids(given: Any, path: str) -> tuple[int, ...]:
    if not isinstance(given, list) or len(given) > VALUES_MAX:
        raise BadDefinition(path, "where")
    return tuple(sorted({_whole(one, path) for one in given}))


def _weekdays(given: Any, path: str) -> tuple[int, ...]:
    days = _ids(given, path)
    if any(not 1 <= day <= 7 for day in days):
        raise BadDefinition(path, "where")
    return days


def _names(given: Any, path: str) -> tuple[str, ...]:
    if not isinstance(given, list) or len(given) > VALUES_MAX:
        raise BadDefinition(path, "where")
    return tuple(dict.fromkeys(_text(one, path) for one in given))


def _properties(given: Any, path: str) -> tuple[Property, ...]:
    if not isinstance(given, list) or len(given) > PROPERTIES_MAX:
        raise BadDefinition(path, "where")
    found = []
    for one in given:
        if (
            not isinstance(one, Mapping)
            or set(one) != {"key", "op", "value"}
            or one["op"] not in PROPERTY_OPS
        ):
            raise BadDefinition(path, "where")
        if one["op"] in ("at_least", "at_most") and not _is_number(one["value"]):
            raise BadDefinition(path, "property-number")
        found.append(Property(_text(one["key"], path), str(one["op"]), _text(one["value"], path)))
    return tuple(found)


def _is_number(given: Any) -> bool:
    text = str(given)
    return len(text) <= 15 and text.isascii() and text.removeprefix("-").replace(".", "", 1).isdecimal()


def _text(given: Any, path: str) -> str:
    if not isinstance(given, str) or not 0 < len(given) <= TEXT_MAX or "\x00" in given:
        raise BadDefinition(path, "where")
    return given


# --- writing -------------------------------------------------------------------------------------------------------


def stored(node: Node) -> dict[str, Any]:
    """As it is stored: reading it again gives the same tree."""
    if isinstance(node, Group):
        return {"match": node.match, "of": [stored(one) for one in node.of]}
    found: dict[str, Any] = {"field": node.field.code, "op": node.op, "value": _stored_value(node)}
    if not node.window.is_open:
        found["window"] = _stored_window(node.window)
    if where := _stored_where(node.where):
        found["where"] = where
    return found


def _stored_value(leaf: Leaf) -> Any:
    if leaf.field.kind == "choice":
        return list(leaf.values)
    if leaf.op == "between":
        return [leaf.low, leaf.high]
    return leaf.high if leaf.low is None else leaf.low


def _stored_window(window: Window) -> dict[str, Any]:
    if window.days is not None:
        return {"days": window.days}
    ends = {"first": window.first, "last": window.last}
    return {name: day.isoformat() for name, day in ends.items() if day}


def _stored_where(where: Where) -> dict[str, Any]:
    lists = {
        name: list(getattr(where, name))
        for name in ("malls", "merchants", "trade_categories", "weekdays", "names")
    }
    found: dict[str, Any] = {name: values for name, values in lists.items() if values}
    if where.minimum_fen:
        found["minimum_fen"] = where.minimum_fen
    if where.properties:
        found["properties"] = [{"key": one.key, "op": one.op, "value": one.value} for one in where.properties]
    return found
