"""A tag's rule: conditions over what happened, under all, any or none. Read, checked, written back. Pure.

As JSON: groups are ``{"match": "all" | "any" | "none", "of": [...]}``, conditions one of

- ``{"ask": "figure", "event", "where", "measure", "of", "within", "op", "value"}``: how often, how much, how many different;
- ``{"ask": "share", "event", "where", "to", "to_where", "measure", "of", "within", "op", "value", "least"}``: what part of
  ``to`` it is, in per cent; nobody with fewer than ``least`` of those has a share;
- ``{"ask": "unfollowed", "event", "where", "by", "by_where", "wait", "within", "value"}``: happened so often without the other
  happening since, the oldest of them ``wait`` ago or longer.

Times are ``{"days": 30}`` or ``{"hours": 6}``; ``where`` is a list of ``{"key", "op", "value"}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from zhike.insight.rules.tags.catalogue import kind_of

MATCHES = ("all", "any", "none")
OPS = ("at_least", "at_most", "between")
MEASURES = ("count", "sum", "average", "distinct", "largest")
PROPERTY_OPS = ("equals", "one_of", "differs", "contains", "at_least", "at_most")
DEPTH_MAX, LEAVES_MAX, WHERE_MAX, VALUES_MAX, TEXT_MAX = 4, 12, 5, 200, 120
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DAYS_MAX = 1_100
SEEN_MAX = 1_000
"""Of one kind a person's newest so many are remembered."""
LARGEST = 10**14


