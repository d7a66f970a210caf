"""How long a tier is held, who keeps it, what is lent above it, and what a refund takes away again."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from zhike.loyalty.rules.calendar import add_months, window_start
from zhike.loyalty.rules.tiers import TierStep, tier_for

GRANT_ALONE_DAYS = 92
"""One person alone lends a tier for no longer; for more a second one has to agree."""
GRANT_DAYS_MAX = 366
GRACE_DAYS_MAX = 90
VISITS_MAX = 366


@dataclass(frozen=True, slots=True)
class TierTerms:
    """How a programme lets tiers be kept: the ladder, the window that counts, the period, its grace and how far one falls."""

    ladder: Sequence[TierStep]
    window: str
    period: str
    grace_days: int
    fall: str
    basis: str = "spend"

    @property
    def is_held(self) -> bool:
        """Whether a tier is held for a period at all; else the nightly review moves at once."""
        return self.period != "at_once"

    def step(self, tier_id: int) -> TierStep:
        return next(step for step in self.ladder if step.tier_id == tier_id)

    def rank(self, tier_id: int) -> int:
        return self.step(tier_id).rank

    def higher(self, one: int, other: int) -> int:
        return one if self.rank(one) >= self.rank(other) else other

    def held_until(self, tier_id: int, day: date) -> date | None:
        """The last day of a tier that is reached on ``day``; None for the lowest one, and where nothing is held."""
        if not self.is_held or self.rank(tier_id) == min(step.rank for step in self.ladder):
            return None
        return period_end(self.period, day)

    def counts_from(self, day: date) -> date | None:
        """The first day whose purchases keep a tier reached on ``day``; None: those in the window of the period's end.

        From one anniversary to the next only what is bought after the tier was reached keeps it.
        """
        return day + timedelta(days=1) if self.period == "anniversary" else None


def period_end(period: str, day: date) -> date:
    """The last day of the period that ``day`` begins (anniversary) or lies in (calendar)."""
    if period == "anniversary":
        return add_months(day, 12) - timedelta(days=1)
    month = 12 if period == "year" else (day.month + 2) // 3 * 3
    return date(day.year, month, monthrange(day.year, month)[1])


def following_end(period: str, until: date, today: date) -> date:
    """The end of the period after the one that ended with ``until``, not before ``today``."""
    found = until
    while found <= until or found < today:
        found = period_end(period, found + timedelta(days=1))
    return found


@dataclass(frozen=True, slots=True)
class Counted:
    """What a member did within the days that count: spend that counts toward tiers, days with a purchase, growth value."""

    fen: int
    visits: int
    growth: int = 0

    def of(self, basis: str) -> int:
        """What a ladder of this basis counts."""
        return {"spend": self.fen, "visits": self.visits, "growth": self.growth}[basis]

    def why(self, basis: str) -> dict[str, Any]:
        """The figures that a decision on a ladder of this basis keeps."""
        if basis == "spend":
            return {"spend_fen": self.fen}
        return {"spend_fen": self.fen, "basis": basis, "counted": self.of(basis)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a tier at the end of its period: ``kept``, ``fallen`` or (still) in ``grace``; and until when."""

    kind: str
    tier_id: int
    since: date | None
    until: date | None
    why: dict[str, Any]


def needed_name(basis: str, what: str) -> str:
    """What the figure of ``what`` was needed (keep, threshold) is called in the reasons of a decision."""
    return f"{what}_fen" if basis == "spend" else what


def keeps(step: TierStep, counted: Counted) -> bool:
    """Whether this is enough to keep the tier."""
    enough_visits = step.keep_visits is not None and counted.visits >= step.keep_visits
    return counted.of(step.basis) >= step.to_keep or enough_visits


def at_period_end(
    terms: TierTerms, tier_id: int, since: date, until: date, counted: Counted, today: date
) -> Verdict:
    """The period is over (``until`` < ``today``); ``counted`` is what was bought from ``since`` on.

    Purchases within the days of grace still count toward keeping, and then no more toward the next period.
    """
    step = terms.step(tier_id)
    why: dict[str, Any] = counted.why(step.basis) | {
        "visits": counted.visits, "keep_visits": step.keep_visits, "since": since.isoformat(),
        "period_end": until.isoformat(), needed_name(step.basis, "keep"): step.to_keep,
    }  # fmt: skip
    next_day = terms.counts_from(today - timedelta(days=1))
    if keeps(step, counted):
        return Verdict("kept", tier_id, next_day, following_end(terms.period, until, today), why)
    if today <= until + timedelta(days=terms.grace_days):
        return Verdict("grace", tier_id, since, until, why)
    lower = fallen(terms, step, counted)
    why["policy"] = terms.fall
    return Verdict("fallen", lower.tier_id, next_day, terms.held_until(lower.tier_id, today), why)


