"""Goods that come back: until when, in which state, by whose benefit; and the steps of a return, an exchange, a repair. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

RETURN, EXCHANGE, REPAIR = "return", "exchange", "repair"
KINDS = (RETURN, EXCHANGE, REPAIR)
FAULTS = ("quality", "damaged", "wrong_item", "mismatch")
"""Reasons that lie with whoever sold it."""
WISHES = ("size", "dislike", "other")
REASONS = (*FAULTS, *WISHES)
CONDITIONS = ("sealed", "opened", "used")
ANY = "*"
DAYS_MAX = 3_650
FEN_MAX = 1_000_000_00
ROWS_MAX = 60

# --- the policy ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Terms:
    """Days from the day of purchase for goods of a category ("*": all others); 0 is never.

    ``return_days`` and ``exchange_days`` need no reason, the ``fault_`` ones a fault. Within ``repair_days`` a repair costs
    nothing; 0: goods of this category are not repaired here. ``opened_ok``: opened goods count as unopened ones.
    """

    category: str = ANY
    return_days: int = 7
    exchange_days: int = 15
    fault_return_days: int = 7
    fault_exchange_days: int = 15
    repair_days: int = 365
    opened_ok: bool = False


@dataclass(frozen=True, slots=True)
class Extension:
    """What a tier ("tier:gold") or a benefit ("benefit:NOWORRY") adds for whoever has it; never to what is excluded."""

    key: str
    extra_days: int = 0
    opened_ok: bool = False
    free_repair: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """``at_once_fen``: returns and exchanges up to this refund are approved as they come, 0: none."""

    terms: tuple[Terms, ...]
    extensions: tuple[Extension, ...] = ()
    at_once_fen: int = 0
    photo_for_faults: bool = True

    def terms_for(self, category: str) -> Terms | None:
        by_code = {row.category: row for row in self.terms}
        return by_code.get(category) or by_code.get(ANY)


class BadTerms(ValueError):
    """``place`` is the row, from 1 (0: none); ``code`` what is wrong."""

    def __init__(self, place: int, code: str) -> None:
        super().__init__(f"{place}: {code}")
        self.place, self.code = place, code


USUAL = Policy(
    terms=(
        Terms(),
        Terms("meals", 0, 0, 1, 1, 0),
        Terms("drinks", 0, 0, 1, 1, 0),
        Terms("grocery", 0, 0, 7, 15, 0),
        Terms("liquor_tobacco", 0, 0, 7, 15, 0),
        Terms("gold_bars", 0, 0, 0, 0, 0),
        Terms("gift_cards", 0, 0, 0, 0, 0),
        Terms("tickets", 0, 0, 0, 0, 0),
        Terms("services", 0, 0, 7, 0, 0),
        Terms("jewellery", 0, 7, 7, 15, 730),
        Terms("beauty", 7, 7, 7, 15, 0),
        Terms("digital", 7, 15, 7, 15, 365),
    ),
)
"""What a mall begins with: a fault is taken back for 7 days and exchanged for 15, and mended for a year (三包); whole goods
come back for 7 days without a reason, but not what spoils, what is money, and what was made to be looked at once."""


def stored(policy: Policy) -> dict[str, Any]:
    return {
        "terms": [{name: getattr(row, name) for name in Terms.__dataclass_fields__} for row in policy.terms],
        "extensions": [
            {name: getattr(row, name) for name in Extension.__dataclass_fields__} for row in policy.extensions
        ],
        "at_once_fen": policy.at_once_fen,
        "photo_for_faults": policy.photo_for_faults,
    }


def load(data: Mapping[str, Any]) -> Policy:
    """From its stored form; fields added since have defaults."""

    def rows(of: type, found: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
        known = of.__dataclass_fields__  # type: ignore[attr-defined]
        return tuple(of(**{name: row[name] for name in known if name in row}) for row in found)

    return Policy(
        rows(Terms, data["terms"]),
        rows(Extension, data.get("extensions", ())),
        data.get("at_once_fen", 0),
        data.get("photo_for_faults", True),
    )


def checked(policy: Policy, categories: Collection[str], keys: Collection[str]) -> Policy:
    """The policy itself; ``keys`` are the tiers and benefits there are. Raises BadTerms."""
    if not 0 < len(policy.terms) <= ROWS_MAX or len(policy.extensions) > ROWS_MAX:
        raise BadTerms(0, "rows")
    if not 0 <= policy.at_once_fen <= FEN_MAX:
        raise BadTerms(0, "amount")
    if ANY not in {row.category for row in policy.terms}:
        raise BadTerms(0, "any")
    _no_twice([row.category for row in policy.terms])
    for place, row in enumerate(policy.terms, start=1):
        if row.category != ANY and row.category not in categories:
            raise BadTerms(place, "category")
        days = (row.return_days, row.exchange_days, row.fault_return_days, row.fault_exchange_days)
        if any(not 0 <= number <= DAYS_MAX for number in (*days, row.repair_days)):
            raise BadTerms(place, "days")
        if row.return_days > row.fault_return_days or row.exchange_days > row.fault_exchange_days:
            raise BadTerms(place, "order")
    _no_twice([extra.key for extra in policy.extensions])
    for place, extra in enumerate(policy.extensions, start=1):
        if extra.key not in keys:
            raise BadTerms(place, "key")
        if not 0 <= extra.extra_days <= DAYS_MAX:
            raise BadTerms(place, "days")
    return policy


def _no_twice(keys: Sequence[str]) -> None:
    for place, key in enumerate(keys, start=1):
        if key in keys[: place - 1]:
            raise BadTerms(place, "twice")


# --- may it come back? ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """``code`` is why or why not: ok, none_left, excluded, used, opened, late. ``until`` is the last day.

    ``by`` is the tier or benefit without which it would have been refused, or the repair charged; ``is_free``: a repair
    costs nothing.
    """

    allowed: bool
    code: str
    days: int = 0
    until: dt.date | None = None
    by: str = ""
    is_free: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants done with goods, why, and how the goods are."""

    kind: str
    reason: str
    condition: str

    @property
    def is_fault(self) -> bool:
        return self.reason in FAULTS


