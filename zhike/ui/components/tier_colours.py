"""The colours a tier may have, as they are painted. The names are those of `loyalty.operations.COLOURS`."""

from __future__ import annotations

TIER_COLOURS = {
    "slate": "#64748b",
    "silver": "#a3adb8",
    "gold": "#d4a72c",
    "platinum": "#7c93a8",
    "diamond": "#57b7d9",
    "rose": "#e0567a",
    "emerald": "#1f9d6b",
    "sky": "#3b8fe0",
    "violet": "#8b62d6",
    "amber": "#e08a1e",
}
