"""From a definition to one statement: the members in scope, joined with what each condition needs to know of them.

Every condition is a set of persons with a value, made once and hashed, so that and, or and not are plain logic over one row
a member. Texts are ours; everything that was given is a parameter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from zhike.insight.queries import _conditions
from zhike.insight.rules.definition import Group, Leaf, Node, is_profiling
from zhike.kernel.access import Viewer
from zhike.kernel.clock import day_bounds
from zhike.kernel.fragments import Sql, joined
from zhike.loyalty import queries as loyalty
from zhike.privacy import queries as privacy
from zhike.sales import queries as sales

VIEW = "segments.view"
ADULT, TEENAGER = 18, 14
FALSE, TRUE = Sql("false"), Sql("true")


@dataclass(frozen=True, slots=True)
class Placed:
    """A definition and the mall whose members and receipts it is about; None: all malls'."""

    root: Group
    mall_id: int | None


Lookup = Callable[[int], "Placed | None"]


@dataclass
class Audience:
    """Builds the statement. ``lookup`` gives the segments that a definition names."""

    viewer: Viewer
    now: dt.datetime
    zone: str
    lookup: Lookup
    _joins: list[Sql] = field(default_factory=list)
    _aliases: dict[tuple[str, str], str] = field(default_factory=dict)
    _inside: list[int] = field(default_factory=list)
    _mall_id: int | None = None

    @property
    def today(self) -> dt.date:
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def condition(self, placed: Placed) -> Sql:
        """Whether a member belongs, never null. Members who refused personalisation are in no profiling segment."""
        outer, self._mall_id = self._mall_id, placed.mall_id
        try:
            found = self._node(placed.root)
        finally:
            self._mall_id = outer
        if placed.mall_id is not None:
            found = found + Sql(" AND coalesce(m.mall_id = %s, false)", (placed.mall_id,))
        if is_profiling(placed.root):
            alias = self.join(privacy.decisions_sql("personalisation"))
            found = found + Sql(f" AND coalesce({alias}.decision, '') NOT IN ('refused', 'withdrawn')")
        return found.inside("(", ")")

    def consent(self, purpose: str, channel: str | None) -> Sql:
        """Whether a member agreed to the purpose on the channel and is old enough for it."""
        alias = self.join(privacy.decisions_sql(purpose, channel or "any"))
        agreed = Sql(f"coalesce({alias}.decision = 'granted', false)")
        if purpose == "membership":
            return agreed
        born_until = years_before(self.today, ADULT if purpose == "marketing" else TEENAGER)
        return agreed + Sql(" AND (m.birthday IS NULL OR m.birthday <= %s)", (born_until,))

    def select(self, columns: Sql, where: Sql) -> Sql:
        """The finished statement; the conditions must have been asked for before."""
        members = loyalty.members_sql(self.viewer).inside(" FROM (", ") m")
        joins = joined("", self._joins) if self._joins else Sql("")
        return Sql("SELECT ") + columns + members + joins + Sql(" WHERE ") + where

    def join(self, rows: Sql, on: str = "person_id") -> str:
        """Join a statement with one row a person (or member); the same one only once. Its alias."""
        same = (rows.text, repr(rows.params))
        if same not in self._aliases:
            alias = self._aliases[same] = f"s{len(self._aliases)}"
            key = "id" if on == "member_id" else on
            self._joins.append(rows.inside(" LEFT JOIN (", f") {alias} ON {alias}.{on} = m.{key}"))
        return self._aliases[same]

    def receipts(self) -> Sql:
        """Receipts in scope, of the mall whose segment this is, as rows of ``r``."""
        rows = sales.receipts_sql(self.viewer, VIEW).inside("(", ") r")
        if self._mall_id is None:
            return rows + Sql(" WHERE true")
        return rows + Sql(" WHERE r.mall_id = %s", (self._mall_id,))

    def day_bounds(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        return day_bounds(day, self.zone)

    def _node(self, node: Node) -> Sql:
        if isinstance(node, Leaf):
            return self._leaf(node)
        parts = [self._node(one) for one in node.of]
        both = joined(" AND " if node.match == "all" else " OR ", parts)
        return both.inside("NOT (" if node.match == "none" else "(", ")")

    def _leaf(self, leaf: Leaf) -> Sql:
        if leaf.field.code == "segment":
            found = joined(" OR ", [self._nested(int(value)) for value in leaf.values]).inside("(", ")")
        else:
            found = _conditions.CONDITIONS[leaf.field.code](self, leaf)
        return found.inside("NOT (", ")") if leaf.op == "is_not" else found

    def _nested(self, segment_id: int) -> Sql:
        """A segment within this one; one that is not there, or leads back here, has no members."""
        placed = None if segment_id in self._inside else self.lookup(segment_id)
        if placed is None:
            return FALSE
        self._inside.append(segment_id)
        try:
            return self.condition(placed)
        finally:
            self._inside.pop()


def years_before(day: dt.date, years: int) -> dt.date:
    """The same day so many years before; 29 February becomes the 28th."""
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    return day.replace(year=max(1, day.year - years))
