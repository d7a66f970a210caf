"""Points of a household's pool: put in, spent at a till, given back, taken out again, and lapsing, lot by lot.

The account of whoever acts is held first, then the household's row; shares change under the latter only.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.clock import business_date, day_bounds
from zhike.kernel.errors import Conflict, Invalid
from zhike.kernel.ids import uuid7
from zhike.loyalty.events import PointsPooled, PointsRedeemed
from zhike.loyalty.models import (
    Account,
    HouseholdMember,
    PoolDispute,
    PoolEntry,
    PoolShare,
    Redemption,
)
from zhike.loyalty.operations.pools import (
    change_shares,
    enter_pool,
    lapse_shares,
    locked_pool,
    lots_of_shares,
    shares_of,
    told_of,
)
from zhike.loyalty.operations.spending import (
    InsufficientPoints,
    RedemptionOutcome,
    check_amount,
    expire_overdue,
)
from zhike.loyalty.operations.state import Holder, locked_holder, post, posting_for
from zhike.loyalty.queries.households import HouseholdNotFound, place_of
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.rates import terms_of
from zhike.loyalty.queries.snapshots import POOLED, REDEEMED
from zhike.loyalty.rules.accounts import credit_lots, debit
from zhike.loyalty.rules.households import Share, may_spend, overdue, take
from zhike.loyalty.rules.sealing import slip

Role = HouseholdMember.Role


class NotForChildren(Conflict):
    code = "household-not-for-children"
    title = _("Children keep their own points.")


class PoolPaused(Conflict):
    code = "household-paused"
    title = _("A dispute is open: nobody spends from this household's pool until it is settled.")


class AboveLimit(Conflict):
    """``refusal`` is child, day_limit or month_limit."""

    code = "household-above-limit"
    title = _("This is more than they may spend from the household's pool.")


class NothingToPool(Invalid):
    code = "household-nothing-to-pool"
    title = _("At least one point, and no more than the member has.")


@transaction.atomic
def put_into_pool(*, actor: Viewer, member_id: int, points: int, now: dt.datetime) -> int:
    """A member puts points into the pool of their household, the earliest expiry first; what it holds then.

    They keep their expiry and their payer. Raises NothingToPool, NotForChildren, HouseholdNotFound, MemberNotFound,
    MemberFrozen, NotAllowed.
    """
    holder = _own(actor, member_id)
    place = place_of(holder.owner_id)
    household = locked_pool(place.household_id)
    if household.closed_at is not None:
        raise HouseholdNotFound
    if place.role == Role.CHILD:
        raise NotForChildren
    posting = posting_for(holder)
    expire_overdue(posting, actor, now)
    if not 0 < points <= holder.state.balance:
        raise NothingToPool
    movement = debit(holder.state, points)
    shares = [Share(holder.owner_id, *lot) for lot in movement.lots]
    posting.add(
        movement,
        against=POOLED,
        reason="pool_in",
        reference=f"pool:{household.pk}:{uuid7()}",
        actor=actor,
        occurred_at=now,
        now=now,
        explanation=told_of(household.pk, shares),
    )
    post(posting)
    change_shares(household.pk, shares, 1)
    enter_pool(household.pk, holder.owner_id, "in", points, now)
    fact = PointsPooled(holder.owner_id, holder.person_id, household.pk, points)
    events.publish(fact, actor=actor, now=now)
    return sum(one.points for one in shares_of(household.pk))


@transaction.atomic
def spend_from_pool(
    *,
    actor: Viewer,
    member_id: int,
    points: int,
    now: dt.datetime,
    merchant_id: int | None = None,
    mall_id: int | None = None,
    reference: str = "",
) -> RedemptionOutcome:
    """Spend points of a member's household at the programme's rate, the earliest expiry first, whoever put them in.

    Never overdraws, however many spend at once. What a contributor owes themselves is not spent. Raises
    InsufficientPoints, PointsOutOfRange, AboveLimit, PoolPaused, HouseholdNotFound, MemberNotFound, MemberFrozen, NotAllowed.
    """
    require_touch(actor, "points.redeem", mall=mall_id, merchant=merchant_id)
    holder = locked_holder(member_id)
    holder.require_spending()
    place = place_of(holder.owner_id)
    household = locked_pool(place.household_id)
    programme = holder.programme
    terms = terms_of(programme, holder.state.tier_id, merchant_id, now)
    check_amount(terms, points)
    _check_may(place, points, programme.time_zone, now)
    free = _spendable(household.pk, programme.today(now))
    taken = take(free, points)
    if taken is None:
        raise InsufficientPoints(available=sum(one.points for one in free))
    redemption_id, posting = uuid7(), posting_for(holder)
    parts = [(one.funding_id, one.points) for one in taken]
    value_fen = terms.fen(parts)
    posting.add_beside(
        lots_of_shares(taken),
        debit=POOLED,
        credit=REDEEMED,
        reason="redeem",
        reference=f"redemption:{redemption_id}",
        actor=actor,
        occurred_at=now,
        now=now,
        explanation={
            "redemption": str(redemption_id),
            "slip": slip(merchant_id, reference[:80]),
            **terms.told(parts),
            **told_of(household.pk, taken),
        },
    )
    [transfer_id] = post(posting)
    redemption = Redemption.objects.create(
        id=redemption_id,
        member_id=holder.owner_id,
        merchant_id=merchant_id,
        points=points,
        value_fen=value_fen,
        reference=reference[:80],
        transfer_id=transfer_id,
        redeemed_at=now,
        redeemed_by=actor.audit_id,
    )
    change_shares(household.pk, taken, -1)
    enter_pool(household.pk, holder.owner_id, "spend", -points, now, redemption)
    fact = PointsRedeemed(holder.owner_id, holder.person_id, str(redemption_id), points, value_fen)
    events.publish(fact, actor=actor, now=now)
    left = sum(one.points for one in free) - points
    lots = tuple((one.expires_on, one.points) for one in taken)
    return RedemptionOutcome(redemption_id, holder.owner_id, points, value_fen, left, lots)


def _check_may(place: HouseholdMember, points: int, zone: str, now: dt.datetime) -> None:
    if PoolDispute.objects.filter(household_id=place.household_id, settled_at=None).exists():
        raise PoolPaused
    today = business_date(now, zone)
    since = [day_bounds(day, zone)[0] for day in (today, today.replace(day=1))]
    spent = [_spent(place, moment) for moment in since]
    refusal = may_spend(place.role, (place.day_limit, place.month_limit), (spent[0], spent[1]), points)
    if refusal:
        raise AboveLimit(refusal=refusal)


def _spent(place: HouseholdMember, since: dt.datetime) -> int:
    """Points a member spent from the pool since a moment, less what came back of it."""
    mine = PoolEntry.objects.filter(
        household_id=place.household_id,
        member_id=place.member_id,
        kind__in=["spend", "restore"],
        at__gte=since,
    )
    return max(0, -int(mine.aggregate(points=Sum("points"))["points"] or 0))


def _spendable(household_id: int, today: dt.date) -> list[Share]:
    """Shares that have not lapsed, of contributors who are in, owe nothing and may spend."""
    shares = shares_of(household_id)
    people = {one.member_id for one in shares}
    held_back = Q(debt__gt=0) | ~Q(restraint="")
    owing = set(Account.objects.filter(held_back, member_id__in=people).values_list("member_id", flat=True))
    inside = set(
        HouseholdMember.objects.filter(
            household_id=household_id, status=HouseholdMember.Status.ACTIVE
        ).values_list("member_id", flat=True)
    )
    return [
        one
        for one in shares
        if one.expires_on >= today and one.member_id in inside and one.member_id not in owing
    ]


def pay_out(actor: Viewer, household_id: int, member_id: int, now: dt.datetime) -> int:
    """Give a member back what is left of what they put in, lot by lot; how many points. The caller holds account and
    household. What they owe is repaid out of it."""
    shares = [one for one in shares_of(household_id) if one.member_id == member_id]
    if not shares:
        return 0
    holder = locked_holder(member_id)
    posting = posting_for(holder)
    lapsed = overdue(shares, holder.programme.today(now))
    if lapsed:
        lapse_shares(posting, household_id, lapsed, actor, now)
    kept = [one for one in shares if one not in lapsed]
    points = sum(one.points for one in kept)
    if points:
        movement = credit_lots(holder.state, lots_of_shares(kept))
        posting.add(
            movement,
            against=POOLED,
            reason="pool_out",
            reference=f"pool:{household_id}:{uuid7()}",
            actor=actor,
            occurred_at=now,
            now=now,
            explanation=told_of(household_id, kept),
        )
        change_shares(household_id, kept, -1)
        enter_pool(household_id, member_id, "out", -points, now)
        fact = PointsPooled(member_id, holder.person_id, household_id, -points)
        events.publish(fact, actor=actor, now=now)
    post(posting)
    return points


def settle_pools(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Let overdue shares lapse, and give back the shares of those who left or owe points; how many contributors were
    dealt with. Each is a transaction of its own. Raises NotAllowed."""
    require_touch(actor, "points.adjust")
    rows = PoolShare.objects.filter(household__program_id=program_id, remaining__gt=0)
    people = rows.values_list("household_id", "member_id").distinct().order_by("household_id", "member_id")
    return sum(_settle(actor, household_id, member_id, now) for household_id, member_id in list(people))


