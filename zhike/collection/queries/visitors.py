"""Whose the behaviour of a visitor is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from zhike.collection.models import Visitor


@dataclass(frozen=True, slots=True)
class StitchedVisitor:
    """``until`` None: all it ever does is the person's."""

    id: int
    until: dt.datetime | None

    @property
    def subject(self) -> str:
        return f"visitor/{self.id}"


def visitors_of(person_id: int) -> list[StitchedVisitor]:
    """The visitors whose behaviour is this person's, for contexts above that have checked who asks."""
    rows = Visitor.objects.filter(person_id=person_id).order_by("id")
    return [StitchedVisitor(*row) for row in rows.values_list("id", "stitched_until")]
