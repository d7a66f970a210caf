"""How much of a benefit a member of a tier may use in a period, and why not now. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

QUANTITY_MAX = 100


def quota_of(quotas: Mapping[str, int], tier_id: int) -> int | None:
    """How many in a period; 0: it is there and nothing is counted; None: the tier does not have it. JSON keys are text."""
    found = quotas.get(str(tier_id))
    return None if found is None else int(found)


def refusal(
    quota: int | None,
    used: int,
    quantity: int,
    *,
    birth_month: bool,
    birthday: dt.date | None,
    today: dt.date,
) -> str | None:
    """One of tier, birthday-unknown, not-birth-month, uncounted, quota; None: it may be used."""
    if quota is None:
        return "tier"
    if quota == 0:
        return "uncounted"
    if birth_month and birthday is None:
        return "birthday-unknown"
    if birth_month and birthday is not None and birthday.month != today.month:
        return "not-birth-month"
    return "quota" if used + quantity > quota else None
