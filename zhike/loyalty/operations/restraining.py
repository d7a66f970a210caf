"""A member's points are frozen while somebody looks into something, and what was earned dishonestly is withdrawn.

Both are undone without a trace but the record of them. Neither costs whoever earns and spends anything: what holds
stands on the account's row, which every decision reads and every posting locks by its version.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, NotFound
from zhike.loyalty.events import GainRestored, GainWithdrawn, RestraintLifted, SpendingRestrained
from zhike.loyalty.models import Award, HouseholdMember, Member, PendingPoints, Restraint, Withdrawal
from zhike.loyalty.operations.pools import locked_pool
from zhike.loyalty.operations.returning import ReceiptNotFound, award_facts, kept_fen
from zhike.loyalty.operations.spending import ReasonMissing, expire_overdue
from zhike.loyalty.operations.state import Holder, locked_holder, lots_of_json, post, posting_for, read_holder
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.snapshots import ADJUSTED
from zhike.loyalty.rules import returning
from zhike.loyalty.rules.accounts import LotParts, credit_lots, debit, first_of
from zhike.sales import queries as records

HANDLE = "risk.handle"


class RestraintNotFound(NotFound):
    code = "restraint-not-found"
    title = _("There is no such freeze.")


class NothingToWithdraw(Conflict):
    code = "nothing-to-withdraw"
    title = _("This receipt gave no points that are still there to be taken.")


class GainWaits(Conflict):
    code = "gain-waits"
    title = _("The points of this receipt wait until %(day)s and cannot be spent before; withdraw them then.")


class WithdrawalNotFound(NotFound):
    code = "withdrawal-not-found"
    title = _("There is no such withdrawal.")


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """``points`` were taken (``debt_points`` of them are owed now), or given back."""

    withdrawal_id: int
    points: int
    debt_points: int
    balance: int


@transaction.atomic
def restrain_member(
    *,
    actor: Viewer,
    member_id: int,
    reason: str,
    reference: str,
    now: dt.datetime,
    stops_earning: bool = False,
) -> int:
    """Freeze a member's points; the restraint's id. Once this commits nothing is spent at any door.

    ``reference`` names the occasion ("alert:12"): asked again for the same one, the answer is the same and only
    ``stops_earning`` may change. Other occasions add to it. Raises MemberNotFound, ReasonMissing, NotAllowed.
    """
    holder = _holder_for(actor, member_id)
    if not reason.strip():
        raise ReasonMissing
    _hold_pool_of(holder.owner_id)
    row = Restraint.objects.filter(member_id=member_id, reference=reference, lifted_at=None).first()
    if row is not None and row.stops_earning == stops_earning:
        return row.pk
    if row is None:
        row = Restraint(member_id=member_id, reference=reference, placed_by=actor.audit_id, placed_at=now)
    row.stops_earning, row.reason = stops_earning, reason.strip()[:300]
    row.save()
    count_restraints([holder.owner_id])
    after = {"restraint": row.pk, "stops_earning": stops_earning, "for": reference}
    audit.record(
        actor=actor, action="member.restrain", subject=("member", member_id), after=after, reason=row.reason, now=now
    )  # fmt: skip
    fact = SpendingRestrained(member_id, holder.person_id, row.pk, stops_earning, reference)
    events.publish(fact, actor=actor, now=now)
    return row.pk


@transaction.atomic
def lift_restraint(*, actor: Viewer, restraint_id: int, reason: str, now: dt.datetime) -> None:
    """The member spends and earns again, unless another restraint holds. Lifted before, nothing changes.

    Raises RestraintNotFound, ReasonMissing, NotAllowed.
    """
    row = Restraint.objects.filter(id=restraint_id).first()
    if row is None:
        raise RestraintNotFound
    holder = _holder_for(actor, row.member_id)
    if not reason.strip():
        raise ReasonMissing
    row = Restraint.objects.get(id=restraint_id)  # as it is now that the account is held
    if row.lifted_at is not None:
        return
    row.lifted_by, row.lifted_at, row.lift_reason = actor.audit_id, now, reason.strip()[:300]
    row.save()
    count_restraints([holder.owner_id])
    audit.record(
        actor=actor, action="member.release", subject=("member", row.member_id),
        before={"restraint": row.pk, "for": row.reference}, reason=row.lift_reason, now=now,
    )  # fmt: skip
    events.publish(
        RestraintLifted(row.member_id, holder.person_id, row.pk, row.reference), actor=actor, now=now
    )


def count_restraints(member_ids: Sequence[int]) -> None:
    """Write what holds for these members, with everybody merged into them, on their accounts; the caller holds those.

    The account's version moves, so that whoever decided on what was before decides again.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE loyalty_account a SET version = a.version + 1, restraint = coalesce((
                SELECT CASE WHEN bool_or(r.stops_earning) THEN 'all' ELSE 'spending' END
                FROM loyalty_restraint r JOIN loyalty_member m ON m.id = r.member_id
                WHERE r.lifted_at IS NULL AND coalesce(m.survivor_id, m.id) = a.member_id HAVING count(*) > 0), '')
            WHERE a.member_id = ANY(%s)""",
            [list(member_ids)],
        )


def _holder_for(actor: Viewer, member_id: int) -> Holder:
    """The account's row, held, if the actor handles abuse where the member enrolled. Raises MemberNotFound, NotAllowed."""
    member = Member.objects.filter(id=member_id).first()
    if member is None:
        raise MemberNotFound
    require_touch(actor, HANDLE, mall=member.mall_id, merchant=member.merchant_id)
    return locked_holder(member_id)


