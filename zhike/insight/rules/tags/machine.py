"""Tags as they come and go: `(state, event) → (state, changes, next timer)`. Pure.

The state is what was seen, whose it is, who has which tag, and when time must be asked again. It counts time by the events
themselves: before something is taken in, timers that ran out by then go off first, in order. What arrives late is taken in at
the moment that is reached already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from zhike.insight.rules.tags.catalogue import Happening
from zhike.insight.rules.tags.judging import (
    Plan,
    Slots,
    forgotten_at,
    judge,
    lose,
    matches,
    see,
    together,
    trim,
)

Key = tuple[int, int]
"""Tag, and whose."""


@dataclass(slots=True)
class Subject:
    """``into``: whose history this one's is, ``until`` when (None: all of it); ``is_off``: nothing may be kept;
    ``cleared``: what was in the log up to this position is forgotten."""

    into: int | None = None
    until: int | None = None
    is_off: bool = False
    cleared: int = 0


@dataclass(slots=True)
class State:
    """What was seen of one subject for one tag; ``clock`` is the moment that is reached."""

    slots: Slots
    clock: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    since: int
    figures: tuple[int, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody has a tag from ``at`` on, or has it no longer."""

    tag_id: int
    person_id: int
    is_on: bool
    at: int
    version: int


