"""What happens to coupons by itself: they end, and they come back when the goods do."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction

from zhike.kernel import events
from zhike.kernel.access import Viewer
from zhike.loyalty.queries import person_ids_of
from zhike.offers.events import CouponReturned
from zhike.offers.models import Coupon, CouponUse
from zhike.offers.operations._words import call
from zhike.offers.queries.known import known_batch
from zhike.sales import queries as sales

EXPIRE_AT_ONCE = 20_000


def expire_coupons(*, actor: Viewer, now: dt.datetime, most: int = EXPIRE_AT_ONCE) -> int:
    """End every coupon whose time is over, so many in one statement and transaction; how many in all.

    Killed in between it goes on the next time. A coupon past its end is refused at the till whether it was swept or not.
    """
    total = 0
    while True:
        done = int(call("SELECT offers_expire(%s, %s)", [now, most]))
        total += done
        if done < most:
            return total


@transaction.atomic
def settle_return(*, actor: Viewer, return_id: UUID, now: dt.datetime) -> int:
    """Goods came back: when nothing is left of what the coupons were used for, each follows its own policy.

    ``give_back``: usable again, until its old end or for the days of grace; ``keep``: it stays used. A receipt of which a
    part stays bought changes nothing. Done again, it finds nothing to do. How many coupons came back.
    """
    back = sales.recorded(return_id)
    if back.original_id is None:
        return 0
    sale = sales.recorded(back.original_id)
    uses = list(
        CouponUse.objects.select_for_update(of=("self",))
        .filter(
            merchant_id=sale.merchant_id,
            business_date=sale.business_date,
            number=sale.number,
            state=CouponUse.State.USED,
        )
        .order_by("id")
    )
    uses = [use for use in uses if use.till in ("", sale.till)]
    if not uses:
        return 0
    kept = {line.line_no: line.quantity - line.returned_quantity for line in sales.lines_of(sale.pk)}
    return sum(_settle(actor, use, kept, return_id, now) for use in uses)


def _settle(actor: Viewer, use: CouponUse, kept: dict[int, Any], return_id: UUID, now: dt.datetime) -> int:
    covered = [no for no, _fen in use.lines if no in kept] or list(kept)
    if any(kept[no] > 0 for no in covered):
        return 0
    coupon = Coupon.objects.select_for_update(of=("self",)).get(id=use.coupon_id)
    terms = known_batch(coupon.batch_id).terms
    use.ended_at, use.return_id = now, return_id
    if terms.on_return == "keep":
        use.state = CouponUse.State.KEPT
        use.save(update_fields=["state", "ended_at", "return_id"])
        return 0
    use.state = CouponUse.State.RETURNED
    use.save(update_fields=["state", "ended_at", "return_id"])
    coupon.status, coupon.use_id, coupon.ended_at = Coupon.Status.ISSUED, None, None
    if terms.grace_days:
        coupon.valid_until = max(coupon.valid_until, now + dt.timedelta(days=terms.grace_days))
    coupon.save(update_fields=["status", "use", "ended_at", "valid_until"])
    persons = person_ids_of([coupon.member_id]) if coupon.member_id else {}
    person_id = persons.get(coupon.member_id or 0)
    fact = CouponReturned(coupon.pk, coupon.batch_id, person_id, str(return_id), coupon.valid_until)
    events.publish(fact, actor=actor, now=now)
    return 1
