"""What a redemption or a return would do now, for who wants to look before they leap. Nothing stays written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.ids import uuid7
from zhike.loyalty.operations.pooling import spend_from_pool
from zhike.loyalty.operations.returning import ReturnLine, ReturnOutcome, return_lines
from zhike.loyalty.operations.spending import InsufficientPoints, check_amount, expire_overdue
from zhike.loyalty.operations.state import posting_for, read_holder
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.rates import parts_of, terms_of
from zhike.loyalty.rules.accounts import NotEnoughPoints, debit


@dataclass(frozen=True, slots=True)
class RedemptionPreview:
    """``balance`` is what would be left."""

    points: int
    value_fen: int
    balance: int


def preview_redemption(
    *,
    actor: Viewer,
    member_id: int,
    points: int,
    now: dt.datetime,
    merchant_id: int | None = None,
    mall_id: int | None = None,
) -> RedemptionPreview:
    """What ``redeem_points`` would take and give; it refuses for the same reasons."""
    require_touch(actor, "points.redeem", mall=mall_id, merchant=merchant_id)
    holder = read_holder(member_id=member_id, lots=True)
    if holder is None:
        raise MemberNotFound
    holder.require_spending()
    programme = holder.programme
    terms = terms_of(programme, holder.state.tier_id, merchant_id, now)
    check_amount(terms, points)
    expire_overdue(posting_for(holder), actor, now)
    try:
        movement = debit(holder.state, points)
    except NotEnoughPoints as short:
        raise InsufficientPoints(available=short.available) from None
    return RedemptionPreview(points, terms.fen(parts_of(movement.lots)), holder.state.net)


def preview_pool(
    *,
    actor: Viewer,
    member_id: int,
    points: int,
    now: dt.datetime,
    merchant_id: int | None = None,
    mall_id: int | None = None,
) -> RedemptionPreview:
    """What ``spend_from_pool`` would take and give: it is done and taken back; it refuses for the same reasons."""
    with transaction.atomic():
        done = spend_from_pool(
            actor=actor, member_id=member_id, points=points, merchant_id=merchant_id, mall_id=mall_id, now=now
        )
        transaction.set_rollback(True)
    return RedemptionPreview(done.points, done.value_fen, done.balance)


def preview_return(
    *, actor: Viewer, receipt_id: UUID, lines: Sequence[ReturnLine], now: dt.datetime
) -> ReturnOutcome:
    """What ``return_lines`` would refund and claw back: it is done and taken back, so the two can never differ."""
    with transaction.atomic():
        outcome = return_lines(
            actor=actor,
            receipt_id=receipt_id,
            lines=lines,
            till="preview",
            number=f"preview-{uuid7()}",
            business_date=now.date(),
            occurred_at=now,
            now=now,
        )
        transaction.set_rollback(True)
    return outcome
