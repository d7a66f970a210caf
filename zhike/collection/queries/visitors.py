"""Whose the behaviour of a visitor is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from zhike.collection.events import VisitorShared
from zhike.collection.models import Visitor
from zhike.customers import queries as customers
from zhike.kernel.models import Event


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
    rows = Visitor.objects.filter(person_id__in=customers.family(person_id)).order_by("id")
    return [StitchedVisitor(*row) for row in rows.values_list("id", "stitched_until")]


def person_of_visitor(visitor_id: int, at: dt.datetime) -> int | None:
    """Whose it is what a visitor did at a moment, as far as is known now."""
    row = Visitor.objects.filter(pk=visitor_id).values_list("person_id", "stitched_until").first()
    return row[0] if row and (row[1] is None or at <= row[1]) else None


def shared_a_device(first: int, second: int) -> bool:
    """Whether both signed in on one device, so that what it did is nobody's."""
    told = Event.objects.filter(type=VisitorShared.type, subject__in=[f"person/{first}", f"person/{second}"])
    pairs = ((first, second), (second, first))
    return any(told.filter(data__contains={"person_id": a, "other_person_id": b}).exists() for a, b in pairs)


def shared_devices() -> dict[int, str]:
    """For persons who signed in on a device after somebody else, or before, which one it was."""
    found: dict[int, str] = {}
    told = Event.objects.filter(type=VisitorShared.type).order_by("position")
    for data in told.values_list("data", flat=True).iterator():
        device = str(data["visitor_id"])
        found[data["person_id"]] = found[data["other_person_id"]] = device
    return found
