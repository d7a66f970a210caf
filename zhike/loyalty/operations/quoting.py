"""What points are worth at a till is promised for a checkout."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Conflict
from zhike.kernel.ids import uuid7
from zhike.loyalty.models import RedemptionQuote
from zhike.loyalty.operations.quotes import kept_terms
from zhike.loyalty.operations.spending import InsufficientPoints, check_amount, expire_overdue
from zhike.loyalty.operations.state import MemberFrozen, posting_for, read_holder
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.rates import parts_of, terms_of
from zhike.loyalty.rules.accounts import NotEnoughPoints, debit
from zhike.loyalty.rules.rates import WHOLE_BP, Parts, Rate, Terms, fitting

UNUSED_KEPT = dt.timedelta(days=7)


class AboveShare(Conflict):
    code = "above-share"
    title = _("Points may pay %(share)s%% of this bill: at most %(points)s points.")


class NothingToQuote(Conflict):
    code = "nothing-to-quote"
    title = _("No points can be spent here now: at least %(minimum)s are needed.")


@dataclass(frozen=True, slots=True)
class QuotePart:
    """Points of the quote at one rate: ``rate_points`` for ``rate_fen``; ``is_promised``: at an older promise."""

    points: int
    rate_points: int
    rate_fen: int
    is_promised: bool


@dataclass(frozen=True, slots=True)
class Quote:
    """``points`` are worth ``value_fen`` until ``valid_until``, for one redemption or hold; ``terms`` say why."""

    quote_id: UUID
    member_id: int
    points: int
    value_fen: int
    balance: int
    valid_until: dt.datetime
    terms: Terms
    parts: tuple[QuotePart, ...]


def quote_redemption(
    *,
    actor: Viewer,
    member_id: int,
    now: dt.datetime,
    points: int | None = None,
    bill_fen: int | None = None,
    merchant_id: int | None = None,
    mall_id: int | None = None,
) -> Quote:
    """Promise what points are worth here for as long as the programme sets points aside; nothing moves.

    Without ``points`` as many as can be spent here. With ``bill_fen`` no more than the part of the bill that points may
    pay. Raises MemberNotFound, MemberFrozen, PointsOutOfRange, InsufficientPoints, AboveShare, NothingToQuote, NotAllowed.
    """
    require_touch(actor, "points.redeem", mall=mall_id, merchant=merchant_id)
    holder = read_holder(member_id=member_id, lots=True)
    if holder is None:
        raise MemberNotFound
    if not holder.is_active:
        raise MemberFrozen
    terms = terms_of(holder.programme, holder.state.tier_id, merchant_id, now)
    expire_overdue(posting_for(holder), actor, now)
    lots = tuple((day, funding, part) for (day, funding), part in sorted(holder.state.lots.items()) if part)
    most_fen = None if bill_fen is None else bill_fen * terms.share_bp // WHOLE_BP
    most = fitting(terms, parts_of(lots), most_fen)
    if points is None:
        points = most
        if points < terms.minimum:
            raise NothingToQuote(minimum=terms.minimum)
    check_amount(terms, points)
    try:
        parts = parts_of(debit(holder.state, points).lots)
    except NotEnoughPoints as short:
        raise InsufficientPoints(available=short.available) from None
    value_fen = terms.fen(parts)
    if most_fen is not None and value_fen > most_fen:
        raise AboveShare(share=terms.share_bp / 100, points=most)
    row = RedemptionQuote.objects.create(
        id=uuid7(),
        member_id=holder.member_id,
        merchant_id=merchant_id,
        points=points,
        value_fen=value_fen,
        terms=kept_terms(terms),
        quoted_at=now,
        quoted_by=actor.audit_id,
        valid_until=now + dt.timedelta(minutes=holder.programme.hold_minutes),
    )
    return Quote(
        row.pk,
        holder.member_id,
        points,
        value_fen,
        holder.state.net,
        row.valid_until,
        terms,
        quote_parts(terms, parts),
    )


def quote_parts(terms: Terms, parts: Parts) -> tuple[QuotePart, ...]:
    """The points by the rate they are worth, today's first."""
    by_rate: dict[Rate, int] = {}
    for funding_id, points in parts:
        rate = terms.rate_of(funding_id)
        by_rate[rate] = by_rate.get(rate, 0) + points
    ordered = sorted(by_rate.items(), key=lambda one: one[0] != terms.rate)
    return tuple(QuotePart(points, rate.points, rate.fen, rate != terms.rate) for rate, points in ordered)


def forget_quotes(*, actor: Viewer, now: dt.datetime) -> int:
    """Drop quotes that nobody used, a week after they expired; how many."""
    require(actor, "programme.edit")
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM loyalty_redemptionquote WHERE used_at IS NULL AND valid_until < %s",
            [now - UNUSED_KEPT],
        )
        return int(cursor.rowcount)
