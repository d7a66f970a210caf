"""Names that never change once given, kept in memory: the hot path says them with every answer."""

from __future__ import annotations

from functools import lru_cache

from zhike.loyalty.models import EarningRuleVersion, Tier


@lru_cache(maxsize=10_000)
def tier_code(tier_id: int) -> str:
    """Raises Tier.DoesNotExist."""
    return Tier.objects.values_list("code", flat=True).get(id=tier_id)


@lru_cache(maxsize=10_000)
def rule_label(version_id: int) -> tuple[str, int] | None:
    """Name and number of a published rule version, which is never edited; None for an unknown one."""
    return EarningRuleVersion.objects.filter(id=version_id).values_list("rule__name", "version").first()
