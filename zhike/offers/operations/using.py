"""Coupons meet a basket: locked and confirmed in two phases by a till, or used at once at a desk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.clock import business_date
from zhike.kernel.errors import Conflict, NotFound
from zhike.kernel.events.base import Fact, fact_data, source_of
from zhike.kernel.ids import uuid7
from zhike.kernel.statements import fetch_row
from zhike.loyalty.operations import Once
from zhike.offers.events import CouponUsed
from zhike.offers.models import CouponUse
from zhike.offers.operations._together import Ready, Together
from zhike.offers.operations._words import call, to_json
from zhike.offers.queries.held import (
    BasketAsked,
    MerchantUnknown,
    Quote,
    QuoteAsked,
    quote_asked,
    read_quotes,
    refusals,
)
from zhike.offers.queries.known import from_json
from zhike.offers.queries.sentences import refusal_sentence
from zhike.organization import queries as organization

LOCK_FOR = dt.timedelta(minutes=15)
LOCK_SECONDS_MIN, LOCK_SECONDS_MAX = 30, 24 * 3600


class CouponNotUsable(Conflict):
    """``params["reason"]`` is the stable code of why, ``params["coupon"]`` which code."""

    code = "coupon-not-usable"
    title = _("%(sentence)s")


class LockNotFound(NotFound):
    code = "coupon-lock-not-found"
    title = _("There is no such lock.")


class LockGone(Conflict):
    code = "coupon-lock-gone"
    title = _("This lock was released or has run out.")


class LockUsed(Conflict):
    code = "coupon-lock-used"
    title = _("These coupons are used already.")


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """The receipt the coupons are for, as far as the till knows it; it may be recorded later."""

    till: str = ""
    number: str = ""
    business_date: dt.date | None = None


@dataclass(frozen=True, slots=True)
class UsedCoupon:
    """``lines`` is (line, fen off), ``funding`` who pays how much of it."""

    coupon_id: int
    code: str
    name: str
    kind: str
    discount_fen: int
    lines: tuple[tuple[int, int], ...]
    funding: dict[str, int]


@dataclass(frozen=True, slots=True)
class LockOutcome:
    """``state`` is locked or used; ``lock_until`` when the lock runs out."""

    lock_id: UUID
    state: str
    basket_fen: int
    discount_fen: int
    lock_until: dt.datetime
    coupons: tuple[UsedCoupon, ...]
    replayed: bool = False


def lock_coupons(
    *,
    actor: Viewer,
    basket: BasketAsked,
    codes: Sequence[str],
    now: dt.datetime,
    receipt: ReceiptKey = ReceiptKey(),
    lock_for: dt.timedelta = LOCK_FOR,
    once: Once | None = None,
) -> LockOutcome:
    """Hold all of these coupons for a basket, or none. A coupon can be in one lock only, however many tills try.

    Raises CouponNotUsable (which coupon, and why), BasketUnusable, MerchantUnknown, NotAllowed, InFlight, KeyReused.
    """
    return _lock(_allowed(actor, basket, codes, now, receipt, lock_for, once, is_final=False))


def use_coupons(
    *,
    actor: Viewer,
    basket: BasketAsked,
    codes: Sequence[str],
    now: dt.datetime,
    receipt: ReceiptKey = ReceiptKey(),
    once: Once | None = None,
) -> LockOutcome:
    """Lock and confirm in one step, for a desk where the basket is paid. Raises as ``lock_coupons`` does."""
    return _lock(_allowed(actor, basket, codes, now, receipt, LOCK_FOR, once, is_final=True))


@dataclass(frozen=True, slots=True)
class _Taking:
    """One call of `lock_coupons` or `use_coupons`, allowed."""

    actor: Viewer
    asked: QuoteAsked
    merchant: organization.MerchantRef
    receipt: ReceiptKey
    day: dt.date
    until: dt.datetime
    once: Once | None
    lock_id: UUID
    is_final: bool


def _allowed(
    actor: Viewer,
    basket: BasketAsked,
    codes: Sequence[str],
    now: dt.datetime,
    receipt: ReceiptKey,
    lock_for: dt.timedelta,
    once: Once | None,
    *,
    is_final: bool,
) -> _Taking:
    merchant = organization.merchant_ref(basket.merchant_id)
    if merchant is None:
        raise MerchantUnknown
    require_touch(actor, "coupons.use", mall=merchant.mall_id, merchant=merchant.id)
    day = receipt.business_date or business_date(now, merchant.time_zone)
    asked = quote_asked(basket, codes, now)
    return _Taking(actor, asked, merchant, receipt, day, now + lock_for, once, uuid7(), is_final)


def _take_or_refuse(quote: Quote, taking: _Taking) -> Ready[LockOutcome]:
    _require_usable(quote, taking.merchant.time_zone)
    outcome = _outcome(quote, taking.lock_id, taking.until, is_final=taking.is_final)
    coupons = [one.coupon_id for one in outcome.coupons]
    return Ready(outcome, coupons, _lock_arguments(outcome, quote, taking))


def _lock_head(quote: Quote, taking: _Taking) -> dict[str, Any]:
    return {
        "merchant": taking.merchant.id,
        "basket_fen": quote.basket.total_fen,
        "till": taking.receipt.till[:40],
        "number": taking.receipt.number[:60],
        "business_date": taking.day.isoformat(),
        "at": taking.asked.now,
        "until": taking.until,
        "by": taking.actor.audit_id,
    }


def _locked(ready: Ready[LockOutcome], stored: Any) -> LockOutcome:
    return ready.outcome if stored is None else _replayed(from_json(stored))


def _taken_before(taking: _Taking) -> LockOutcome | None:
    """The answer kept under the same key, if today's state of the coupons refuses the call."""
    known = None if taking.once is None else _stored(taking.once)
    return None if known is None else _replayed(known)


