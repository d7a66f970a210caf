"""What the made mall keeps of a yuan, by line of business; of one of them nobody said it, and the board says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from zhike.kernel.access import Viewer
from zhike.marketing import operations

RATES_BP = {
    "food": 1_200,
    "fashion": 2_200,
    "beauty_all": 1_900,
    "family": 1_600,
    "digital_all": 700,
    "daily": 800,
}


def seed_margins(actor: Viewer, group_id: int, trades: Mapping[str, int], now: dt.datetime) -> None:
    """As of the day the mall opened; done again, the same."""
    for code, margin_bp in RATES_BP.items():
        operations.set_margin_rate(
            actor=actor,
            group_id=group_id,
            category_id=trades[code],
            margin_bp=margin_bp,
            valid_from=now.date(),
            now=now,
        )
