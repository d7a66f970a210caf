"""A tier for points: lent for a time, and given back while nothing was had of it."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Conflict
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.rewards.models import ExchangeOrder, Reward
from zhike.rewards.operations._words import GIVER
from zhike.rewards.queries.bought import may_go_back
from zhike.rewards.rules.exchange import TIER_CANCEL_DAYS

SOURCE = "exchange"


class TierWasUsed(Conflict):
    code = "exchanged-tier-used"
    title = _(
        "An exchanged tier is given back within %(days)s days only, and while nothing was bought, spent or used with it."
    )


def lend_tier(reward: Reward, order: ExchangeOrder, now: dt.datetime) -> None:
    """The order's tier, from now. Raises TierHeldAlready to whoever stands as high for as long without it."""
    assert reward.tier_id is not None
    until = members.held_tiers(order.member_id, now).last_day(reward.tier_length, reward.tier_unit)
    order.tier_grant_id = loyalty.grant_tier(
        actor=GIVER,
        member_id=order.member_id,
        tier_id=reward.tier_id,
        until=until,
        reason=reward.name,
        source=SOURCE,
        reference=f"exchange:{order.pk}",
        must_gain=True,
        now=now,
    )
    order.save(update_fields=["tier_grant"])


def end_tier(order: ExchangeOrder, reason: str, now: dt.datetime) -> None:
    """Take the order's tier back: what was earned, or another lent one, counts from now on. The caller gives the points
    back. Raises TierWasUsed.
    """
    assert order.tier_grant is not None
    if order.tier_grant.ends_at <= now:
        raise TierWasUsed(days=TIER_CANCEL_DAYS)
    loyalty.revoke_tier_grant(actor=GIVER, grant_id=order.tier_grant.pk, reason=reason or SOURCE, now=now)
    if not may_go_back(order, now):
        raise TierWasUsed(days=TIER_CANCEL_DAYS)
