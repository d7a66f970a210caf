"""Amends: what they cost, who may give how much without asking, and what can still be taken back. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["points", "coupon", "cash", "gift", "vip"]
KINDS: tuple[Kind, ...] = ("points", "coupon", "cash", "gift", "vip")
SELF_EXECUTED: tuple[Kind, ...] = ("points", "coupon")
"""Kinds the program carries out by itself; the others are handed over by a person."""
PAYERS = ("mall", "merchant")
PERIODS = ("day", "month")
AMOUNT_MAX = 10_000_000
REASON_MAX = 200


def cost_fen(kind: Kind, amount: int, unit_cost_fen: int, redeem_points: int, redeem_fen: int) -> int:
    """What an amount costs: cash its fen, points what they can be spent for (rounded up), pieces their unit cost."""
    if kind == "cash":
        return amount
    if kind == "points":
        return -(-amount * redeem_fen // redeem_points)
    return amount * unit_cost_fen


@dataclass(frozen=True, slots=True)
class Authority:
    """How much one person may give without asking, in fen of cost: on one ticket, and in a day or a month.

    None is no limit; nobody named has an authority of nothing.
    """

    each_fen: int | None = 0
    period: str = "month"
    period_fen: int | None = 0

    def covers(self, cost: int, on_ticket: int, in_period: int) -> bool:
        """Whether ``cost`` more fits, after what this person gave on the ticket and in the period."""
        fits_ticket = self.each_fen is None or on_ticket + cost <= self.each_fen
        return fits_ticket and (self.period_fen is None or in_period + cost <= self.period_fen)


NOTHING = Authority()
UNLIMITED = Authority(None, "month", None)


def widest(found: Iterable[Authority]) -> Authority:
    """Whoever holds several roles has the widest of their authorities."""

    def width(one: Authority) -> tuple[float, float]:
        far = float("inf")
        return (
            far if one.each_fen is None else one.each_fen,
            far if one.period_fen is None else one.period_fen,
        )

    return max(found, key=width, default=NOTHING)


def period_start(period: str, today: dt.date) -> dt.date:
    """The first day of the period that ``today`` lies in."""
    return today if period == "day" else today.replace(day=1)


def payer_code(payer: str, mall_id: int, merchant_id: int | None) -> str:
    """The funding code of who pays, as the ledger writes it: "mall:3", "merchant:12"."""
    return f"merchant:{merchant_id}" if payer == "merchant" else f"mall:{mall_id}"


State = Literal["proposed", "rejected", "approved", "executed", "withdrawn", "reversed"]
OPEN: tuple[State, ...] = ("proposed", "approved")


def can_take_back(kind: str, state: str) -> bool:
    """Points and coupons that were given; what a person handed over is gone."""
    return state == "executed" and kind in SELF_EXECUTED
