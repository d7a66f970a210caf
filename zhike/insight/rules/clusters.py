"""Members who are alike: what they are compared by, how many groups there are, what a group is called. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WINDOW_DAYS = 365
"""Purchases of the last year count; who has none is in no cluster."""
METHODS = ("kmeans", "ward")
K_MIN, K_MAX = 3, 9
"""Two groups say hardly more than who buys much; more than nine nobody keeps apart."""
STABLE_FROM = 0.6
SMALLEST_SHARE = 0.02
SMALLEST_MEMBERS = 10
EQUAL_WITHIN = 0.01
MEMBERS_MIN = 60
KIN_FROM = 0.3
"""A cluster follows one of the run before when they share so much of all their members (Jaccard)."""
REFIT_DAYS = 7
NAME_MAX = 40
SHOWN_FROM = 0.35
"""So many standard deviations from the average set a cluster apart."""


@dataclass(frozen=True, slots=True)
class Figure:
    """``kind`` says how it is read, ``is_skewed`` that its logarithm is compared; figures of a block weigh one together."""

    code: str
    kind: str
    block: str
    is_skewed: bool = False


INTERESTS = ("family", "fashion", "beauty", "dining", "daily", "leisure", "sports", "digital")
FIGURES = (
    Figure("recency_days", "days", "value", True),
    Figure("days_year", "times", "value", True),
    Figure("spend_year", "fen", "value", True),
    Figure("average", "fen", "value", True),
    Figure("discount_share", "share", "how"),
    Figure("points_spent", "points", "how", True),
    Figure("coupons_used", "times", "how", True),
    Figure("shops", "times", "how", True),
    Figure("weekend_share", "share", "when"),
    Figure("noon_share", "share", "when"),
    Figure("evening_share", "share", "when"),
    *(Figure(f"{one}_share", "share", "what") for one in INTERESTS),
)
CODES = tuple(one.code for one in FIGURES)
KINDS: Mapping[str, str] = {one.code: one.kind for one in FIGURES}
WEIGHTS: Mapping[str, float] = {
    one.code: 1 / sum(other.block == one.block for other in FIGURES) ** 0.5 for one in FIGURES
}

_WORDS: Mapping[str, tuple[str, ...]] = {
    "family": ("kids", "child", "baby", "toy", "儿童", "亲子", "母婴", "玩具", "童装", "教育"),
    "beauty": ("beauty", "cosmetic", "美妆", "化妆", "护肤", "美容", "美发"),
    "sports": ("sport", "outdoor", "fitness", "运动", "户外", "健身"),
    "digital": ("digital", "electronic", "phone", "数码", "电器", "手机", "家电"),
    "daily": ("supermarket", "grocer", "home", "service", "超市", "便利", "家居", "生活", "药"),
    "leisure": ("cinema", "leisure", "book", "game", "影院", "电影", "休闲", "娱乐", "书", "文创", "游乐", "ktv"),
    "dining": ("dining", "food", "snack", "tea", "coffee", "restaurant", "餐", "食", "茶", "饮", "咖啡", "小吃", "烘焙"),
    "fashion": (
        "fashion", "women", "men", "shoe", "bag", "lingerie", "jewel", "apparel", "cloth", "watch", "服", "装", "鞋", "包", "内衣",
        "珠宝", "表", "饰",
    ),
}  # fmt: skip


def interest_of(names: Sequence[str]) -> str:
    """One of INTERESTS, by words in the names and codes of a trade category and of those above it, its own first; or ""."""
    for name in names:
        text = name.casefold()
        for interest, words in _WORDS.items():
            if any(word in text for word in words):
                return interest
    return ""


# --- how many ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidate:
    """``silhouette``: how much nearer members are to their own than to the next cluster (-1 to 1). ``stability``: how alike the
    clusters of two halves of the members are (adjusted Rand index). ``smallest``: the share of the smallest cluster."""

    method: str
    k: int
    silhouette: float
    stability: float
    smallest: float


def chosen(
    candidates: Sequence[Candidate], members: int, method: str = "auto", k: int = 0
) -> tuple[Candidate, str]:
    """The candidate that is used, and why: best, unstable (none passed), asked (by who ordered the run).

    Of the clusterings that are stable and have no cluster too small, the highest silhouette; within 0.01 of it the fewest
    clusters, and K-means before Ward.
    """
    allowed = [one for one in candidates if method in ("auto", one.method) and k in (0, one.k)] or list(
        candidates
    )
    floor = max(SMALLEST_SHARE, SMALLEST_MEMBERS / members)
    passed = [one for one in allowed if one.stability >= STABLE_FROM and one.smallest >= floor]
    best = max(one.silhouette for one in passed or allowed)
    near = [one for one in passed or allowed if one.silhouette >= best - EQUAL_WITHIN]
    found = min(near, key=lambda one: (one.k, METHODS.index(one.method)))
    return found, "asked" if k else "best" if passed else "unstable"


# --- what a cluster is called --------------------------------------------------------------------------------------

_NAMES: tuple[tuple[str, str, int, float], ...] = (
    ("family", "family_share", 1, 0.5),
    ("sports", "sports_share", 1, 0.6),
    ("digital", "digital_share", 1, 0.6),
    ("beauty", "beauty_share", 1, 0.6),
    ("fashion", "fashion_share", 1, 0.5),
    ("leisure", "leisure_share", 1, 0.6),
    ("foodie", "dining_share", 1, 0.5),
    ("daily", "daily_share", 1, 0.5),
    ("discount", "discount_share", 1, 0.5),
    ("points", "points_spent", 1, 0.6),
    ("coupons", "coupons_used", 1, 0.6),
    ("spender", "spend_year", 1, 0.7),
    ("regular", "days_year", 1, 0.7),
    ("explorer", "shops", 1, 0.7),
    ("weekend", "weekend_share", 1, 0.6),
    ("lunch", "noon_share", 1, 0.6),
    ("evening", "evening_share", 1, 0.6),
    ("fading", "recency_days", 1, 0.7),
    ("workday", "weekend_share", -1, 0.6),
    ("rare", "days_year", -1, 0.5),
    ("modest", "average", -1, 0.5),
)
USUAL = "usual"
NAME_CODES = (*(one[0] for one in _NAMES), USUAL)


def proposed(effects: Sequence[Mapping[str, float]]) -> list[tuple[str, ...]]:
    """For each cluster one or two of NAME_CODES, from how many standard deviations its figures lie from the average.

    Of the rules that hold, those whose figure lies farthest past what the rule asks; no two clusters are called the same where a
    second word tells them apart.
    """
    fits = [
        [
            code
            for _past, _at, code in sorted(
                (-(sign * one.get(figure, 0.0) / least), at, code)
                for at, (code, figure, sign, least) in enumerate(_NAMES)
                if sign * one.get(figure, 0.0) >= least
            )
        ]
        or [USUAL]
        for one in effects
    ]
    names: list[tuple[str, ...]] = []
    for at, codes in enumerate(fits):
        alone = sum(other[0] == codes[0] for other in fits) == 1
        options = [(codes[0],)] if alone else [(codes[0], second) for second in codes[1:]] + [(codes[0],)]
        names.append(next((one for one in options if one not in names[:at]), options[0]))
    return names


def apart(effects: Mapping[str, float], most: int = 4) -> list[str]:
    """The figures that set a cluster apart, the farthest first."""
    order = sorted(CODES, key=lambda code: (-abs(effects.get(code, 0.0)), CODES.index(code)))
    return [code for code in order[:most] if abs(effects.get(code, 0.0)) >= SHOWN_FROM]


def stored_candidates(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    """As a run's card keeps them."""
    return [
        {
            "method": one.method, "k": one.k, "silhouette": one.silhouette, "stability": one.stability,
            "smallest": one.smallest,
        }
        for one in candidates
    ]  # fmt: skip
