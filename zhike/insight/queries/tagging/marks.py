"""What was said by hand."""

from __future__ import annotations

from collections.abc import Sequence

from zhike.customers import queries as customers
from zhike.insight.models import TagMark


def marked(person_ids: Sequence[int]) -> dict[tuple[int, int], bool]:
    """By (person, tag) what stands by hand for human beings, whichever of their ids it was said of."""
    return {key: row.is_on for key, row in standing_marks(person_ids).items()}


def standing_marks(person_ids: Sequence[int]) -> dict[tuple[int, int], TagMark]:
    """The mark that counts: what a member said of themselves, else the newest."""
    sides = customers.sides(list(dict.fromkeys(person_ids)))
    owner = {side.person_id: asked for asked, known in sides.items() for side in known}
    rows = TagMark.objects.filter(person_id__in=list(owner), ended_at=None).select_related("tag")
    found: dict[tuple[int, int], TagMark] = {}
    for row in sorted(rows, key=lambda one: (one.source == "member", one.marked_at, one.pk)):
        found[owner[row.person_id], row.tag_id] = row
    return found
