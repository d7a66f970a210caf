"""Which promises hold for a ticket: one row for each type and severity, the most specific one wins. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from zhike.service.rules.clock import Call

TYPES = ("complaint", "return", "repair", "question", "suggestion", "praise")
SEVERITIES = ("normal", "high", "major")
ANY = "*"
FIRST_ANSWER, RESOLUTION, CALL_BACK = "first_answer", "resolution", "call_back"
CLOCKS = (FIRST_ANSWER, RESOLUTION, CALL_BACK)
ALERTED_ROLES = ("service_agent", "mall_manager", "group_manager", "merchant_manager", "operations")
MINUTES_MAX = 90 * 24 * 60
ROWS_MAX = 60

OnReopen = Literal["restart", "continue"]


@dataclass(frozen=True, slots=True)
class Row:
    """Targets in minutes of working time; 0 is no promise.

    ``calendar`` and ``call_back_calendar`` name calendars, "" is every minute of the week. ``at_once`` is the role told
    the moment such a ticket comes; ``then`` the one told when it is half a target over.
    """

    type: str
    severity: str
    calendar: str = ""
    first_answer: int = 0
    resolution: int = 0
    call_back: int = 0
    call_back_calendar: str = ""
    warn_percent: int = 80
    department: str = ""
    owner: str = "mall_manager"
    then: str = "group_manager"
    at_once: str = ""

    def target(self, clock: str) -> dt.timedelta:
        return dt.timedelta(minutes=int(getattr(self, clock)))

    def calendar_of(self, clock: str) -> str:
        return self.call_back_calendar if clock == CALL_BACK else self.calendar

    def calls(self) -> tuple[Call, ...]:
        """Whom to tell, and when: a warning to the desk, the breach to the owner, half a target later the next one."""
        calls = [Call(self.warn_percent, "warning", "service_agent")] if self.warn_percent else []
        calls.append(Call(100, "breach", self.owner))
        if self.then:
            calls.append(Call(150, "escalation", self.then))
        return tuple(calls)


@dataclass(frozen=True, slots=True)
class Policy:
    """``on_reopen``: the time to solve begins anew ("restart") or goes on with what was used ("continue")."""

    rows: tuple[Row, ...]
    on_reopen: OnReopen = "restart"

    def row_for(self, type_: str, severity: str) -> Row | None:
        """Type counts for more than severity: (type, severity), (type, any), (any, severity), (any, any)."""
        by_key = {(row.type, row.severity): row for row in self.rows}
        keys = ((type_, severity), (type_, ANY), (ANY, severity), (ANY, ANY))
        return next((by_key[key] for key in keys if key in by_key), None)


class BadPolicy(ValueError):
    """``place`` is the row, from 1; ``code`` what is wrong."""

    def __init__(self, place: int, code: str) -> None:
        super().__init__(f"{place}: {code}")
        self.place, self.code = place, code


def stored(policy: Policy) -> dict[str, Any]:
    names = Row.__dataclass_fields__
    return {
        "on_reopen": policy.on_reopen,
        "rows": [{name: getattr(row, name) for name in names} for row in policy.rows],
    }


def load(data: Mapping[str, Any]) -> Policy:
    """From its stored form; fields added since have defaults."""
    known = Row.__dataclass_fields__
    rows = tuple(Row(**{name: row[name] for name in known if name in row}) for row in data["rows"])
    return Policy(rows, data.get("on_reopen", "restart"))


def checked(policy: Policy, calendars: Sequence[str]) -> Policy:
    """The policy itself. Raises BadPolicy."""
    if not 0 < len(policy.rows) <= ROWS_MAX:
        raise BadPolicy(0, "rows")
    if policy.on_reopen not in ("restart", "continue"):
        raise BadPolicy(0, "on_reopen")
    seen: set[tuple[str, str]] = set()
    for place, row in enumerate(policy.rows, start=1):
        _check(place, row, calendars)
        if (row.type, row.severity) in seen:
            raise BadPolicy(place, "twice")
        seen.add((row.type, row.severity))
    return policy


def _check(place: int, row: Row, calendars: Sequence[str]) -> None:
    if row.type not in (ANY, *TYPES) or row.severity not in (ANY, *SEVERITIES):
        raise BadPolicy(place, "kind")
    if any(not 0 <= getattr(row, clock) <= MINUTES_MAX for clock in CLOCKS):
        raise BadPolicy(place, "minutes")
    if row.resolution and row.first_answer > row.resolution:
        raise BadPolicy(place, "order")
    if not 0 <= row.warn_percent < 100:
        raise BadPolicy(place, "percent")
    if any(code and code not in calendars for code in (row.calendar, row.call_back_calendar)):
        raise BadPolicy(place, "calendar")
    if (
        any(role and role not in ALERTED_ROLES for role in (row.owner, row.then, row.at_once))
        or not row.owner
    ):
        raise BadPolicy(place, "role")


USUAL = Policy(
    rows=(
        Row("complaint", "normal", "desk", 30, 120, 2_880, "", department="service"),
        Row("complaint", "high", "desk", 15, 120, 2_880, "", department="service"),
        Row("complaint", "major", "desk", 10, 60, 2_880, "", department="service", at_once="mall_manager"),
        Row("return", ANY, "desk", 30, 720, 2_880, "", department="service"),
        Row("repair", ANY, "office", 30, 450, 2_880, "", department="engineering"),
        Row(ANY, ANY, "desk", 30, 720, 0, "", department="service"),
    )
)
"""What a mall begins with: a first answer within 30 minutes, an ordinary complaint solved within 2 hours, other matters
within a working day, a major one told to management at once, a call-back within 48 hours."""