@transaction.atomic
def _settle(actor: Viewer, household_id: int, member_id: int, now: dt.datetime) -> bool:
    holder = locked_holder(member_id)
    household = locked_pool(household_id)
    inside = HouseholdMember.objects.filter(
        household_id=household_id, member_id=member_id, status=HouseholdMember.Status.ACTIVE
    )
    if household.closed_at is not None or holder.state.debt or not inside.exists():
        return pay_out(actor, household_id, member_id, now) > 0
    mine = [one for one in shares_of(household_id) if one.member_id == member_id]
    lapsed = overdue(mine, holder.programme.today(now))
    if not lapsed:
        return False
    posting = posting_for(holder)
    lapse_shares(posting, household_id, lapsed, actor, now)
    post(posting)
    return True


def _own(actor: Viewer, member_id: int) -> Holder:
    """The account of the member who acts: themselves, or somebody staff may edit."""
    holder = locked_holder(member_id)
    if actor.kind == "member" and customers.survivor_of(actor.id or 0) != customers.survivor_of(
        holder.person_id
    ):
        raise MemberNotFound
    if actor.kind != "member":
        member = HouseholdMember.objects.filter(member_id=holder.owner_id).select_related("member").first()
        mall_id = member.member.mall_id if member else None
        require_touch(actor, "members.edit", mall=mall_id)
    holder.require_spending()
    return holder
