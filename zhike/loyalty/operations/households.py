"""Households are founded, grow, shrink and end; a dispute pauses what they share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid
from zhike.loyalty.events import HouseholdFounded, HouseholdJoined, HouseholdLeft
from zhike.loyalty.models import Household, HouseholdMember, Member, PoolDispute
from zhike.loyalty.operations.pooling import pay_out
from zhike.loyalty.operations.pools import locked_pool
from zhike.loyalty.operations.state import MemberFrozen, locked_holder
from zhike.loyalty.queries.households import HouseholdNotFound, place_of
from zhike.loyalty.queries.members import MemberNotFound, owner_id_of
from zhike.loyalty.queries.snapshots import read_programme
from zhike.loyalty.rules import households as rules

Role, Status = HouseholdMember.Role, HouseholdMember.Status
EDIT = "members.edit"


class HouseholdNameMissing(Invalid):
    code = "household-name-missing"
    title = _("A household needs a name of at most 40 characters.")


class InHousehold(Conflict):
    code = "household-one-at-a-time"
    title = _("A member shares points in one household at a time.")


class HouseholdFull(Conflict):
    code = "household-full"
    title = _("A household has at most %(most)s members.")


class HouseholdTooSoon(Conflict):
    code = "household-too-soon"
    title = _("Who left a household can join another one after %(days)s days.")


class OwnersOnly(Conflict):
    code = "household-owners-only"
    title = _("Only the owner of the household may do that.")


class NotForMinors(Conflict):
    code = "household-not-for-minors"
    title = _("A minor can only join as a child.")


class NotInvited(Conflict):
    code = "household-not-invited"
    title = _("There is no open invitation into this household.")


class DisputeOpen(Conflict):
    code = "household-dispute-open"
    title = _("A dispute is open already.")


class DisputeUnusable(Invalid):
    code = "household-dispute-unusable"
    title = _("Say in at most 500 characters what it is about.")


def acting_member(actor: Viewer, member_id: int) -> Member:
    """Members act for themselves, staff for members they may edit. Raises MemberNotFound, MemberFrozen, NotAllowed."""
    found = Member.objects.filter(id=owner_id_of(member_id)).first()
    if found is None or (actor.kind == "member" and customers.survivor_of(actor.id or 0) != found.person_id):
        raise MemberNotFound
    if actor.kind != "member":
        require_touch(actor, EDIT, mall=found.mall_id, merchant=found.merchant_id)
    if found.status != Member.Status.ACTIVE:
        raise MemberFrozen
    return found


@transaction.atomic
def found_household(*, actor: Viewer, member_id: int, name: str, now: dt.datetime) -> int:
    """A member begins a household and owns it; its id. Raises InHousehold, HouseholdTooSoon, HouseholdNameMissing,
    NotForMinors, MemberNotFound, MemberFrozen, NotAllowed."""
    founder = acting_member(actor, member_id)
    name = name.strip()
    if not 0 < len(name) <= 40:
        raise HouseholdNameMissing
    if _is_minor(founder, now):
        raise NotForMinors
    _check_free(founder.pk, now)
    household = Household.objects.create(program_id=founder.program_id, name=name, founded_at=now)
    row = HouseholdMember(
        household=household, member=founder, role=Role.OWNER, status=Status.ACTIVE, invited_at=now, joined_at=now
    )  # fmt: skip
    _join(row)
    _tell(actor, "household.found", household.pk, {"name": name, "owner": founder.pk}, now)
    fact = HouseholdFounded(founder.pk, founder.person_id, household.pk)
    events.publish(fact, actor=actor, now=now)
    return household.pk


@transaction.atomic
def invite_into_household(
    *,
    actor: Viewer,
    member_id: int,
    number: str,
    role: str,
    day_limit: int | None = None,
    month_limit: int | None = None,
    now: dt.datetime,
) -> int:
    """The owner invites a member by membership number; the invitation's id. An open one is renewed with its new terms.

    Raises OwnersOnly, HouseholdFull, InHousehold, MemberNotFound, HouseholdNotFound, NotForMinors, NotAllowed.
    """
    owner = _owner(actor, member_id)
    household = locked_pool(owner.household_id)
    asked = Member.objects.filter(number=number.strip(), program_id=household.program_id).first()
    if asked is None or asked.status != Member.Status.ACTIVE:
        raise MemberNotFound
    role = Role.CHILD if role == Role.CHILD else Role.ADULT
    if role == Role.ADULT and _is_minor(asked, now):
        raise NotForMinors
    rows = HouseholdMember.objects.filter(household=household, status__in=[Status.INVITED, Status.ACTIVE])
    mine = rows.filter(member=asked).first()
    if mine is not None and mine.status == Status.ACTIVE:
        raise InHousehold
    if mine is None and rows.count() >= rules.MEMBERS_MAX:
        raise HouseholdFull(most=rules.MEMBERS_MAX)
    row = mine or HouseholdMember(household=household, member=asked, status=Status.INVITED)
    row.role, row.day_limit, row.month_limit, row.invited_at = role, day_limit, month_limit, now
    row.save()
    _tell(actor, "household.invite", household.pk, {"member": asked.pk, "role": role}, now)
    return row.pk


@transaction.atomic
def answer_household_invitation(
    *, actor: Viewer, member_id: int, household_id: int, accept: bool, now: dt.datetime
) -> bool:
    """The invited member joins, or declines; whether they are in. Raises NotInvited, InHousehold, HouseholdTooSoon,
    HouseholdFull, MemberNotFound, MemberFrozen, NotAllowed."""
    asked = acting_member(actor, member_id)
    household = locked_pool(household_id)
    rows = HouseholdMember.objects.select_for_update(of=("self",)).filter(household=household)
    row = rows.filter(member=asked, status__in=[Status.INVITED, Status.ACTIVE]).first()
    if row is not None and row.status == Status.ACTIVE:
        return True
    if row is None or household.closed_at is not None or row.invited_at + rules.INVITED_FOR < now:
        raise NotInvited
    if accept:
        _check_free(asked.pk, now, to=household_id)
        if rows.filter(status=Status.ACTIVE).count() >= rules.MEMBERS_MAX:
            raise HouseholdFull(most=rules.MEMBERS_MAX)
        row.joined_at = now
    row.status = Status.ACTIVE if accept else Status.DECLINED
    _join(row)
    _tell(actor, "household.answer", household_id, {"member": asked.pk, "accept": accept}, now)
    if accept:
        fact = HouseholdJoined(asked.pk, asked.person_id, household_id, row.role)
        events.publish(fact, actor=actor, now=now)
    return accept


@transaction.atomic
def set_household_limits(
    *,
    actor: Viewer,
    member_id: int,
    other_id: int,
    day_limit: int | None,
    month_limit: int | None,
    now: dt.datetime,
) -> None:
    """The owner says how many shared points another one may spend a day and month. Raises OwnersOnly, HouseholdNotFound,
    MemberNotFound, NotAllowed."""
    owner = _owner(actor, member_id)
    locked_pool(owner.household_id)
    row = _other(owner, other_id)
    before = {"day": row.day_limit, "month": row.month_limit}
    row.day_limit, row.month_limit = day_limit, month_limit
    row.save(update_fields=["day_limit", "month_limit"])
    after = {"member": row.member_id, "day": day_limit, "month": month_limit}
    _tell(actor, "household.limits", owner.household_id, after, now, before=before)


@transaction.atomic
def leave_household(*, actor: Viewer, member_id: int, now: dt.datetime) -> int:
    """A member leaves with what they put in and nobody spent, lot by lot; how many points. When the owner leaves, the adult
    who joined first owns it; without one it is dissolved. Raises HouseholdNotFound, MemberNotFound, NotAllowed."""
    leaver = acting_member(actor, member_id)
    return _leave(actor, place_of(leaver.pk), now)


@transaction.atomic
def remove_from_household(*, actor: Viewer, member_id: int, other_id: int, now: dt.datetime) -> int:
    """The owner takes somebody out, who gets back what they put in and nobody spent. Raises OwnersOnly, MemberNotFound,
    HouseholdNotFound, NotAllowed."""
    owner = _owner(actor, member_id)
    row = _other(owner, other_id)
    if row.pk == owner.pk:
        raise OwnersOnly
    return _leave(actor, row, now)


@transaction.atomic
def dissolve_household(*, actor: Viewer, member_id: int, now: dt.datetime) -> int:
    """The owner ends it: everybody gets back what they put in and nobody spent; how many points in all."""
    owner = _owner(actor, member_id)
    return _dissolve(actor, owner.household_id, now)


def leave_before_merge(actor: Viewer, member_id: int, now: dt.datetime) -> None:
    """Who is merged into another membership shares no more; what they put in comes along with their own points."""
    row = HouseholdMember.objects.filter(member_id=member_id, status=Status.ACTIVE).first()
    if row is not None:
        _leave(actor, row, now)
    HouseholdMember.objects.filter(member_id=member_id, status=Status.INVITED).update(status=Status.DECLINED)


def _leave(actor: Viewer, row: HouseholdMember, now: dt.datetime) -> int:
    locked_holder(row.member_id)  # the account before the household, as everywhere
    locked_pool(row.household_id)
    heir = None
    if row.role == Role.OWNER:
        others = HouseholdMember.objects.filter(
            household_id=row.household_id, status=Status.ACTIVE, role=Role.ADULT
        )
        heir = others.order_by("joined_at", "id").first()
        if heir is None:
            return _dissolve(actor, row.household_id, now)
    _out(actor, row, now)
    if heir is not None:
        heir.role = Role.OWNER
        heir.save(update_fields=["role"])
    return pay_out(actor, row.household_id, row.member_id, now)


def _dissolve(actor: Viewer, household_id: int, now: dt.datetime) -> int:
    rows = list(
        HouseholdMember.objects.filter(household_id=household_id, status=Status.ACTIVE).order_by("member_id")
    )
    accounts = Member.objects.filter(id__in=[row.member_id for row in rows]).order_by("id")
    for member_id in accounts.values_list("id", flat=True):
        locked_holder(member_id)
    household = locked_pool(household_id)
    household.closed_at = now
    household.save(update_fields=["closed_at"])
    for row in rows:
        _out(actor, row, now)
    invited = HouseholdMember.objects.filter(household_id=household_id, status=Status.INVITED)
    invited.update(status=Status.DECLINED)
    _tell(actor, "household.dissolve", household_id, {"members": len(rows)}, now)
    return sum(pay_out(actor, household_id, row.member_id, now) for row in rows)


def _out(actor: Viewer, row: HouseholdMember, now: dt.datetime) -> None:
    row.status, row.left_at = Status.LEFT, now
    row.save(update_fields=["status", "left_at"])
    member = Member.objects.get(id=row.member_id)
    _tell(actor, "household.leave", row.household_id, {"member": row.member_id}, now)
    fact = HouseholdLeft(member.pk, member.person_id, row.household_id)
    events.publish(fact, actor=actor, now=now)


@transaction.atomic
def raise_dispute(*, actor: Viewer, member_id: int, text: str, now: dt.datetime) -> int:
    """A member contests what became of shared points: nobody spends from the pool until it is settled.

    Raises DisputeUnusable, DisputeOpen, HouseholdNotFound, MemberNotFound, NotAllowed.
    """
    row = place_of(acting_member(actor, member_id).pk)
    text = text.strip()
    if not 0 < len(text) <= 500:
        raise DisputeUnusable
    try:
        with transaction.atomic():
            dispute = PoolDispute.objects.create(
                household_id=row.household_id, member_id=row.member_id, text=text, raised_at=now
            )
    except IntegrityError:
        raise DisputeOpen from None
    _tell(actor, "household.dispute", row.household_id, {"dispute": dispute.pk}, now)
    return dispute.pk


@transaction.atomic
def settle_dispute(*, actor: Viewer, dispute_id: int, verdict: str, now: dt.datetime) -> None:
    """Staff say how it ended; spending goes on. Settled before: nothing to do. Raises DisputeUnusable, HouseholdNotFound,
    NotAllowed."""
    disputes = PoolDispute.objects.select_for_update(of=("self",)).select_related("member")
    row = disputes.filter(id=dispute_id).first()
    if row is None:
        raise HouseholdNotFound
    require_touch(actor, EDIT, mall=row.member.mall_id, merchant=row.member.merchant_id)
    verdict = verdict.strip()
    if not 0 < len(verdict) <= 500:
        raise DisputeUnusable
    if row.settled_at is not None:
        return
    row.verdict, row.settled_at, row.settled_by = verdict, now, actor.audit_id
    row.save(update_fields=["verdict", "settled_at", "settled_by"])
    _tell(actor, "household.settle", row.household_id, {"dispute": row.pk, "verdict": verdict}, now)


def _owner(actor: Viewer, member_id: int) -> HouseholdMember:
    row = place_of(acting_member(actor, member_id).pk)
    if row.role != Role.OWNER:
        raise OwnersOnly
    return row


def _other(owner: HouseholdMember, other_id: int) -> HouseholdMember:
    row = HouseholdMember.objects.filter(
        household_id=owner.household_id, member_id=owner_id_of(other_id), status=Status.ACTIVE
    ).first()
    if row is None:
        raise MemberNotFound
    return row


def _join(row: HouseholdMember) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise InHousehold from None


def _check_free(member_id: int, now: dt.datetime, to: int | None = None) -> None:
    rows = HouseholdMember.objects.filter(member_id=member_id)
    if rows.filter(status=Status.ACTIVE).exists():
        raise InHousehold
    left = rows.filter(status=Status.LEFT, left_at__gt=now - rules.REJOIN_AFTER)
    if left.exclude(household_id=to or 0).exists():
        raise HouseholdTooSoon(days=rules.REJOIN_AFTER.days)


def _is_minor(member: Member, now: dt.datetime) -> bool:
    today = read_programme(member.program_id).today(now)
    return rules.is_minor(customers.birth_date(member.person_id), today)


def _tell(
    actor: Viewer,
    action: str,
    household_id: int,
    after: Mapping[str, object],
    now: dt.datetime,
    before: Mapping[str, object] | None = None,
) -> None:
    audit.record(
        actor=actor, action=action, subject=("household", household_id), before=before, after=after, now=now
    )
