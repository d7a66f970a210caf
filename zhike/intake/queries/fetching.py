"""What connectors fetched, piece by piece, and what became of every row."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from zhike.intake.models import Connector, FetchedPart, QuarantinedRow
from zhike.intake.rules.reconciliation import Reconciliation, reconciliation_of
from zhike.kernel.access import Viewer, load_visible
from zhike.kernel.paging import Keyset, Listing

NEWEST = Keyset((("fetched_at", "desc"), ("id", "desc")))


@dataclass(frozen=True, slots=True)
class PartView:
    """One file or pull: ``rows`` at the source, and where each of them went. ``open_rows`` wait in quarantine."""

    id: int
    name: str
    rows: int
    state: str
    tries: int
    failure: str
    fetched_at: dt.datetime
    run_id: uuid.UUID | None
    counts: Reconciliation | None
    open_rows: int

    @property
    def accounted(self) -> int:
        """Rows that are accepted, merged, known already or set aside."""
        return self.counts.accepted + self.again + self.counts.set_aside if self.counts else 0

    @property
    def again(self) -> int:
        return self.counts.merged + self.counts.already if self.counts else 0

    @property
    def agrees(self) -> bool:
        return self.rows == self.accounted


def fetched_parts(viewer: Viewer, connector_id: int, cursor: str | None = None) -> Listing[PartView]:
    """Newest first. Raises NotFound, BadCursor."""
    load_visible(Connector.objects.all(), connector_id, viewer, "imports.view", {"mall": "mall_id"})
    parts = FetchedPart.objects.filter(connector_id=connector_id).select_related("run")
    page = NEWEST.page(parts, cursor, 20)
    waiting = _open_rows([part.run_id for part in page.items if part.run_id])
    return Listing([_view(part, waiting) for part in page.items], page.next_cursor, page.previous_cursor)


def fetched_counts(connector_ids: Sequence[int], since: dt.datetime) -> dict[int, tuple[int, int, int]]:
    """Of connectors that fetch: rows accepted, rows known already, rows waiting in quarantine, of what came since then."""
    kinds = (Connector.Kind.FOLDER, Connector.Kind.DATABASE)
    found = dict.fromkeys(
        Connector.objects.filter(pk__in=connector_ids, kind__in=kinds).values_list("pk", flat=True), (0, 0, 0)
    )
    if not found:
        return found
    parts = list(
        FetchedPart.objects.filter(
            connector_id__in=found, fetched_at__gte=since, run__isnull=False
        ).select_related("run")
    )
    waiting = _open_rows([part.run_id for part in parts if part.run_id])
    for part in parts:
        view = _view(part, waiting)
        taken, again, rest = found[part.connector_id]
        accepted = view.counts.accepted if view.counts else 0
        found[part.connector_id] = (taken + accepted, again + view.again, rest + view.open_rows)
    return found


def _open_rows(run_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    rows = QuarantinedRow.objects.filter(run_id__in=run_ids, status=QuarantinedRow.Status.OPEN)
    return dict(rows.values_list("run_id").annotate(Count("id")).order_by())


def _view(part: FetchedPart, waiting: dict[uuid.UUID, int]) -> PartView:
    return PartView(
        id=part.pk,
        name=part.name,
        rows=part.rows,
        state=part.state,
        tries=part.tries,
        failure=part.failure,
        fetched_at=part.fetched_at,
        run_id=part.run_id,
        counts=reconciliation_of(part.run.counts) if part.run else None,
        open_rows=waiting.get(part.run_id, 0) if part.run_id else 0,
    )
