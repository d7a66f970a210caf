"""What is wrong with a journey before anybody may walk it: each fault names its node and has a sentence of its own. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zhike.marketing.rules.journeys.graph import (
    ENDS,
    HOLDOUT_MAX_BP,
    KINDS,
    NODES_MAX,
    REENTRIES,
    TRIGGERS,
    UNITS,
    WAYS_MAX,
    WHERE_OPS,
    WHO,
    Definition,
    Node,
    Watch,
    edges,
    watch_of,
)

EARLIEST, LATEST = dt.time(8), dt.time(21)
"""What waits for an hour of the day waits for one in which people may be written to."""
LONGEST = dt.timedelta(days=366)
POINTS_MAX = 100_000
TIER_DAYS_MAX = 90
"""A journey lends a tier for so long at most."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``node`` is where, "" for the journey itself; ``outcome`` the way out of it that is meant."""

    code: str
    node: str = ""
    outcome: str = ""


def faults(definition: Definition) -> list[Fault]:
    """Everything that is wrong, the journey's own first, then node by node; empty: it may be published."""
    found = [Fault(code) for code in _own(definition)]
    for node in definition.nodes.values():
        found += [Fault(code, node.key) for code in _of_node(node)]
        found += [
            Fault("open-end", node.key, outcome)
            for outcome in node.outcomes
            if node.outs.get(outcome, "") not in definition.nodes
        ]
    if definition.first in definition.nodes:
        found += [Fault("unreachable", key) for key in unreachable(definition)]
        found += [Fault("circle", key) for key in circles(definition)]
        found += [Fault("never-ends", key) for key in endless(definition)]
    return found


def unreachable(definition: Definition) -> list[str]:
    """Nodes to which no way leads from the beginning."""
    seen = _from({definition.first}, _forward(definition))
    return [key for key in definition.nodes if key not in seen]


def circles(definition: Definition) -> list[str]:
    """Nodes of circles in which nobody ever waits: people would run round in them without end."""
    quick = {key for key, node in definition.nodes.items() if node.kind != "delay"}
    ahead = {
        key: {to for to in targets if to in quick}
        for key, targets in _forward(definition).items()
        if key in quick
    }
    return [key for key in definition.nodes if key in quick and key in _from(ahead.get(key, set()), ahead)]


def endless(definition: Definition) -> list[str]:
    """Nodes from which no end can be reached, though every way out leads somewhere."""
    back: dict[str, set[str]] = {}
    for source, _outcome, target in edges(definition):
        back.setdefault(target, set()).add(source)
    ends = {key for key, node in definition.nodes.items() if node.kind in ENDS}
    open_ends = {
        key
        for key, node in definition.nodes.items()
        if any(node.outs.get(outcome, "") not in definition.nodes for outcome in node.outcomes)
    }
    fine = _from(ends | open_ends, back)
    reached = _from({definition.first}, _forward(definition))
    return [key for key in definition.nodes if key in reached and key not in fine]


def _forward(definition: Definition) -> dict[str, set[str]]:
    ahead: dict[str, set[str]] = {key: set() for key in definition.nodes}
    for source, _outcome, target in edges(definition):
        ahead[source].add(target)
    return ahead


def _from(starts: set[str], ahead: Mapping[str, set[str]]) -> set[str]:
    seen, waiting = set(starts), list(starts)
    while waiting:
        for target in ahead.get(waiting.pop(), ()):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


# --- the journey itself --------------------------------------------------------------------------------------------------


def _own(definition: Definition) -> Iterator[str]:
    yield from _trigger(definition.trigger)
    if definition.first not in definition.nodes:
        yield "no-beginning"
    if len(definition.nodes) > NODES_MAX:
        yield "too-many"
    if definition.reentry not in REENTRIES or not 0 <= definition.reentry_days <= 3_650:
        yield "reentry"
    if definition.reentry == "after" and definition.reentry_days < 1:
        yield "reentry"
    if not 0 <= definition.holdout_bp <= HOLDOUT_MAX_BP:
        yield "holdout"
    if not 1 <= definition.window_days <= 90:
        yield "window"
    for watch, code in ((definition.goal, "goal"), (definition.leave, "leave")):
        if watch is not None and not _is_watch(watch):
            yield code


