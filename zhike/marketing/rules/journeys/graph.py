"""A journey's definition: who enters, what ends it, and the graph of nodes between. Read from what is stored and written back. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

HOLDOUT_BP = 1_000
HOLDOUT_MAX_BP = 5_000
WINDOW_DAYS = 14
NODES_MAX = 60
WAYS_MAX = 6
REENTRIES = ("never", "after", "always")
TRIGGERS = ("event", "segment", "birthday", "expiring", "api")
WHO = ("joining", "now", "both")
UNITS = ("minutes", "hours", "days")
PURCHASE = "zhike.sales.receipt_recorded"

RESTING = frozenset({"delay", "wait"})
ENDS = frozenset({"goal", "exit"})
EFFECTS = frozenset({"message", "points", "coupon", "tag", "tier", "ticket", "signal"})
KINDS = (
    "message",
    "delay",
    "wait",
    "branch",
    "split",
    "ab",
    "coupon",
    "points",
    "tag",
    "tier",
    "ticket",
    "signal",
    "goal",
    "exit",
)
_OUTS: Mapping[str, tuple[str, ...]] = {
    "message": ("sent", "refused"),
    "points": ("given", "refused"),
    "coupon": ("given", "refused"),
    "tag": ("given", "refused"),
    "tier": ("given", "refused"),
    "ticket": ("next",),
    "signal": ("next",),
    "delay": ("next",),
    "wait": ("happened", "timeout"),
    "branch": ("yes", "no"),
    "goal": (),
    "exit": (),
}


@dataclass(frozen=True, slots=True)
class Watch:
    """An event of the log, narrowed by conditions on its data: (key, op, value), all of which must hold."""

    event: str
    where: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """One box of the graph. ``outs`` leads from each of its outcomes to the key of another node, "" where nothing follows yet."""

    key: str
    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    outs: Mapping[str, str] = field(default_factory=dict)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """What can come of it, in the order in which it is drawn."""
        if self.kind in ("split", "ab"):
            return tuple(str(way.get("key", "")) for way in self.params.get("ways", ()))
        return _OUTS.get(self.kind, ())

    @property
    def watch(self) -> Watch | None:
        """What a node waits for."""
        return watch_of(self.params) if self.kind == "wait" else None


@dataclass(frozen=True, slots=True)
class Definition:
    """``trigger`` says who enters; ``goal`` is what it is for, ``leave`` what takes somebody out of it.

    ``goal_ends``: whoever reaches the goal is done. ``reentry``: never, after ``reentry_days`` or always.
    """

    trigger: Mapping[str, Any]
    first: str
    nodes: Mapping[str, Node]
    goal: Watch | None = None
    goal_ends: bool = True
    leave: Watch | None = None
    reentry: str = "never"
    reentry_days: int = 0
    holdout_bp: int = HOLDOUT_BP
    window_days: int = WINDOW_DAYS

    @property
    def entry_watch(self) -> Watch | None:
        return watch_of(self.trigger) if self.trigger.get("kind") == "event" else None

    def with_node(self, node: Node) -> Definition:
        return replace(self, nodes={**self.nodes, node.key: node})


def watch_of(given: Mapping[str, Any]) -> Watch | None:
    """The event of a trigger, a wait, a goal; None where none is named."""
    if not given.get("event"):
        return None
    where = given.get("where") or ()
    return Watch(str(given["event"]), tuple((str(one[0]), str(one[1]), str(one[2])) for one in where))


def read(given: Mapping[str, Any]) -> Definition:
    """A stored definition. What is wrong in it is found by ``checking.faults``, not here."""
    nodes = {
        key: Node(key, str(one.get("kind", "")), dict(one.get("params") or {}), dict(one.get("outs") or {}))
        for key, one in (given.get("nodes") or {}).items()
    }
    return Definition(
        trigger=dict(given.get("trigger") or {}),
        first=str(given.get("first", "")),
        nodes=nodes,
        goal=watch_of(given.get("goal") or {}),
        goal_ends=bool(given.get("goal_ends", True)),
        leave=watch_of(given.get("leave") or {}),
        reentry=str(given.get("reentry", "never")),
        reentry_days=int(given.get("reentry_days", 0)),
        holdout_bp=int(given.get("holdout_bp", HOLDOUT_BP)),
        window_days=int(given.get("window_days", WINDOW_DAYS)),
    )


def stored(definition: Definition) -> dict[str, Any]:
    """As it is stored: reading it again gives the same."""
    return {
        "trigger": dict(definition.trigger),
        "first": definition.first,
        "nodes": {
            node.key: {"kind": node.kind, "params": dict(node.params), "outs": dict(node.outs)}
            for node in definition.nodes.values()
        },
        "goal": _stored_watch(definition.goal),
        "goal_ends": definition.goal_ends,
        "leave": _stored_watch(definition.leave),
        "reentry": definition.reentry,
        "reentry_days": definition.reentry_days,
        "holdout_bp": definition.holdout_bp,
        "window_days": definition.window_days,
    }


def _stored_watch(watch: Watch | None) -> dict[str, Any] | None:
    return {"event": watch.event, "where": [list(one) for one in watch.where]} if watch else None


def empty(trigger: Mapping[str, Any]) -> Definition:
    """A new journey: whoever enters leaves again."""
    return Definition(
        trigger=trigger,
        first="n1",
        nodes={"n1": Node("n1", "exit")},
        goal=Watch(PURCHASE, (("kind", "equals", "sale"),)),
    )


def edges(definition: Definition) -> Iterator[tuple[str, str, str]]:
    """(from, outcome, to) of every line that leads to a node."""
    for node in definition.nodes.values():
        for outcome in node.outcomes:
            target = node.outs.get(outcome, "")
            if target in definition.nodes:
                yield node.key, outcome, target


def watches(definition: Definition) -> Iterator[tuple[str, str, Watch]]:
    """(role, node, watch) of everything that a journey listens for; roles are enter, wait, goal and leave."""
    if (entry := definition.entry_watch) is not None:
        yield "enter", "", entry
    if definition.goal is not None:
        yield "goal", "", definition.goal
    if definition.leave is not None:
        yield "leave", "", definition.leave
    for node in definition.nodes.values():
        if node.watch is not None:
            yield "wait", node.key, node.watch


def matches(watch: Watch, data: Mapping[str, Any]) -> bool:
    """Whether an event's data fit all conditions; a key may lead inside by dots (properties.total_fen)."""
    return all(_fits(_value(data, key.split(".")), op, wanted) for key, op, wanted in watch.where)


WHERE_OPS = ("equals", "differs", "contains", "at_least", "at_most")


def _value(data: Any, path: Sequence[str]) -> Any:
    for name in path:
        if not isinstance(data, Mapping):
            return None
        data = data.get(name)
    return data


def _fits(value: Any, op: str, wanted: str) -> bool:
    if op in ("at_least", "at_most"):
        try:
            number, bound = float(value), float(wanted)
        except (TypeError, ValueError):
            return False
        return number >= bound if op == "at_least" else number <= bound
    text = _text(value)
    if op == "contains":
        return wanted.casefold() in text.casefold()
    return (text == wanted) is (op == "equals")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
