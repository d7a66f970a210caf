"""A tier for a time: given by one person or programme, as an exception by two, taken back, begun and ended by the clock."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from zhike.loyalty.events import TierGranted, TierGrantEnded
from zhike.loyalty.models import Member, Tier, TierGrant
from zhike.loyalty.operations.spending import ReasonMissing
from zhike.loyalty.operations.state import Holder, MemberFrozen, locked_holder
from zhike.loyalty.operations.tiering import settle_lent, stand
from zhike.loyalty.queries.members import MemberNotFound
from zhike.loyalty.queries.standing import held_tiers
from zhike.loyalty.rules.standing import GRANT_ALONE_DAYS, GRANT_DAYS_MAX

GRANT, APPROVE = "tiers.grant", "tiers.approve"
SETTLE_BATCH = 1_000


class TierNotFound(NotFound):
    code = "tier-not-found"
    title = _("There is no such tier.")


class GrantEndUnusable(Invalid):
    code = "tier-grant-end"
    title = _("A tier can be given until a day from today on, for %(days)s days at most.")


class GrantNeedsTwo(NotAllowed):
    code = "tier-grant-needs-two"
    title = _("For more than %(days)s days ask for an exception; a colleague approves it.")


class TierGrantNotFound(NotFound):
    code = "tier-grant-not-found"
    title = _("This member was given no such tier.")


class TierExceptionOpen(Conflict):
    code = "tier-exception-open"
    title = _("An exception for this member waits for a decision already.")


class TierExceptionDecided(Conflict):
    code = "tier-exception-decided"
    title = _("This exception was decided before.")


class OwnTierException(NotAllowed):
    code = "tier-exception-own"
    title = _("Somebody else than who asked must decide.")


class TierHeldAlready(Conflict):
    code = "tier-held-already"
    title = _("This member has that tier or a higher one for as long already.")


class TierGrantOver(Conflict):
    code = "tier-grant-over"
    title = _("This tier is not lent any more.")


@transaction.atomic
def grant_tier(
    *,
    actor: Viewer,
    member_id: int,
    tier_id: int,
    until: dt.date,
    reason: str,
    now: dt.datetime,
    starts_on: dt.date | None = None,
    source: str = "manual",
    reference: str = "",
    must_gain: bool = False,
) -> int:
    """Lend a member a tier from ``starts_on`` (None: now) through the day ``until``; the grant's id.

    The tier that counts is the higher of the lent and the earned one; what is earned meanwhile goes on being counted, and
    is what remains at the end. ``reference`` is the giver's name of it: the same again changes nothing. A person alone
    gives no more than GRANT_ALONE_DAYS. With ``must_gain`` it is refused (TierHeldAlready) to whoever stands as high for as
    long without it. Raises TierNotFound, GrantEndUnusable, GrantNeedsTwo, ReasonMissing, MemberFrozen,
    MemberNotFound, NotAllowed.
    """
    member = _member(actor, GRANT, member_id)
    known = TierGrant.objects.filter(member=member, reference=reference).first() if reference else None
    if known is not None:
        return known.pk
    holder = _active(member.pk)
    grant = _new(actor, member, holder, tier_id, starts_on, until, reason, now)
    if actor.kind != "system" and (until - holder.programme.today(now)).days > GRANT_ALONE_DAYS:
        raise GrantNeedsTwo(days=GRANT_ALONE_DAYS)
    if must_gain and held_tiers(member.pk, now).covers(tier_id, until):
        raise TierHeldAlready
    grant.kind, grant.status = TierGrant.Kind.TEMPORARY, TierGrant.Status.GIVEN
    grant.source, grant.reference = source, reference
    grant.save()
    _begin(actor, grant, holder, now)
    return grant.pk


@transaction.atomic
def ask_tier_exception(
    *, actor: Viewer, member_id: int, tier_id: int, until: dt.date, reason: str, now: dt.datetime
) -> int:
    """Ask that a member keeps or gets a tier until a day, against the rules; its id. Nothing changes before somebody else
    approves. Raises TierExceptionOpen and what `grant_tier` raises.
    """
    member = _member(actor, GRANT, member_id)
    holder = _active(member.pk)
    if TierGrant.objects.filter(member=member, status=TierGrant.Status.ASKED).exists():
        raise TierExceptionOpen
    grant = _new(actor, member, holder, tier_id, None, until, reason, now)
    grant.kind, grant.status, grant.source = TierGrant.Kind.EXCEPTION, TierGrant.Status.ASKED, "exception"
    grant.save()
    after = {"grant": grant.pk, "tier": tier_id, "until": until.isoformat()}
    audit.record(
        actor=actor,
        action="tier_exception.ask",
        subject=("member", member.pk),
        after=after,
        reason=reason,
        now=now,
    )
    return grant.pk


@transaction.atomic
def decide_tier_exception(
    *, actor: Viewer, grant_id: int, approve: bool, now: dt.datetime, note: str = ""
) -> None:
    """A second person approves an exception, from now until its end, or refuses it with a note.

    Raises TierGrantNotFound, OwnTierException, TierExceptionDecided, TierGrantOver when its end has passed meanwhile,
    ReasonMissing, MemberFrozen, NotAllowed.
    """
    grant, holder = _locked(actor, APPROVE, grant_id)
    if grant.status != TierGrant.Status.ASKED:
        raise TierExceptionDecided
    if grant.asked_by == actor.audit_id:
        raise OwnTierException
    if not approve and not note.strip():
        raise ReasonMissing
    if approve and grant.ends_at <= now:
        raise TierGrantOver
    if approve and not holder.is_active:
        raise MemberFrozen
    grant.status = TierGrant.Status.GIVEN if approve else TierGrant.Status.REFUSED
    grant.decided_by, grant.decided_at, grant.note = actor.audit_id, now, note.strip()[:300]
    grant.starts_at = now if approve else grant.starts_at
    grant.save()
    audit.record(
        actor=actor, action=f"tier_exception.{'approve' if approve else 'refuse'}",
        subject=("member", grant.member_id), before={"asked_by": grant.asked_by}, after={"grant": grant.pk},
        reason=note.strip() or grant.reason, now=now,
    )  # fmt: skip
    if approve:
        _begin(actor, grant, holder, now)


@transaction.atomic
def revoke_tier_grant(*, actor: Viewer, grant_id: int, reason: str, now: dt.datetime) -> None:
    """End a lent tier now, or withdraw an exception nobody decided; what was earned meanwhile counts from now on.

    The same again changes nothing. Raises TierGrantNotFound, TierGrantOver, ReasonMissing, NotAllowed.
    """
    grant, holder = _locked(actor, GRANT, grant_id)
    if grant.status == TierGrant.Status.REVOKED:
        return
    if grant.status == TierGrant.Status.REFUSED or grant.ends_at <= now:
        raise TierGrantOver
    if not reason.strip():
        raise ReasonMissing
    was_given = grant.status == TierGrant.Status.GIVEN
    grant.status, grant.note = TierGrant.Status.REVOKED, reason.strip()[:300]
    grant.decided_by, grant.decided_at = actor.audit_id, now
    grant.save()
    audit.record(
        actor=actor, action="tier_grant.revoke", subject=("member", grant.member_id),
        before={"grant": grant.pk, "tier": grant.tier_id}, reason=reason, now=now,
    )  # fmt: skip
    if was_given:
        fact = TierGrantEnded(grant.member_id, holder.person_id, grant.pk, grant.tier_id, "revoked")
        events.publish(fact, actor=actor, now=now)
        _settle(actor, holder, "revoked", grant, now)


def settle_tiers(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Begin and end the temporary tiers whose moment has come; how many members were looked at.

    Each member in a transaction of their own: stop it anywhere, run it again at any time.
    """
    require(actor, "programme.edit")
    settled = 0
    due = Member.objects.filter(program_id=program_id, tier_due__lte=now, survivor=None).order_by(
        "tier_due", "id"
    )
    while member_ids := list(due.values_list("id", flat=True)[:SETTLE_BATCH]):
        for member_id in member_ids:
            with transaction.atomic():
                settled += settle_lent(locked_holder(member_id), now=now)
    return settled


