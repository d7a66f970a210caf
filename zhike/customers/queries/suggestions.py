"""Pairs that may be one person, for who judges them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from zhike.customers.models import Person, Suggestion
from zhike.customers.queries import COLUMNS, PersonSummary, summaries
from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing

PERMISSION = "members.merge"
OPEN = (Suggestion.State.OPEN, Suggestion.State.UNSURE)
_SUREST = Keyset((("probability", "desc"), ("id", "asc")))


@dataclass(frozen=True, slots=True)
class SuggestionView:
    """``evidence`` lists (what, level): how well it fits, 0 not at all. ``basis`` is identifier or likeness."""

    id: int
    first: PersonSummary
    second: PersonSummary
    basis: str
    probability: float
    evidence: tuple[tuple[str, int], ...]
    state: str
    found_at: dt.datetime


def suggestions(viewer: Viewer, *, cursor: str | None = None, limit: int = 30) -> Listing[SuggestionView]:
    """What is still to be judged, the surest first. Raises NotAllowed, BadCursor."""
    require(viewer, PERMISSION)
    page = _SUREST.page(_open(viewer), cursor, min(max(limit, 1), 100))
    return Listing(_views(page.items), page.next_cursor, page.previous_cursor)


def suggestion(viewer: Viewer, suggestion_id: int) -> SuggestionView:
    """One of them, judged or not. Raises NotAllowed, NotFound."""
    require(viewer, PERMISSION)
    row = _in_scope(viewer).filter(pk=suggestion_id).first()
    if row is None:
        raise NotFound
    return _views([row])[0]


def next_after(viewer: Viewer, suggestion_id: int) -> int | None:
    """The one to judge after this: the surest open one that is another."""
    rows = _open(viewer).filter(state=Suggestion.State.OPEN).exclude(pk=suggestion_id)
    return rows.order_by("-probability", "id").values_list("pk", flat=True).first()


def open_suggestions(viewer: Viewer) -> int:
    """How many wait."""
    return _open(viewer).count()


def _in_scope(viewer: Viewer) -> QuerySet[Suggestion]:
    columns = {level: f"first__{column}" for level, column in COLUMNS.items()}
    return visible(Suggestion.objects.all(), viewer, PERMISSION, columns)


def _open(viewer: Viewer) -> QuerySet[Suggestion]:
    """Both are still records of their own."""
    active = Person.Status.ACTIVE
    return _in_scope(viewer).filter(state__in=OPEN, first__status=active, second__status=active)


def _views(rows: Sequence[Suggestion]) -> list[SuggestionView]:
    people = summaries([pk for row in rows for pk in (row.first_id, row.second_id)])
    return [
        SuggestionView(
            row.pk,
            people[row.first_id],
            people[row.second_id],
            row.basis,
            row.probability,
            tuple((what, level) for what, level in row.evidence),
            row.state,
            row.found_at,
        )
        for row in rows
    ]
