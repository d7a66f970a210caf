"""Welcome offers: what a new member's first purchase gives, who is new, and what is left of it after a return."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from zhike.engagement.rules.referral import FEN_MAX, Bought
from zhike.engagement.rules.terms import POINTS_MAX, UNIT_BP, Reward, Terms, parse

TIMES_MAX = 10
QUOTA_MAX = 10_000_000
BUDGET_MAX = 1_000_000_000
DEVICE = "device"
"""The kind of mark that tells of a browser and of no person."""
LATE = dt.timedelta(days=8)
"""A purchase in time may be handed in so much later: a claimed receipt, a file of yesterday."""

CouponOn = Literal["joining", "purchase"]
Refusal = Literal["", "same_person", "same_device", "not_new"]


class WelcomeTerms(Terms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the first purchase of at least ``minimum_fen`` within ``days_to_buy`` of joining gives.

    ``points`` on top, the purchase's own points times ``multiplier_bp`` (20000 doubles them) up to ``points_max`` in all,
    and a coupon: with joining, so that it takes money off that first purchase, or with the purchase, for the next one.
    The points come when ``wait_days`` are over (None: as long as the purchase's own wait). ``quota`` new members and
    ``budget_points`` in all, each for a version. ``per_device``: a browser that a welcomed member used brings none.
    """

    points: int = 0
    multiplier_bp: int = UNIT_BP
    points_max: int | None = None
    batch_id: int | None = None
    coupon_on: CouponOn = "joining"
    minimum_fen: int = 10_000
    days_to_buy: int = 30
    wait_days: int | None = 0
    quota: int | None = None
    budget_points: int | None = None
    per_device: bool = True

    @property
    def coupon(self) -> Reward:
        return Reward(batch_id=self.batch_id)

    @property
    def multiplies(self) -> bool:
        return self.multiplier_bp > UNIT_BP

    @property
    def gives_points(self) -> bool:
        return self.points > 0 or self.multiplies

    def conditions(self) -> list[tuple[str, bool]]:
        return [
            *Terms.conditions(self),
            ("points", 0 <= self.points <= POINTS_MAX),
            ("multiplier_bp", UNIT_BP <= self.multiplier_bp <= TIMES_MAX * UNIT_BP),
            ("points_max", self.points_max is None or 1 <= self.points_max <= POINTS_MAX),
            ("points", self.gives_points or self.batch_id is not None),
            ("minimum_fen", 1 <= self.minimum_fen <= FEN_MAX),
            ("days_to_buy", 1 <= self.days_to_buy <= 366),
            ("wait_days", self.wait_days is None or 0 <= self.wait_days <= 366),
            ("quota", self.quota is None or 1 <= self.quota <= QUOTA_MAX),
            ("budget_points", self.budget_points is None or 1 <= self.budget_points <= BUDGET_MAX),
        ]


def parse_welcome(data: Mapping[str, Any]) -> WelcomeTerms:
    """Raises TermsError."""
    return parse(WelcomeTerms, data)


def lapses_at(terms: WelcomeTerms, joined_at: dt.datetime) -> dt.datetime:
    """From then on no purchase can come any more, not even one handed in late."""
    return joined_at + dt.timedelta(days=terms.days_to_buy) + LATE


def bonus(terms: WelcomeTerms, own_points: int) -> int:
    """Points on top of the ``own_points`` that are left of the first purchase; parts of a point are dropped."""
    most = POINTS_MAX if terms.points_max is None else terms.points_max
    return min(most, terms.points + own_points * (terms.multiplier_bp - UNIT_BP) // UNIT_BP)


def due_on(terms: WelcomeTerms, bought: Bought) -> dt.date:
    return bought.day + dt.timedelta(days=bought.waits_days if terms.wait_days is None else terms.wait_days)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What is known of somebody who may be new: the kinds of the ``marks`` that others left who were welcomed, and
    whether they ``bought_before`` joining."""

    marks: frozenset[str]
    bought_before: bool


def judge(terms: WelcomeTerms, found: Newcomer) -> Refusal:
    """Why there is no welcome; "" when there is. The gravest reason first."""
    if found.marks - {DEVICE}:
        return "same_person"
    if found.bought_before:
        return "not_new"
    return "same_device" if terms.per_device and DEVICE in found.marks else ""


def due_points(wanted: int, kept_points: int) -> int:
    """What is given towards ``wanted`` points when so many of an earlier welcome could not be taken back."""
    return max(0, wanted - kept_points)
