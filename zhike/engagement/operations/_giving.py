"""What every occasion does when it gives: points by loyalty, a coupon by offers, both in the caller's transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import msgspec
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.engagement.models import Plan
from zhike.engagement.rules.terms import Reward, Terms, TermsError
from zhike.kernel import audit
from zhike.kernel.access import Viewer, require_touch, system_viewer
from zhike.kernel.errors import Conflict, Invalid, Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.offers import operations as offers
from zhike.offers import queries as catalogue

P = TypeVar("P", bound=Plan)
GIVER = system_viewer("engagement")
"""In whose name rewards are given: the occasion decides, not whoever brought it about."""


class TermsUnusable(Invalid):
    code = "engagement-terms-unusable"
    title = _("The rewards cannot be like this: %(path)s.")


class NotRunning(Conflict):
    code = "engagement-not-running"
    title = _("This does not run at the moment.")


def unusable(error: TermsError) -> TermsUnusable:
    return TermsUnusable(path=error.path)


def require_batches(rewards: Iterable[Reward], now: dt.datetime) -> None:
    """Raises TermsUnusable when a coupon of a reward cannot be given to members: unknown, bearers' or closed."""
    for reward in rewards:
        if reward.batch_id is None:
            continue
        try:
            batch = catalogue.batch(GIVER, reward.batch_id, now)
        except Problem as error:
            raise TermsUnusable(path="batch_id") from error
        if batch.is_bearer or batch.state == "closed":
            raise TermsUnusable(path="batch_id")


def save_plan(
    model: type[P],
    owner: Mapping[str, int],
    parsed: Terms,
    rewards: Iterable[Reward],
    *,
    actor: Viewer,
    is_open: bool,
    reason: str,
    now: dt.datetime,
) -> P:
    """The plan of a mall or programme (``owner``: column and id) with new terms, audited; the caller has asked for leave."""
    require_batches(rewards, now)
    plan = model._default_manager.select_for_update(of=("self",)).filter(**owner).first()
    before = {"terms": plan.terms, "is_open": plan.is_open} if plan else None
    plan = plan or model(**owner, version=0)
    plan.terms, plan.is_open = msgspec.to_builtins(parsed, str_keys=True), is_open
    plan.version, plan.changed_at, plan.changed_by = plan.version + 1, now, actor.audit_id
    plan.save()
    [(column, owner_id)] = owner.items()
    audit.record(
        actor=actor,
        action=f"{model._meta.model_name}.save",
        subject=(column.removesuffix("_id"), owner_id),
        before=before,
        after={"terms": plan.terms, "is_open": is_open},
        reason=reason,
        now=now,
    )
    return plan


def participant(actor: Viewer, member_id: int, mall_id: int | None) -> members.Membership:
    """The member who takes part; members for themselves, others for a mall's. Raises MemberNotFound, NotAllowed."""
    found = members.membership(member_id)
    if actor.kind == "member":
        if actor.id != found.person_id:
            raise members.MemberNotFound
        require_touch(actor, "engagement.take_part", person=found.person_id)
    else:
        require_touch(actor, "engagement.take_part", mall=mall_id)
    if found.status != "active":
        raise loyalty.MemberFrozen
    return found


@dataclass(frozen=True, slots=True)
class Given:
    """What a member got; ``missed`` is the code of why the coupon could not be given, ``limited_by`` of fewer points."""

    points: int = 0
    coupon_id: int | None = None
    missed: str = ""
    limited_by: str = ""


def give(
    member_id: int,
    rewards: Sequence[Reward],
    terms: Terms,
    *,
    reason: str,
    reference: str,
    explanation: Mapping[str, Any],
    today: dt.date,
    now: dt.datetime,
    limits: Sequence[loyalty.AwardLimit] = (),
) -> Given:
    """Points of all the rewards in one transfer, and each one's coupon. A coupon that has run out spoils nothing else."""
    points, limited_by = sum(reward.points for reward in rewards), ""
    if points:
        awarded = loyalty.award_points(
            actor=GIVER,
            member_id=member_id,
            points=points,
            reason=reason,
            reference=reference,
            explanation=explanation,
            expires_on=terms.last_day(today),
            funding=terms.funding or None,
            limits=limits,
            now=now,
        )
        points, limited_by = awarded.points, awarded.limited_by
    coupon_id, missed = None, ""
    for reward in rewards:
        if reward.batch_id is not None:
            coupon_id, missed = _coupon(reward.batch_id, member_id, reason, reference, now)
    return Given(points, coupon_id, missed, limited_by)


class Gift(Protocol):
    """A row that says what stands of something given, and what of it could not be taken back before."""

    points: int
    kept_points: int
    coupon_id: int | None


def take_back(
    row: Gift,
    member_id: int,
    *,
    reason: str,
    reference: str,
    why: str,
    now: dt.datetime,
    with_coupon: bool = True,
) -> int:
    """Points go back (into debt when they are spent), a coupon that is not used is void; how many points.

    What the programme waives is counted against the next ones; a coupon that was used is not given a second time.
    """
    taken = 0
    if row.points:
        taken = loyalty.take_back_award(
            actor=GIVER, member_id=member_id, reason=reason, reference=reference, why=why, now=now
        )
        row.kept_points, row.points = row.kept_points + row.points - taken, 0
    if with_coupon and row.coupon_id is not None:
        try:
            with transaction.atomic():
                offers.void_coupon(actor=GIVER, coupon_id=row.coupon_id, reason=reason, now=now)
            row.coupon_id = None
        except offers.NotVoidable:
            pass
    return taken


def _coupon(
    batch_id: int, member_id: int, source: str, reference: str, now: dt.datetime
) -> tuple[int | None, str]:
    try:
        with transaction.atomic():
            issued = offers.give_coupon(
                actor=GIVER,
                batch_id=batch_id,
                member_id=member_id,
                source=source,
                reference=reference,
                now=now,
            )
    except Problem as problem:
        return None, problem.code[:40]
    return issued.coupon_id, ""
