"""Points corrected by hand: within limits at once, above them when somebody else agrees; and expired points reinstated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, may_touch, require, require_touch
from zhike.kernel.clock import business_date, day_bounds
from zhike.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Problem
from zhike.loyalty.events import AdjustmentAsked, AdjustmentDecided, PointsReinstated
from zhike.loyalty.models import Adjustment, AdjustmentLine, Member, Program, Transfer
from zhike.loyalty.operations.spending import (
    ADJUSTMENT_MAX,
    NothingToAdjust,
    ReasonMissing,
    adjust_points,
)
from zhike.loyalty.operations.state import MemberFrozen, locked_holder, lots_of_json, post, posting_for
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.snapshots import EXPIRED, read_programme, system_account
from zhike.loyalty.rules.accounts import LotParts, credit_lots, first_of, without_first

ADJUST, APPROVE, APPROVE_ANY = "points.adjust", "adjustments.approve", "adjustments.approve_any"
LINES_MAX = 2_000
OPEN_DAYS = 7
REINSTATED_DAYS = 30
REINSTATE = "reinstate"
BOTH = (Adjustment.Status.APPROVED, Adjustment.Status.DONE)


class AdjustmentNotFound(NotFound):
    code = "adjustment-not-found"
    title = _("There is no such adjustment.")


class AdjustmentDecidedBefore(Conflict):
    code = "adjustment-decided"
    title = _("This adjustment was decided before, or nobody decided in time.")


class OwnAdjustment(NotAllowed):
    code = "adjustment-own"
    title = _("Somebody else than who asked must decide.")


class AdjustmentAboveAuthority(NotAllowed):
    code = "adjustment-above-authority"
    title = _("More than %(limit)s points are decided higher up.")


class TooManyLines(Invalid):
    code = "adjustment-too-many"
    title = _("Between 1 and %(limit)s members can be adjusted at once, each one once.")


class NotExpired(Conflict):
    code = "not-expired"
    title = _("Of these expired points %(left)s can be reinstated.")


@dataclass(frozen=True, slots=True)
class AdjustmentPart:
    """One member: points to add (> 0) or take (< 0), and the last day added ones can be spent (None: as usual)."""

    member_id: int
    points: int
    expires_on: dt.date | None = None
    expired_id: int | None = None


@dataclass(frozen=True, slots=True)
class AdjustmentOutcome:
    """``status`` is done, asked (it waits for somebody else), approved, refused or lapsed; ``refused`` lines did nothing."""

    adjustment_id: int
    status: str
    posted: int = 0
    refused: int = 0


@transaction.atomic
def ask_adjustment(
    *, actor: Viewer, parts: Sequence[AdjustmentPart], reason: str, now: dt.datetime
) -> AdjustmentOutcome:
    """Correct points of one member or many. Within the limits it is posted at once, above them it waits for a decision.

    The limits are the programme's: ``adjustment_limit`` points in one adjustment (all its lines together), and
    ``adjustment_day_limit`` a day of one person's, what waits included. The system has none. Of one that is posted at once
    for one member a refusal is raised; of many a line that cannot be posted is kept with its reason.

    Raises TooManyLines, NothingToAdjust, ReasonMissing, InsufficientPoints, MemberNotFound, NotAllowed.
    """
    return _ask(actor, Adjustment.Kind.ADJUST, parts, reason, now)


@transaction.atomic
def ask_reinstatement(
    *,
    actor: Viewer,
    member_id: int,
    expired_id: int,
    reason: str,
    now: dt.datetime,
    points: int | None = None,
    expires_on: dt.date | None = None,
) -> AdjustmentOutcome:
    """Give back points that expired by the transfer ``expired_id``, all that are left of it or ``points``.

    They come from the programme's account of expired points into lots of the same payer and promise, to be spent until
    ``expires_on`` (None: thirty days). The same limits hold as for corrections. Raises NotExpired, ReasonMissing,
    NothingToAdjust, MemberNotFound, MemberFrozen, NotAllowed.
    """
    left = sum(part for _day, _funding, part in _left_of(member_id, expired_id))
    part = AdjustmentPart(member_id, left if points is None else points, expires_on, expired_id)
    if not 0 < part.points <= left:
        raise NotExpired(left=left)
    return _ask(actor, Adjustment.Kind.REINSTATE, [part], reason, now)


def _ask(
    actor: Viewer, kind: str, parts: Sequence[AdjustmentPart], reason: str, now: dt.datetime
) -> AdjustmentOutcome:
    if not reason.strip():
        raise ReasonMissing
    if not 1 <= len({part.member_id for part in parts}) == len(parts) <= LINES_MAX:
        raise TooManyLines(limit=LINES_MAX)
    if any(not part.points or abs(part.points) > ADJUSTMENT_MAX for part in parts):
        raise NothingToAdjust
    members = {
        member.pk: member for member in Member.objects.filter(id__in=[part.member_id for part in parts])
    }
    if len(members) != len(parts):
        raise MemberNotFound
    for member in members.values():
        require_touch(actor, ADJUST, mall=member.mall_id, merchant=member.merchant_id)
    [program_id] = {member.program_id for member in members.values()} or {0}
    program = Program.objects.get(id=program_id)
    points = sum(abs(part.points) for part in parts)
    at_once = _may_alone(actor, program, points, now)
    row = Adjustment.objects.create(
        program=program,
        kind=kind,
        reason=reason.strip()[:300],
        points=points,
        members=len(parts),
        status=Adjustment.Status.DONE if at_once else Adjustment.Status.ASKED,
        asked_by=actor.audit_id,
        asked_at=now,
        due_at=now + dt.timedelta(days=OPEN_DAYS),
    )
    lines = AdjustmentLine.objects.bulk_create(
        AdjustmentLine(
            adjustment=row,
            member_id=part.member_id,
            points=part.points,
            expires_on=part.expires_on,
            expired_id=part.expired_id,
        )
        for part in sorted(parts, key=lambda part: part.member_id)
    )
    if at_once:
        posted = _post(actor, row, lines, now, must=len(parts) == 1)
        return AdjustmentOutcome(row.pk, row.status, posted, len(lines) - posted)
    _tell(actor, row, "adjustment.ask", now)
    first = members[lines[0].member_id]
    fact = AdjustmentAsked(first.pk, first.person_id, row.pk, points, len(parts))
    events.publish(fact, actor=actor, now=now)
    return AdjustmentOutcome(row.pk, row.status)


def _may_alone(actor: Viewer, program: Program, points: int, now: dt.datetime) -> bool:
    """Whether the actor may post so many points without anybody else. One person's adjustments are counted one by one."""
    if actor.kind == "system":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"adjustment:{actor.audit_id}"])
    since, _until = day_bounds(business_date(now, program.time_zone), program.time_zone)
    counted = Adjustment.objects.filter(
        Q(status__in=BOTH) | Q(status=Adjustment.Status.ASKED, due_at__gt=now),
        program=program,
        asked_by=actor.audit_id,
        asked_at__gte=since,
    )
    today = int(counted.aggregate(points=Sum("points"))["points"] or 0)
    return points <= program.adjustment_limit and today + points <= program.adjustment_day_limit


