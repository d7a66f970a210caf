"""Clusters in words: what they are called, what sets them apart, how they were chosen."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.insight import queries
from zhike.ui.components.churn import figure_text
from zhike.ui.components.standing import HOURS

NAMES = {
    "family": pgettext_lazy("cluster", "Families"),
    "sports": pgettext_lazy("cluster", "Sporty"),
    "digital": pgettext_lazy("cluster", "Fond of gadgets"),
    "beauty": pgettext_lazy("cluster", "Beauty lovers"),
    "fashion": pgettext_lazy("cluster", "Followers of fashion"),
    "leisure": pgettext_lazy("cluster", "Leisure seekers"),
    "foodie": pgettext_lazy("cluster", "Food lovers"),
    "daily": pgettext_lazy("cluster", "Daily shoppers"),
    "discount": pgettext_lazy("cluster", "Discount hunters"),
    "points": pgettext_lazy("cluster", "Points spenders"),
    "coupons": pgettext_lazy("cluster", "Coupon users"),
    "spender": pgettext_lazy("cluster", "Big spenders"),
    "regular": pgettext_lazy("cluster", "Regulars"),
    "explorer": pgettext_lazy("cluster", "Explorers of many shops"),
    "weekend": pgettext_lazy("cluster", "Weekend visitors"),
    "lunch": pgettext_lazy("cluster", "Lunch-hour visitors"),
    "evening": pgettext_lazy("cluster", "Evening visitors"),
    "fading": pgettext_lazy("cluster", "Fading away"),
    "workday": pgettext_lazy("cluster", "Weekday visitors"),
    "rare": pgettext_lazy("cluster", "Rare visitors"),
    "modest": pgettext_lazy("cluster", "Small purchases"),
    "usual": pgettext_lazy("cluster", "The usual customers"),
}
FIGURES = {
    "recency_days": gettext_lazy("Days since the last purchase"),
    "days_year": gettext_lazy("Days with purchases in a year"),
    "spend_year": gettext_lazy("Spend in a year"),
    "average": gettext_lazy("Average receipt"),
    "discount_share": gettext_lazy("Share taken off by discounts"),
    "points_spent": gettext_lazy("Points used or lapsed in a year"),
    "coupons_used": gettext_lazy("Coupons used in a year"),
    "shops": gettext_lazy("Shops bought at"),
    "weekend_share": gettext_lazy("Share of purchases at weekends"),
    "noon_share": gettext_lazy("Share of purchases from 11:00 to 14:00"),
    "evening_share": gettext_lazy("Share of purchases after 18:00"),
    "family_share": gettext_lazy("Share of purchases: children and family"),
    "fashion_share": gettext_lazy("Share of purchases: fashion"),
    "beauty_share": gettext_lazy("Share of purchases: beauty"),
    "dining_share": gettext_lazy("Share of purchases: food and drink"),
    "daily_share": gettext_lazy("Share of purchases: daily needs and home"),
    "leisure_share": gettext_lazy("Share of purchases: leisure and books"),
    "sports_share": gettext_lazy("Share of purchases: sports"),
    "digital_share": gettext_lazy("Share of purchases: electronics"),
}
METHODS = {
    "kmeans": gettext_lazy("K-means"),
    "ward": gettext_lazy("Hierarchical (Ward)"),
    "auto": gettext_lazy("The better of both"),
}
REASONS = {
    "best": gettext_lazy(
        "Of the clusterings that are stable (0.6 and more) and have no cluster too small (2 per cent), the highest silhouette; "
        "within 0.01 of it the fewest clusters."
    ),
    "unstable": gettext_lazy(
        "No clustering is stable enough: halves of the members give different ones. The highest silhouette is shown; read it with care."
    ),
    "asked": gettext_lazy("Somebody asked for this number of clusters."),
}
KNOWN_BY_EFFECT = 1.0


def name_of(one: queries.ClusterView | queries.ClusterRef) -> str:
    """What staff call it, else what its figures propose: “Families · Weekend visitors”."""
    return one.name or proposal(one)


def proposal(one: queries.ClusterView | queries.ClusterRef) -> str:
    return " · ".join(str(NAMES[code]) for code in one.proposed)


def strength(silhouette: float) -> str:
    """Kaufman and Rousseeuw's reading of a silhouette (1990)."""
    if silhouette > 0.5:
        return _("The clusters are clearly apart.")
    if silhouette > 0.25:
        return _("The clusters are apart, with members in between.")
    return _("The clusters run into each other: useful for a first look, not sharp.")


def figure_row(code: str, means: dict[str, float], usual: dict[str, float], effect: float) -> dict[str, Any]:
    """One figure beside the average of all."""
    kind = queries.CLUSTER_KINDS[code]
    kind = "decimal" if kind == "times" else kind
    return {
        "code": code,
        "name": FIGURES[code],
        "value": figure_text(code, kind, means[code]),
        "usual": figure_text(code, kind, usual[code]),
        "effect": effect,
        "is_up": effect > 0,
        "is_strong": abs(effect) >= KNOWN_BY_EFFECT,
    }


def parts(one: queries.ClusterView, usual: dict[str, float]) -> dict[str, Any]:
    """A cluster as pages show it."""
    hours = sorted(one.hours, key=lambda line: -line[1] / max(line[2], 0.01))[:1]
    return {
        "cluster": one,
        "name": name_of(one),
        "proposal": proposal(one),
        "apart": [figure_row(code, one.means, usual, one.effects[code]) for code in one.apart],
        "rows": [figure_row(code, one.means, usual, one.effects[code]) for code in FIGURES],
        "categories": [{"name": name, "share": share, "usual": of} for name, share, of in one.categories],
        "hours": [{"name": HOURS[int(band)], "share": share, "usual": of} for band, share, of in one.hours],
        "best_hours": HOURS[int(hours[0][0])] if hours else "",
    }
