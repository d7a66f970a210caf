"""The life of a campaign: what a plan must be, what may follow what, when a wave is due, what may still be spent. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from zhike.marketing.rules.uplift import Target

FUNDERS = ("mall", "merchant", "brand")
GOALS = ("visit", "revenue")
RHYTHMS = ("once", "daily")
HOLDOUT_BP = 1_000
HOLDOUT_MAX_BP = 5_000
WINDOW_DAYS = 14
LOOK_BACK = dt.timedelta(days=56)
"""How long before a wave people's purchases are looked at, to take chance out of the comparison (CUPED)."""
ARMS_MAX = 6
MARGIN_BP = 3_000
"""What targeting takes for left of a yuan of sales where nobody set a rate; no figure is reckoned with it."""
POINTS_MAX = 100_000
WAVES_MAX = 400
FEN = 1_000
"""Thousandths of a fen in a fen, as messages are priced."""
GLOBAL = "global"
"""The arm of whoever gets no campaign at all this quarter."""

_STEPS: Mapping[tuple[str, str], str] = {
    ("draft", "submit"): "submitted",
    ("submitted", "send_back"): "draft",
    ("submitted", "approve"): "approved",
    ("approved", "send_back"): "draft",
    ("approved", "launch"): "running",
    ("running", "pause"): "paused",
    ("paused", "resume"): "running",
    ("running", "stop"): "stopped",
    ("stopped", "resume"): "running",
    ("running", "send"): "sent",
    ("sent", "roll_out"): "running",
    ("sent", "finish"): "done",
    ("done", "roll_out"): "running",
    **{
        (status, "cancel"): "cancelled"
        for status in ("draft", "submitted", "approved", "running", "paused", "stopped")
    },
}
EDITABLE = frozenset({"draft"})
STARTED = frozenset({"running", "paused", "stopped", "sent", "done", "cancelled"})


def next_status(status: str, step: str) -> str | None:
    """What a step leads to; None where it may not be taken."""
    return _STEPS.get((status, step))


