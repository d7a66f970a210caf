"""Gifts for what was spent: which fen of which receipt count, what stands behind a right, and what a return changes. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

import msgspec

STEPS_MAX = 8
FEN_MAX = 100_000_000
DAYS_MAX = 90
LIMIT_MAX = 1_000
Reason = Literal["", "returned", "merchant", "category", "tender", "minimum"]


class GiftStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a campaign: from ``threshold_fen`` on, the gift ``item_id``."""

    threshold_fen: int
    item_id: int


class GiftTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a campaign says.

    ``adds_up``: the receipts of one business day, or of the whole campaign. ``merchants`` and ``trade_categories`` (empty:
    all) take part, without ``merchants_out``; lines of ``categories_out`` and money paid by ``tenders_out`` do not count, nor
    receipts of which less than ``receipt_min_fen`` counts. ``per_member`` and ``per_member_day`` gifts at most, 0 without a
    limit. ``alone``: what other campaigns counted counts here too. A gift is kept for ``keep_days`` once it is reserved.
    Goods that come back: the gift has to within ``ask_back_days``, then its points are taken.
    """

    steps: tuple[GiftStep, ...]
    adds_up: Literal["day", "campaign"] = "day"
    merchants: tuple[int, ...] = ()
    trade_categories: tuple[int, ...] = ()
    merchants_out: tuple[int, ...] = ()
    categories_out: tuple[int, ...] = ()
    tenders_out: tuple[str, ...] = ()
    receipt_min_fen: int = 0
    per_member: int = 1
    per_member_day: int = 0
    alone: bool = False
    keep_days: int = 0
    ask_back_days: int = 7


class GiftTermsError(ValueError):
    """``fields`` are the names of what is wrong."""

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(", ".join(fields))
        self.fields = tuple(fields)


def parse_gift_terms(data: Mapping[str, Any]) -> GiftTerms:
    """Parse and check. Raises GiftTermsError."""
    try:
        terms = msgspec.convert(data, GiftTerms)
    except msgspec.ValidationError as error:
        path = str(error).partition(" - at ")[2].strip("`$.")
        raise GiftTermsError([path or "terms"]) from None
    steps = terms.steps
    tests = {
        "steps": 1 <= len(steps) <= STEPS_MAX
        and all(0 < one.threshold_fen <= FEN_MAX and one.item_id > 0 for one in steps)
        and [one.threshold_fen for one in steps] == sorted(one.threshold_fen for one in steps),
        "tenders_out": all(0 < len(kind) <= 20 for kind in terms.tenders_out),
        "receipt_min_fen": 0 <= terms.receipt_min_fen <= FEN_MAX,
        "per_member": 0 <= terms.per_member <= LIMIT_MAX,
        "per_member_day": 0 <= terms.per_member_day <= LIMIT_MAX,
        "keep_days": 0 <= terms.keep_days <= DAYS_MAX,
        "ask_back_days": 0 <= terms.ask_back_days <= DAYS_MAX,
    }
    wrong = [name for name, is_right in tests.items() if not is_right]
    if wrong:
        raise GiftTermsError(wrong)
    return terms


@dataclass(frozen=True, slots=True)
class Bought:
    """A sale as it is now: ``lines`` (category, fen that were not returned), ``paid_fen`` by ``tenders`` (kind, fen)."""

    receipt_id: UUID
    merchant_id: int
    trade_category_id: int | None
    day: dt.date
    lines: tuple[tuple[int | None, int], ...]
    tenders: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """``fen`` of a receipt count; ``reason`` says why not all of it does, or none."""

    fen: int
    reason: Reason = ""


def counted(terms: GiftTerms, sale: Bought) -> Counted:
    """How many fen of a sale count.

    Of what is kept, the lines that take part; and of those the share that was not paid with what does not count, rounded
    down: nobody knows which line a voucher paid for.
    """
    kept = sum(fen for _category, fen in sale.lines)
    if not kept:
        return Counted(0, "returned")
    listed = not (terms.merchants or terms.trade_categories)
    inside = listed or sale.merchant_id in terms.merchants or sale.trade_category_id in terms.trade_categories
    if not inside or sale.merchant_id in terms.merchants_out:
        return Counted(0, "merchant")
    fen = sum(fen for category, fen in sale.lines if category is None or category not in terms.categories_out)
    reason: Reason = "category" if fen < kept else ""
    paid = sum(amount for _kind, amount in sale.tenders)
    left_out = sum(amount for kind, amount in sale.tenders if kind in terms.tenders_out)
    if left_out and paid:
        fen, reason = fen * (paid - left_out) // paid, "tender"
    if fen < terms.receipt_min_fen:
        return Counted(0, "minimum")
    return Counted(fen, reason)


def without_loose(sales: Sequence[Bought], loose: Mapping[int, int]) -> list[Bought]:
    """The sales less what came back to a merchant without naming its receipt: fen by merchant, from the newest sale on."""
    left = dict(loose)
    found = []
    for sale in reversed(sales):
        lines = []
        for category, fen in sale.lines:
            off = min(fen, left.get(sale.merchant_id, 0))
            if off:
                left[sale.merchant_id] -= off
            lines.append((category, fen - off))
        found.append(replace(sale, lines=tuple(lines)))
    return found[::-1]


def cover(threshold_fen: int, free: Sequence[tuple[UUID, int]]) -> dict[UUID, int] | None:
    """Fen of receipts, in their order, that make up a threshold to the fen; None when they do not suffice."""
    taken, left = {}, threshold_fen
    for receipt_id, fen in free:
        part = min(fen, left)
        if part > 0:
            taken[receipt_id] = part
            left -= part
    return None if left else taken


@dataclass(frozen=True, slots=True)
class Standing:
    """A right with the fen behind it; ``receipts`` (id, fen that count by its campaign) are those it may draw on."""

    right_id: int
    threshold_fen: int
    shares: Mapping[UUID, int]
    receipts: Sequence[tuple[UUID, int]]
    has_goods: bool


@dataclass(frozen=True, slots=True)
class Settled:
    right_id: int
    shares: dict[UUID, int]
    is_covered: bool


def settle(rights: Sequence[Standing]) -> list[Settled]:
    """What stands behind each right of one purse now. Every fen once; whoever holds the goods comes first.

    A right keeps what it has as far as that still counts and fills the gap from what is free, in the order of the
    receipts. A right without the goods that is not covered lets everything go; one with the goods keeps what there is.
    """
    used: dict[UUID, int] = {}
    found: dict[int, Settled] = {}
    order = sorted(rights, key=lambda one: (not one.has_goods, one.right_id))
    held = {one.right_id: _keep(one, used) for one in order}
    for one in order:
        shares = held[one.right_id]
        left = one.threshold_fen - sum(shares.values())
        for receipt_id, fen in one.receipts:
            part = min(left, fen - used.get(receipt_id, 0))
            if part > 0:
                shares[receipt_id] = shares.get(receipt_id, 0) + part
                used[receipt_id] = used.get(receipt_id, 0) + part
                left -= part
        if left and not one.has_goods:
            for receipt_id, fen in shares.items():
                used[receipt_id] -= fen
            shares = {}
        found[one.right_id] = Settled(one.right_id, shares, not left)
    return [found[one.right_id] for one in rights]


def _keep(one: Standing, used: dict[UUID, int]) -> dict[UUID, int]:
    counts = dict(one.receipts)
    kept = {}
    for receipt_id, fen in one.shares.items():
        part = min(fen, counts.get(receipt_id, 0) - used.get(receipt_id, 0))
        if part > 0:
            kept[receipt_id] = part
            used[receipt_id] = used.get(receipt_id, 0) + part
    return kept


@dataclass(frozen=True, slots=True)
class Window:
    """When a campaign runs, as days of the mall, all inclusive."""

    starts_on: dt.date
    ends_on: dt.date
    collect_until: dt.date


def basket_of(terms: GiftTerms, window: Window, day: dt.date) -> dt.date | None:
    """Which receipts a receipt of this day adds up with: its day, or the first of the campaign; None: it is too early or late."""
    if not window.starts_on <= day <= window.ends_on:
        return None
    return day if terms.adds_up == "day" else window.starts_on


def open_baskets(terms: GiftTerms, window: Window, today: dt.date) -> list[dt.date]:
    """The baskets a gift can be had for today: the day's own, or the whole campaign's; the newest first.

    A basket of one day can be used that day and for the ``keep_days`` after it.
    """
    if today < window.starts_on or today > window.collect_until:
        return []
    if terms.adds_up == "campaign":
        return [window.starts_on]
    days = (today - dt.timedelta(days=back) for back in range(terms.keep_days + 1))
    return [day for day in days if window.starts_on <= day <= window.ends_on]


def collect_until(terms: GiftTerms, window: Window, today: dt.date) -> dt.date:
    """The last day on which a gift that is reserved today is kept."""
    return min(today + dt.timedelta(days=terms.keep_days), window.collect_until)


def refusal(
    *,
    has_ended: bool,
    owes: bool,
    taken: int,
    taken_today: int,
    left: int,
    left_today: int | None,
    terms: GiftTerms,
) -> str | None:
    """Why a member cannot have a gift they spent enough for; None: they can. One of ended, owed, limit, limit_day, stock,
    stock_day; in the order in which it helps to know."""
    if has_ended:
        return "ended"
    if owes:
        return "owed"
    if terms.per_member and taken >= terms.per_member:
        return "limit"
    if terms.per_member_day and taken_today >= terms.per_member_day:
        return "limit_day"
    if left <= 0:
        return "stock"
    if left_today is not None and left_today <= 0:
        return "stock_day"
    return None
