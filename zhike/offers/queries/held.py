"""Coupons as a decision needs them: read by code, with their terms and the holder's tier, in one round trip."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Invalid
from zhike.kernel.statements import fetch_row
from zhike.offers.queries.known import KnownBatch, from_json, known_batch
from zhike.offers.rules.codes import read_code
from zhike.offers.rules.using import Basket, BasketLine, HeldCoupon, Judged, Refusal, judge
from zhike.organization import queries as organization

CODES_MAX = 20
LINES_MAX = 500


class BasketUnusable(Invalid):
    code = "basket-unusable"
    title = _("A basket has 1 to %(lines)s lines and 1 to %(codes)s coupons.")


class MerchantUnknown(Invalid):
    code = "merchant-unknown"
    title = _("There is no such merchant.")


@dataclass(frozen=True, slots=True)
class BasketAsked:
    """What a till is about to sell: lines as they cost before coupons; ``member_id`` whoever stands there, if known."""

    merchant_id: int
    lines: tuple[BasketLine, ...]
    member_id: int | None = None


@dataclass(frozen=True, slots=True)
class CouponFacts:
    """A coupon beside what only its events need."""

    held: HeldCoupon
    batch: KnownBatch
    person_id: int | None


@dataclass(frozen=True, slots=True)
class Quote:
    """The verdict on every code asked about, in that order; a code nobody knows has neither facts nor a share."""

    basket: Basket
    codes: tuple[str, ...]
    facts: dict[str, CouponFacts]
    verdicts: dict[str, Judged]
    mall_id: int

    @property
    def discount_fen(self) -> int:
        return sum(one.share.discount_fen for one in self.verdicts.values() if one.share)

    @property
    def is_usable(self) -> bool:
        return all(code in self.verdicts and self.verdicts[code].share for code in self.codes)


@dataclass(frozen=True, slots=True)
class QuoteAsked:
    """What is asked about a basket and some codes, as they are read; at one moment."""

    basket: BasketAsked
    codes: tuple[str, ...]
    now: dt.datetime


def quote_asked(basket: BasketAsked, codes: Sequence[str], now: dt.datetime) -> QuoteAsked:
    """Raises BasketUnusable, MerchantUnknown."""
    wanted = tuple(read_code(code) for code in codes)
    if not (1 <= len(wanted) <= CODES_MAX and 1 <= len(basket.lines) <= LINES_MAX):
        raise BasketUnusable(lines=LINES_MAX, codes=CODES_MAX)
    if organization.merchant_ref(basket.merchant_id) is None:
        raise MerchantUnknown
    return QuoteAsked(basket, wanted, now)


def read_quote(asked: BasketAsked, codes: Sequence[str], now: dt.datetime) -> Quote:
    """Judge coupons for a basket, in the order given. The caller has authorised the place.

    Raises BasketUnusable, MerchantUnknown.
    """
    return read_quotes([quote_asked(asked, codes, now)])[0]


def read_quotes(asked: Sequence[QuoteAsked]) -> list[Quote]:
    """Judge the coupons of several baskets, each by itself, read in one statement."""
    args = [arg for one in asked for arg in (list(one.codes), one.now, one.basket.member_id)]
    row = fetch_row(f"SELECT {', '.join(['offers_facts(%s, %s, %s)'] * len(asked))}", args)
    assert row is not None
    return [_quote(one, *from_json(found)) for one, found in zip(asked, row, strict=True)]


def _quote(one: QuoteAsked, rows: Sequence[Any], standing: Sequence[Any] | None) -> Quote:
    asked, wanted, now = one.basket, one.codes, one.now
    merchant = organization.merchant_ref(asked.merchant_id)
    if merchant is None:
        raise MerchantUnknown
    facts = {found.held.code: found for found in map(_facts, rows)}
    tier_id = standing[0] if standing else _tier_of(rows)
    basket = Basket(
        merchant.id,
        merchant.mall_id,
        merchant.trade_category_id,
        now.astimezone(ZoneInfo(merchant.time_zone)),
        asked.lines,
        standing[2] if standing else asked.member_id,
        tier_id,
    )
    known = [facts[code].held for code in wanted if code in facts]
    verdicts: dict[str, Judged] = {}
    for verdict in judge(known, basket, now):
        if verdict.coupon.code not in verdicts or verdict.refusal is None:
            verdicts[verdict.coupon.code] = verdict
        else:  # the same code twice
            verdicts[verdict.coupon.code] = replace(verdict, share=None)
    return Quote(basket, wanted, facts, verdicts, merchant.mall_id)


def _tier_of(rows: Sequence[Any]) -> int | None:
    """Whoever holds a named coupon stands there, unless the till says who does."""
    return next((row[10] for row in rows if row[10] is not None), None)


def _facts(row: Sequence[Any]) -> CouponFacts:
    (
        coupon_id,
        code,
        status,
        member_id,
        begin,
        end,
        lock_until,
        batch_status,
        batch_id,
        person_id,
        _tier,
        standing,
    ) = row
    batch = known_batch(batch_id)
    if member_id is not None and standing != "active" and status == "issued":
        status = "frozen"
    held = HeldCoupon(
        coupon_id,
        code,
        status,
        member_id,
        dt.datetime.fromisoformat(begin),
        dt.datetime.fromisoformat(end),
        dt.datetime.fromisoformat(lock_until) if lock_until else None,
        batch_status,
        batch.terms,
        batch.mall_id,
    )
    return CouponFacts(held, batch, person_id)


UNKNOWN = Refusal("unknown")


def refusals(quote: Quote) -> dict[str, Refusal]:
    """Why the codes that cannot be used cannot, by code."""
    found: dict[str, Refusal] = {}
    for code in quote.codes:
        verdict = quote.verdicts.get(code)
        if verdict is None:
            found[code] = UNKNOWN
        elif verdict.refusal is not None:
            found[code] = verdict.refusal
    return found
