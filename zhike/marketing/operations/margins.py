"""Setting what is left of a yuan of sales."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid, NotFound
from zhike.marketing.events import MarginRateSet
from zhike.marketing.models import MarginRate
from zhike.marketing.queries.found import APPROVE
from zhike.organization import queries as organization

YEARS = (2000, 2100)


class MarginUnusable(Invalid):
    code = "margin-unusable"
    title = _("A margin belongs to one merchant or one line of business, and lies between 0 and 100%.")


@transaction.atomic
def set_margin_rate(
    *,
    actor: Viewer,
    group_id: int,
    merchant_id: int | None = None,
    category_id: int | None = None,
    margin_bp: int | None,
    valid_from: dt.date,
    now: dt.datetime,
) -> int:
    """Say what is left of a yuan of sales (basis points) from a day on; None: from then on it has no rate of its own. Its id.

    Said again for the same day it takes the place of the old one. A merchant's is set by whoever approves campaigns at its mall, a
    line of business's by whoever does so for the whole group. Figures follow with the next measure. Raises MarginUnusable,
    NotFound, NotAllowed.
    """
    if (merchant_id is None) == (category_id is None) or not YEARS[0] <= valid_from.year <= YEARS[1]:
        raise MarginUnusable
    if margin_bp is not None and not 0 <= margin_bp <= 10_000:
        raise MarginUnusable
    mall_id = None
    if merchant_id is not None:
        merchant = organization.merchant_ref(merchant_id)
        if merchant is None or merchant.group_id != group_id:
            raise NotFound
        mall_id = merchant.mall_id
    elif category_id not in {one.id for one in organization.trade_categories(group_id)}:
        raise NotFound
    require_touch(actor, APPROVE, mall=mall_id, merchant=merchant_id)
    subject: dict[str, Any] = {"group_id": group_id, "merchant_id": merchant_id, "category_id": category_id}
    before = MarginRate.objects.select_for_update(of=("self",)).filter(**subject, valid_from=valid_from)
    known = before.first()
    row, _made = MarginRate.objects.update_or_create(
        **subject,
        valid_from=valid_from,
        defaults={"margin_bp": margin_bp, "set_at": now, "set_by": actor.audit_id},
    )
    told = {"merchant": merchant_id, "category": category_id, "valid_from": valid_from.isoformat()}
    audit.record(
        actor=actor,
        action="margin_rate.set",
        subject=("margin_rate", row.pk),
        before={"margin_bp": known.margin_bp} if known else None,
        after={**told, "margin_bp": margin_bp},
        now=now,
    )
    fact = MarginRateSet(group_id, merchant_id or 0, category_id or 0, margin_bp, valid_from.isoformat())
    events.publish(fact, actor=actor, now=now)
    return row.pk
