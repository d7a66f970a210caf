"""Where a member stands: the stage of their life as a customer, and RFM (recency, frequency, monetary value). Pure.

Both are decided by the database for everybody at once; these are the same decisions for one, and what the settings may be.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

STAGES = ("prospect", "new", "active", "dormant", "churned")
"""潜在, 新客, 活跃, 沉睡, 流失."""
GROUPS = ("111", "101", "011", "001", "110", "100", "010", "000")
"""Recency, frequency, value: 1 is high. 重要价值, 重要发展, 重要保持, 重要挽留, 一般价值, 一般发展, 一般保持, 一般挽留."""
SCORES = 5
DAYS_MAX = 3_660
QUINTILES = (20, 40, 60, 80)


class BadPolicy(ValueError):
    """``field`` is the setting, ``code`` what is wrong with it."""

    def __init__(self, field: str, code: str) -> None:
        super().__init__(f"{field}: {code}")
        self.field, self.code = field, code


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Days: a customer is new so long after the first purchase, dormant and churned so long after the last one."""

    new_days: int = 60
    dormant_days: int = 90
    churn_days: int = 180

    def checked(self) -> Thresholds:
        """Raises BadPolicy."""
        for name, days in asdict(self).items():
            if not 1 <= days <= DAYS_MAX:
                raise BadPolicy(name, "days")
        if not self.dormant_days < self.churn_days:
            raise BadPolicy("churn_days", "order")
        return self


@dataclass(frozen=True, slots=True)
class RfmPolicy:
    """Purchases of the last ``window_days`` count. Four breaks make five scores; empty: the quintiles of who bought.

    Recency breaks are days since the last purchase, falling scores; money is fen. A score of ``high_from`` and more is high.
    Equal values always score alike, for breaks are values, not ranks.
    """

    window_days: int = 365
    recency: tuple[int, ...] = ()
    frequency: tuple[int, ...] = ()
    monetary: tuple[int, ...] = ()
    high_from: int = 4

    def checked(self) -> RfmPolicy:
        """Raises BadPolicy."""
        if not 1 <= self.window_days <= DAYS_MAX:
            raise BadPolicy("window_days", "days")
        if not 2 <= self.high_from <= SCORES:
            raise BadPolicy("high_from", "score")
        for name in ("recency", "frequency", "monetary"):
            breaks = getattr(self, name)
            if breaks and (len(breaks) != SCORES - 1 or list(breaks) != sorted(set(breaks)) or breaks[0] < 0):
                raise BadPolicy(name, "breaks")
        return self


def stage_of(
    first_at: dt.datetime | None, last_at: dt.datetime | None, now: dt.datetime, thresholds: Thresholds
) -> str:
    """The stage that follows from the first and last purchase. The same is written in SQL for everybody at once."""
    if first_at is None or last_at is None:
        return "prospect"
    idle = now - last_at
    if idle > dt.timedelta(days=thresholds.churn_days):
        return "churned"
    if idle > dt.timedelta(days=thresholds.dormant_days):
        return "dormant"
    return "new" if now - first_at <= dt.timedelta(days=thresholds.new_days) else "active"


def score(value: int, breaks: Sequence[int], *, falling: bool = False) -> int:
    """1 to 5 by four breaks: a value reaches a break from the break on; falling: passes it only beyond."""
    if falling:
        return SCORES - sum(value > one for one in breaks)
    return 1 + sum(value >= one for one in breaks)


def group_of(recency: int, frequency: int, monetary: int, high_from: int) -> str:
    """One of GROUPS, from three scores."""
    return "".join("1" if one >= high_from else "0" for one in (recency, frequency, monetary))


def thresholds_from(stored: Mapping[str, Any]) -> Thresholds:
    return Thresholds(**{name: int(stored[name]) for name in ("new_days", "dormant_days", "churn_days")})


def rfm_from(stored: Mapping[str, Any]) -> RfmPolicy:
    breaks = {name: tuple(stored.get(name, ())) for name in ("recency", "frequency", "monetary")}
    return RfmPolicy(int(stored["window_days"]), **breaks, high_from=int(stored["high_from"]))