def _member(actor: Viewer, permission: str, member_id: int) -> Member:
    """Whoever stands for this member now. Raises MemberNotFound, NotAllowed."""
    member = Member.objects.select_related("survivor").filter(id=member_id).first()
    if member is None:
        raise MemberNotFound
    member = member.survivor or member
    require_touch(actor, permission, mall=member.mall_id, merchant=member.merchant_id)
    return member


def _active(member_id: int) -> Holder:
    holder = locked_holder(member_id)
    if not holder.is_active:
        raise MemberFrozen
    return holder


def _new(
    actor: Viewer,
    member: Member,
    holder: Holder,
    tier_id: int,
    starts_on: dt.date | None,
    until: dt.date,
    reason: str,
    now: dt.datetime,
) -> TierGrant:
    if not Tier.objects.filter(id=tier_id, program_id=member.program_id).exists():
        raise TierNotFound
    today = holder.programme.today(now)
    if not today <= (starts_on or today) <= until or (until - today).days > GRANT_DAYS_MAX:
        raise GrantEndUnusable(days=GRANT_DAYS_MAX)
    if not reason.strip():
        raise ReasonMissing
    zone = ZoneInfo(holder.programme.time_zone)
    starts_at = dt.datetime.combine(starts_on, dt.time.min, zone) if starts_on else now
    return TierGrant(
        member=member,
        tier_id=tier_id,
        reason=reason.strip()[:300],
        starts_at=max(starts_at, now),
        ends_at=dt.datetime.combine(until + dt.timedelta(days=1), dt.time.min, zone),
        asked_by=actor.audit_id,
        asked_at=now,
    )


def _locked(actor: Viewer, permission: str, grant_id: int) -> tuple[TierGrant, Holder]:
    """A grant and the account of whoever it counts for now, both held: the account first, as everywhere."""
    grant = TierGrant.objects.filter(id=grant_id).first()
    if grant is None:
        raise TierGrantNotFound
    _member(actor, permission, grant.member_id)
    holder = locked_holder(grant.member_id)
    return TierGrant.objects.select_for_update(of=("self",)).get(id=grant_id), holder


def _begin(actor: Viewer, grant: TierGrant, holder: Holder, now: dt.datetime) -> None:
    if actor.kind != "system":
        after = {"grant": grant.pk, "tier": grant.tier_id, "ends_at": grant.ends_at.isoformat()}
        audit.record(
            actor=actor, action="tier_grant.give", subject=("member", grant.member_id), after=after,
            reason=grant.reason, now=now,
        )  # fmt: skip
    fact = TierGranted(
        grant.member_id, holder.person_id, grant.pk, grant.tier_id, grant.ends_at, grant.kind, grant.source
    )
    events.publish(fact, actor=actor, now=now)
    _settle(actor, holder, grant.kind, grant, now)


def _settle(actor: Viewer, holder: Holder, cause: str, grant: TierGrant, now: dt.datetime) -> None:
    why = {"grant": grant.pk, "reason": grant.reason, "ends_at": grant.ends_at.isoformat()}
    stand(
        holder,
        holder.state.earned_tier_id,
        actor=actor,
        cause=cause,
        reference=grant.reference,
        now=now,
        why=why,
    )