class BadRule(ValueError):
    """``path`` is where: "2.1" is the first child of the second child of the root. ``code`` says what is wrong."""

    def __init__(self, path: str, code: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path, self.code = path, code


@dataclass(frozen=True, slots=True)
class Compared:
    key: str
    op: str
    value: str | int | float | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Happenings of one kind, narrowed by their properties."""

    event: str
    where: tuple[Compared, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """``within_ms`` is how long a happening counts; ``of`` the property that is added up or told apart."""

    chosen: Chosen
    measure: str
    of: str
    within_ms: int
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Share:
    part: Chosen
    whole: Chosen
    measure: str
    of: str
    within_ms: int
    low: int | None
    high: int | None
    least: int


@dataclass(frozen=True, slots=True)
class Unfollowed:
    first: Chosen
    then: Chosen
    times: int
    wait_ms: int
    within_ms: int


@dataclass(frozen=True, slots=True)
class Group:
    match: str
    of: tuple[Node, ...]


Leaf: TypeAlias = Figure | Share | Unfollowed
Node: TypeAlias = Group | Leaf


def parse(given: Any) -> Group:
    """The tree of a rule as it is stored. Raises BadRule."""
    node = _node(given, "", 1)
    if not isinstance(node, Group):
        raise BadRule("", "root")
    if sum(1 for _ in leaves(node)) > LEAVES_MAX:
        raise BadRule("", "too-many")
    if not _needs_something(node):
        raise BadRule("", "everybody")
    return node


def leaves(node: Node) -> Iterator[Leaf]:
    """Every condition, in reading order."""
    if not isinstance(node, Group):
        yield node
        return
    for one in node.of:
        yield from leaves(one)


def chosen_of(leaf: Leaf) -> tuple[Chosen, ...]:
    """What a condition looks at; the first is what it is based on."""
    if isinstance(leaf, Figure):
        return (leaf.chosen,)
    return (leaf.part, leaf.whole) if isinstance(leaf, Share) else (leaf.first, leaf.then)


def reach_ms(node: Node) -> int:
    """How far back the rule looks."""
    return max(leaf.within_ms for leaf in leaves(node))


def between(value: float | None, low: int | None, high: int | None) -> bool:
    return value is not None and (low is None or value >= low) and (high is None or value <= high)


def _needs_something(node: Node) -> bool:
    """Whether it fails for who never did anything: a tag for everybody says nothing of anybody."""
    return not _holds_of_nothing(node)


def _holds_of_nothing(node: Node) -> bool:
    if isinstance(node, Group):
        found = [_holds_of_nothing(one) for one in node.of]
        return {"all": all(found), "any": any(found), "none": not any(found)}[node.match]
    empty = 0 if isinstance(node, Figure) and node.measure in ("count", "sum", "distinct") else None
    return isinstance(node, Figure) and between(empty, node.low, node.high)


# --- reading -------------------------------------------------------------------------------------------------------


def _node(given: Any, path: str, depth: int) -> Node:
    if not isinstance(given, Mapping):
        raise BadRule(path, "shape")
    if "ask" in given:
        reader = _READERS.get(str(given["ask"]))
        if reader is None:
            raise BadRule(path, "ask")
        _only(given, path, *reader[1])
        leaf: Leaf = reader[0](given, path)
        return leaf
    match, of = given.get("match"), given.get("of")
    if match not in MATCHES or not isinstance(of, list) or set(given) - {"match", "of"}:
        raise BadRule(path, "shape")
    if not of:
        raise BadRule(path, "empty")
    if depth > DEPTH_MAX or len(of) > LEAVES_MAX:
        raise BadRule(path, "too-deep" if depth > DEPTH_MAX else "too-many")
    parts = (_node(one, f"{path}.{number}".lstrip("."), depth + 1) for number, one in enumerate(of, start=1))
    return Group(match, tuple(parts))


def _only(given: Mapping[str, Any], path: str, *keys: str) -> None:
    if set(given) - {"ask", *keys}:
        raise BadRule(path, "shape")


def _figure(given: Mapping[str, Any], path: str) -> Figure:
    measure, of = _measure(given, path, MEASURES)
    low, high = _bounds(given, path, LARGEST)
    return Figure(
        _chosen(given, "event", "where", path), measure, of, _time(given, "within", path), low, high
    )


def _share(given: Mapping[str, Any], path: str) -> Share:
    measure, of = _measure(given, path, ("count", "sum"))
    low, high = _bounds(given, path, 100_000)
    return Share(
        _chosen(given, "event", "where", path), _chosen(given, "to", "to_where", path), measure, of,
        _time(given, "within", path), low, high, _whole(given.get("least", 1), path, SEEN_MAX, least=1),
    )  # fmt: skip


def _unfollowed(given: Mapping[str, Any], path: str) -> Unfollowed:
    wait, within = _time(given, "wait", path), _time(given, "within", path)
    if wait >= within:
        raise BadRule(path, "wait")
    times = _whole(given.get("value", 1), path, SEEN_MAX, least=1)
    chosen = _chosen(given, "event", "where", path), _chosen(given, "by", "by_where", path)
    return Unfollowed(*chosen, times, wait, within)


_READERS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "figure": (_figure, ("event", "where", "measure", "of", "within", "op", "value")),
    "share": (
        _share,
        ("event", "where", "to", "to_where", "measure", "of", "within", "op", "value", "least"),
    ),
    "unfollowed": (_unfollowed, ("event", "where", "by", "by_where", "wait", "within", "value")),
}


def _chosen(given: Mapping[str, Any], event: str, where: str, path: str) -> Chosen:
    code, narrowing = given.get(event), given.get(where, [])
    if not isinstance(code, str) or len(code) > TEXT_MAX or kind_of(code) is None:
        raise BadRule(path, "event")
    if not isinstance(narrowing, list) or len(narrowing) > WHERE_MAX:
        raise BadRule(path, "where")
    return Chosen(code, tuple(_compared(one, path) for one in narrowing))


def _compared(given: Any, path: str) -> Compared:
    if (
        not isinstance(given, Mapping)
        or set(given) != {"key", "op", "value"}
        or given["op"] not in PROPERTY_OPS
    ):
        raise BadRule(path, "where")
    op, value = str(given["op"]), given["value"]
    if op in ("at_least", "at_most"):
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
            raise BadRule(path, "property-number")
        return Compared(_text(given["key"], path), op, value)
    if op == "one_of":
        if not isinstance(value, list) or not 0 < len(value) <= VALUES_MAX:
            raise BadRule(path, "where")
        return Compared(
            _text(given["key"], path), op, tuple(dict.fromkeys(_text(str(one), path) for one in value))
        )
    return Compared(_text(given["key"], path), op, _text(str(value), path))


def _measure(given: Mapping[str, Any], path: str, known: Sequence[str]) -> tuple[str, str]:
    measure, of = given.get("measure", "count"), given.get("of", "")
    if measure not in known:
        raise BadRule(path, "measure")
    if (measure == "count") != (of in ("", None)):
        raise BadRule(path, "of")
    return measure, "" if measure == "count" else _text(of, path)


def _bounds(given: Mapping[str, Any], path: str, largest: int) -> tuple[int | None, int | None]:
    op, value = given.get("op"), given.get("value")
    if op not in OPS:
        raise BadRule(path, "op")
    if value in (None, "", [], [None, None]):
        raise BadRule(path, "value-missing")
    if op == "between":
        if not isinstance(value, list) or len(value) != 2:
            raise BadRule(path, "value")
        low, high = (_whole(one, path, largest) for one in value)
        if low > high:
            raise BadRule(path, "order")
        return low, high
    number = _whole(value, path, largest)
    return (number, None) if op == "at_least" else (None, number)


def _time(given: Mapping[str, Any], name: str, path: str) -> int:
    found = given.get(name)
    if not isinstance(found, Mapping) or len(found) != 1 or set(found) - {"days", "hours"}:
        raise BadRule(path, "time")
    unit, number = next(iter(found.items()))
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise BadRule(path, "time")
    span = number * (DAY_MS if unit == "days" else HOUR_MS)
    if span > DAYS_MAX * DAY_MS:
        raise BadRule(path, "time")
    return span


def _whole(given: Any, path: str, largest: int, least: int = 0) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= largest:
        raise BadRule(path, "value")
    return given


def _text(given: Any, path: str) -> str:
    if not isinstance(given, str) or not 0 < len(given) <= TEXT_MAX or "\x00" in given:
        raise BadRule(path, "where")
    return given


# --- writing -------------------------------------------------------------------------------------------------------


def stored(node: Node) -> dict[str, Any]:
    """As it is stored: reading it again gives the same tree."""
    if isinstance(node, Group):
        return {"match": node.match, "of": [stored(one) for one in node.of]}
    if isinstance(node, Unfollowed):
        found = {"ask": "unfollowed", **_stored_chosen(node.first, "event", "where")}
        found |= _stored_chosen(node.then, "by", "by_where") | {
            "wait": _stored_time(node.wait_ms),
            "value": node.times,
        }
        return found | {"within": _stored_time(node.within_ms)}
    if isinstance(node, Share):
        found = {"ask": "share", **_stored_chosen(node.part, "event", "where")}
        found |= _stored_chosen(node.whole, "to", "to_where") | {"least": node.least}
    else:
        found = {"ask": "figure", **_stored_chosen(node.chosen, "event", "where")}
    found |= {"measure": node.measure, "within": _stored_time(node.within_ms), **_stored_bounds(node)}
    return found | ({"of": node.of} if node.of else {})


def _stored_chosen(chosen: Chosen, event: str, where: str) -> dict[str, Any]:
    narrowing = [
        {
            "key": one.key,
            "op": one.op,
            "value": list(one.value) if isinstance(one.value, tuple) else one.value,
        }
        for one in chosen.where
    ]
    return {event: chosen.event} | ({where: narrowing} if narrowing else {})


def _stored_time(span: int) -> dict[str, int]:
    return {"hours": span // HOUR_MS} if span % DAY_MS else {"days": span // DAY_MS}


def _stored_bounds(node: Figure | Share) -> dict[str, Any]:
    if node.low is not None and node.high is not None:
        return {"op": "between", "value": [node.low, node.high]}
    return (
        {"op": "at_most", "value": node.high} if node.low is None else {"op": "at_least", "value": node.low}
    )
