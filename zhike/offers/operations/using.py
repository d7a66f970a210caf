"""Coupons meet a basket: locked and confirmed in two phases by a till, or used at once at a desk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.clock import business_date
from zhike.kernel.errors import Conflict, NotFound
from zhike.kernel.events import wake
from zhike.kernel.events.base import Fact, fact_data, source_of
from zhike.kernel.ids import uuid7
from zhike.kernel.statements import fetch_row
from zhike.loyalty.operations import Once
from zhike.offers.events import CouponUsed
from zhike.offers.models import CouponUse
from zhike.offers.operations._words import Moved, call, to_json
from zhike.offers.queries.held import BasketAsked, MerchantUnknown, Quote, read_quote, refusals
from zhike.offers.queries.known import from_json
from zhike.offers.queries.sentences import refusal_sentence
from zhike.organization import queries as organization

LOCK_FOR = dt.timedelta(minutes=15)
LOCK_SECONDS_MIN, LOCK_SECONDS_MAX = 30, 24 * 3600
TRIES = 4


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
    return _take(actor, basket, codes, now, receipt, lock_for, once, is_final=False)


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
    return _take(actor, basket, codes, now, receipt, LOCK_FOR, once, is_final=True)


def _take(
    actor: Viewer,
    basket: BasketAsked,
    codes: Sequence[str],
    now: dt.datetime,
    receipt: ReceiptKey,
    lock_for: dt.timedelta,
    once: Once | None,
    *,
    is_final: bool,
) -> LockOutcome:
    merchant = organization.merchant_ref(basket.merchant_id)
    if merchant is None:
        raise MerchantUnknown
    require_touch(actor, "coupons.use", mall=merchant.mall_id, merchant=merchant.id)
    if once is not None and (known := _stored(once)) is not None:
        return _replayed(known)
    day = receipt.business_date or business_date(now, merchant.time_zone)
    lock_id = uuid7()
    for _attempt in range(TRIES):
        quote = read_quote(basket, codes, now)
        _require_usable(quote, merchant.time_zone)
        outcome = _outcome(quote, lock_id, now + lock_for, is_final=is_final)
        head = {
            "merchant": merchant.id,
            "basket_fen": quote.basket.total_fen,
            "till": receipt.till[:40],
            "number": receipt.number[:60],
            "business_date": day.isoformat(),
            "at": now,
            "until": outcome.lock_until,
            "by": actor.audit_id,
        }
        try:
            stored = _write(outcome, head, quote, now, once, is_final=is_final)
        except Moved:
            continue
        if stored is not None:
            return _replayed(from_json(stored))
        wake()
        return outcome
    raise CouponNotUsable(
        sentence=str(_("Another till is using this coupon at this moment.")), reason="locked"
    )


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


def _write(
    outcome: LockOutcome,
    head: dict[str, Any],
    quote: Quote,
    now: dt.datetime,
    once: Once | None,
    *,
    is_final: bool,
) -> Any:
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
    if is_final:
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
    return call(
        "SELECT offers_lock(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            once.scope if once else None,
            once.key if once else None,
            once.digest if once else None,
            outcome.lock_id,
            to_json(head),
            to_json(uses),
            to_json(told),
            is_final,
            to_json(outcome) if once else None,
        ],
    )


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
    rows = _rows(actor, lock_id)
    told = [
        _event_row(
            _used(row[9], row[0], row[8], lock_id, row[3], row[4], row[5]),
            now,
        )
        for row in rows
    ]
    done = call(
        "SELECT offers_confirm(%s, %s, %s, %s, %s, %s, %s)",
        [
            lock_id,
            receipt.till[:40],
            receipt.number[:60],
            receipt.business_date,
            to_json(told),
            now,
            actor.audit_id,
        ],
    )
    if done is None:
        raise LockGone
    wake()
    return _as_outcome(lock_id, "used", rows, replayed=done == 0)


def release_lock(*, actor: Viewer, lock_id: UUID, now: dt.datetime) -> LockOutcome:
    """The basket is not bought after all: its coupons can be used again. Released before: nothing to do.

    Raises LockNotFound, LockUsed, NotAllowed.
    """
    rows = _rows(actor, lock_id)
    done = call("SELECT offers_release(%s, 'released', %s)", [lock_id, now])
    if done is None:
        raise LockUsed
    return _as_outcome(lock_id, "released", rows, replayed=done == 0)


_ROWS = """
SELECT json_agg(json_build_array(c.id, c.code, u.state, u.merchant_id, u.basket_fen, u.discount_fen, u.lines, u.funding,
    c.batch_id, m.person_id, u.lock_until, b.name, b.kind) ORDER BY u.id)
FROM offers_couponuse u JOIN offers_coupon c ON c.id = u.coupon_id JOIN offers_couponbatch b ON b.id = c.batch_id
LEFT JOIN loyalty_member m ON m.id = c.member_id WHERE u.lock_id = %s"""


def _rows(actor: Viewer, lock_id: UUID) -> list[Any]:
    """The uses of a lock in the actor's scope. Raises LockNotFound, NotAllowed."""
    row = fetch_row(_ROWS, [lock_id])
    rows: list[Any] = from_json(row[0]) if row and row[0] is not None else []
    if not rows:
        raise LockNotFound
    merchant = organization.merchant_ref(rows[0][3])
    require_touch(actor, "coupons.use", mall=merchant.mall_id if merchant else None, merchant=rows[0][3])
    return rows


def _as_outcome(lock_id: UUID, state: str, rows: list[Any], *, replayed: bool) -> LockOutcome:
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
        replayed,
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
