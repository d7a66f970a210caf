"""Merges: proposed, done, undone, with both persons side by side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from zhike.customers import rules
from zhike.customers.models import Identifier, Merge, Person
from zhike.customers.queries import ADDRESS_FIELD, COLUMNS, PersonSummary, masked_field, summaries
from zhike.kernel import crypto
from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing

PERMISSION = "members.merge"
_NEWEST = Keyset((("proposed_at", "desc"), ("id", "desc")))


@dataclass(frozen=True, slots=True)
class MergeView:
    """One merge: ``state`` proposed, merged, declined or undone; ``guards`` why two had to agree."""

    id: int
    survivor: PersonSummary
    merged: PersonSummary
    state: str
    guards: tuple[str, ...]
    evidence: dict[str, Any]
    filled: tuple[str, ...]
    reason: str
    proposed_at: dt.datetime
    proposed_by: str
    merged_at: dt.datetime | None
    merged_by: str
    ended_at: dt.datetime | None
    ended_by: str
    end_reason: str

    @property
    def is_open(self) -> bool:
        return self.state == Merge.State.PROPOSED

    @property
    def can_be_undone(self) -> bool:
        return self.state == Merge.State.MERGED


@dataclass(frozen=True, slots=True)
class MergeRef:
    """A merge by its ids, for whoever carries it out."""

    id: int
    survivor_id: int
    merged_id: int
    state: str
    proposed_by: str
    guards: tuple[str, ...]
    carried_by: int | None
    merged_at: dt.datetime | None


def merges(
    viewer: Viewer,
    *,
    state: str = "",
    person_id: int | None = None,
    cursor: str | None = None,
    limit: int = 30,
) -> Listing[MergeView]:
    """Merges whose survivor is in the viewer's scope, newest first. Raises NotAllowed, BadCursor."""
    require(viewer, PERMISSION)
    columns = {level: f"survivor__{column}" for level, column in COLUMNS.items()}
    rows = visible(Merge.objects.all(), viewer, PERMISSION, columns)
    if state:
        rows = rows.filter(state=state)
    if person_id is not None:
        rows = rows.filter(survivor_id=person_id) | rows.filter(merged_id=person_id)
    page = _NEWEST.page(rows, cursor, min(max(limit, 1), 100))
    return Listing(_views(page.items), page.next_cursor, page.previous_cursor)


def merge(viewer: Viewer, merge_id: int) -> MergeView:
    """One merge. Raises NotFound, NotAllowed."""
    require(viewer, PERMISSION)
    columns = {level: f"survivor__{column}" for level, column in COLUMNS.items()}
    row = visible(Merge.objects.filter(pk=merge_id), viewer, PERMISSION, columns).first()
    if row is None:
        raise NotFound
    return _views([row])[0]


def open_proposals(viewer: Viewer) -> int:
    """How many merges wait for a second person."""
    columns = {level: f"survivor__{column}" for level, column in COLUMNS.items()}
    return visible(Merge.objects.filter(state=Merge.State.PROPOSED), viewer, PERMISSION, columns).count()


def merge_ref(merge_id: int) -> MergeRef:
    """For contexts above, which check who asks. Raises NotFound."""
    row = Merge.objects.filter(pk=merge_id).first()
    if row is None:
        raise NotFound
    return _ref(row)


def merges_into(survivor_id: int) -> list[MergeRef]:
    """Who stands in this person now, in the order they came."""
    rows = Merge.objects.filter(survivor_id=survivor_id, state=Merge.State.MERGED).order_by("merged_at", "id")
    return [_ref(row) for row in rows]


def merge_of(merged_id: int) -> MergeRef | None:
    """The merge by which somebody else stands for this person now."""
    row = Merge.objects.filter(merged_id=merged_id, state=Merge.State.MERGED).first()
    return _ref(row) if row else None


