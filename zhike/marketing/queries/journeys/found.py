"""Loading journeys with permission, and what holds where they run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from zhike.insight import queries as insight
from zhike.kernel.access import Viewer, load_visible, system_viewer, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.fragments import Sql
from zhike.kernel.statements import fetch_rows
from zhike.loyalty import queries as loyalty
from zhike.marketing.models import Journey, JourneyVersion
from zhike.marketing.queries.found import COLUMNS, VIEW
from zhike.marketing.rules.journeys import graph
from zhike.marketing.rules.journeys.graph import Definition
from zhike.organization import queries as organization

WALKER = system_viewer("journey")
PLANNED = ("draft", "submitted", "approved")


def journey_row(viewer: Viewer, journey_id: int, permission: str = VIEW) -> Journey:
    """A journey that the viewer may see; of a group's only whoever sees the whole group. Raises NotFound."""
    return load_visible(Journey.objects.all(), journey_id, viewer, permission, COLUMNS)


def locked_journey(actor: Viewer, journey_id: int, permission: str) -> Journey:
    """The same, held. Raises NotFound."""
    rows = Journey.objects.select_for_update(of=("self",))
    row = visible(rows, actor, permission, COLUMNS).filter(pk=journey_id).first()
    if row is None:
        raise NotFound
    return row


def planned_version(journey_id: int) -> JourneyVersion | None:
    """The version that is being worked on or waits for its approval; there is at most one."""
    return JourneyVersion.objects.filter(journey_id=journey_id, status__in=PLANNED).first()


def definition_of(row: JourneyVersion) -> Definition:
    return graph.read(row.definition)


def zone_of_journey(row: Journey) -> str:
    """The time zone in which a journey's days and hours are counted."""
    mall_id = row.mall_id or organization.first_mall_id()
    return organization.mall(mall_id).time_zone if mall_id else "Asia/Shanghai"


def journey_code(journey_id: int) -> str:
    """Under which messages, coupons and points of a journey are known elsewhere."""
    return f"LC{journey_id:06d}"


def launcher_of_journey(row: Journey) -> Viewer:
    """In whose scope people are looked up: of whoever launched it, with the permissions they have now."""
    return WALKER if row.launched_by is None else organization.viewer_of_staff(row.launched_by)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member who might enter."""

    member_id: int
    person_id: int
    birthday: dt.date | None
    mall_id: int | None


def candidates(
    viewer: Viewer, *, member_ids: Sequence[int] = (), person_ids: Sequence[int] = ()
) -> list[Candidate]:
    """Those of them who are active members in the viewer's scope."""
    statement = loyalty.members_sql(viewer).inside(
        "SELECT m.id, m.person_id, m.birthday, m.mall_id FROM (",
        ") m WHERE m.id = ANY(%s) OR m.person_id = ANY(%s)",
    ) + Sql(" ORDER BY m.id", (list(member_ids), list(person_ids)))
    return [Candidate(*row) for row in fetch_rows(statement.text, list(statement.params))]


def fitting_members(
    viewer: Viewer, condition: object, member_ids: Sequence[int], now: dt.datetime
) -> set[int]:
    """Those of them whom a branch's condition fits now. Raises BadDefinition for a condition that cannot be read."""
    return insight.members_fitting(viewer, insight.parse(condition), now, among=member_ids)
