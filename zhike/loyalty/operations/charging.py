"""Points taken for what a member keeps and should have given back; and given back when they do bring it."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.loyalty.events import PointsAdjusted
from zhike.loyalty.models import Transfer
from zhike.loyalty.operations.spending import expire_overdue
from zhike.loyalty.operations.state import Holder, locked_holder, lots_of_json, post, posting_for
from zhike.loyalty.queries.snapshots import ADJUSTED
from zhike.loyalty.rules.accounts import credit_lots, debit

PERMISSION = "points.adjust"


@transaction.atomic
def charge_points(
    *, actor: Viewer, member_id: int, points: int, reason: str, reference: str, now: dt.datetime
) -> int:
    """Take points, into debt when there are too few; how many went into debt. ``reference`` ("gift:12") is charged once.

    For a context above, which says what for. Raises MemberNotFound, NotAllowed.
    """
    require_touch(actor, PERMISSION)
    holder = locked_holder(member_id)
    known = _charge(reference)
    if known is not None:
        return known.debt_points
    posting = posting_for(holder)
    expire_overdue(posting, actor, now)
    movement = debit(holder.state, points, into_debt=True)
    posting.add(
        movement,
        against=ADJUSTED,
        reason="adjust",
        reference=reference,
        actor=actor,
        occurred_at=now,
        now=now,
        explanation={"reason": reason[:300], "for": reference},
    )
    post(posting)
    _tell(actor, holder, -points, reason, reference, now)
    return movement.debt_points


@transaction.atomic
def return_charge(*, actor: Viewer, member_id: int, reason: str, reference: str, now: dt.datetime) -> int:
    """Give back what `charge_points` took under this reference, to the lots it came from; how many points.

    0 when nothing was charged or all of it is back. What had become debt comes back as points that end as today's would,
    unless debt is left to be repaid first. Raises MemberNotFound, NotAllowed.
    """
    require_touch(actor, PERMISSION)
    holder = locked_holder(member_id)
    charge = _charge(reference)
    if charge is None or Transfer.objects.filter(reference=_back(reference)).exists():
        return 0
    programme, posting = holder.programme, posting_for(holder)
    expire_overdue(posting, actor, now)
    last_day = programme.expiry_policy.last_day(programme.today(now))
    owed = ((last_day, programme.funding_id, charge.debt_points),) if charge.debt_points else ()
    posting.add(
        credit_lots(holder.state, (*lots_of_json(charge.lots), *owed)),
        against=ADJUSTED,
        reason="adjust",
        reference=_back(reference),
        actor=actor,
        occurred_at=now,
        now=now,
        explanation={"reason": reason[:300], "for": reference},
    )
    post(posting)
    _tell(actor, holder, charge.points, reason, reference, now)
    return charge.points


def _back(reference: str) -> str:
    return f"{reference}:back"


def _charge(reference: str) -> Transfer | None:
    return Transfer.objects.filter(reference=reference, reason="adjust").first()


def _tell(actor: Viewer, holder: Holder, points: int, reason: str, reference: str, now: dt.datetime) -> None:
    after = {"points": points, "for": reference}
    subject = ("member", holder.member_id)
    audit.record(actor=actor, action="points.charge", subject=subject, after=after, reason=reason, now=now)
    events.publish(PointsAdjusted(holder.member_id, holder.person_id, points, reason), actor=actor, now=now)