def are_active(person_ids: Sequence[int]) -> bool:
    """Whether all of these are persons of their own."""
    wanted = set(person_ids)
    return Person.objects.filter(pk__in=wanted, status=Person.Status.ACTIVE).count() == len(wanted)


def _ref(row: Merge) -> MergeRef:
    return MergeRef(
        row.pk,
        row.survivor_id,
        row.merged_id,
        row.state,
        row.proposed_by,
        tuple(row.guards),
        row.evidence.get("carried_by"),
        row.merged_at,
    )


def _views(rows: Sequence[Merge]) -> list[MergeView]:
    people = summaries([pk for row in rows for pk in (row.survivor_id, row.merged_id)])
    return [
        MergeView(
            id=row.pk,
            survivor=people[row.survivor_id],
            merged=people[row.merged_id],
            state=row.state,
            guards=tuple(row.guards),
            evidence=row.evidence,
            filled=tuple(row.filled),
            reason=row.reason,
            proposed_at=row.proposed_at,
            proposed_by=row.proposed_by,
            merged_at=row.merged_at,
            merged_by=row.merged_by,
            ended_at=row.ended_at,
            ended_by=row.ended_by,
            end_reason=row.end_reason,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of a comparison, masked; ``verdict``: same, alike, different, or "" when one side says nothing."""

    what: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    verdict: str


def side_by_side(viewer: Viewer, first_id: int, second_id: int) -> list[Compared]:
    """What is known of two persons, each by themself, for who may merge them. Raises NotAllowed, NotFound."""
    require(viewer, PERMISSION)
    rows = visible(Person.objects.filter(pk__in=[first_id, second_id]), viewer, PERMISSION, COLUMNS)
    found = rows.in_bulk()
    if len(found) != 2:
        raise NotFound
    first, second = found[first_id], found[second_id]
    lines = [_compared_name(first, second)]
    lines += [
        _compared("sex", *(one.sex if one.sex != "unknown" else "" for one in (first, second))),
        _compared(
            "birthday",
            *(rules.mask_birthday(one.birthday) if one.birthday else "" for one in (first, second)),
            is_same=first.birthday == second.birthday,
        ),
        _compared_address(first, second),
    ]
    lines += _compared_identifiers(first_id, second_id)
    return lines


def _compared(what: str, first: str, second: str, *, is_same: bool | None = None) -> Compared:
    same = first == second if is_same is None else is_same
    verdict = "" if not first or not second else "same" if same else "different"
    return Compared(what, (first,) if first else (), (second,) if second else (), verdict)


def _compared_name(first: Person, second: Person) -> Compared:
    line = _compared("name", first.name, second.name)
    if line.verdict == "different" and first.name_pinyin and first.name_pinyin == second.name_pinyin:
        return replace(line, verdict="alike")
    return line


def _compared_address(first: Person, second: Person) -> Compared:
    clear = [
        crypto.decrypt(bytes(one.address), field=ADDRESS_FIELD, row=one.pk) if one.address else ""
        for one in (first, second)
    ]
    masked = [masked_field("address", text) or "" for text in clear]
    return _compared("address", masked[0], masked[1], is_same=clear[0] == clear[1])


def _compared_identifiers(first_id: int, second_id: int) -> list[Compared]:
    known: dict[str, tuple[dict[bytes, str], dict[bytes, str]]] = {}
    rows = Identifier.objects.filter(person_id__in=[first_id, second_id]).order_by("id")
    for person_id, kind, index, text, retired in rows.values_list(
        "person_id", "kind", "index", "masked", "retired_at"
    ):
        sides = known.setdefault(kind, ({}, {}))
        sides[person_id == second_id][bytes(index)] = f"{text} ✕" if retired else text
    return [
        Compared(
            kind,
            tuple(first.values()),
            tuple(second.values()),
            "same" if first.keys() & second.keys() else "different" if first and second else "",
        )
        for kind, (first, second) in known.items()
    ]