def verdict(
    policy: Policy,
    wanted: Wanted,
    category: str,
    bought_on: dt.date,
    today: dt.date,
    left: Decimal,
    standing: Collection[str],
) -> Verdict:
    """Whether goods bought on a day may come back today; ``left`` is how many neither came back nor are on their way.

    The terms of the category decide; what a tier or a benefit of ``standing`` adds is drawn on only where it is needed.
    """
    if left <= 0:
        return Verdict(False, "none_left")
    terms = policy.terms_for(category)
    extras = [row for row in policy.extensions if row.key in standing]
    if terms is None:
        return Verdict(False, "excluded")
    if wanted.kind == REPAIR:
        return _repair(terms, extras, bought_on, today)
    plain = _comes_back(terms, wanted, bought_on, today, None)
    if plain.allowed or wanted.is_fault:
        return plain
    helped = (_comes_back(terms, wanted, bought_on, today, row) for row in extras)
    return next((found for found in helped if found.allowed), plain)


def _comes_back(
    terms: Terms, wanted: Wanted, bought_on: dt.date, today: dt.date, extra: Extension | None
) -> Verdict:
    of_return = terms.fault_return_days if wanted.is_fault else terms.return_days
    of_exchange = terms.fault_exchange_days if wanted.is_fault else terms.exchange_days
    days = of_return if wanted.kind == RETURN else of_exchange
    if not days:
        return Verdict(False, "excluded")
    days += extra.extra_days if extra else 0
    until = bought_on + dt.timedelta(days=days)
    by = extra.key if extra else ""
    if not wanted.is_fault and wanted.condition == "used":
        return Verdict(False, "used", days, until)
    opened_ok = terms.opened_ok or (extra is not None and extra.opened_ok)
    if not wanted.is_fault and wanted.condition == "opened" and not opened_ok:
        return Verdict(False, "opened", days, until)
    if today > until:
        return Verdict(False, "late", days, until)
    return Verdict(True, "ok", days, until, by)


def _repair(terms: Terms, extras: Sequence[Extension], bought_on: dt.date, today: dt.date) -> Verdict:
    """Whatever is repaired here is taken in; after the warranty it is charged, unless a benefit pays."""
    if not terms.repair_days:
        return Verdict(False, "excluded")
    until = bought_on + dt.timedelta(days=terms.repair_days)
    if today <= until:
        return Verdict(True, "ok", terms.repair_days, until, is_free=True)
    helped = next((row.key for row in extras if row.free_repair), "")
    return Verdict(True, "ok", terms.repair_days, until, helped, bool(helped))