def _require_usable(quote: Quote, zone: str) -> None:
    for code, refusal in refusals(quote).items():
        raise CouponNotUsable(sentence=refusal_sentence(refusal, zone), reason=refusal.code, coupon=code)


def _outcome(quote: Quote, lock_id: UUID, lock_until: dt.datetime, *, is_final: bool) -> LockOutcome:
    coupons = []
    for code in quote.codes:
        share, facts = quote.verdicts[code].share, quote.facts[code]
        assert share is not None
        coupons.append(
            UsedCoupon(
                share.coupon_id,
                code,
                facts.batch.name,
                facts.batch.kind,
                share.discount_fen,
                share.lines,
                share.funding,
            )
        )
    state = "used" if is_final else "locked"
    return LockOutcome(lock_id, state, quote.basket.total_fen, quote.discount_fen, lock_until, tuple(coupons))


def _lock_arguments(outcome: LockOutcome, quote: Quote, taking: _Taking) -> list[Any]:
    """As ``offers_lock`` takes them."""
    now, once = taking.asked.now, taking.once
    uses = [
        {
            "coupon": one.coupon_id,
            "discount_fen": one.discount_fen,
            "lines": one.lines,
            "funding": one.funding,
        }
        for one in outcome.coupons
    ]
    told: list[dict[str, Any]] = []
    if taking.is_final:
        told = [
            _event_row(
                _used(
                    quote.facts[one.code].person_id,
                    one.coupon_id,
                    quote.facts[one.code].batch.id,
                    outcome.lock_id,
                    quote.basket.merchant_id,
                    outcome.basket_fen,
                    one.discount_fen,
                ),
                now,
            )
            for one in outcome.coupons
        ]
    return [
        once.scope if once else None,
        once.key if once else None,
        once.digest if once else None,
        outcome.lock_id,
        to_json(_lock_head(quote, taking)),
        to_json(uses),
        to_json(told),
        taking.is_final,
        to_json(outcome) if once else None,
    ]


def _used(
    person_id: int | None,
    coupon_id: int,
    batch_id: int,
    lock_id: UUID,
    merchant_id: int,
    basket_fen: int,
    discount_fen: int,
) -> CouponUsed:
    return CouponUsed(coupon_id, batch_id, person_id, str(lock_id), merchant_id, basket_fen, discount_fen)


def _event_row(fact: Fact, now: dt.datetime) -> dict[str, Any]:
    return {
        "source": source_of(fact.type),
        "type": fact.type,
        "subject": fact.subject,
        "time": now,
        "data": fact_data(fact),
    }


def lock_answer(*, actor: Viewer, once: Once | None) -> LockOutcome | None:
    """What the same request was answered before, under the caller's own key; None when it is new."""
    known = None if once is None else _stored(once)
    return None if known is None else _replayed(known)


def _stored(once: Once) -> dict[str, Any] | None:
    """The answer kept under the key, before today's state of the coupons is looked at."""
    row = fetch_row(
        "SELECT body FROM kernel_idempotency WHERE scope = %s AND key = %s AND request_hash = %s",
        [once.scope, once.key, once.digest],
    )
    return None if row is None else from_json(row[0])


def _replayed(body: dict[str, Any]) -> LockOutcome:
    coupons = tuple(
        UsedCoupon(**{**one, "lines": tuple((no, fen) for no, fen in one["lines"])})
        for one in body["coupons"]
    )
    moved = {
        "lock_id": UUID(body["lock_id"]),
        "lock_until": dt.datetime.fromisoformat(body["lock_until"]),
        "coupons": coupons,
        "replayed": True,
    }
    return LockOutcome(**{**body, **moved})