@transaction.atomic
def decide_adjustment(
    *, actor: Viewer, adjustment_id: int, approve: bool, now: dt.datetime, note: str = ""
) -> AdjustmentOutcome:
    """Approve an adjustment, which posts it, or refuse it with a note.

    Somebody else than who asked, within seven days; up to the programme's ``adjustment_day_limit`` with
    adjustments.approve, above it with adjustments.approve_any. A line that cannot be posted now is kept with its reason.
    Raises AdjustmentNotFound, AdjustmentDecidedBefore, OwnAdjustment, AdjustmentAboveAuthority, ReasonMissing, NotAllowed.
    """
    row = Adjustment.objects.select_for_update(of=("self",)).filter(id=adjustment_id).first()
    if row is None:
        raise AdjustmentNotFound
    lines = list(AdjustmentLine.objects.filter(adjustment=row).select_related("member").order_by("member_id"))
    for line in lines:
        require_touch(actor, APPROVE, mall=line.member.mall_id, merchant=line.member.merchant_id)
    if row.status != Adjustment.Status.ASKED or row.due_at <= now:
        raise AdjustmentDecidedBefore
    if row.asked_by == actor.audit_id:
        raise OwnAdjustment
    if not approve and not note.strip():
        raise ReasonMissing
    limit = Program.objects.values_list("adjustment_day_limit", flat=True).get(id=row.program_id)
    above = not all(
        may_touch(actor, APPROVE_ANY, mall=line.member.mall_id, merchant=line.member.merchant_id)
        for line in lines
    )
    if approve and row.points > limit and above:
        raise AdjustmentAboveAuthority(limit=f"{limit:,}")
    row.status = Adjustment.Status.APPROVED if approve else Adjustment.Status.REFUSED
    row.decided_by, row.decided_at, row.note = actor.audit_id, now, note.strip()[:300]
    row.save()
    posted = _post(actor, row, lines, now, must=False) if approve else 0
    _tell(actor, row, f"adjustment.{row.status}", now)
    first = lines[0].member
    fact = AdjustmentDecided(first.pk, first.person_id, row.pk, approve, row.points, row.members)
    events.publish(fact, actor=actor, now=now)
    return AdjustmentOutcome(row.pk, row.status, posted, len(lines) - posted if approve else 0)


