"""Names that go with every answer of the hot path, kept in memory."""

from __future__ import annotations

import time
from functools import lru_cache

from zhike.loyalty.models import EarningRuleVersion, Tier

NAMES_KEPT_S = 10


@lru_cache(maxsize=10_000)
def tier_code(tier_id: int) -> str:
    """A tier's code, which never changes. Raises Tier.DoesNotExist."""
    return Tier.objects.values_list("code", flat=True).get(id=tier_id)


def tier_name(tier_id: int) -> str | None:
    """A tier's name as it was at most ten seconds ago; None for an unknown one."""
    return _tier_name(tier_id, int(time.monotonic()) // NAMES_KEPT_S)


@lru_cache(maxsize=10_000)
def _tier_name(tier_id: int, moment: int) -> str | None:
    del moment
    return Tier.objects.filter(id=tier_id).values_list("name", flat=True).first()


@lru_cache(maxsize=10_000)
def rule_label(version_id: int) -> tuple[str, int] | None:
    """Name and number of a published rule version, which is never edited; None for an unknown one."""
    return EarningRuleVersion.objects.filter(id=version_id).values_list("rule__name", "version").first()