def _trigger(trigger: Mapping[str, Any]) -> Iterator[str]:
    kind = trigger.get("kind")
    if kind not in TRIGGERS:
        yield "trigger"
    elif kind == "event":
        if not _is_watch(_watch(trigger)):
            yield "trigger-event"
    elif kind == "segment":
        if not isinstance(trigger.get("segment"), int) or trigger.get("who") not in WHO:
            yield "trigger-segment"
    elif kind in ("birthday", "expiring"):
        days = trigger.get("days")
        if not isinstance(days, int) or not 0 <= days <= 90 or clock_of(trigger.get("at")) is None:
            yield "trigger-day"


def _watch(params: Mapping[str, Any]) -> Watch | None:
    try:
        return watch_of(params)
    except (IndexError, TypeError):
        return None


def _is_watch(watch: Watch | None) -> bool:
    if watch is None or len(watch.where) > 3:
        return False
    return all(key and op in WHERE_OPS and len(value) <= 120 for key, op, value in watch.where)


# --- its nodes -----------------------------------------------------------------------------------------------------------


def _of_node(node: Node) -> Iterator[str]:
    if node.kind not in KINDS:
        yield "kind"
        return
    check = _CHECKS.get(node.kind)
    if check is not None and (code := check(node.params)):
        yield code


def length_of(params: Mapping[str, Any]) -> dt.timedelta | None:
    """How long a delay or a wait lasts; None when that cannot be read."""
    value, unit = params.get("value"), params.get("unit")
    if not isinstance(value, int) or isinstance(value, bool) or unit not in UNITS or value < 0:
        return None
    length = dt.timedelta(**{str(unit): min(value, 10**6)})
    return length if length <= LONGEST else None


def clock_of(text: object) -> dt.time | None:
    """An hour of the day as "09:30", within the hours in which people may be written to."""
    try:
        moment = dt.time.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if EARLIEST <= moment <= LATEST else None


def _delay(params: Mapping[str, Any]) -> str:
    length = length_of(params)
    if length is None or (not length and not params.get("at")):
        return "delay"
    return "delay-hour" if params.get("at") and clock_of(params.get("at")) is None else ""


def _wait(params: Mapping[str, Any]) -> str:
    if not _is_watch(_watch(params)):
        return "wait-event"
    return "" if length_of(params) else "wait-timeout"


def _branch(params: Mapping[str, Any]) -> str:
    condition = params.get("condition")
    return "" if isinstance(condition, Mapping) and condition.get("of") else "condition"


def _ways(params: Mapping[str, Any]) -> str:
    ways = params.get("ways") or ()
    keys = [way.get("key") for way in ways]
    if not 2 <= len(ways) <= WAYS_MAX or len(set(keys)) < len(keys) or not all(keys):
        return "ways"
    weights = [way.get("weight") for way in ways]
    return "" if all(isinstance(one, int) and 1 <= one <= 100 for one in weights) else "ways"


def _message(params: Mapping[str, Any]) -> str:
    return "" if params.get("template") else "template"


def _points(params: Mapping[str, Any]) -> str:
    points = params.get("points")
    return "" if isinstance(points, int) and 1 <= points <= POINTS_MAX else "points"


def _coupon(params: Mapping[str, Any]) -> str:
    return "" if isinstance(params.get("batch"), int) else "coupon"


def _tag(params: Mapping[str, Any]) -> str:
    return "" if isinstance(params.get("tag"), int) and params.get("do") in ("give", "take") else "tag"


def _tier(params: Mapping[str, Any]) -> str:
    days = params.get("days")
    if not isinstance(params.get("tier"), int):
        return "tier"
    return "" if isinstance(days, int) and 1 <= days <= TIER_DAYS_MAX else "tier-days"


def _ticket(params: Mapping[str, Any]) -> str:
    return "" if str(params.get("text", "")).strip() else "ticket"


def _signal(params: Mapping[str, Any]) -> str:
    name = str(params.get("name", ""))
    return "" if 0 < len(name) <= 60 and name.replace("_", "").replace("-", "").isalnum() else "signal"


_CHECKS = {
    "delay": _delay, "wait": _wait, "branch": _branch, "split": _ways, "ab": _ways, "message": _message, "points": _points,
    "coupon": _coupon, "tag": _tag, "tier": _tier, "ticket": _ticket, "signal": _signal,
}  # fmt: skip
