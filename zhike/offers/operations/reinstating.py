"""A coupon that was made void counts again: whoever voided it was wrong."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, may_touch
from zhike.kernel.errors import Conflict, NotAllowed
from zhike.loyalty.queries import person_id_of
from zhike.offers.events import CouponReinstated
from zhike.offers.models import Coupon
from zhike.offers.operations._words import CouponNotFound
from zhike.offers.operations.issuing import ReasonMissing
from zhike.offers.queries.known import known_batch


class NotReinstatable(Conflict):
    code = "coupon-not-reinstatable"
    title = _("Only a coupon that was made void counts again.")


@transaction.atomic
def reinstate_coupon(*, actor: Viewer, coupon_id: int, reason: str, now: dt.datetime) -> None:
    """Let a voided coupon count again, until the day it always had; it may have expired meanwhile.

    One that counts already is left alone. Raises CouponNotFound, NotReinstatable, ReasonMissing, NotAllowed.
    """
    reason = reason.strip()
    if not reason:
        raise ReasonMissing
    coupon = Coupon.objects.select_for_update(of=("self",)).filter(id=coupon_id).first()
    if coupon is None:
        raise CouponNotFound
    if not may_touch(actor, "coupons.issue", mall=known_batch(coupon.batch_id).mall_id):
        raise NotAllowed
    if coupon.status == Coupon.Status.ISSUED:
        return
    if coupon.status != Coupon.Status.VOID:
        raise NotReinstatable
    coupon.status, coupon.ended_at, coupon.end_reason = Coupon.Status.ISSUED, None, ""
    coupon.save(update_fields=["status", "ended_at", "end_reason"])
    audit.record(
        actor=actor, action="coupon.reinstate", subject=("coupon", coupon_id), before={"status": "void"},
        after={"status": "issued"}, reason=reason, now=now,
    )  # fmt: skip
    person_id = person_id_of(coupon.member_id) if coupon.member_id is not None else None
    events.publish(CouponReinstated(coupon.pk, coupon.batch_id, person_id), actor=actor, now=now)
