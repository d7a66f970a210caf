"""What a condition may be about. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zhike.insight.rules.classes import CLASSES
from zhike.insight.rules.standing import GROUPS, STAGES

RECEIPT_WHERE = ("malls", "merchants", "trade_categories", "weekdays", "minimum_fen")
EVENT_WHERE = ("names", "properties")

OPS: Mapping[str, tuple[str, ...]] = {
    "number": ("at_least", "at_most", "between"),
    "money": ("at_least", "at_most", "between"),
    "choice": ("is", "is_not"),
    "days_ago": ("within", "longer_ago"),
}
"""What can be asked of each kind of value."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that can be asked. ``choices`` names where the values of a choice come from.

    A windowed one counts within a window of time, and ``where`` narrows what it counts. ``is_profiling``: it says what
    somebody is like, so members who refused personalisation never match it.
    """

    code: str
    family: str
    kind: str
    choices: str = ""
    is_windowed: bool = False
    where: tuple[str, ...] = ()
    is_profiling: bool = False
    largest: int = 1_000_000


CONSENTS = tuple(
    f"{purpose}.{channel}"
    for purpose, channels in {
        "membership": ("any",),
        "marketing": ("any", "sms", "email", "wechat", "phone", "push"),
        "personalisation": ("any",),
        "sharing": ("any",),
    }.items()
    for channel in channels
)
MONTHS = ("this", "next", *map(str, range(1, 13)))
STATIC: Mapping[str, tuple[str, ...]] = {
    "sexes": ("female", "male", "unknown"),
    "months": MONTHS,
    "consents": CONSENTS,
    "identifiers": ("phone", "email", "openid", "unionid", "plate"),
    "stages": STAGES,
    "rfm_groups": GROUPS,
    **{f"{kind}_classes": codes for kind, codes in CLASSES.items()},
}
"""Choices that are the same everywhere; those of others are ids."""

_FIELDS = (
    Field("sex", "person", "choice", "sexes"),
    Field("age", "person", "number", largest=130),
    Field("birthday_month", "person", "choice", "months"),
    Field("identifier", "person", "choice", "identifiers"),
    Field("tier", "membership", "choice", "tiers"),
    Field("mall", "membership", "choice", "malls"),
    Field("merchant", "membership", "choice", "merchants"),
    Field("enrolled", "membership", "days_ago", largest=36_500),
    Field("points", "membership", "number", largest=10**12),
    Field("expiring_points", "membership", "number", is_windowed=True, largest=10**12),
    Field("qualifying", "membership", "money", largest=10**14),
    Field("purchases", "receipts", "number", is_windowed=True, where=RECEIPT_WHERE),
    Field("spend", "receipts", "money", is_windowed=True, where=RECEIPT_WHERE, largest=10**14),
    Field("average", "receipts", "money", is_windowed=True, where=RECEIPT_WHERE, largest=10**14),
    Field("shops", "receipts", "number", is_windowed=True, where=RECEIPT_WHERE),
    Field("last_purchase", "receipts", "days_ago", where=RECEIPT_WHERE, largest=36_500),
    Field("first_purchase", "receipts", "days_ago", where=RECEIPT_WHERE, largest=36_500),
    Field("behaviour", "behaviour", "number", is_windowed=True, where=EVENT_WHERE, is_profiling=True),
    Field("lifecycle", "standing", "choice", "stages", is_profiling=True),
    Field("rfm", "standing", "choice", "rfm_groups", is_profiling=True),
    Field("future_value", "standing", "money", is_profiling=True, largest=10**14),
    Field("risk", "standing", "number", is_profiling=True, largest=100),
    Field("churn_risk", "standing", "number", is_profiling=True, largest=100),
    Field("behaviour_class", "standing", "choice", "behaviour_classes", is_profiling=True),
    Field("preference_class", "standing", "choice", "preference_classes", is_profiling=True),
    Field("value_class", "standing", "choice", "value_classes", is_profiling=True),
    Field("cluster", "standing", "choice", "clusters", is_profiling=True),
    Field("cluster_of_run", "standing", "choice", "clusters_of_runs", is_profiling=True),
    Field("tag", "tags", "choice", "tags", is_windowed=True, is_profiling=True),
    Field("consent", "consent", "choice", "consents"),
    Field("segment", "segments", "choice", "segments"),
)
FIELDS: Mapping[str, Field] = {field.code: field for field in _FIELDS}
FAMILIES = tuple(dict.fromkeys(field.family for field in _FIELDS))
