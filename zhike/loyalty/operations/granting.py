"""Points given outside a purchase, at somebody's cost: amends, thanks; and taken back while they are still there."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import NotFound
from zhike.loyalty.events import PointsAdjusted
from zhike.loyalty.models import Member, Transfer
from zhike.loyalty.operations.awarding import UNIT_BP, funding_id
from zhike.loyalty.operations.spending import ADJUSTMENT_MAX, InsufficientPoints, NothingToAdjust
from zhike.loyalty.operations.state import (
    Holder,
    locked_holder,
    lots_of_json,
    post,
    posting_for,
)
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.snapshots import ADJUSTED
from zhike.loyalty.rules.accounts import NotEnoughPoints, credit, debit

GRANT, REVOKE = "grant", "revoke"


class GrantNotFound(NotFound):
    code = "grant-not-found"
    title = _("No points were given under this reference.")


@transaction.atomic
def grant_points(
    *,
    actor: Viewer,
    member_id: int,
    points: int,
    reference: str,
    note: str,
    payer: str = "",
    expires_on: dt.date | None = None,
    now: dt.datetime,
) -> int:
    """Give points at the cost of ``payer`` ("mall", "merchant:12"; "" is the programme's own); the balance after.

    ``reference`` ("compensation:7") names the reason for good: under one reference points are given once, and asking
    again answers the same balance. Raises NothingToAdjust, MemberNotFound, MemberFrozen, NotAllowed.
    """
    if not 0 < points <= ADJUSTMENT_MAX:
        raise NothingToAdjust
    holder = _holder(actor, member_id)
    known = Transfer.objects.filter(reference=reference, reason=GRANT).first()
    if known is not None:
        return known.balance_after
    holder.require_earning()
    programme, posting = holder.programme, posting_for(holder)
    funding = funding_id({payer: UNIT_BP} if payer else None, programme)
    expiry = expires_on or programme.expiry_policy.last_day(programme.today(now))
    posting.add(
        credit(holder.state, points, expiry, funding),
        against=ADJUSTED,
        reason=GRANT,
        reference=reference[:80],
        actor=actor,
        occurred_at=now,
        now=now,
        explanation={"note": note},
    )
    post(posting)
    _tell(actor, holder, points, note, now)
    return holder.state.net


@transaction.atomic
def revoke_grant(*, actor: Viewer, reference: str, note: str, now: dt.datetime) -> int:
    """Take back what was given under a reference, from its own lots first; the balance after. Twice is once.

    Nobody is brought into debt by it: raises InsufficientPoints when fewer are left; GrantNotFound, NotAllowed.
    """
    given = (
        Transfer.objects.filter(reference=reference, reason=GRANT).select_related("credit_account").first()
    )
    if given is None or given.credit_account.member_id is None:
        raise GrantNotFound
    holder = _holder(actor, given.credit_account.member_id)
    known = Transfer.objects.filter(reference=reference, reason=REVOKE).first()
    if known is not None:
        return known.balance_after
    posting = posting_for(holder)
    lots = tuple((day, funding_id) for day, funding_id, _part in lots_of_json(given.lots))
    try:
        movement = debit(holder.state, given.points, first=lots)
    except NotEnoughPoints as short:
        raise InsufficientPoints(available=short.available) from None
    posting.add(
        movement,
        against=ADJUSTED,
        reason=REVOKE,
        reference=reference[:80],
        actor=actor,
        occurred_at=now,
        now=now,
        explanation={"note": note},
        reverses=given.pk,
    )
    post(posting)
    _tell(actor, holder, -given.points, note, now)
    return holder.state.net


def _holder(actor: Viewer, member_id: int) -> Holder:
    member = Member.objects.filter(id=member_id).first()
    if member is None:
        raise MemberNotFound
    require_touch(actor, "points.adjust", mall=member.mall_id, merchant=member.merchant_id)
    return locked_holder(member_id)


def _tell(actor: Viewer, holder: Holder, points: int, note: str, now: dt.datetime) -> None:
    audit.record(
        actor=actor,
        action="points.grant" if points > 0 else "points.revoke",
        subject=("member", holder.member_id),
        after={"balance": holder.state.net, "points": points},
        reason=note[:200],
        now=now,
    )
    events.publish(PointsAdjusted(holder.member_id, holder.person_id, points, note), actor=actor, now=now)
