"""A human being leaves for good: what they could still have used is void."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require
from zhike.loyalty.queries import person_id_of
from zhike.offers.events import CouponVoided
from zhike.offers.models import Coupon

PERMISSION = "rights.handle"


@transaction.atomic
def void_coupons_left(*, actor: Viewer, member_ids: Sequence[int], reason: str, now: dt.datetime) -> int:
    """Take every coupon out that these memberships could still use; how many. Again: none. Raises NotAllowed."""
    require(actor, PERMISSION)
    rows = Coupon.objects.select_for_update(of=("self",)).filter(
        member_id__in=member_ids, status=Coupon.Status.ISSUED
    )
    found = list(rows.order_by("id"))
    Coupon.objects.filter(pk__in=[one.pk for one in found]).update(
        status=Coupon.Status.VOID, ended_at=now, end_reason=reason[:200]
    )
    facts = [
        CouponVoided(one.pk, one.batch_id, person_id_of(one.member_id), reason[:200])
        for one in found
        if one.member_id is not None
    ]
    if facts:
        after = {"coupons": len(found)}
        audit.record(
            actor=actor, action="coupon.void_left", subject=("member", found[0].member_id), after=after, reason=reason,
            now=now,
        )  # fmt: skip
        events.publish_many(facts, actor=actor, now=now)
    return len(found)