def fallen(terms: TierTerms, step: TierStep, counted: Counted) -> TierStep:
    """One step down, or the highest step below that the spend would have kept."""
    below = sorted((one for one in terms.ladder if one.rank < step.rank), key=lambda one: one.rank)
    if not below:
        return step
    if terms.fall == "one_step":
        return below[-1]
    return next((one for one in reversed(below) if keeps(one, counted)), below[0])


# --- lent tiers ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lent:
    """A tier given for a time."""

    grant_id: int
    tier_id: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """The tier that counts, the earned one where it stands below, the grant it comes from, and when to look again."""

    tier_id: int
    earned_id: int | None
    grant_id: int | None
    due: datetime | None


def standing(terms: TierTerms, earned_id: int, lent: Iterable[Lent], now: datetime) -> Standing:
    """The higher of what was earned and what is lent now; of two grants of one tier the one that ends later."""
    open_ones = [one for one in lent if one.ends_at > now]
    running = [one for one in open_ones if one.starts_at <= now]
    best = max(running, key=lambda one: (terms.rank(one.tier_id), one.ends_at), default=None)
    moments = [one.ends_at for one in running] + [one.starts_at for one in open_ones if one.starts_at > now]
    due = min(moments, default=None)
    if best is None or terms.rank(best.tier_id) <= terms.rank(earned_id):
        return Standing(earned_id, None, None, due)
    return Standing(best.tier_id, earned_id, best.grant_id, due)


def stands_until(
    terms: TierTerms,
    tier_id: int,
    earned_id: int,
    earned_until: datetime | None,
    lent: Iterable[Lent],
    now: datetime,
) -> datetime | None:
    """The first moment from ``now`` on at which the member stands below a tier, as far as is known; None: at no such.

    ``earned_until``: the first moment after the period of what they earned; None where it has no end.
    """
    rank = terms.rank(tier_id)
    reached = now
    if terms.rank(earned_id) >= rank:
        if earned_until is None:
            return None
        reached = max(now, earned_until)
    for one in sorted(
        (one for one in lent if terms.rank(one.tier_id) >= rank), key=lambda one: one.starts_at
    ):
        if one.starts_at <= reached:
            reached = max(reached, one.ends_at)
    return reached


# --- refunds ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decision:
    """An earlier decision on what a member has earned: on ``day``, for this tier, held ``until``.

    ``since``: of a tier that was kept, the first day whose purchases counted.
    """

    cause: str
    tier_id: int
    day: date
    until: date | None
    since: date | None = None


def after_refund(
    terms: TierTerms, decisions: Sequence[Decision], counted_since: Callable[[date], Counted], today: date
) -> tuple[int, date | None]:
    """(tier, until) that stands without what was refunded; ``decisions`` are newest first.

    A decision stands while its ground is there: the purchases since the window of its day, as they count now, still reach
    the tier (or keep it, where it was kept). Falling needs no ground. Where no decision stands any more, it is what the
    spend in today's window reaches.
    """
    reached = tier_for(counted_since(window_start(terms.window, today)).of(terms.basis), terms.ladder).tier_id
    best: tuple[int, date | None] = (reached, terms.held_until(reached, today))
    for one in decisions:
        if one.until is not None and one.until + timedelta(days=terms.grace_days) < today:
            continue
        if _stands(terms, one, counted_since):
            if terms.rank(one.tier_id) >= terms.rank(reached):
                best = (one.tier_id, one.until)
            break
    return best


def _stands(terms: TierTerms, one: Decision, counted_since: Callable[[date], Counted]) -> bool:
    if one.cause == "fallen":
        return True
    if one.cause == "kept":
        return keeps(terms.step(one.tier_id), counted_since(one.since or one.day))
    counted = counted_since(window_start(terms.window, one.day)).of(terms.basis)
    return counted >= terms.step(one.tier_id).threshold
