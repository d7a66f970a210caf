"""Dates out of addresses."""

from __future__ import annotations

import datetime as dt


def date_of(text: str | None) -> dt.date | None:
    """An ISO date, or None for anything else: an address may hold any text."""
    try:
        return dt.date.fromisoformat(text or "")
    except ValueError:
        return None