def _hold_pool_of(member_id: int) -> None:
    """What the member put into a household's pool is frozen with the rest; whoever spends from it waits for us."""
    place = HouseholdMember.objects.filter(member_id=member_id, status=HouseholdMember.Status.ACTIVE).first()
    if place is not None:
        locked_pool(place.household_id)


# --- gains -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def withdraw_gain(
    *, actor: Viewer, receipt_id: UUID, reason: str, reference: str, now: dt.datetime
) -> Withdrawn:
    """Take out what a receipt still gives its member; what was spent of it meanwhile is owed. Once for a receipt.

    A later return of the goods takes nothing again. Asked again, it answers with the first one's. Raises
    NothingToWithdraw, GainWaits, ReceiptNotFound, ReasonMissing, NotAllowed.
    """
    award = _award(receipt_id)
    holder = _holder_for(actor, _side_of(award))
    if not reason.strip():
        raise ReasonMissing
    known = (
        Withdrawal.objects.filter(receipt_id=receipt_id, restored_at=None).select_related("transfer").first()
    )
    if known is not None:
        return Withdrawn(known.pk, known.points, known.transfer.debt_points, holder.state.net)
    waits = PendingPoints.objects.filter(receipt_id=receipt_id, remaining__gt=0).first()
    if waits is not None:
        raise GainWaits(day=waits.available_on.isoformat())
    award.refresh_from_db()
    due = award.points - award.clawed_points
    if due <= 0:
        raise NothingToWithdraw
    posting = posting_for(holder)
    expire_overdue(posting, actor, now)
    movement = debit(holder.state, due, into_debt=True)
    posting.add(movement, **_about(receipt_id, reason, reference, actor, now))
    transfer_id = post(posting)[-1]
    Award.objects.filter(receipt_id=receipt_id).update(clawed_points=award.points)
    row = Withdrawal.objects.create(
        receipt_id=receipt_id, member_id=holder.member_id, points=due, reason=reason.strip()[:300],
        reference=reference, transfer_id=transfer_id, taken_by=actor.audit_id, taken_at=now,
    )  # fmt: skip
    after = {"withdrawal": row.pk, "points": due, "member": holder.member_id, "for": reference}
    audit.record(
        actor=actor, action="gain.withdraw", subject=("receipt", receipt_id), after=after, reason=row.reason, now=now
    )  # fmt: skip
    fact = GainWithdrawn(
        holder.member_id, holder.person_id, row.pk, str(receipt_id), due, movement.debt_points
    )
    events.publish(fact, actor=actor, now=now)
    return Withdrawn(row.pk, due, movement.debt_points, holder.state.net)


