"""What campaigns have cost so far."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db.models import Count, Sum

from zhike.loyalty import queries as loyalty
from zhike.marketing.models import CampaignArm, CampaignRecipient
from zhike.marketing.queries.found import code_of
from zhike.marketing.rules.campaigns import Spent
from zhike.offers import queries as coupons


def points_fen(points: int, now: dt.datetime) -> int:
    """What points cost the mall, in fen; 0 before there is a programme."""
    program_id = loyalty.default_program_id()
    return loyalty.value_of_points(program_id, points, now.date()) if points and program_id else 0


def spent_by(campaign_id: int, arms: Sequence[CampaignArm], now: dt.datetime) -> Spent:
    """What a campaign has committed: messages and points given, coupons as far as they are used."""
    sums = (
        CampaignRecipient.objects.filter(campaign_id=campaign_id, state="given")
        .values_list("arm")
        .annotate(cost=Sum("cost"), people=Count("person_id"))
    )
    points = {arm.key: points_fen(arm.points, now) for arm in arms}
    messages = points_cost = 0
    for arm, cost, people in sums.order_by():
        messages += cost
        points_cost += people * points.get(arm, 0)
    batches = [arm.batch_id for arm in arms if arm.batch_id is not None]
    used = coupons.uses_by_reference(batches, code_of(campaign_id)) if batches else coupons.UsesByReference()
    return Spent(messages, points_cost, used.funding)
