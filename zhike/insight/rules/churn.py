"""What speaks for a member leaving: figures before a moment, bands of risk, what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zhike.insight.rules.standing import BadPolicy

HORIZON_MIN, HORIZON_MAX = 5, 366
PARTS = 4
"""The history is at least so many horizons long: two to learn from, one to be tried on, one before all of them."""
LOOK_BACK_DAYS = 180
"""Who bought nothing for so long before the moment is gone already, and is not asked about."""

HIGH, MIDDLE = 7_000, 4_000
BANDS = ("high", "middle", "low")
"""From 70 per cent; from 40 per cent; below."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A figure known at the moment of asking. ``kind`` says how it is read: days, times, fen, share, years, ratio."""

    code: str
    kind: str


FEATURES = (
    Feature("recency_days", "days"),
    Feature("overdue", "ratio"),
    Feature("days_30", "times"),
    Feature("days_90", "times"),
    Feature("days_ever", "times"),
    Feature("gap_days", "days"),
    Feature("tenure_days", "days"),
    Feature("known_days", "days"),
    Feature("spend_90", "fen"),
    Feature("spend_year", "fen"),
    Feature("average", "fen"),
    Feature("lately_share", "share"),
    Feature("shops", "times"),
    Feature("trades", "times"),
    Feature("discount_share", "share"),
    Feature("returns", "times"),
    Feature("weekend_share", "share"),
    Feature("evening_share", "share"),
    Feature("points_balance", "points"),
    Feature("points_spent_90", "points"),
    Feature("coupons_open", "times"),
    Feature("coupons_used", "times"),
    Feature("messages_90", "times"),
    Feature("messages_read_90", "times"),
    Feature("online_30", "times"),
    Feature("check_ins_30", "times"),
    Feature("age", "years"),
)
CODES = tuple(one.code for one in FEATURES)
KINDS: Mapping[str, str] = {one.code: one.kind for one in FEATURES}


@dataclass(frozen=True, slots=True)
class ChurnPolicy:
    """Who buys nothing in the next ``horizon_days`` has left, as this mall sees it."""

    horizon_days: int = 45

    def checked(self) -> ChurnPolicy:
        """Raises BadPolicy."""
        if not HORIZON_MIN <= self.horizon_days <= HORIZON_MAX:
            raise BadPolicy("horizon_days", "horizon")
        return self


def churn_from(stored: Mapping[str, Any]) -> ChurnPolicy:
    return ChurnPolicy(int(stored["horizon_days"]))


def horizon_within(policy: ChurnPolicy, history_days: int) -> int:
    """As published, or a quarter of the history where that is shorter; below HORIZON_MIN nothing can be learnt."""
    return min(policy.horizon_days, history_days // PARTS)


def band_of(risk_bp: int) -> str:
    """One of BANDS, of a chance in hundredths of a per cent."""
    return "high" if risk_bp >= HIGH else "middle" if risk_bp >= MIDDLE else "low"


ACTIONS = ("call", "coupon", "points", "message", "offer", "invite", "online", "thank", "none")
POINTS_WORTH_TELLING = 1_000
DISCOUNT_LOVER = 0.15


def action_of(risk_bp: int, figures: Mapping[str, float], value_fen: int, valuable_fen: int) -> str:
    """What to do first, one of ACTIONS. ``valuable_fen``: what the best fifth is expected to spend at least.

    High risk: a call for who is worth it, else what this member answered to before (coupons, points, messages), else a plain
    offer. Middle: what brings them in. Low: thanks for the best, nothing for the others.
    """
    band = band_of(risk_bp)
    is_valuable = valuable_fen > 0 and value_fen >= valuable_fen
    if band == "low":
        return "thank" if is_valuable else "none"
    if band == "middle":
        return "online" if figures.get("online_30", 0) > 0 else "invite"
    if is_valuable:
        return "call"
    if figures.get("coupons_used", 0) > 0 or figures.get("discount_share", 0) >= DISCOUNT_LOVER:
        return "coupon"
    if figures.get("points_balance", 0) >= POINTS_WORTH_TELLING:
        return "points"
    return "message" if figures.get("messages_read_90", 0) > 0 else "offer"


def strongest(contributions: Sequence[float], codes: Sequence[str] = CODES, most: int = 3) -> list[int]:
    """Places of the contributions that moved the score most, either way, the strongest first; what moved nothing is left out."""
    order = sorted(range(len(codes)), key=lambda at: (-abs(contributions[at]), at))
    return [at for at in order[:most] if abs(contributions[at]) >= 0.005]


STABLE, SHIFTED = 0.10, 0.25


def drift_of(psi: float) -> str:
    """The usual thresholds of the population stability index: below 0.1 stable, below 0.25 moving, else shifted."""
    return "stable" if psi < STABLE else "moving" if psi < SHIFTED else "shifted"
