"""What every context declares about the data of persons that it keeps, in one list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from zhike.clienteling import personal as clienteling
from zhike.collection import personal as collection
from zhike.customers import personal as customers
from zhike.engagement import personal as engagement
from zhike.history import personal as history
from zhike.insight import personal as insight
from zhike.intake import personal as intake
from zhike.kernel.access import Viewer, require
from zhike.kernel.personal import BLANK, DELETE, KEEP, Holding, Keeping, Loose
from zhike.loyalty import personal as loyalty
from zhike.marketing import personal as marketing
from zhike.messaging import personal as messaging
from zhike.offers import personal as offers
from zhike.organization import personal as organization
from zhike.privacy import personal as privacy
from zhike.rewards import personal as rewards
from zhike.rights import personal as rights
from zhike.risk import personal as risk
from zhike.sales import personal as sales
from zhike.service import personal as service
from zhike.webforms import personal as webforms
from zhike.webhooks import personal as webhooks

VIEW = "rights.view"

CONTEXTS = (
    ("rights", rights),
    ("marketing", marketing),
    ("webforms", webforms),
    ("clienteling", clienteling),
    ("service", service),
    ("history", history),
    ("insight", insight),
    ("engagement", engagement),
    ("rewards", rewards),
    ("risk", risk),
    ("offers", offers),
    ("loyalty", loyalty),
    ("sales", sales),
    ("messaging", messaging),
    ("collection", collection),
    ("privacy", privacy),
    ("customers", customers),
    ("intake", intake),
    ("webhooks", webhooks),
    ("organization", organization),
)
"""From the highest floor to the ground: what points at a row goes before it."""


@dataclass(frozen=True, slots=True)
class ContextData:
    """One context's part of the catalogue."""

    name: str
    holdings: tuple[Holding, ...]
    loose: tuple[Loose, ...]
    keepings: tuple[Keeping, ...]


@dataclass(frozen=True, slots=True)
class CategoryLine:
    """What members read: one kind of data, what for, what erasing does with it, on what ground a part stays."""

    category: str
    purposes: tuple[str, ...]
    tables: int
    erasures: tuple[str, ...]
    bases: tuple[str, ...]
    exported: bool = field(default=False)


def contexts() -> list[ContextData]:
    return [
        ContextData(
            name,
            tuple(module.HOLDINGS),
            tuple(getattr(module, "LOOSE", ())),
            tuple(getattr(module, "KEEPINGS", ())),
        )
        for name, module in CONTEXTS
    ]


def catalogue(viewer: Viewer) -> list[ContextData]:
    """Every table with data of persons, by context. Raises NotAllowed."""
    require(viewer, VIEW)
    return contexts()


def holdings_of(context: str) -> tuple[Holding, ...]:
    return next(one.holdings for one in contexts() if one.name == context)


def keepings() -> dict[str, Keeping]:
    """Every class of data that is kept for a time, by its code."""
    return {keeping.code: keeping for context in contexts() for keeping in context.keepings}


def lines() -> list[CategoryLine]:
    """The catalogue as members read it, by category, in the order of its first table."""
    found: dict[str, list[Holding]] = {}
    for context in reversed(contexts()):
        for holding in context.holdings:
            found.setdefault(holding.category, []).append(holding)
    return [_line(category, rows) for category, rows in found.items()]


def _line(category: str, rows: Sequence[Holding]) -> CategoryLine:
    def each(values: Iterator[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value for value in values if value))

    return CategoryLine(
        category,
        each(row.purpose for row in rows),
        len({row.table for row in rows}),
        tuple(word for word in (DELETE, BLANK, KEEP) if any(row.erasure == word for row in rows)),
        each(row.basis for row in rows),
        any(row.export for row in rows),
    )
