"""Whether a rule holds of what was seen, and when time alone may change that. Pure.

What is seen of a person is kept slot by slot: a slot is one choice of happenings of the rule, in reading order, and holds
``[moment, key, value]`` in order of time. A happening counts from its moment on for as long as the condition says, the end not
included. Of what time does (it only takes away), the next moment is known beforehand: that is the timer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from zhike.insight.rules.tags.catalogue import Happening
from zhike.insight.rules.tags.rule import (
    SEEN_MAX,
    Chosen,
    Compared,
    Figure,
    Group,
    Leaf,
    Node,
    Share,
    Unfollowed,
    between,
    chosen_of,
    leaves,
)

Seen: TypeAlias = list[list[Any]]
Slots: TypeAlias = dict[int, Seen]


@dataclass(frozen=True, slots=True)
class Slot:
    chosen: Chosen
    of: str
    keep_ms: int
    is_basis: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A rule made ready: its slots, which of them look at a code, its conditions each with its slots.

    ``ttl_ms`` counts from the newest it is based on.
    """

    tag_id: int
    version: int
    root: Group
    ttl_ms: int | None
    slots: tuple[Slot, ...]
    by_code: Mapping[str, tuple[int, ...]]
    leaves: tuple[tuple[Leaf, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``figures`` are those of the conditions in reading order; ``due`` is when time alone may change the answer."""

    holds: bool
    figures: tuple[int, ...]
    due: int | None


def plan(tag_id: int, version: int, root: Group, ttl_ms: int | None) -> Plan:
    slots: list[Slot] = []
    told: list[tuple[Leaf, tuple[int, ...]]] = []
    for leaf in leaves(root):
        of = "" if isinstance(leaf, Unfollowed) else leaf.of
        told.append((leaf, tuple(range(len(slots), len(slots) + len(chosen_of(leaf))))))
        for number, chosen in enumerate(chosen_of(leaf)):
            slots.append(Slot(chosen, of, leaf.within_ms, number == 0))
    codes: dict[str, list[int]] = {}
    for at, slot in enumerate(slots):
        codes.setdefault(slot.chosen.event, []).append(at)
    by_code = {code: tuple(ats) for code, ats in codes.items()}
    return Plan(tag_id, version, root, ttl_ms, tuple(slots), by_code, tuple(told))


# --- what is seen --------------------------------------------------------------------------------------------------


def matches(plan: Plan, one: Happening) -> list[tuple[int, Any]]:
    """The slots a happening belongs into, and what it counts for there."""
    found = []
    for code in one.codes:
        for at in plan.by_code.get(code, ()):
            slot = plan.slots[at]
            if all(_fits(compared, one.properties.get(compared.key)) for compared in slot.chosen.where):
                value = _value(slot.of, one.properties)
                if value is not None:
                    found.append((at, value))
    return found


def see(slots: Slots, one: Happening, found: Sequence[tuple[int, Any]]) -> bool:
    """Put a happening into its slots; False when it was seen before."""
    changed = False
    for at, value in found:
        changed |= _insert(slots.setdefault(at, []), [one.at, one.key, value])
    return changed


def _insert(seen: Seen, new: list[Any]) -> bool:
    place = bisect_left(seen, new[:2], key=lambda one: one[:2])
    if place < len(seen) and seen[place][:2] == new[:2]:
        return False
    seen.insert(place, new)
    del seen[:-SEEN_MAX]
    return True


def _value(of: str, properties: Mapping[str, Any]) -> Any:
    """What is added up or told apart; None when the happening does not say. Without ``of`` it counts as one."""
    if not of:
        return 1
    found = properties.get(of)
    if isinstance(found, bool) or found is None or found == "":
        return None
    return found if isinstance(found, int | float) else str(found)


def _fits(compared: Compared, found: Any) -> bool:
    if isinstance(found, list | tuple):
        some = any(_fits_one(compared, one) for one in found)
        return not any(str(one) == compared.value for one in found) if compared.op == "differs" else some
    return _fits_one(compared, found)


def _fits_one(compared: Compared, found: Any) -> bool:
    op, value = compared.op, compared.value
    if op in ("at_least", "at_most"):
        if isinstance(found, bool) or not isinstance(found, int | float):
            return False
        return bool(found >= value if op == "at_least" else found <= value)  # type: ignore[operator]
    text = "" if found is None else str(found)
    if op == "one_of":
        return found is not None and text in value  # type: ignore[operator]
    if op == "contains":
        return str(value).lower() in text.lower()
    return (text == value) if op == "equals" else (text != value)


def lose(slots: Slots, keys: set[str]) -> bool:
    """Take out what is no longer so."""
    changed = False
    for at, seen in slots.items():
        kept = [one for one in seen if one[1] not in keys]
        changed |= len(kept) != len(seen)
        slots[at] = kept
    return changed


def trim(plan: Plan, slots: Slots, at: int) -> bool:
    """Forget what cannot count any more."""
    changed = False
    for number in list(slots):
        seen, oldest = slots[number], at - plan.slots[number].keep_ms
        first = bisect_right(seen, oldest, key=lambda one: one[0])
        if first:
            del seen[:first]
            changed = True
        if not seen:
            del slots[number]
            changed = True
    return changed


def forgotten_at(plan: Plan, slots: Slots) -> int | None:
    """When the last of what was seen cannot count any more."""
    return max((seen[-1][0] + plan.slots[at].keep_ms for at, seen in slots.items() if seen), default=None)


def together(parts: Sequence[tuple[Slots, int | None]]) -> Slots:
    """The histories of the ids of one human being as one; of each only what happened until its limit."""
    if len(parts) == 1 and parts[0][1] is None:
        return parts[0][0]
    found: Slots = {}
    for slots, until in parts:
        for at, seen in slots.items():
            for one in seen:
                if until is None or one[0] <= until:
                    insort(found.setdefault(at, []), one, key=lambda item: item[:2])
    for seen in found.values():
        del seen[:-SEEN_MAX]
    return found


# --- judging -------------------------------------------------------------------------------------------------------


def judge(plan: Plan, slots: Slots, now: int) -> Verdict:
    """Whether the rule holds at a moment after all that was seen."""
    told = [_leaf(leaf, [slots.get(at, []) for at in ats], now) for leaf, ats in plan.leaves]
    holds = told[0][0] if _is_plain(plan.root) else _node(plan.root, iter([one[0] for one in told]))
    dues = [one[2] for one in told if one[2] is not None]
    if plan.ttl_ms is not None:
        newest = max(
            (slots[at][-1][0] for at, slot in enumerate(plan.slots) if slot.is_basis and slots.get(at)),
            default=0,
        )
        ends = newest + plan.ttl_ms
        holds = holds and now < ends
        dues += [ends] if newest and now < ends else []
    return Verdict(holds, tuple(one[1] for one in told), min(dues, default=None))


def _is_plain(root: Group) -> bool:
    """One condition alone."""
    return len(root.of) == 1 and root.match != "none" and not isinstance(root.of[0], Group)


def _node(node: Node, answers: Any) -> bool:
    """Answers are given in reading order, so every one is taken."""
    if not isinstance(node, Group):
        return bool(next(answers))
    found = [_node(one, answers) for one in node.of]
    return {"all": all(found), "any": any(found), "none": not any(found)}[node.match]


def _leaf(leaf: Leaf, seen: Sequence[Seen], now: int) -> tuple[bool, int, int | None]:
    if isinstance(leaf, Unfollowed):
        return _unfollowed(leaf, seen[0], seen[1], now)
    live = [_living(one, leaf.within_ms, now) for one in seen]
    if isinstance(leaf, Figure):
        return _figure(leaf, live[0])
    return _share(leaf, live[0], live[1])


def _living(seen: Seen, within: int, now: int) -> Seen:
    return seen[bisect_right(seen, now - within, key=lambda one: one[0]) :]


def _figure(leaf: Figure, live: Seen) -> tuple[bool, int, int | None]:
    """The figures that remain when the oldest go, one after the other, tell when the answer turns."""
    if leaf.measure == "count" and leaf.high is None:
        return _often(leaf, live)
    rest = _rests(leaf.measure, live)
    holds = between(rest[0], leaf.low, leaf.high)
    for at in range(1, len(rest)):
        if at < len(live) and live[at][0] == live[at - 1][0]:
            continue
        if between(rest[at], leaf.low, leaf.high) != holds:
            return holds, _shown(rest[0]), live[at - 1][0] + leaf.within_ms
    return holds, _shown(rest[0]), None


def _often(leaf: Figure, live: Seen) -> tuple[bool, int, int | None]:
    """The usual question: so often or oftener. It turns when the oldest that is needed goes."""
    needed = leaf.low or 0
    holds = len(live) >= needed
    return holds, len(live), live[-needed][0] + leaf.within_ms if holds and needed else None


def _shown(value: float | None) -> int:
    return 0 if value is None else round(value)


def _rests(measure: str, live: Seen) -> list[float | None]:
    """The measure of all, of all but the oldest …, of none."""
    count = len(live)
    if measure == "count":
        return [float(count - at) for at in range(count + 1)]
    rests: list[float | None] = [None if measure in ("average", "largest") else 0]
    total, largest, known = 0.0, None, set()
    for number, (_at, _key, value) in enumerate(reversed(live), start=1):
        if measure == "distinct":
            known.add(value)
            rests.append(len(known))
            continue
        amount = value if isinstance(value, int | float) else 0
        total += amount
        largest = amount if largest is None or amount > largest else largest
        rests.append({"sum": total, "average": total / number, "largest": largest}[measure])
    return rests[::-1]


def _share(leaf: Share, part: Seen, whole: Seen) -> tuple[bool, int, int | None]:
    """Shares are compared as they are and told in per cent."""
    parts, wholes = _rests(leaf.measure, part), _rests(leaf.measure, whole)

    def share(gone: int, of: int) -> float | None:
        enough = len(whole) - of >= leaf.least and wholes[of]
        return 100 * (parts[gone] or 0) / (wholes[of] or 1) if enough else None

    first = share(0, 0)
    holds = between(first, leaf.low, leaf.high)
    for end in sorted({one[0] for one in (*part, *whole)}):
        gone, of = (bisect_right(one, end, key=lambda item: item[0]) for one in (part, whole))
        if between(share(gone, of), leaf.low, leaf.high) != holds:
            return holds, _shown(first), end + leaf.within_ms
    return holds, _shown(first), None


def _unfollowed(leaf: Unfollowed, first: Seen, then: Seen, now: int) -> tuple[bool, int, int | None]:
    last = then[-1][0] if then else -1
    open_at = [one[0] for one in first if one[0] > last]

    def waiting(at: int) -> int:
        ripe = bisect_right(open_at, at - leaf.wait_ms)
        return ripe - min(bisect_right(open_at, at - leaf.within_ms), ripe)

    count = waiting(now)
    holds = count >= leaf.times
    turns = sorted(
        {at + span for at in open_at for span in (leaf.wait_ms, leaf.within_ms) if at + span > now}
    )
    due = next((at for at in turns if (waiting(at) >= leaf.times) != holds), None)
    return holds, count, due
