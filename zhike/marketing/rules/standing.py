"""How somebody stood when a campaign or journey met them, from when they had last bought. Pure."""

from __future__ import annotations

import datetime as dt

NEW, ACTIVE, DORMANT = "new", "active", "dormant"
STANDINGS = (NEW, ACTIVE, DORMANT)
DORMANT_AFTER = dt.timedelta(days=90)
"""Whoever has not bought for longer sleeps; whoever buys then was woken up."""


def standing_of(last_bought: dt.datetime | None, at: dt.datetime) -> str:
    """New: never bought before ``at``; active: in the 90 days before; dormant: longer ago."""
    if last_bought is None:
        return NEW
    return DORMANT if at - last_bought > DORMANT_AFTER else ACTIVE
