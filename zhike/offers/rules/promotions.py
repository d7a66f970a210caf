"""A promotion as data: what must be in the basket, what it takes off or gives, and what it may stand beside."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from zhike.offers.rules.shares import UNIT_BP
from zhike.offers.rules.terms import VALUE_FEN_MAX, Scope, TermsError, Window

PromotionKind = Literal["reach", "every", "percent", "pieces", "nth", "gift"]
PROMOTION_KINDS: tuple[PromotionKind, ...] = ("reach", "every", "percent", "pieces", "nth", "gift")
STEPS_MAX = 10
NTH_MAX = 20


class PromotionDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a version says.

    ``reach`` (满减): ``steps`` [[from fen, off fen], …], the highest reached counts. ``every`` (每满减): ``off_fen`` for every
    ``minimum_fen``, at most ``cap_fen``. ``percent`` (折扣): ``percent_bp`` off from ``minimum_fen`` on, at most ``cap_fen``.
    ``pieces`` (N 件 M 折): ``steps`` [[pieces, bp off], …]. ``nth`` (第 N 件): of every ``nth`` pieces the cheapest has
    ``percent_bp`` off. ``gift`` (满赠): ``gift`` from ``minimum_fen`` on, for every such amount with ``gift_every``, at most
    ``gift_most``; ``gift_value_fen`` is what it is worth. ``group``: one of a group at most. ``exclusive``: alone.
    Lower ``priority`` goes first.
    """

    kind: PromotionKind
    scope: Scope = Scope()
    minimum_fen: int = 0
    minimum_quantity: int = 0
    off_fen: int = 0
    percent_bp: int = 0
    steps: tuple[tuple[int, int], ...] = ()
    nth: int = 0
    cap_fen: int | None = None
    gift: str = ""
    gift_value_fen: int = 0
    gift_every: bool = False
    gift_most: int = 0
    group: str = ""
    exclusive: bool = False
    priority: int = 100


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promotion with what its version in force says."""

    id: int
    rule: PromotionDefinition


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when somebody buys, in the mall's own time, and their tier."""

    mall_id: int
    merchant_id: int
    trade_category_id: int | None
    local: dt.datetime
    tier_id: int | None = None


def parse_promotion(data: Mapping[str, Any]) -> PromotionDefinition:
    """Parse and check. Raises TermsError naming the path."""
    try:
        found = msgspec.convert(data, PromotionDefinition, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        raise TermsError(path.strip("`") or "$", reason) from None
    for path, is_right in _conditions(found):
        if not is_right:
            raise TermsError(path, "out-of-range")
    return found


def _conditions(one: PromotionDefinition) -> list[tuple[str, bool]]:
    amounts = (one.minimum_fen, one.off_fen, one.gift_value_fen, one.cap_fen or 0)
    firsts = [first for first, _second in one.steps]
    return [
        ("minimum_fen", all(0 <= fen <= VALUE_FEN_MAX for fen in amounts)),
        ("minimum_quantity", 0 <= one.minimum_quantity <= 10_000),
        ("steps", bool(one.steps) == (one.kind in ("reach", "pieces")) and len(one.steps) <= STEPS_MAX),
        ("steps", firsts == sorted(set(firsts)) and all(first > 0 for first in firsts)),
        ("steps", one.kind != "reach" or all(0 < off <= first for first, off in one.steps)),
        ("steps", one.kind != "pieces" or all(0 < bp <= UNIT_BP for _pieces, bp in one.steps)),
        ("off_fen", (0 < one.off_fen <= one.minimum_fen) if one.kind == "every" else one.off_fen == 0),
        ("percent_bp", (0 < one.percent_bp <= UNIT_BP) == (one.kind in ("percent", "nth"))),
        ("nth", (2 <= one.nth <= NTH_MAX) if one.kind == "nth" else one.nth == 0),
        ("cap_fen", one.cap_fen is None or one.cap_fen > 0),
        ("gift", bool(one.gift.strip()) or one.kind != "gift"),
        ("gift", len(one.gift) <= 120 and 0 <= one.gift_most <= 1000),
        ("gift_value_fen", bool(one.gift) or one.gift_value_fen == 0),
        ("group", len(one.group) <= 40),
        ("priority", 0 <= one.priority <= 1000),
        ("scope.windows", all(_is_window(window) for window in one.scope.windows)),
    ]


def _is_window(window: Window) -> bool:
    return 0 <= window.from_minute < window.to_minute <= 1440 and all(
        1 <= day <= 7 for day in window.weekdays
    )


def holds(one: PromotionDefinition, place: Place) -> bool:
    """Whether the promotion is for this place, time and tier; which lines it covers is judged by line."""
    scope = one.scope
    return (
        (not scope.malls or place.mall_id in scope.malls)
        and scope.merchants.covers(place.merchant_id)
        and scope.trade_categories.covers(place.trade_category_id)
        and place.local.date() not in scope.blackout_dates
        and (not scope.windows or any(window.covers(place.local) for window in scope.windows))
        and (not scope.tiers or place.tier_id in scope.tiers)
    )
