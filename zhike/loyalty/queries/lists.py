"""Facts about many rows at once, for pages that list them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from zhike.loyalty.models import Award, Member


@dataclass(frozen=True, slots=True)
class AwardedPoints:
    """What a receipt gave, and how much of it returns have taken back."""

    points: int
    clawed_points: int


def points_of_receipts(receipt_ids: Sequence[UUID]) -> dict[UUID, AwardedPoints]:
    """By receipt; one that no rule ever looked at (nobody's) is missing. The caller has authorised the receipts."""
    rows = Award.objects.filter(receipt_id__in=receipt_ids).values_list(
        "receipt_id", "points", "clawed_points"
    )
    return {receipt_id: AwardedPoints(points, clawed) for receipt_id, points, clawed in rows}


def member_ids_of_persons(person_ids: Sequence[int]) -> dict[int, int]:
    """By person; who is no member is missing. The caller has authorised the persons."""
    rows = Member.objects.filter(person_id__in=person_ids).order_by("-id")
    return dict(rows.values_list("person_id", "id"))