@dataclass
class Machine:
    """All that is known of the subjects of a batch, moved on by happenings and by time.

    ``dirty`` names what changed: rows of states, of holders with their timers, of subjects. One that ``is_gathering`` takes
    in without judging, until `judge_all`: enough to know who has a tag now, not since when.
    """

    plans: Mapping[int, Plan]
    subjects: dict[int, Subject] = field(default_factory=dict)
    states: dict[Key, State] = field(default_factory=dict)
    held: dict[Key, Held] = field(default_factory=dict)
    timers: dict[Key, int] = field(default_factory=dict)
    barred: Collection[int] = ()
    is_gathering: bool = False
    changes: list[Change] = field(default_factory=list)
    dirty_states: set[Key] = field(default_factory=set)
    dirty_held: set[Key] = field(default_factory=set)
    dirty_timers: set[Key] = field(default_factory=set)
    dirty_subjects: set[int] = field(default_factory=set)
    _followers: dict[int, set[int]] = field(default_factory=dict)
    _listening: dict[str, list[Plan]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for subject, row in self.subjects.items():
            if row.into is not None:
                self._followers.setdefault(row.into, set()).add(subject)
        for one in self.plans.values():
            for code in one.by_code:
                self._listening.setdefault(code, []).append(one)

    # --- events ----------------------------------------------------------------------------------------------------

    def take(self, one: Happening, position: int = 0) -> None:
        """Something happened to somebody."""
        root, _limit = self._root(one.subject)
        if self._was_cleared(one.subject, position) or self._is_closed(root):
            return
        for plan in {
            plan.tag_id: plan for code in one.codes for plan in self._listening.get(code, ())
        }.values():
            found = matches(plan, one)
            if not found:
                continue
            if not self.is_gathering:
                self._ring(plan, root, one.at)
            key = plan.tag_id, one.subject
            state = self.states.get(key) or State({})
            if not see(state.slots, one, found):
                continue
            state.clock = max(state.clock, one.at)
            self.states[key] = state
            self.dirty_states.add(key)
            if not self.is_gathering:
                self._settle(plan, root, max(state.clock, self._clock(plan, root)))

    def judge_all(self, now: int) -> None:
        """Judge everybody at one moment by what was gathered."""
        self.is_gathering = False
        for tag_id, root in sorted({(tag_id, self._root(one)[0]) for tag_id, one in self.states}):
            self._settle(self.plans[tag_id], root, max(now, self._clock(self.plans[tag_id], root)))

    def take_out(self, subject: int, keys: Collection[str]) -> None:
        """Some of what happened is not so after all."""
        root, _limit = self._root(subject)
        for plan in self.plans.values():
            state = self.states.get((plan.tag_id, subject))
            if state is not None and lose(state.slots, set(keys)):
                self.dirty_states.add((plan.tag_id, subject))
                self._settle(plan, root, self._clock(plan, root))

    def join(self, subject: int, into: int, until: int | None = None) -> None:
        """From now on this one's history is the other's too: two are one, or a visitor turned out to be somebody."""
        row = self._row(subject)
        before, _limit = self._root(subject)
        after, _limit = self._root(into)
        if after == subject:
            return
        if row.into is not None:
            self._followers.get(row.into, set()).discard(subject)
        row.into, row.until = into, until
        self._followers.setdefault(into, set()).add(subject)
        self.dirty_subjects.add(subject)
        if self._is_closed(after):
            self._wipe(after)
            return
        self._move(before, after)

    def part(self, subject: int, *, into: int | None = None) -> None:
        """Its history is its own again; with ``into`` only if it was that one's."""
        row = self._row(subject)
        if row.into is None or into not in (None, row.into):
            return
        root, _limit = self._root(subject)
        self._followers.get(row.into, set()).discard(subject)
        row.into = row.until = None
        self.dirty_subjects.add(subject)
        self._move(root, subject)

    def decide(self, subject: int, *, is_off: bool, position: int = 0) -> None:
        """A person allowed or forbade to be personalised; forbidden, everything is forgotten at once."""
        root, _limit = self._root(subject)
        for one in self.family(root):
            known = self.subjects.get(one)
            if known is None and not is_off:
                continue
            row = self._row(one)
            row.is_off = is_off and one > 0
            if is_off:
                row.cleared = position
            self.dirty_subjects.add(one)
        if is_off:
            self._wipe(root)

    # --- time ------------------------------------------------------------------------------------------------------

    def tick(self, now: int) -> None:
        """Let every timer go off that ran out by now, each at its own moment."""
        while ripe := sorted((due, key) for key, due in self.timers.items() if due <= now):
            for due, key in ripe:
                plan = self.plans.get(key[0])
                if plan is None:
                    self._set_timer(key, None)
                elif self.timers.get(key) == due:
                    self._settle(plan, key[1], due)

    def _ring(self, plan: Plan, root: int, until: int) -> None:
        key = plan.tag_id, root
        while (due := self.timers.get(key)) is not None and due <= until:
            self._settle(plan, root, due)

    # --- inside ----------------------------------------------------------------------------------------------------

    def family(self, root: int) -> Iterator[int]:
        """Everybody whose history is this one's."""
        yield root
        for one in sorted(self._followers.get(root, ())):
            yield from self.family(one)

    def _root(self, subject: int) -> tuple[int, int | None]:
        """Whose history a subject's is, and until when."""
        limit: int | None = None
        seen = {subject}
        while (
            (row := self.subjects.get(subject)) is not None and row.into is not None and row.into not in seen
        ):
            if row.until is not None:
                limit = row.until if limit is None else min(limit, row.until)
            subject = row.into
            seen.add(subject)
        return subject, limit

    def _row(self, subject: int) -> Subject:
        return self.subjects.setdefault(subject, Subject())

    def _is_closed(self, root: int) -> bool:
        """Whether anybody of the family is not to be profiled: the strictest counts."""
        if root not in self._followers and root not in self.subjects:
            return root in self.barred
        return any(
            one in self.barred or ((row := self.subjects.get(one)) is not None and row.is_off)
            for one in self.family(root)
        )

    def _was_cleared(self, subject: int, position: int) -> bool:
        row = self.subjects.get(subject)
        return row is not None and 0 < position <= row.cleared

    def _clock(self, plan: Plan, root: int) -> int:
        if root not in self._followers:
            alone = self.states.get((plan.tag_id, root))
            return alone.clock if alone else 0
        clocks = (self.states.get((plan.tag_id, one)) for one in self.family(root))
        return max((state.clock for state in clocks if state), default=0)

    def _settle(self, plan: Plan, root: int, at: int) -> None:
        """Judge anew at a moment: who has the tag, since when, and when to ask again."""
        if self._is_closed(root):
            self._wipe(root, plan)
            return
        parts: list[tuple[Slots, int | None]] = []
        for one in self.family(root):
            state = self.states.get((plan.tag_id, one))
            if state is None:
                continue
            if trim(plan, state.slots, at):
                self.dirty_states.add((plan.tag_id, one))
            if not state.slots:
                del self.states[plan.tag_id, one]
                continue
            if state.clock < at:
                state.clock = at
                self.dirty_states.add((plan.tag_id, one))
            parts.append((state.slots, self._root(one)[1]))
        key = plan.tag_id, root
        if not parts or root < 0:
            self._set_timer(key, None)
            self._let_go(key, at, plan.version)
            return
        slots = together(parts)
        verdict = judge(plan, slots, at)
        self._set_timer(key, forgotten_at(plan, slots) if verdict.due is None else verdict.due)
        if not verdict.holds:
            self._let_go(key, at, plan.version)
            return
        before = self.held.get(key)
        now = Held(before.since if before else at, verdict.figures, plan.version)
        if now != before:
            self.held[key] = now
            self.dirty_held.add(key)
            if before is None:
                self.changes.append(Change(*key, True, at, plan.version))

    def _let_go(self, key: Key, at: int, version: int) -> None:
        if self.held.pop(key, None) is not None:
            self.dirty_held.add(key)
            self.changes.append(Change(*key, False, at, version))

    def _set_timer(self, key: Key, due: int | None) -> None:
        if self.timers.get(key) == due:
            return
        self.dirty_timers.add(key)
        if due is None:
            self.timers.pop(key, None)
        else:
            self.timers[key] = due

    def _move(self, *roots: int) -> None:
        """Judge again whom a change of belonging concerns."""
        for plan in self.plans.values():
            clock = max((self._clock(plan, root) for root in roots), default=0)
            for root in dict.fromkeys(roots):
                if root != self._root(root)[0] and (plan.tag_id, root) in self.held | self.timers:
                    self._set_timer((plan.tag_id, root), None)
                    self._let_go((plan.tag_id, root), clock, plan.version)
                elif root == self._root(root)[0]:
                    self._settle(plan, root, clock)

    def _wipe(self, root: int, *plans: Plan) -> None:
        """Forget what was seen; of all rules, or of some."""
        for plan in plans or tuple(self.plans.values()):
            clock = self._clock(plan, root)
            for one in self.family(root):
                if self.states.pop((plan.tag_id, one), None) is not None:
                    self.dirty_states.add((plan.tag_id, one))
            self._set_timer((plan.tag_id, root), None)
            self._let_go((plan.tag_id, root), clock, plan.version)


def replayed(plans: Iterable[Plan], subjects: dict[int, Subject], *, is_gathering: bool = False) -> Machine:
    """A machine for rules that were not in force before, to be shown the log."""
    return Machine({one.tag_id: one for one in plans}, subjects, is_gathering=is_gathering)
