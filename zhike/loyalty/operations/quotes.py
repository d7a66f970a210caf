"""A quote is taken: once, in time, by the member it was given to, for what it said."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Conflict, NotFound
from zhike.loyalty.models import RedemptionQuote
from zhike.loyalty.rules.rates import Rate, Terms


class QuoteNotFound(NotFound):
    code = "quote-not-found"
    title = _("There is no such quote for this member.")


class QuoteExpired(Conflict):
    code = "quote-expired"
    title = _("This quote has expired; ask for a new one.")


class QuoteUsed(Conflict):
    code = "quote-used"
    title = _("This quote has been used already.")


class QuoteDiffers(Conflict):
    code = "quote-differs"
    title = _("This quote was given for %(points)s points at another place or of another number.")


def take_quote(
    quote_id: UUID, member_id: int, points: int, merchant_id: int | None, used_for: UUID, now: dt.datetime
) -> Terms:
    """The terms a quote was given for; from here on it is used. Whoever calls holds the member's account and a transaction.

    Raises QuoteNotFound (also when it is another member's), QuoteUsed, QuoteExpired, QuoteDiffers.
    """
    row = (
        RedemptionQuote.objects.select_for_update(of=("self",))
        .filter(id=quote_id, member_id=member_id)
        .first()
    )
    if row is None:
        raise QuoteNotFound
    if row.used_at is not None:
        raise QuoteUsed
    if row.valid_until < now:
        raise QuoteExpired
    if row.points != points or row.merchant_id != merchant_id:
        raise QuoteDiffers(points=row.points)
    row.used_at, row.used_for = now, used_for
    row.save(update_fields=["used_at", "used_for"])
    return terms_kept(row.terms)


def kept_terms(terms: Terms) -> dict[str, Any]:
    """Terms as a quote keeps them."""
    return {
        "rate": terms.rate.as_list(),
        "promised": [[funding, *rate.as_list()] for funding, rate in sorted(terms.promised.items())],
        "limits": [terms.step, terms.minimum, terms.maximum, terms.share_bp],
        "version": terms.version,
        "why": [terms.price, terms.premium, terms.premium_bp],
    }


def terms_kept(kept: dict[str, Any]) -> Terms:
    step, minimum, maximum, share_bp = kept["limits"]
    price, premium, premium_bp = kept["why"]
    return Terms(
        Rate(*kept["rate"]),
        step,
        minimum,
        maximum,
        share_bp,
        {funding: Rate(points, fen) for funding, points, fen in kept["promised"]},
        kept["version"],
        price,
        premium,
        premium_bp,
    )