def steps_from(status: str) -> frozenset[str]:
    return frozenset(step for known, step in _STEPS if known == status)


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """``template`` is the code of a message template; ``batch_id`` a batch of coupons, or None."""

    key: str
    template: str
    batch_id: int | None = None
    points: int = 0
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about a campaign that is decided before its launch. Shares in hundredths of a per cent, ``budget`` in fen."""

    name: str
    goal: str
    arms: tuple[ArmPlan, ...]
    mall_id: int | None = None
    scenario: str = ""
    theme: str = ""
    segment: int | None = None
    holdout_bp: int = HOLDOUT_BP
    test_bp: int = 10_000
    window_days: int = WINDOW_DAYS
    budget: Mapping[str, int] | None = None
    rhythm: str = "once"
    starts_at: dt.datetime | None = None
    ends_on: dt.date | None = None
    target: Target | None = None


Fault = Literal[
    "missing",
    "too-long",
    "unknown",
    "out-of-range",
    "twice",
    "daily-needs-dates",
    "test-needs-arms",
    "in-the-past",
]


def plan_faults(plan: Plan) -> dict[str, Fault]:
    """What is wrong, by field; empty when nothing is."""
    faults: dict[str, Fault] = {}
    checks: tuple[tuple[str, bool, Fault], ...] = (
        ("name", not plan.name.strip(), "missing"),
        ("name", len(plan.name) > 80, "too-long"),
        ("theme", len(plan.theme) > 500, "too-long"),
        ("goal", plan.goal not in GOALS, "unknown"),
        ("holdout_bp", not 0 <= plan.holdout_bp <= HOLDOUT_MAX_BP, "out-of-range"),
        ("test_bp", not 0 < plan.test_bp <= 10_000, "out-of-range"),
        ("test_bp", plan.test_bp < 10_000 and len(plan.arms) < 2, "test-needs-arms"),
        ("test_bp", plan.test_bp < 10_000 and plan.rhythm != "once", "test-needs-arms"),
        ("window_days", not 1 <= plan.window_days <= 90, "out-of-range"),
        ("rhythm", plan.rhythm not in RHYTHMS, "unknown"),
        ("ends_on", plan.rhythm == "daily" and not _has_days(plan), "daily-needs-dates"),
        ("arms", not 1 <= len(plan.arms) <= ARMS_MAX, "out-of-range"),
        ("arms", len({arm.key for arm in plan.arms}) < len(plan.arms), "twice"),
        ("target", plan.target is not None and not plan.target.is_usable, "out-of-range"),
        ("budget", not _is_budget(plan.budget or {}), "out-of-range"),
    )
    for name, is_wrong, fault in checks:
        if is_wrong:
            faults.setdefault(name, fault)
    for arm in plan.arms:
        if not arm.key.strip() or len(arm.key) > 20 or arm.key in (GLOBAL, "holdout"):
            faults.setdefault("arms", "unknown")
        if not arm.template:
            faults.setdefault("arms", "missing")
        if not 1 <= arm.weight <= 100 or not 0 <= arm.points <= POINTS_MAX:
            faults.setdefault("arms", "out-of-range")
    return faults


def _has_days(plan: Plan) -> bool:
    return (
        plan.starts_at is not None
        and plan.ends_on is not None
        and 0 <= (plan.ends_on - plan.starts_at.date()).days < WAVES_MAX
    )


def _is_budget(budget: Mapping[str, int]) -> bool:
    return set(budget) <= set(FUNDERS) and all(0 <= fen < 2**53 for fen in budget.values())


def due_wave(
    rhythm: str,
    starts_at: dt.datetime,
    ends_on: dt.date | None,
    waves: Sequence[dt.datetime],
    now: dt.datetime,
    zone: str,
) -> dt.datetime | None:
    """When the wave that should be open now began; None when it is open, or none is due yet.

    A daily campaign opens one wave a day at the time of day of its start, in the mall's zone. Days that were missed while
    nothing ran are not made up for: whoever had a birthday then does not want to be greeted now.
    """
    if now < starts_at:
        return None
    if rhythm == "once":
        return None if waves else starts_at
    local, first = now.astimezone(ZoneInfo(zone)), starts_at.astimezone(ZoneInfo(zone))
    today = local.replace(hour=first.hour, minute=first.minute, second=0, microsecond=0)
    if today > local:
        today -= dt.timedelta(days=1)
    if today < first.replace(second=0, microsecond=0) or (ends_on is not None and today.date() > ends_on):
        return None
    at = max(today.astimezone(dt.UTC), starts_at.astimezone(dt.UTC))
    return None if any(wave >= at for wave in waves) else at


def is_last_wave_open(
    rhythm: str, ends_on: dt.date | None, waves: Sequence[dt.datetime], now: dt.datetime, zone: str
) -> bool:
    """Whether no further wave will ever open."""
    if rhythm == "once":
        return bool(waves)
    return ends_on is None or now.astimezone(ZoneInfo(zone)).date() > ends_on


@dataclass(frozen=True, slots=True)
class Spent:
    """Fen by who pays: messages and points as committed, coupons as used."""

    messages: int = 0
    points_fen: int = 0
    coupons: Mapping[str, int] | None = None

    def by_party(self) -> dict[str, int]:
        """``messages`` are thousandths of a fen, rounded up; the mall pays for them and for points."""
        found = dict.fromkeys(FUNDERS, 0) | dict(self.coupons or {})
        found["mall"] += -(-self.messages // FEN) + self.points_fen
        return found


def over_budget(spent: Spent, budget: Mapping[str, int]) -> str:
    """Who has nothing left, "" when nobody; a party without a budget has no limit."""
    by_party = spent.by_party()
    return next((party for party in FUNDERS if party in budget and by_party[party] > budget[party]), "")


def affordable(costs: Sequence[tuple[int, int]], spent: Spent, budget: Mapping[str, int]) -> int:
    """How many of the next people, each (message in thousandths of a fen, points in fen), the mall's budget still pays."""
    if over_budget(spent, budget):
        return 0
    messages, points = spent.messages, spent.points_fen
    for count, (message, fen) in enumerate(costs):
        messages, points = messages + message, points + fen
        if over_budget(Spent(messages, points, spent.coupons), budget):
            return count
    return len(costs)