# --- the steps -----------------------------------------------------------------------------------------------------

OPEN_STATES = ("applied", "approved", "received", "checked", "rejected", "workshop", "ready")
ENDED_STATES = ("refused", "withdrawn", "refunded", "exchanged", "collected", "handed")
STATES = (*OPEN_STATES, *ENDED_STATES)
RESERVING = ("applied", "approved", "received", "checked", "workshop", "ready", "rejected")
"""While a sheet stands so, its goods cannot be asked for again."""

_COMING_BACK: dict[str, dict[str, str]] = {
    "approve": {"applied": "approved"},
    "refuse": {"applied": "refused"},
    "withdraw": {"applied": "withdrawn", "approved": "withdrawn"},
    "receive": {"approved": "received"},
    "pass": {"received": "checked"},
    "reject": {"received": "rejected"},
    "hand_back": {"rejected": "handed"},
}
_MOVES: dict[str, dict[str, dict[str, str]]] = {
    RETURN: {**_COMING_BACK, "settle": {"checked": "refunded"}},
    EXCHANGE: {**_COMING_BACK, "settle": {"checked": "exchanged"}},
    REPAIR: {
        "refuse": {"applied": "refused"},
        "withdraw": {"applied": "withdrawn"},
        "receive": {"applied": "received"},
        "send": {"received": "workshop", "workshop": "workshop"},
        "finish": {"workshop": "ready"},
        "agree": {"workshop": "workshop"},
        "decline": {"workshop": "rejected"},
        "reject": {"received": "rejected", "workshop": "rejected"},
        "hand_back": {"ready": "collected", "rejected": "handed"},
    },
}
_ROADS = {
    RETURN: ("applied", "approved", "received", "checked", "refunded"),
    EXCHANGE: ("applied", "approved", "received", "checked", "exchanged"),
    REPAIR: ("applied", "received", "workshop", "ready", "collected"),
}


def after(kind: str, state: str, act: str) -> str | None:
    """The next state; None when this cannot be done now."""
    return _MOVES[kind].get(act, {}).get(state)


def acts(kind: str, state: str) -> list[str]:
    """What can be done now."""
    return [act for act, moves in _MOVES[kind].items() if state in moves]


def may_agree(charge_fen: int, *, is_agreed: bool) -> bool:
    """Whether the member still has to say yes or no to what a repair costs them."""
    return charge_fen > 0 and not is_agreed


def stays_agreed(charge_fen: int, before_fen: int, *, is_agreed: bool) -> bool:
    """Who agreed to pay so much agreed to pay less; more has to be asked again."""
    return is_agreed and 0 < charge_fen <= before_fen


def road(kind: str) -> tuple[str, ...]:
    """The states of a matter that goes well, in order."""
    return _ROADS[kind]


# --- parts and money of a repair -----------------------------------------------------------------------------------

PARTS_MAX = 20


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    quantity: int
    cost_fen: int


def repair_cost(parts: Sequence[Part], labour_fen: int) -> int:
    """What a repair costs the house."""
    return labour_fen + sum(part.quantity * part.cost_fen for part in parts)


def is_repair(parts: Sequence[Part], labour_fen: int, charge_fen: int) -> bool:
    """Whether parts and amounts can be written down like this."""
    rows = all(
        0 < len(part.name.strip()) <= 80 and 1 <= part.quantity <= 1_000 and 0 <= part.cost_fen <= FEN_MAX
        for part in parts
    )
    return rows and len(parts) <= PARTS_MAX and 0 <= labour_fen <= FEN_MAX and 0 <= charge_fen <= FEN_MAX


# --- the code on the member's phone --------------------------------------------------------------------------------

CODE_FREE = 10
QR_PREFIX = "ZKA."


def goods(lines: Sequence[tuple[str, Decimal]]) -> str:
    """What comes back, for people: 手冲咖啡 × 2、马克杯."""
    return "、".join(
        name if quantity == 1 else f"{name} × {quantity.normalize():f}" for name, quantity in lines
    )
