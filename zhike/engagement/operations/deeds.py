"""What members do that is no purchase and no check-in: told by other parts of the house and by a mall's own app."""

from __future__ import annotations

import datetime as dt

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from zhike.engagement.events import DeedRecorded, DeedWithdrawn
from zhike.engagement.models import Deed
from zhike.engagement.rules.missions import DEEDS
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from zhike.loyalty import queries as members
from zhike.organization import queries as organization

TOLD_WITHIN = dt.timedelta(days=35)
AHEAD = dt.timedelta(minutes=5)


class DeedUnusable(Invalid):
    code = "deed-unusable"
    title = _("A deed needs a kind we know, a reference, and a time within the last 35 days.")


class DeedOfAnother(Conflict):
    code = "deed-of-another"
    title = _("This reference stands for what another member did.")


class DeedNotFound(NotFound):
    code = "deed-not-found"
    title = _("Nothing was told under this reference.")


@transaction.atomic
def record_deed(
    *,
    actor: Viewer,
    member_id: int,
    kind: str,
    reference: str,
    happened_at: dt.datetime,
    now: dt.datetime,
    mall_id: int | None = None,
    merchant_id: int | None = None,
) -> int:
    """Keep that a member did something (``kind`` of rules.missions.DEEDS); its id. A reference counts once per kind.

    Members cannot tell it of themselves. Raises DeedUnusable, DeedOfAnother, MemberNotFound, NotAllowed.
    """
    merchant = organization.merchant_ref(merchant_id) if merchant_id is not None else None
    mall_id = merchant.mall_id if merchant else mall_id
    if actor.kind == "member":
        raise NotAllowed
    member = members.membership(member_id)
    require_touch(actor, "engagement.take_part", mall=mall_id or member.mall_id)
    reference = reference.strip()
    in_time = now - TOLD_WITHIN <= happened_at <= now + AHEAD
    if kind not in DEEDS or not 0 < len(reference) <= 80 or not in_time or (merchant_id and not merchant):
        raise DeedUnusable
    row = Deed(
        member_id=member_id,
        kind=kind,
        reference=reference,
        mall_id=mall_id,
        merchant_id=merchant_id,
        happened_at=happened_at,
        recorded_at=now,
        recorded_by=actor.audit_id,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        known = Deed.objects.get(kind=kind, reference=reference)
        if known.member_id not in members.family_of(member_id):
            raise DeedOfAnother from None
        return known.pk
    fact = DeedRecorded(member_id, member.person_id, kind, reference, mall_id, merchant_id, happened_at)
    events.publish(fact, actor=actor, now=now)
    return row.pk


@transaction.atomic
def withdraw_deed(*, actor: Viewer, kind: str, reference: str, reason: str, now: dt.datetime) -> None:
    """What was told is not so (a review was taken down); it counts no more. Twice is once. Raises DeedNotFound, NotAllowed."""
    row = Deed.objects.select_for_update(of=("self",)).filter(kind=kind, reference=reference).first()
    if row is None:
        raise DeedNotFound
    member = members.membership(row.member_id)
    require_touch(actor, "engagement.edit", mall=row.mall_id or member.mall_id)
    if row.withdrawn_at is not None:
        return
    row.withdrawn_at = now
    row.save(update_fields=["withdrawn_at"])
    audit.record(
        actor=actor,
        action="deed.withdraw",
        subject=("member", row.member_id),
        after={"kind": kind, "reference": reference},
        reason=reason[:200],
        now=now,
    )
    fact = DeedWithdrawn(row.member_id, member.person_id, kind, reference)
    events.publish(fact, actor=actor, now=now)
