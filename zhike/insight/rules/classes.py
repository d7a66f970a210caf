"""Three classifications of every member: how they buy, what they prefer, what they are worth; and four classes made of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from zhike.insight.rules.clusters import INTERESTS
from zhike.insight.rules.standing import DAYS_MAX, BadPolicy

CLASSES: Mapping[str, tuple[str, ...]] = {
    "behaviour": ("frequent", "regular", "occasional", "discount", "none"),
    "preference": (*INTERESTS, "mixed", "none"),
    "value": ("high", "middle", "low", "none"),
}
"""消费行为, 偏好, 价值贡献. none: no purchase in the window."""
FEN_MAX = 10**11


@dataclass(frozen=True, slots=True)
class ClassPolicy:
    """Purchases of the last ``window_days`` count.

    Behaviour: ``discount_percent`` and more taken off by discounts, whatever else; else by days with purchases. Preference: one kind
    of trade with ``main_percent`` of the purchases and more, else mixed. Value: net fen.
    """

    window_days: int = 365
    discount_percent: int = 20
    frequent_from: int = 12
    regular_from: int = 4
    main_percent: int = 50
    high_fen: int = 500_000
    middle_fen: int = 100_000

    def checked(self) -> ClassPolicy:
        """Raises BadPolicy."""
        if not 1 <= self.window_days <= DAYS_MAX:
            raise BadPolicy("window_days", "days")
        for name in ("discount_percent", "main_percent"):
            if not 1 <= getattr(self, name) <= 100:
                raise BadPolicy(name, "percent")
        if not 2 <= self.regular_from < self.frequent_from <= DAYS_MAX:
            raise BadPolicy("frequent_from", "rising")
        if not 1 <= self.middle_fen < self.high_fen <= FEN_MAX:
            raise BadPolicy("high_fen", "rising")
        return self


NAMES = tuple(one.name for one in fields(ClassPolicy))


def classes_from(stored: Mapping[str, Any]) -> ClassPolicy:
    return ClassPolicy(**{name: int(stored[name]) for name in NAMES})


def columns_of(policies: Mapping[int, ClassPolicy]) -> list[list[int]]:
    """The settings of several malls, setting by setting."""
    return [[asdict(policy)[name] for policy in policies.values()] for name in NAMES]


def _is(field: str, *values: str) -> dict[str, Any]:
    return {"field": field, "op": "is", "value": list(values)}


_GONE = _is("lifecycle", "churned")
_HIGH = _is("value_class", "high")
_GROWING = [
    _is("lifecycle", "new", "active"),
    {"match": "any", "of": [_is("value_class", "middle"), _is("behaviour_class", "frequent", "regular")]},
]
PRESETS: Mapping[str, dict[str, Any]] = {
    "valuable": {"match": "all", "of": [_HIGH, {"match": "none", "of": [_GONE]}]},
    "potential": {"match": "all", "of": [{"match": "none", "of": [_HIGH]}, *_GROWING]},
    "usual": {
        "match": "all",
        "of": [
            _is("value_class", "middle", "low"),
            {"match": "none", "of": [_GONE, {"match": "all", "of": _GROWING}]},
        ],
    },
    "lost": {"match": "all", "of": [_GONE]},
}
"""高价值, 潜力, 一般, 流失: everybody who ever bought is in exactly one, where churned begins within the window."""
