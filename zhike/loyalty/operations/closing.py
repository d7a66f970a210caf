"""A human being leaves for good: their memberships end, and the points that are left lapse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Conflict
from zhike.loyalty.events import MemberStatusChanged, PointsForfeited
from zhike.loyalty.models import Hold, Member, PendingPoints
from zhike.loyalty.operations.returning import keep_waiting, waiting_of
from zhike.loyalty.operations.state import Posting, locked_holder, post, posting_for
from zhike.loyalty.queries.closing import household_name
from zhike.loyalty.queries.snapshots import EXPIRED, PENDING
from zhike.loyalty.rules.accounts import debit

FORFEIT = "forfeit"
PERMISSION = "rights.handle"


class PointsOwed(Conflict):
    code = "points-owed"
    title = _("The member owes %(points)s points; they are repaid or waived first.")


class SharesPoints(Conflict):
    code = "shares-points"
    title = _("Shares points in the household “%(household)s”; leave it first.")


class PointsInFlight(Conflict):
    code = "points-in-flight"
    title = _("Points of this member are set aside for a purchase being paid.")


@transaction.atomic
def close_memberships(*, actor: Viewer, person_ids: Sequence[int], reference: str, now: dt.datetime) -> int:
    """End every membership of these ids of one human being; returns the points that lapsed.

    What is left on the account, and what still waits for a return window, goes to the account of lapsed points by
    transfers of reason *forfeit*. Closed before: nothing to do. Raises PointsOwed, PointsInFlight,
    SharesPoints, NotAllowed.
    """
    require(actor, PERMISSION)
    lapsed = 0
    # Who was merged into another has no account of their own any more; the survivor's holds the points of both.
    owners = Member.objects.filter(person_id__in=person_ids, survivor=None).order_by("id")
    for member in owners:
        lapsed += _close(actor, member, person_ids, reference, now)
    return lapsed


def _close(actor: Viewer, member: Member, person_ids: Sequence[int], reference: str, now: dt.datetime) -> int:
    holder = locked_holder(member.pk)
    if holder.state.debt:
        raise PointsOwed(points=f"{holder.state.debt:,}")
    if Hold.objects.filter(member_id=member.pk, status=Hold.Status.OPEN).exists():
        raise PointsInFlight
    if name := household_name(member.pk):
        raise SharesPoints(household=name)
    posting = posting_for(holder)
    about: dict[str, Any] = {
        "reason": FORFEIT, "reference": reference[:80], "actor": actor, "occurred_at": now, "now": now,
    }  # fmt: skip
    points = holder.state.balance
    if points:
        posting.add(debit(holder.state, points), against=EXPIRED, explanation={"closing": reference}, **about)
    points += _drop_waiting(posting, person_ids, about)
    if posting.transfers:
        post(posting)
    member.refresh_from_db(fields=["status"])
    if member.status != Member.Status.CLOSED:
        before, member.status = member.status, Member.Status.CLOSED
        member.save(update_fields=["status"])
        audit.record(
            actor=actor, action="member.close", subject=("member", member.pk), before={"status": before},
            after={"status": member.status, "forfeited_points": points}, reason=reference, now=now,
        )  # fmt: skip
        events.publish(
            PointsForfeited(member.pk, member.person_id, points),
            MemberStatusChanged(member.pk, member.person_id, before, member.status),
            actor=actor, now=now,
        )  # fmt: skip
    return points


def _drop_waiting(posting: Posting, person_ids: Sequence[int], about: dict[str, Any]) -> int:
    """Points that wait for a return window lapse where they stand; how many."""
    dropped = 0
    rows = PendingPoints.objects.filter(account__member__person_id__in=person_ids, remaining__gt=0)
    for receipt_id in rows.order_by("receipt_id").values_list("receipt_id", flat=True):
        waiting = waiting_of(receipt_id)
        if waiting is None:
            continue
        points = waiting.remaining
        explanation = {"closing": about["reference"], "sale": str(receipt_id)}
        posting.add_beside(
            waiting.take(points), debit=PENDING, credit=EXPIRED, explanation=explanation, **about
        )
        keep_waiting(receipt_id, waiting)
        dropped += points
    return dropped