def lapse_adjustments(*, actor: Viewer, now: dt.datetime) -> int:
    """End those that nobody decided in time; how many."""
    require(actor, "programme.edit")
    with transaction.atomic():
        due = Adjustment.objects.select_for_update(of=("self",), skip_locked=True)
        rows = list(due.filter(status=Adjustment.Status.ASKED, due_at__lte=now))
        for row in rows:
            row.status = Adjustment.Status.LAPSED
            row.save(update_fields=["status"])
            _tell(actor, row, "adjustment.lapsed", now)
    return len(rows)


def _tell(actor: Viewer, row: Adjustment, action: str, now: dt.datetime) -> None:
    about = {"kind": row.kind, "points": row.points, "members": row.members, "asked_by": row.asked_by}
    subject, reason = ("adjustment", row.pk), row.note or row.reason
    audit.record(actor=actor, action=action, subject=subject, after=about, reason=reason, now=now)


def _post(
    actor: Viewer, row: Adjustment, lines: Sequence[AdjustmentLine], now: dt.datetime, *, must: bool
) -> int:
    """Post the lines in the order of their members; how many went through. ``must``: a refusal is raised, not kept."""
    posted = 0
    for line in lines:
        try:
            with transaction.atomic():
                line.transfer_id = _post_line(actor, row, line, now)
            posted += 1
        except Problem as problem:
            if must:
                raise
            line.refusal = problem.code
    AdjustmentLine.objects.bulk_update(lines, ["transfer_id", "refusal"])
    return posted


def _post_line(actor: Viewer, row: Adjustment, line: AdjustmentLine, now: dt.datetime) -> int:
    told = {"adjustment": row.pk, "asked_by": row.asked_by}
    reference = f"adjustment:{row.pk}:{line.pk}"
    if row.kind == Adjustment.Kind.REINSTATE:
        return _reinstate(actor, row, line, reference, told, now)
    adjust_points(
        actor=actor, member_id=line.member_id, points=line.points, reason=row.reason, expires_on=line.expires_on,
        reference=reference, told=told, now=now,
    )  # fmt: skip
    return Transfer.objects.values_list("id", flat=True).get(reference=reference, reason="adjust")


def _reinstate(
    actor: Viewer,
    row: Adjustment,
    line: AdjustmentLine,
    reference: str,
    told: dict[str, Any],
    now: dt.datetime,
) -> int:
    holder = locked_holder(line.member_id)
    if not holder.is_active:
        raise MemberFrozen
    left = _left_of(line.member_id, line.expired_id or 0)
    if line.points > sum(part for _day, _funding, part in left):
        raise NotExpired(left=sum(part for _day, _funding, part in left))
    expires_on = line.expires_on or holder.programme.today(now) + dt.timedelta(days=REINSTATED_DAYS)
    back = tuple((expires_on, funding, part) for _day, funding, part in first_of(left, line.points))
    posting = posting_for(holder)
    before = holder.state.net
    posting.add(
        credit_lots(holder.state, back), against=EXPIRED, reason=REINSTATE, reference=reference, actor=actor,
        occurred_at=now, now=now, explanation={**told, "reason": row.reason, "expired": line.expired_id},
    )  # fmt: skip
    [transfer_id] = post(posting)
    audit.record(
        actor=actor, action="points.reinstate", subject=("member", line.member_id), before={"balance": before},
        after={"balance": holder.state.net, "points": line.points, "expired": line.expired_id}, reason=row.reason, now=now,
    )  # fmt: skip
    fact = PointsReinstated(holder.member_id, holder.person_id, line.points, row.reason)
    events.publish(fact, actor=actor, now=now)
    return transfer_id


def _left_of(member_id: int, expired_id: int) -> LotParts:
    """What of the points that lapsed by a transfer was not reinstated yet. Raises MemberNotFound, NotExpired."""
    member = Member.objects.filter(id=member_id).first()
    if member is None:
        raise MemberNotFound
    owner = member.survivor_id or member.pk
    programme = read_programme(member.program_id)
    taken = Transfer.objects.filter(
        id=expired_id, reason="expire", debit_account__member_id=owner,
        credit_account_id=system_account(programme.id, EXPIRED),
    ).first()  # fmt: skip
    if taken is None:
        raise NotExpired(left=0)
    lines = AdjustmentLine.objects.filter(expired_id=expired_id, transfer__isnull=False)
    given = int(lines.aggregate(points=Sum("points"))["points"] or 0)
    return without_first(lots_of_json(taken.lots), given)
