"""Who is in a journey, where, and how they came there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zhike.kernel.access import Viewer, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty import queries as loyalty
from zhike.marketing.models import Journey, JourneyEntry, JourneyStep, JourneyVersion
from zhike.marketing.queries.found import COLUMNS, VIEW
from zhike.marketing.queries.journeys.found import definition_of, journey_row
from zhike.marketing.rules.journeys.graph import Node

NEWEST = Keyset((("id", "desc"),))


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One walk as a line; ``member`` is None for whoever the viewer may not see."""

    id: int
    person_id: int
    member_id: int
    member: loyalty.MemberRow | None
    version: int
    number: int
    arm: str
    state: str
    node: Node | None
    due_at: dt.datetime | None
    is_resting: bool
    cause: str
    entered_at: dt.datetime
    goal_at: dt.datetime | None
    ended_at: dt.datetime | None
    ended_by: str


@dataclass(frozen=True, slots=True)
class StepView:
    """A node that was left, by which outcome; ``reason`` says why something was refused."""

    visit: int
    node: Node
    outcome: str
    reason: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class PathView:
    """A whole walk: why they came in, what was done, where they stand."""

    entry: EntryRow
    steps: tuple[StepView, ...]


@dataclass(frozen=True, slots=True)
class OfMember:
    """A journey that a member is or was in."""

    journey_id: int
    name: str
    entry: EntryRow


def journey_people(
    viewer: Viewer,
    journey_id: int,
    *,
    node: str = "",
    state: str = "",
    version: int | None = None,
    cursor: str | None = None,
    limit: int = 30,
) -> Listing[EntryRow]:
    """Walks of a journey, newest first, with the names of those whom the viewer may see. Raises NotFound, BadCursor."""
    journey_row(viewer, journey_id)
    rows = JourneyEntry.objects.select_related("version").filter(journey_id=journey_id)
    if state:
        rows = rows.filter(state=state)
    if node:
        rows = rows.filter(node=node, state="active")
    if version is not None:
        rows = rows.filter(version__number=version)
    page = NEWEST.page(rows, cursor, min(max(limit, 1), 200))
    return Listing(_entries(viewer, page.items), page.next_cursor, page.previous_cursor)


def journey_path(viewer: Viewer, journey_id: int, entry_id: int) -> PathView:
    """One walk, step by step. Raises NotFound."""
    journey_row(viewer, journey_id)
    row = JourneyEntry.objects.select_related("version").filter(journey_id=journey_id, pk=entry_id).first()
    if row is None:
        raise NotFound
    nodes = definition_of(row.version).nodes
    steps = JourneyStep.objects.filter(entry_id=entry_id).order_by("visit")
    return PathView(
        _entries(viewer, [row])[0],
        tuple(
            StepView(
                one.visit, nodes.get(one.node) or Node(one.node, "exit"), one.outcome, one.reason, one.at
            )
            for one in steps
        ),
    )


def journeys_of_person(viewer: Viewer, person_id: int, limit: int = 10) -> list[OfMember]:
    """The newest walks of a person whom the caller has loaded, in journeys the viewer may see; held ones are left out."""
    shown = visible(Journey.objects.all(), viewer, VIEW, COLUMNS).values("pk")
    rows = list(
        JourneyEntry.objects.select_related("version", "journey")
        .filter(person_id=person_id, arm="walk", journey__in=shown)
        .order_by("-id")[:limit]
    )
    if not rows:
        return []
    lines = _entries(viewer, rows)
    return [OfMember(row.journey_id, row.journey.name, line) for row, line in zip(rows, lines, strict=True)]


def _entries(viewer: Viewer, rows: Sequence[JourneyEntry]) -> list[EntryRow]:
    members: Mapping[int, loyalty.MemberRow] = {
        one.member_id: one for one in loyalty.member_rows(viewer, [row.member_id for row in rows])
    }
    versions: dict[int, JourneyVersion] = {row.version_id: row.version for row in rows}
    nodes = {pk: definition_of(version).nodes for pk, version in versions.items()}
    return [
        EntryRow(
            row.pk,
            row.person_id,
            row.member_id,
            members.get(row.member_id),
            row.version.number,
            row.number,
            row.arm,
            row.state,
            nodes[row.version_id].get(row.node),
            row.due_at,
            row.is_resting,
            row.cause,
            row.entered_at,
            row.goal_at,
            row.ended_at,
            row.ended_by,
        )
        for row in rows
    ]
