"""What operations and queries of rewards both need to know of a row."""

from __future__ import annotations

import datetime as dt

from zhike.kernel import crypto
from zhike.kernel.clock import business_date
from zhike.organization import queries as organization
from zhike.rewards.models import Reward
from zhike.rewards.rules.exchange import Early, Offered, is_in_season

CODE_FIELD = "rewards.code"
SEED_FIELD = "rewards.draw_seed"


def code_index(code: str) -> bytes:
    """The blind index of a partner's code, to store."""
    return crypto.blind_index(code, field=CODE_FIELD)


def zone_of(mall_id: int | None) -> str:
    """The time zone in which days are counted; of what is the whole group's, its first mall's."""
    first = mall_id or organization.first_mall_id()
    return organization.mall(first).time_zone if first else "Asia/Shanghai"


class Places:
    """Malls as one listing needs them, each read once: their date, their name."""

    def __init__(self, now: dt.datetime) -> None:
        self._now = now
        self._known: dict[int | None, tuple[dt.date, str]] = {}

    def today(self, mall_id: int | None) -> dt.date:
        return self._of(mall_id)[0]

    def name(self, mall_id: int | None) -> str:
        """Empty for what is the whole group's."""
        return self._of(mall_id)[1]

    def _of(self, mall_id: int | None) -> tuple[dt.date, str]:
        found = self._known.get(mall_id)
        if found is None:
            name = organization.mall(mall_id).name if mall_id else ""
            found = self._known[mall_id] = business_date(self._now, zone_of(mall_id)), name
        return found


def offered(reward: Reward, today: dt.date) -> Offered:
    """The reward as `rules.exchange.refusal` judges it; ``reward.category`` is loaded."""
    category = reward.category
    return Offered(
        kind=reward.kind,
        status=reward.status,
        opens_at=reward.opens_at,
        closes_at=reward.closes_at,
        is_in_season=is_in_season(category.season_from, category.season_until, today),
        tier_ids=reward.tier_ids,
        left=None if reward.stock is None else reward.stock - reward.taken,
        per_member=reward.per_member,
        starts_at=reward.starts_at,
        early=Early(reward.early_opens_at, reward.early_tier_ids, reward.early_quota - reward.early_taken)
        if reward.early_opens_at
        else None,
    )
