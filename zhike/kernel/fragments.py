"""Pieces of SQL with their parameters, for statements that are put together. Text is always ours, values never in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class Sql:
    """`%s` stands for each parameter, in order."""

    text: str
    params: tuple[Any, ...] = ()

    def __add__(self, other: Sql) -> Sql:
        return Sql(self.text + other.text, self.params + other.params)

    def inside(self, before: str, after: str) -> Sql:
        return Sql(before + self.text + after, self.params)


def joined(separator: str, parts: list[Sql]) -> Sql:
    """The parts with a separator between them."""
    return Sql(
        separator.join(part.text for part in parts), tuple(value for part in parts for value in part.params)
    )


def of_queryset(queryset: QuerySet[Any, Any]) -> Sql:
    """The statement a queryset stands for; the columns of `values()` keep their own names, and where
    nobody may see a row there is none."""
    text, params = queryset.query.get_compiler("default", elide_empty=False).as_sql()
    return Sql(text, tuple(params))
