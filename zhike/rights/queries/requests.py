"""Requests as they stand: lists, one with its trail, what is due."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count, Q, QuerySet

from zhike.customers import queries as customers
from zhike.kernel import crypto
from zhike.kernel.access import Viewer, load_visible, visible
from zhike.kernel.clock import business_date
from zhike.kernel.paging import Keyset
from zhike.kernel.reencryption import EncryptedColumn
from zhike.rights import rules
from zhike.rights.models import Certificate, ErasureStep, RequestEntry, RightsRequest

NOTE_FIELD = "rights.request.note"
CHANGES_FIELD = "rights.request.changes"
ENTRY_FIELD = "rights.entry.note"
ZONE = "Asia/Shanghai"
"""Statutory days are days of the mainland, wherever a mall stands."""
VIEW = "rights.view"
COLUMNS = {
    level: "person_id" if column == "id" else f"person__{column}"
    for level, column in customers.COLUMNS.items()
}

_NEWEST = Keyset(order=(("asked_at", "desc"), ("id", "desc")))
_BY_DUE = Keyset(order=(("due_on", "asc"), ("id", "asc")))


@dataclass(frozen=True, slots=True)
class RequestRow:
    """``standing`` is late, soon, fine, or "" once it has ended; ``answer`` why it was refused."""

    id: int
    number: str
    kind: str
    state: str
    door: str
    person_id: int
    member_id: int | None
    name: str
    asked_at: dt.datetime
    due_on: dt.date
    stop_on: dt.date
    runs_at: dt.datetime | None
    ended_at: dt.datetime | None
    standing: str
    days_left: int
    answer: str = ""


@dataclass(frozen=True, slots=True)
class RequestPage:
    items: list[RequestRow]
    next_cursor: str | None
    previous_cursor: str | None


@dataclass(frozen=True, slots=True)
class EntryView:
    act: str
    actor: str
    actor_label: str
    details: dict[str, Any]
    note: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class RequestFile:
    """One request whole. ``changes`` are shown masked; ``may_decide`` says that somebody else asked."""

    row: RequestRow
    note: str
    changes: Mapping[str, str | None]
    counted: list[tuple[dt.date, str]]
    entries: list[EntryView]
    steps: list[tuple[str, list[list[Any]], dt.datetime]]
    has_certificate: bool
    asked_by: str
    decided_by: str
    downloads: int
    download_until: dt.datetime | None

    @property
    def done_steps(self) -> set[str]:
        return {context for context, _, _ in self.steps}


@dataclass(frozen=True, slots=True)
class CertificateView:
    document: str
    digest: str
    kid: str
    public_key: bytes
    signature: bytes
    issued_at: dt.datetime


def today(now: dt.datetime) -> dt.date:
    return business_date(now, ZONE)


def visible_request(viewer: Viewer, request_id: int, permission: str = VIEW) -> RightsRequest:
    """Raises NotFound alike for a missing and for a hidden one."""
    return load_visible(
        RightsRequest.objects.select_related("person"), request_id, viewer, permission, COLUMNS
    )


def requests_page(
    viewer: Viewer,
    *,
    queue: str = "open",
    kind: str = "",
    q: str = "",
    cursor: str | None = None,
    limit: int = 50,
    now: dt.datetime,
) -> RequestPage:
    """Requests in scope: ``queue`` is open or late (the most urgent first), done, all. Raises BadCursor."""
    rows = visible(RightsRequest.objects.select_related("person"), viewer, VIEW, COLUMNS)
    rows = _in_queue(rows, queue, now)
    if kind:
        rows = rows.filter(kind=kind)
    if q:
        rows = rows.filter(Q(number__istartswith=q.strip()) | Q(person__name__startswith=q.strip()))
    order = _BY_DUE if queue in ("open", "late") else _NEWEST
    page = order.page(rows, cursor, limit)
    return RequestPage([row_of(one, now) for one in page.items], page.next_cursor, page.previous_cursor)


def queue_counts(viewer: Viewer, now: dt.datetime) -> dict[str, int]:
    """How many are open, and how many of these are late or soon will be."""
    rows = visible(RightsRequest.objects.all(), viewer, VIEW, COLUMNS)
    day = today(now)
    is_open = Q(state__in=rules.OPEN) & ~Q(state="ready")
    soon = day + dt.timedelta(days=rules.SOON_DAYS)
    counted = rows.aggregate(
        open=Count("id", filter=is_open),
        late=Count("id", filter=is_open & Q(due_on__lt=day)),
        soon=Count("id", filter=is_open & Q(due_on__gte=day, due_on__lte=soon)),
        done=Count("id", filter=Q(state="done")),
    )
    return {name: int(count) for name, count in counted.items()}


def _in_queue(rows: QuerySet[RightsRequest], queue: str, now: dt.datetime) -> QuerySet[RightsRequest]:
    is_open = Q(state__in=rules.OPEN) & ~Q(state="ready")
    if queue == "open":
        return rows.filter(is_open)
    if queue == "late":
        return rows.filter(is_open, due_on__lt=today(now))
    return rows.filter(state__in=rules.ENDED) if queue == "done" else rows


def request_file(viewer: Viewer, request_id: int, now: dt.datetime) -> RequestFile:
    """Raises NotFound."""
    return _file(visible_request(viewer, request_id), now)


def own_requests(viewer: Viewer, person_id: int, now: dt.datetime, limit: int = 20) -> list[RequestRow]:
    """A member's own, newest first. Raises NotFound for somebody else's."""
    customers.require_visible(person_id, viewer, "rights.ask")
    rows = RightsRequest.objects.filter(person_id__in=customers.family(person_id)).select_related("person")
    found = [row_of(one, now) for one in rows.order_by("-asked_at", "-id")[:limit]]
    refusals = RequestEntry.objects.filter(request__in=[one.id for one in found], act="refused")
    answers = {one.request_id: _entry(one).note for one in refusals}
    return [replace(one, answer=answers.get(one.id, "")) for one in found]


def requests_of_person(viewer: Viewer, person_id: int, now: dt.datetime) -> list[RequestRow]:
    """What one person asked, for their page in the console, newest first. Raises NotFound."""
    customers.require_visible(person_id, viewer, VIEW)
    rows = RightsRequest.objects.filter(person_id__in=customers.family(person_id)).select_related("person")
    return [row_of(one, now) for one in rows.order_by("-asked_at", "-id")[:20]]


def certificate(viewer: Viewer, request_id: int) -> CertificateView | None:
    """The signed proof of an erasure, if it is finished. Raises NotFound."""
    visible_request(viewer, request_id)
    row = Certificate.objects.filter(request_id=request_id).first()
    if row is None:
        return None
    return CertificateView(
        row.document,
        bytes(row.digest).hex(),
        row.kid,
        bytes(row.public_key),
        bytes(row.signature),
        row.issued_at,
    )


def due_requests(now: dt.datetime, limit: int = 50) -> list[int]:
    """Erasures whose time has come: the waiting is over, or work was begun and not finished, or something blocked it."""
    rows = RightsRequest.objects.filter(
        Q(state="waiting", runs_at__lte=now) | Q(state__in=("working", "blocked"), runs_at__lte=now),
        kind__in=rules.ERASING,
    )
    return list(rows.order_by("runs_at", "id").values_list("id", flat=True)[:limit])


def ended_downloads(now: dt.datetime) -> list[int]:
    """Accesses whose time to download is over."""
    rows = RightsRequest.objects.filter(state="ready", download_until__lte=now)
    return list(rows.order_by("id").values_list("id", flat=True)[:500])


def encrypted_columns() -> list[EncryptedColumn]:
    """For the rotation of keys."""
    return [
        EncryptedColumn(NOTE_FIELD, "rights_rightsrequest", "note"),
        EncryptedColumn(CHANGES_FIELD, "rights_rightsrequest", "changes"),
        EncryptedColumn(ENTRY_FIELD, "rights_requestentry", "note"),
    ]


def changes_of(row: RightsRequest) -> dict[str, Any]:
    """The profile fields to be corrected, in clear; for operations."""
    if not row.changes:
        return {}
    found: dict[str, Any] = json.loads(crypto.decrypt(bytes(row.changes), field=CHANGES_FIELD, row=row.pk))
    return found


def row_of(row: RightsRequest, now: dt.datetime) -> RequestRow:
    day = today(now)
    is_open = row.state in rules.OPEN and row.state != "ready"
    return RequestRow(
        row.pk, row.number, row.kind, row.state, row.door, row.person_id, row.member_id, row.person.name, row.asked_at,
        row.due_on, row.stop_on, row.runs_at, row.ended_at, rules.standing(row.due_on, day) if is_open else "",
        (row.due_on - day).days,
    )  # fmt: skip


def _file(row: RightsRequest, now: dt.datetime) -> RequestFile:
    note = crypto.decrypt(bytes(row.note), field=NOTE_FIELD, row=row.pk) if row.note else ""
    changes = {name: customers.masked_field(name, value) for name, value in changes_of(row).items()}
    steps = ErasureStep.objects.filter(request=row).order_by("done_at", "id")
    return RequestFile(
        row=row_of(row, now),
        note=note,
        changes=changes,
        counted=[(dt.date.fromisoformat(day), why) for day, why in row.reckoning],
        entries=[_entry(one) for one in RequestEntry.objects.filter(request=row).order_by("-at", "-id")],
        steps=[(step.context, step.outcome, step.done_at) for step in steps],
        has_certificate=Certificate.objects.filter(request=row).exists(),
        asked_by=row.asked_by,
        decided_by=row.decided_by,
        downloads=row.downloads,
        download_until=row.download_until,
    )


def _entry(row: RequestEntry) -> EntryView:
    note = crypto.decrypt(bytes(row.note), field=ENTRY_FIELD, row=row.pk) if row.note else ""
    return EntryView(row.act, row.actor, row.actor_label, row.details, note, row.at)