@transaction.atomic
def restore_gain(*, actor: Viewer, withdrawal_id: int, reason: str, now: dt.datetime) -> Withdrawn:
    """Undo a withdrawal: debt is repaid and the lots get back what it took, for goods that were not returned since.

    Once, however often it is asked. Raises WithdrawalNotFound, ReasonMissing, NotAllowed.
    """
    row = Withdrawal.objects.filter(id=withdrawal_id).first()
    if row is None:
        raise WithdrawalNotFound
    holder = _holder_for(actor, row.member_id)
    if not reason.strip():
        raise ReasonMissing
    row = Withdrawal.objects.select_related("transfer").get(id=withdrawal_id)
    if row.restored_at is not None:
        return Withdrawn(row.pk, row.restored_points, 0, holder.state.net)
    points = min(row.points, _kept_points(row.receipt_id, holder))
    posting = posting_for(holder)
    if points:
        movement = credit_lots(holder.state, first_of(_taken(row, holder, now), points))
        posting.add(movement, **_about(row.receipt_id, reason, row.reference, actor, now))
        row.restore_transfer_id = post(posting)[-1]
        award = _award(row.receipt_id)
        Award.objects.filter(receipt_id=row.receipt_id).update(clawed_points=award.clawed_points - points)
    row.restored_points, row.restored_by, row.restored_at = points, actor.audit_id, now
    row.save()
    audit.record(
        actor=actor, action="gain.restore", subject=("receipt", row.receipt_id),
        after={"withdrawal": row.pk, "points": points}, reason=reason.strip(), now=now,
    )  # fmt: skip
    fact = GainRestored(holder.member_id, holder.person_id, row.pk, str(row.receipt_id), points)
    events.publish(fact, actor=actor, now=now)
    return Withdrawn(row.pk, points, 0, holder.state.net)


def _taken(row: Withdrawal, holder: Holder, now: dt.datetime) -> LotParts:
    """The lots that a withdrawal emptied; what had been spent before, and became debt, would lapse as points of today."""
    programme = holder.programme
    last_day = programme.expiry_policy.last_day(programme.today(now))
    owed = ((last_day, programme.funding_id, row.transfer.debt_points),) if row.transfer.debt_points else ()
    return (*lots_of_json(row.transfer.lots), *owed)


def _award(receipt_id: UUID) -> Award:
    award = Award.objects.filter(receipt_id=receipt_id).select_related("account").first()
    if award is None:
        raise ReceiptNotFound
    return award


def _side_of(award: Award) -> int:
    """The member whose person the receipt names: also after a merge the books say by which side it was."""
    receipt = records.recorded(award.receipt_id)
    holder = read_holder(person_id=receipt.person_id) if receipt.person_id is not None else None
    member_id = holder.member_id if holder is not None else award.account.member_id
    assert member_id is not None
    return member_id


def _kept_points(receipt_id: UUID, holder: Holder) -> int:
    """What the goods of a receipt that were not returned give by its own rules."""
    sold = {line.line_no: line for line in records.lines_of(receipt_id)}
    award = award_facts(receipt_id, dt.date.min)
    assert award is not None
    rounding = award.explanation.get("rounding", holder.programme.rounding)
    parts = returning.kept_points(award.explanation, kept_fen(sold, {}), rounding)
    return sum(part.kept for part in parts)


def _about(receipt_id: UUID, reason: str, reference: str, actor: Viewer, now: dt.datetime) -> dict[str, Any]:
    return {
        "against": ADJUSTED,
        "reason": "adjust",
        "reference": f"withdrawal:{receipt_id}",
        "actor": actor,
        "occurred_at": now,
        "now": now,
        "explanation": {"withdraws": str(receipt_id), "reason": reason.strip()[:300], "for": reference},
    }
