"""Changes of a graph: put a node in, take one out, move it, change it, connect a way. Each gives a whole new definition. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from zhike.marketing.rules.journeys.graph import Definition, Node, Watch

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "delay": {"value": 1, "unit": "days", "at": "10:00"},
    "wait": {
        "event": "zhike.sales.receipt_recorded",
        "where": [["kind", "equals", "sale"]],
        "value": 7,
        "unit": "days",
    },
    "split": {"ways": [{"key": "A", "weight": 50}, {"key": "B", "weight": 50}]},
    "ab": {"ways": [{"key": "A", "weight": 50}, {"key": "B", "weight": 50}]},
    "points": {"points": 100},
    "tag": {"do": "give"},
    "tier": {"days": 30},
    "ticket": {"type": "question", "text": ""},
    "signal": {"name": ""},
}


@dataclass(frozen=True, slots=True)
class AddNode:
    """After ``after`` on its way ``outcome``; an empty ``after`` is the beginning. What followed there follows the new node."""

    kind: str
    after: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class ChangeNode:
    key: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RemoveNode:
    """What led to it leads to what followed its first outcome."""

    key: str


@dataclass(frozen=True, slots=True)
class MoveNode:
    """Take it out where it stands and put it in elsewhere, with what it says."""

    key: str
    after: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Connect:
    """Let a way lead to another node; "" is a new exit."""

    key: str
    outcome: str
    target: str


@dataclass(frozen=True, slots=True)
class Settle:
    """The journey's own settings."""

    trigger: Mapping[str, Any]
    goal: Watch | None
    goal_ends: bool
    leave: Watch | None
    reentry: str
    reentry_days: int
    holdout_bp: int
    window_days: int


Edit = AddNode | ChangeNode | RemoveNode | MoveNode | Connect | Settle


class NotPossible(ValueError):
    """The edit names something that is not there."""


def apply(definition: Definition, edit: Edit) -> tuple[Definition, str]:
    """The definition after an edit, and the key of the node it was about. Raises NotPossible."""
    if isinstance(edit, AddNode):
        return _add(definition, edit)
    if isinstance(edit, ChangeNode):
        return _change(definition, edit)
    if isinstance(edit, RemoveNode):
        return _swept(_without(definition, edit.key)), ""
    if isinstance(edit, MoveNode):
        return _move(definition, edit)
    if isinstance(edit, Connect):
        return _connect(definition, edit)
    settings = {name: getattr(edit, name) for name in Settle.__dataclass_fields__}
    return replace(definition, **settings), ""


def new_key(definition: Definition) -> str:
    """Never one that was there before a removal: counts and paths name nodes by key."""
    numbers = [int(key[1:]) for key in definition.nodes if key[1:].isdecimal()]
    return f"n{max(numbers, default=0) + 1}"


def _target(definition: Definition, key: str, outcome: str) -> str:
    if not key:
        return definition.first
    node = definition.nodes.get(key)
    if node is None or outcome not in node.outcomes:
        raise NotPossible(key)
    return node.outs.get(outcome, "")


def _lead(definition: Definition, key: str, outcome: str, target: str) -> Definition:
    if not key:
        return replace(definition, first=target)
    node = definition.nodes[key]
    return definition.with_node(replace(node, outs={**node.outs, outcome: target}))


def _add(definition: Definition, edit: AddNode) -> tuple[Definition, str]:
    following = _target(definition, edit.after, edit.outcome)
    key = new_key(definition)
    node = Node(key, edit.kind, dict(DEFAULTS.get(edit.kind, {})))
    definition = definition.with_node(node)
    if node.outcomes:
        first, *others = node.outcomes
        outs = {first: following}
        for outcome in others:
            definition, exit_key = _exit(definition)
            outs[outcome] = exit_key
        definition = definition.with_node(replace(definition.nodes[key], outs=outs))
    return _swept(_lead(definition, edit.after, edit.outcome, key)), key


def _exit(definition: Definition) -> tuple[Definition, str]:
    key = new_key(definition)
    return definition.with_node(Node(key, "exit")), key


def _change(definition: Definition, edit: ChangeNode) -> tuple[Definition, str]:
    node = definition.nodes.get(edit.key)
    if node is None:
        raise NotPossible(edit.key)
    changed = replace(node, params=dict(edit.params))
    outs = {outcome: node.outs.get(outcome, "") for outcome in changed.outcomes}
    definition = definition.with_node(replace(changed, outs=outs))
    for outcome, target in outs.items():
        if target not in definition.nodes:
            definition, exit_key = _exit(definition)
            definition = _lead(definition, edit.key, outcome, exit_key)
    return _swept(definition), edit.key


def _without(definition: Definition, key: str) -> Definition:
    node = definition.nodes.get(key)
    if node is None:
        raise NotPossible(key)
    following = next((node.outs.get(outcome, "") for outcome in node.outcomes), "")
    if following == key:
        following = ""
    nodes = {
        one.key: replace(one, outs={out: following if to == key else to for out, to in one.outs.items()})
        for one in definition.nodes.values()
        if one.key != key
    }
    first = following if definition.first == key else definition.first
    found = replace(definition, nodes=nodes, first=first)
    if first not in nodes:
        found, exit_key = _exit(found)
        found = replace(found, first=exit_key)
    for one in list(found.nodes.values()):
        for outcome in one.outcomes:
            if found.nodes[one.key].outs.get(outcome, "") not in found.nodes:
                found, exit_key = _exit(found)
                found = _lead(found, one.key, outcome, exit_key)
    return found


def _move(definition: Definition, edit: MoveNode) -> tuple[Definition, str]:
    node = definition.nodes.get(edit.key)
    if node is None or not node.outcomes or edit.after == edit.key:
        raise NotPossible(edit.key)
    _target(definition, edit.after, edit.outcome)
    without = _without(definition, edit.key)
    following = _target(without, edit.after, edit.outcome)
    outs = {**node.outs, node.outcomes[0]: following}
    found = without.with_node(replace(node, outs=outs))
    return _swept(_lead(found, edit.after, edit.outcome, edit.key)), edit.key


def _connect(definition: Definition, edit: Connect) -> tuple[Definition, str]:
    _target(definition, edit.key, edit.outcome)
    target = edit.target
    if not target:
        definition, target = _exit(definition)
    elif target not in definition.nodes:
        raise NotPossible(target)
    return _swept(_lead(definition, edit.key, edit.outcome, target)), edit.key


def _swept(definition: Definition) -> Definition:
    """Without exits to which nothing leads any more: they say nothing."""
    led = {to for node in definition.nodes.values() for to in node.outs.values()} | {definition.first}
    kept = {key: node for key, node in definition.nodes.items() if node.kind != "exit" or key in led}
    return replace(definition, nodes=kept)
