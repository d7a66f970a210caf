"""Journeys as a list and as one file: its versions, its graph with the figures on the nodes, what may be done with it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Sum

from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.paging import Keyset, Listing
from zhike.marketing.models import Journey, JourneyCount, JourneyEntry, JourneyVersion
from zhike.marketing.queries.found import APPROVE, COLUMNS, EDIT, VIEW, may
from zhike.marketing.queries.journeys.found import (
    definition_of,
    journey_code,
    journey_row,
    zone_of_journey,
)
from zhike.marketing.queries.journeys.sentences import FaultView, fault_views
from zhike.marketing.queries.reviews import READER
from zhike.marketing.rules.journeys.graph import Definition
from zhike.marketing.rules.journeys.templates import READY, Ready
from zhike.organization import queries as organization

NEWEST = Keyset((("created_at", "desc"), ("id", "desc")))


@dataclass(frozen=True, slots=True)
class Tally:
    """People, from the figures on the nodes: entered by arm, inside now, reached the goal, left by how."""

    entered: int = 0
    held: int = 0
    inside: int = 0
    goals: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class JourneyRow:
    """A line of the list. ``planned`` is the state of the version in work, "" when there is none; ``live`` the number people enter."""

    id: int
    code: str
    name: str
    theme: str
    template: str
    status: str
    planned: str
    live: int
    trigger: Mapping[str, object]
    mall_id: int | None
    mall_name: str
    created_at: dt.datetime
    started_at: dt.datetime | None
    tally: Tally


@dataclass(frozen=True, slots=True)
class VersionView:
    """``inside`` people are still walking it."""

    id: int
    number: int
    status: str
    definition: Definition
    revision: int
    created_by: str
    edited_by: str
    approved_by: str
    approved_at: dt.datetime | None
    live_at: dt.datetime | None
    inside: int


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """``here`` now; ``passed`` by outcome; ``reasons`` of refusals."""

    here: int = 0
    passed: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.passed.values())


@dataclass(frozen=True, slots=True)
class JourneyFile:
    """One journey in full. ``shown`` is the version asked for, otherwise the one in work, otherwise the live one."""

    row: JourneyRow
    zone: str
    versions: tuple[VersionView, ...]
    shown: VersionView
    figures: Mapping[str, NodeFigures]
    faults: tuple[FaultView, ...]
    steps: frozenset[str]
    ended_at: dt.datetime | None

    @property
    def is_editable(self) -> bool:
        return "edit" in self.steps and self.shown.status == "draft"


def journeys_page(
    viewer: Viewer, *, status: str = "", q: str = "", cursor: str | None = None, limit: int = 30
) -> Listing[JourneyRow]:
    """Journeys in scope, newest first. Raises NotAllowed, BadCursor."""
    require(viewer, VIEW)
    rows = visible(Journey.objects.select_related("live"), viewer, VIEW, COLUMNS)
    if status:
        rows = rows.filter(status=status)
    if q:
        rows = rows.filter(name__icontains=q[:80])
    page = NEWEST.page(rows, cursor, min(max(limit, 1), 200))
    return Listing(_rows(page.items), page.next_cursor, page.previous_cursor)


def journey(viewer: Viewer, journey_id: int, now: dt.datetime, number: int | None = None) -> JourneyFile:
    """Raises NotFound."""
    row = journey_row(viewer, journey_id)
    versions = list(JourneyVersion.objects.filter(journey=row).order_by("-number"))
    inside = dict(
        JourneyEntry.objects.filter(version__in=versions, state="active")
        .values_list("version_id")
        .annotate(count=Count("id"))
        .order_by()
    )
    views = tuple(_version(one, inside.get(one.pk, 0)) for one in versions)
    shown = next((one for one in views if one.number == number), views[0])
    is_planned = shown.status in ("draft", "submitted", "approved")
    return JourneyFile(
        row=_rows([row])[0],
        zone=zone_of_journey(row),
        versions=views,
        shown=shown,
        figures=node_figures(shown.id),
        faults=tuple(fault_views(viewer, shown.definition, now)) if is_planned else (),
        steps=_steps(viewer, row, views[0]),
        ended_at=row.ended_at,
    )


def node_figures(version_id: int) -> dict[str, NodeFigures]:
    """The figures on the nodes of a version."""
    here = dict(
        JourneyEntry.objects.filter(version_id=version_id, state="active")
        .values_list("node")
        .annotate(count=Count("id"))
        .order_by()
    )
    passed: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    reasons: dict[str, dict[str, int]] = defaultdict(dict)
    counts = JourneyCount.objects.filter(version_id=version_id).exclude(node="")
    for node, outcome, reason, count in counts.values_list("node", "outcome", "reason", "count"):
        passed[node][outcome] += count
        if reason:
            reasons[node][reason] = reasons[node].get(reason, 0) + count
    keys = {*here, *passed}
    return {
        key: NodeFigures(here.get(key, 0), dict(passed.get(key, {})), dict(reasons.get(key, {})))
        for key in keys
    }


def ready_journeys() -> tuple[Ready, ...]:
    """The templates."""
    return READY


def _version(row: JourneyVersion, inside: int) -> VersionView:
    return VersionView(
        row.pk,
        row.number,
        row.status,
        definition_of(row),
        row.revision,
        row.created_by,
        row.edited_by,
        row.approved_by,
        row.approved_at,
        row.live_at,
        inside,
    )


_OF_PLANNED: Mapping[str, tuple[str, ...]] = {
    "draft": ("edit", "submit"),
    "submitted": ("approve", "send_back"),
    "approved": ("launch", "send_back"),
    "live": ("edit",),
    "retired": (),
}
_OF_STATUS: Mapping[str, tuple[str, ...]] = {
    "draft": ("end",),
    "running": ("pause", "close", "end", "enter"),
    "paused": ("resume", "close", "end"),
    "closing": ("end",),
    "ended": (),
}


def _steps(viewer: Viewer, row: Journey, newest: VersionView) -> frozenset[str]:
    """What this viewer may do with it now."""
    if not may(viewer, EDIT, row.mall_id):
        return frozenset()
    steps = set(_OF_STATUS[row.status])
    if row.status not in ("closing", "ended"):
        steps |= set(_OF_PLANNED[newest.status])
    if not may(viewer, APPROVE, row.mall_id) or viewer.audit_id in (newest.created_by, newest.edited_by):
        steps.discard("approve")
    return frozenset(steps)


def _rows(rows: Sequence[Journey]) -> list[JourneyRow]:
    """Lines of a list; a few queries however many there are."""
    malls = {mall.id: mall.name for mall in organization.malls(READER)}
    planned = {
        one.journey_id: one
        for one in JourneyVersion.objects.filter(
            journey__in=rows, status__in=("draft", "submitted", "approved")
        )
    }
    tallies = _tallies([row.pk for row in rows])
    found = []
    for row in rows:
        version = row.live or planned.get(row.pk)
        found.append(
            JourneyRow(
                row.pk,
                journey_code(row.pk),
                row.name,
                row.theme,
                row.template,
                row.status,
                planned[row.pk].status if row.pk in planned else "",
                row.live.number if row.live else 0,
                definition_of(version).trigger if version else {},
                row.mall_id,
                malls.get(row.mall_id or 0, ""),
                row.created_at,
                row.started_at,
                tallies.get(row.pk, Tally()),
            )
        )
    return found


def _tallies(ids: Sequence[int]) -> dict[int, Tally]:
    found: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    counts = JourneyCount.objects.filter(version__journey_id__in=ids, node="")
    sums = counts.values_list("version__journey_id", "outcome", "reason").annotate(total=Sum("count"))
    for journey_id, outcome, reason, total in sums.order_by():
        found[journey_id][f"{outcome}:{reason}"] += total
        found[journey_id][outcome] += total
    tallies = {}
    for journey_id, one in found.items():
        walked = one["entered:walk"]
        tallies[journey_id] = Tally(
            entered=walked,
            held=one["entered"] - walked,
            inside=walked - one["left"],
            goals=one["goal:walk"],
            left=one["left"],
        )
    return tallies