def confirm_lock(
    *, actor: Viewer, lock_id: UUID, now: dt.datetime, receipt: ReceiptKey = ReceiptKey()
) -> LockOutcome:
    """The basket is paid: the locked coupons are used. Confirmed before: the same answer again (``replayed``).

    Raises LockNotFound, LockGone, NotAllowed.
    """
    return _confirm(_Ending(actor, lock_id, now, receipt))


def release_lock(*, actor: Viewer, lock_id: UUID, now: dt.datetime) -> LockOutcome:
    """The basket is not bought after all: its coupons can be used again. Released before: nothing to do.

    Raises LockNotFound, LockUsed, NotAllowed.
    """
    return _release(_Ending(actor, lock_id, now))


@dataclass(frozen=True, slots=True)
class _Ending:
    """One call of `confirm_lock` or `release_lock`."""

    actor: Viewer
    lock_id: UUID
    now: dt.datetime
    receipt: ReceiptKey = ReceiptKey()


def _confirm_or_refuse(rows: list[Any], ending: _Ending) -> Ready[LockOutcome]:
    _require_own(rows, ending)
    told = [
        _event_row(_used(row[9], row[0], row[8], ending.lock_id, row[3], row[4], row[5]), ending.now)
        for row in rows
    ]
    receipt = ending.receipt
    args = [
        ending.lock_id,
        receipt.till[:40],
        receipt.number[:60],
        receipt.business_date,
        to_json(told),
        ending.now,
        ending.actor.audit_id,
    ]
    return Ready(_as_outcome(ending.lock_id, "used", rows), [row[0] for row in rows], args)


def _confirmed(ready: Ready[LockOutcome], done: int | None) -> LockOutcome:
    if done is None:
        raise LockGone
    return replace(ready.outcome, replayed=done == 0)


def _release_or_refuse(rows: list[Any], ending: _Ending) -> Ready[LockOutcome]:
    _require_own(rows, ending)
    outcome = _as_outcome(ending.lock_id, "released", rows)
    return Ready(outcome, [row[0] for row in rows], [ending.lock_id, ending.now])


def _released(ready: Ready[LockOutcome], done: int | None) -> LockOutcome:
    if done is None:
        raise LockUsed
    return replace(ready.outcome, replayed=done == 0)


def _read_rows(endings: Sequence[_Ending]) -> list[list[Any]]:
    """The uses of each lock, read in one statement."""
    row = fetch_row(
        f"SELECT {', '.join(['offers_lock_uses(%s)'] * len(endings))}", [one.lock_id for one in endings]
    )
    assert row is not None
    return [from_json(found) or [] for found in row]


def _require_own(rows: list[Any], ending: _Ending) -> None:
    """Raises LockNotFound, NotAllowed."""
    if not rows:
        raise LockNotFound
    merchant = organization.merchant_ref(rows[0][3])
    require_touch(
        ending.actor, "coupons.use", mall=merchant.mall_id if merchant else None, merchant=rows[0][3]
    )


def _as_outcome(lock_id: UUID, state: str, rows: list[Any]) -> LockOutcome:
    coupons = tuple(
        UsedCoupon(row[0], row[1], row[11], row[12], row[5], tuple((no, fen) for no, fen in row[6]), row[7])
        for row in rows
    )
    return LockOutcome(
        lock_id,
        state,
        rows[0][4],
        sum(row[5] for row in rows),
        dt.datetime.fromisoformat(rows[0][10]),
        coupons,
    )


def lapse_locks(*, actor: Viewer, now: dt.datetime, most: int = 1000) -> int:
    """Give back the coupons of locks that ran out and that nobody confirmed; how many locks. For the caretaker."""
    due = (
        CouponUse.objects.filter(state=CouponUse.State.LOCKED, lock_until__lte=now)
        .order_by("lock_id")
        .values_list("lock_id", flat=True)
        .distinct()[:most]
    )
    return sum(1 for lock_id in list(due) if call("SELECT offers_release(%s, 'lapsed', %s)", [lock_id, now]))


def _another_till() -> CouponNotUsable:
    return CouponNotUsable(
        sentence=str(_("Another till is using this coupon at this moment.")), reason="locked"
    )


_lock: Together[_Taking, Quote, LockOutcome] = Together(
    "offers_lock(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
    read=lambda calls: read_quotes([one.asked for one in calls]),
    decide=_take_or_refuse,
    answer=_locked,
    known=_taken_before,
    given_up=_another_till,
)
_confirm: Together[_Ending, list[Any], LockOutcome] = Together(
    "offers_confirm(%s, %s, %s, %s, %s, %s, %s)",
    read=_read_rows,
    decide=_confirm_or_refuse,
    answer=_confirmed,
)
_release: Together[_Ending, list[Any], LockOutcome] = Together(
    "offers_release(%s, 'released', %s)",
    read=_read_rows,
    decide=_release_or_refuse,
    answer=_released,
)
