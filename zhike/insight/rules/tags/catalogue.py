"""What of the log a tag's rule may speak of: kinds of happenings and their properties. Pure.

A kind is named by a short code. Its events may come from contexts above this one, so types are written out; a test holds
each of them against the recorded shapes of the log.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

BEHAVIOUR = "behaviour"
_PREFIX = "zhike."
OBSERVED = "zhike.collection.behaviour_observed"
MERGED, PARTED = "zhike.customers.persons_merged", "zhike.customers.persons_parted"
STITCHED, SHARED = "zhike.collection.visitor_stitched", "zhike.collection.visitor_shared"
CONSENT = "zhike.privacy.consent_recorded"
TAKEN_OUT = "zhike.sales.receipts_taken_out"
CONTROLS = (MERGED, PARTED, STITCHED, SHARED, CONSENT, TAKEN_OUT)
"""What changes whose history it is, or whether there may be one."""
AHEAD_MAX = dt.timedelta(days=1)
"""How far the clock of a sender may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Property:
    """Something to compare. ``kind`` is number, money (fen), choice (``choices`` names whose) or text."""

    code: str
    kind: str
    choices: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """Happenings that a rule can name; ``only`` restricts the events of its types."""

    code: str
    types: tuple[str, ...]
    properties: tuple[Property, ...] = ()
    only: tuple[tuple[str, Any], ...] = ()


WHEN = (Property("weekday", "choice", "weekdays"), Property("hour", "number"))
_SHOP = (
    Property("net_fen", "money"), Property("discount_fen", "money"), Property("merchant_id", "choice", "merchants"),
    Property("trades", "choice", "trade_categories"), Property("mall_id", "choice", "malls"),
)  # fmt: skip
_SALES = (("kind", "sale"),)


def _kind(code: str, types: str | tuple[str, ...], *properties: Property, only: Any = ()) -> Kind:
    names = (types,) if isinstance(types, str) else types
    return Kind(code, tuple(_PREFIX + one for one in names), (*properties, *WHEN), only)


KINDS: Mapping[str, Kind] = {
    one.code: one
    for one in (
        _kind("purchase", ("sales.receipt_recorded", "sales.receipt_claimed"), *_SHOP, only=_SALES),
        _kind("return", ("sales.receipt_recorded", "sales.receipt_claimed"), *_SHOP, only=(("kind", "return"),)),
        _kind(
            BEHAVIOUR, "collection.behaviour_observed", Property("category", "text"), Property("brand", "text"),
            Property("query", "text"), Property("price_fen", "money"), Property("product_id", "text"),
        ),
        _kind("coupon_issued", "offers.coupon_issued", Property("source", "text"), Property("batch_id", "number")),
        _kind(
            "coupon_used", "offers.coupon_used", Property("discount_fen", "money"), Property("basket_fen", "money"),
            Property("merchant_id", "choice", "merchants"), Property("trades", "choice", "trade_categories"),
            Property("batch_id", "number"),
        ),
        _kind("coupon_expired", "offers.coupon_expired", Property("batch_id", "number")),
        _kind("points_earned", "loyalty.points_earned", Property("points", "number")),
        _kind("points_redeemed", "loyalty.points_redeemed", Property("points", "number"), Property("value_fen", "money")),
        _kind("points_expired", "loyalty.points_expired", Property("points", "number")),
        _kind("reward_exchanged", "rewards.reward_exchanged", Property("points", "number"), Property("kind", "text")),
        _kind("ticket_drawn", "rewards.ticket_drawn", Property("points", "number")),
        _kind("benefit_used", "rewards.benefit_used", Property("cost_fen", "money")),
        _kind("check_in", "engagement.checked_in", Property("streak", "number"), Property("mall_id", "choice", "malls")),
        _kind("invitation_rewarded", "engagement.invitation_rewarded", Property("side", "text")),
        _kind("enrolled", "loyalty.member_enrolled", Property("source", "text"), Property("mall_id", "choice", "malls")),
        _kind(
            "case_opened", "service.ticket_opened", Property("kind", "choice", "case_kinds"), Property("severity", "text"),
            Property("merchant_id", "choice", "merchants"),
        ),
        _kind("survey_answered", "service.survey_answered", Property("score", "number"), Property("verdict", "text")),
        _kind("message_read", "messaging.message_read", Property("channel", "text")),
        _kind("link_opened", "marketing.campaign_link_opened", Property("campaign_id", "number")),
    )
}  # fmt: skip
_BY_TYPE: dict[str, list[Kind]] = {}
for _one in KINDS.values():
    for _type in _one.types:
        _BY_TYPE.setdefault(_type, []).append(_one)
HAPPENINGS = tuple(sorted(_BY_TYPE))
SCOPED = tuple(one.code for one in KINDS.values() if one.types[0].endswith("receipt_recorded"))

Value: TypeAlias = str | int | float


@dataclass(frozen=True, slots=True)
class Happening:
    """One event as rules see it. ``subject`` is a person's id, or a visitor's below zero; ``at`` counts milliseconds.

    ``codes`` are the names it answers to. Two with the same ``key`` are the same.
    """

    subject: int
    codes: tuple[str, ...]
    at: int
    key: str
    properties: Mapping[str, Any]


def kind_of(code: str) -> Kind | None:
    """ "behaviour.product_viewed" is of the kind behaviour."""
    name, dot, rest = code.partition(".")
    return KINDS.get(name) if not dot or (name == BEHAVIOUR and rest) else None


def types_of(code: str) -> tuple[str, ...]:
    """The event types it needs to be shown."""
    found = kind_of(code)
    return found.types if found else ()


def milliseconds(moment: dt.datetime) -> int:
    """Since 1970."""
    return (moment - _EPOCH) // dt.timedelta(milliseconds=1)


def moment(at: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(milliseconds=at)


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def happening(
    event_type: str,
    data: Mapping[str, Any],
    time: dt.datetime,
    recorded_at: dt.datetime,
    position: int,
    trades: Mapping[int, Sequence[int]],
    zone: ZoneInfo,
) -> Happening | None:
    """One stored event as a happening; None for one that is nobody's, or of no kind.

    ``trades`` gives the trade categories of a merchant, with those above them.
    """
    subject = subject_of(data)
    if subject is None:
        return None
    kinds = [
        one.code for one in _BY_TYPE[event_type] if all(data.get(key) == value for key, value in one.only)
    ]
    if not kinds:
        return None
    if event_type == OBSERVED:
        kinds.append(f"{BEHAVIOUR}.{data['name']}")
    at = min(_moment(data.get("occurred_at")) or time, recorded_at + AHEAD_MAX)
    local = at.astimezone(zone)
    found = {**data, **(data.get("properties") or {})}
    found |= {"weekday": local.isoweekday(), "hour": local.hour, "day": local.date().isoformat()}
    if (merchant := data.get("merchant_id")) is not None:
        found["trades"] = trades.get(merchant, ())
    key = str(data.get("receipt_id") or position)
    return Happening(subject, tuple(kinds), milliseconds(at), key, found)


def subject_of(data: Mapping[str, Any]) -> int | None:
    if (person := data.get("person_id")) is not None:
        return int(person)
    visitor = data.get("visitor_id")
    return None if visitor is None else -int(visitor)


def _moment(given: Any) -> dt.datetime | None:
    return dt.datetime.fromisoformat(given) if given else None
