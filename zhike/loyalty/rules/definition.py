"""An earning rule as data: parsed once from its JSON definition, refused with the path of what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from zhike.loyalty.rules.calendar import Expiry, wrong_expiry
from zhike.loyalty.rules.funding import wrong_funding

UNIT_BP = 10_000
MULTIPLIER_BP_MAX = 1_000_000


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``points`` for every ``per_fen`` of eligible spend."""

    points: int
    per_fen: int


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"excluded": "except"}):
    """Which merchants or categories take part, and multipliers (basis points) of some."""

    only: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    bp: dict[int, int] = {}

    def covers(self, key: int | None) -> bool:
        return (not self.only or key in self.only) and key not in self.excluded


class TierChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bp: dict[int, int] = {}


class Boost(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_date": "from", "to_date": "to"}
):
    """A calendar multiplier: dates inclusive, ISO weekdays, hours half-open, all in the mall's zone."""

    name: str
    bp: int
    from_date: date | None = None
    to_date: date | None = None
    weekdays: tuple[int, ...] = ()
    hours: tuple[int, int] | None = None

    def covers(self, local: datetime) -> bool:
        day = local.date()
        return (
            (self.from_date is None or day >= self.from_date)
            and (self.to_date is None or day <= self.to_date)
            and (not self.weekdays or local.isoweekday() in self.weekdays)
            and (self.hours is None or self.hours[0] <= local.hour < self.hours[1])
        )


class Caps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Most points by this rule: for one receipt; a member and day; a member, merchant and day; a member for ever."""

    receipt: int | None = None
    member_day: int | None = None
    member_merchant_day: int | None = None
    member_total: int | None = None


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON of an earning rule version; see docs/guides/earning-rules.md."""

    base: Base
    malls: tuple[int, ...] = ()
    merchants: Choice = Choice()
    trade_categories: Choice = Choice()
    product_categories: Choice = Choice()
    tiers: TierChoice = TierChoice()
    calendar: tuple[Boost, ...] = ()
    minimum_fen: int = 0
    excluded_tenders: tuple[str, ...] = ()
    caps: Caps = Caps()
    expiry: Expiry | None = None
    funding: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Rule:
    """One version in force from ``effective_from`` until ``effective_to`` (exclusive, None for open)."""

    rule_id: int
    version_id: int
    version: int
    code: str
    name: str
    effective_from: datetime
    effective_to: datetime | None
    definition: Definition

    def in_force(self, at: datetime) -> bool:
        return self.effective_from <= at and (self.effective_to is None or at < self.effective_to)


class DefinitionError(ValueError):
    """The definition cannot be used; ``path`` is the JSON path, ``reason`` a stable word."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def parse_definition(data: Mapping[str, Any]) -> Definition:
    """Parse and check a definition. Raises DefinitionError naming the path."""
    try:
        definition = msgspec.convert(data, Definition, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        raise DefinitionError(path.strip("`") or "$", reason) from None
    _check_numbers(definition)
    return definition


def _check_numbers(definition: Definition) -> None:
    if definition.base.points < 0 or definition.base.points > 100_000:
        raise DefinitionError("$.base.points", "out_of_range")
    if definition.base.per_fen <= 0:
        raise DefinitionError("$.base.per_fen", "out_of_range")
    if definition.minimum_fen < 0:
        raise DefinitionError("$.minimum_fen", "out_of_range")
    multipliers = {
        "$.merchants.bp": definition.merchants.bp,
        "$.trade_categories.bp": definition.trade_categories.bp,
        "$.product_categories.bp": definition.product_categories.bp,
        "$.tiers.bp": definition.tiers.bp,
        "$.calendar": {index: boost.bp for index, boost in enumerate(definition.calendar)},
    }
    for path, table in multipliers.items():
        if any(not 0 <= bp <= MULTIPLIER_BP_MAX for bp in table.values()):
            raise DefinitionError(path, "out_of_range")
    if definition.expiry is not None and (wrong := wrong_expiry(definition.expiry)):
        raise DefinitionError(f"$.expiry.{wrong}", "out_of_range")
    if wrong := wrong_funding(definition.funding):
        raise DefinitionError("$.funding", wrong)
    for name in ("receipt", "member_day", "member_merchant_day", "member_total"):
        limit = getattr(definition.caps, name)
        if limit is not None and limit < 0:
            raise DefinitionError(f"$.caps.{name}", "out_of_range")
    for index, boost in enumerate(definition.calendar):
        if boost.from_date and boost.to_date and boost.from_date > boost.to_date:
            raise DefinitionError(f"$.calendar[{index}]", "ends_before_it_begins")
        if any(not 1 <= day <= 7 for day in boost.weekdays):
            raise DefinitionError(f"$.calendar[{index}].weekdays", "out_of_range")
