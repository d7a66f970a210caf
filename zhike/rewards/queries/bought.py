"""Tiers that were bought with points: until when, and whether anything was had of one."""

from __future__ import annotations

import datetime as dt

from zhike.kernel.clock import business_date
from zhike.loyalty import queries as members
from zhike.offers import queries as offers
from zhike.rewards.models import BenefitUse, ExchangeOrder
from zhike.rewards.queries.known import zone_of
from zhike.rewards.rules.exchange import may_return_tier


def last_day_of(order: ExchangeOrder) -> dt.date | None:
    """The last day of an order's tier, where the member's mall is; None for what is no tier."""
    if order.tier_grant is None:
        return None
    return business_date(order.tier_grant.ends_at - dt.timedelta(seconds=1), zone_of(order.mall_id))


def may_go_back(order: ExchangeOrder, now: dt.datetime) -> bool:
    """Whether a bought tier may be given back: it runs, was bought lately, and nothing was had of it.

    Had is: a purchase, points given or spent, a benefit or a coupon used, by whoever they are today.
    """
    if order.tier_grant is None:
        return False
    return may_return_tier(order.ordered_at, order.tier_grant.ends_at, now, used=_used(order))


def _used(order: ExchangeOrder) -> bool:
    since, family = order.ordered_at, members.family_of(order.member_id)
    benefits = BenefitUse.objects.filter(member_id__in=family, used_at__gte=since, cancelled_at=None)
    return (
        members.used_tier_since(order.member_id, since, order.redemption_id)
        or benefits.exists()
        or offers.used_coupons_since(family, since)
    )
