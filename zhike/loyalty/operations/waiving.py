"""Debt that is let go: one person asks, another one with the authority decides, and the ledger says so."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, may_touch, require_touch
from zhike.kernel.errors import Conflict, NotAllowed, NotFound
from zhike.loyalty.events import WaiverAsked, WaiverDecided
from zhike.loyalty.models import Account, Member, Program, Waiver
from zhike.loyalty.operations.spending import ReasonMissing
from zhike.loyalty.operations.state import locked_holder, post, posting_for
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.snapshots import ADJUSTED
from zhike.loyalty.rules.accounts import credit

WAIVE = "waive"
ASK, APPROVE, APPROVE_ANY = "points.waive", "waivers.approve", "waivers.approve_any"


class NothingToWaive(Conflict):
    code = "nothing-to-waive"
    title = _("The member owes only %(debt)s points.")


class WaiverOpen(Conflict):
    code = "waiver-open"
    title = _("A waiver of this member waits for a decision already.")


class WaiverNotFound(NotFound):
    code = "waiver-not-found"
    title = _("There is no such waiver.")


class WaiverDecidedBefore(Conflict):
    code = "waiver-decided"
    title = _("This waiver was decided before.")


class OwnWaiver(NotAllowed):
    code = "waiver-own"
    title = _("Somebody else than who asked must decide.")


class AboveAuthority(NotAllowed):
    code = "waiver-above-authority"
    title = _("More than %(limit)s points are decided higher up.")


@transaction.atomic
def ask_waiver(*, actor: Viewer, member_id: int, points: int, reason: str, now: dt.datetime) -> int:
    """Ask that a member's debt, or a part of it, be let go; the waiver's id. Nothing moves before somebody approves.

    Raises NothingToWaive, WaiverOpen, ReasonMissing, MemberNotFound, NotAllowed.
    """
    member = Member.objects.filter(id=member_id).first()
    if member is None:
        raise MemberNotFound
    require_touch(actor, ASK, mall=member.mall_id, merchant=member.merchant_id)
    if not reason.strip():
        raise ReasonMissing
    debt = Account.objects.values_list("debt", flat=True).get(member_id=member_id)
    if not 0 < points <= debt:
        raise NothingToWaive(debt=debt)
    try:
        with transaction.atomic():
            row = Waiver.objects.create(
                member=member,
                points=points,
                reason=reason.strip()[:300],
                asked_by=actor.audit_id,
                asked_at=now,
            )
    except IntegrityError as error:
        raise WaiverOpen from error
    after = {"waiver": row.pk, "points": points}
    audit.record(
        actor=actor,
        action="waiver.ask",
        subject=("member", member_id),
        after=after,
        reason=row.reason,
        now=now,
    )
    events.publish(WaiverAsked(member_id, member.person_id, row.pk, points), actor=actor, now=now)
    return row.pk


@transaction.atomic
def decide_waiver(*, actor: Viewer, waiver_id: int, approve: bool, now: dt.datetime, note: str = "") -> int:
    """Approve a waiver or refuse it; the points let go. Posted as a transfer of reason *waive* that repays debt.

    Somebody else than who asked; up to the programme's ``waiver_limit`` with waivers.approve, above it with
    waivers.approve_any. What was repaid meanwhile is not waived again. Raises WaiverNotFound, WaiverDecidedBefore, OwnWaiver,
    AboveAuthority, NothingToWaive, ReasonMissing, NotAllowed.
    """
    row = Waiver.objects.filter(id=waiver_id).select_related("member").first()
    if row is None:
        raise WaiverNotFound
    member = row.member
    require_touch(actor, APPROVE, mall=member.mall_id, merchant=member.merchant_id)
    holder = locked_holder(member.pk)  # the account first, as everywhere
    row = Waiver.objects.select_for_update(of=("self",)).get(id=waiver_id)
    if row.status != Waiver.Status.ASKED:
        raise WaiverDecidedBefore
    if row.asked_by == actor.audit_id:
        raise OwnWaiver
    if not approve and not note.strip():
        raise ReasonMissing
    points = min(row.points, holder.state.debt) if approve else 0
    if approve:
        _require_authority(actor, member, row.points)
        if not points:
            raise NothingToWaive(debt=0)
        posting = posting_for(holder)
        today = holder.programme.today(now)
        posting.add(
            credit(holder.state, points, today, holder.programme.funding_id),
            against=ADJUSTED, reason=WAIVE, reference=f"waiver:{row.pk}", actor=actor, occurred_at=now, now=now,
            explanation={"waiver": row.pk, "reason": row.reason, "asked_by": row.asked_by},
        )  # fmt: skip
        [row.transfer_id] = post(posting)
    row.status = Waiver.Status.APPROVED if approve else Waiver.Status.REFUSED
    row.decided_by, row.decided_at, row.note = actor.audit_id, now, note.strip()[:300]
    row.save()
    audit.record(
        actor=actor, action=f"waiver.{row.status}", subject=("member", member.pk),
        before={"asked_by": row.asked_by, "points": row.points}, after={"waiver": row.pk, "points": points},
        reason=row.note or row.reason, now=now,
    )  # fmt: skip
    events.publish(WaiverDecided(member.pk, member.person_id, row.pk, approve, points), actor=actor, now=now)
    return points


def _require_authority(actor: Viewer, member: Member, points: int) -> None:
    limit = Program.objects.values_list("waiver_limit", flat=True).get(id=member.program_id)
    if points > limit and not may_touch(actor, APPROVE_ANY, mall=member.mall_id, merchant=member.merchant_id):
        raise AboveAuthority(limit=f"{limit:,}")
