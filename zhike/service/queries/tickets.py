"""Tickets: found, listed, one in full with every deadline and its arithmetic."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, load_visible, may_touch, require, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.organization import queries as organization
from zhike.service.models import Alert, Attachment, Cause, Department, Entry, Ticket, TicketClock
from zhike.service.queries.calendars import Calendars
from zhike.service.rules import clock as clock_rules
from zhike.service.rules import tickets

VIEW = "tickets.view"
HANDLE = "tickets.handle"
COLUMNS = {
    "mall": "mall_id",
    "floor": "merchant__floor_id",
    "merchant": "merchant_id",
    "own": "person__associate_id",
    "person": "person_id",
}
NEWEST = Keyset((("opened_at", "desc"), ("id", "desc")))
MOST_URGENT = Keyset((("due_at", "asc"), ("id", "asc")))
LIMIT_MAX = 200
LIVE = tickets.LIVE
SOON = dt.timedelta(minutes=30)


def levels_of(ticket: Ticket) -> dict[str, int | None]:
    """Where a ticket stands, for ``may_touch``."""
    merchant = organization.merchant_ref(ticket.merchant_id) if ticket.merchant_id else None
    return {
        "mall": ticket.mall_id,
        "floor": merchant.floor_id if merchant else None,
        "merchant": ticket.merchant_id,
        "person": ticket.person_id,
    }


def opening_words(ticket_ids: Sequence[int]) -> dict[int, str]:
    """What tickets were opened with, by id."""
    rows = Entry.objects.filter(ticket_id__in=ticket_ids, kind="opening").order_by("id")
    return dict(rows.values_list("ticket_id", "text"))


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One line of a queue; ``person_name`` is masked for whoever may not see the member."""

    id: int
    number: str
    title: str
    type: str
    severity: str
    status: str
    channel: str
    mall_id: int
    merchant_id: int | None
    merchant_name: str
    person_id: int | None
    person_name: str
    department: str
    assignee_id: int | None
    assignee: str
    cause: str
    opened_at: dt.datetime
    changed_at: dt.datetime
    closed_at: dt.datetime | None
    due_at: dt.datetime | None
    breaches: int
    is_repeat: bool

    def is_overdue(self, now: dt.datetime) -> bool:
        return self.due_at is not None and self.due_at <= now


@dataclass(frozen=True, slots=True)
class ClockView:
    """A promise with its arithmetic. ``left`` is working time, negative once it is over; None when it has ended."""

    kind: str
    cycle: int
    state: str
    target: dt.timedelta
    spent: dt.timedelta
    due_at: dt.datetime | None
    ended_at: dt.datetime | None
    breached_at: dt.datetime | None
    calendar: str
    calendar_version: int
    time_zone: str
    steps: tuple[clock_rules.Step, ...]

    @property
    def left(self) -> dt.timedelta | None:
        return None if self.ended_at else self.target - self.spent

    @property
    def percent(self) -> int:
        return min(100, int(self.spent * 100 / self.target))


@dataclass(frozen=True, slots=True)
class FileView:
    id: int
    name: str
    content_type: str
    size: int

    @property
    def is_image(self) -> bool:
        return self.content_type.startswith("image/") and self.content_type != "image/heic"


@dataclass(frozen=True, slots=True)
class EntryView:
    """``author`` is empty for the member. ``is_ours``: somebody of the house, or the program itself."""

    id: int
    kind: str
    audience: str
    author_kind: str
    author: str
    text: str
    details: dict[str, Any]
    written_at: dt.datetime
    files: tuple[FileView, ...]

    @property
    def is_ours(self) -> bool:
        return self.author_kind != "member"


@dataclass(frozen=True, slots=True)
class AlertView:
    id: int
    number: str
    title: str
    severity: str
    clock: str
    level: str
    role: str
    due_at: dt.datetime
    noticed_at: dt.datetime
    seen_at: dt.datetime | None
    seen_by: str


@dataclass(frozen=True, slots=True)
class TicketFile:
    """Everything one reader may see. ``reader`` is staff, merchant or member."""

    row: TicketRow
    reader: str
    receipt_id: UUID | None
    receipt_lines: tuple[int, ...]
    department_id: int | None
    cause_id: int | None
    opened_by: str
    first_answered_at: dt.datetime | None
    resolved_at: dt.datetime | None
    reopened: int
    policy_version_id: int | None
    repeat_of: str
    merged_into: str
    clocks: tuple[ClockView, ...]
    entries: tuple[EntryView, ...]
    alerts: tuple[AlertView, ...]


# --- lists ---------------------------------------------------------------------------------------------------------

QUEUES = ("open", "mine", "unassigned", "due", "late", "waiting", "resolved", "closed", "all")


def tickets_page(
    viewer: Viewer,
    *,
    now: dt.datetime,
    queue: str = "all",
    mall_id: int | None = None,
    merchant_id: int | None = None,
    person_id: int | None = None,
    department_id: int | None = None,
    cause_id: int | None = None,
    type_: str = "",
    severity: str = "",
    q: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[TicketRow]:
    """Tickets in scope. Queues of open work run by deadline, the others newest first; ``q`` is a number or words.

    Raises NotAllowed, BadCursor.
    """
    require(viewer, VIEW)
    rows = _in_scope(viewer, mall_id)
    rows = _queue(rows, queue, viewer, now)
    conditions = {
        "merchant_id": merchant_id,
        "person_id__in": None if person_id is None else customers.family(person_id),
        "department_id": department_id,
        "cause_id": cause_id,
        "type": type_ or None,
        "severity": severity or None,
    }
    rows = rows.filter(**{name: value for name, value in conditions.items() if value is not None})
    if q.strip():
        rows = rows.filter(_meant(q.strip()))
    order = MOST_URGENT if queue in ("due", "late") else NEWEST
    page = order.page(rows, cursor, min(max(limit, 1), LIMIT_MAX))
    return Listing(ticket_rows(viewer, page.items), page.next_cursor, page.previous_cursor)


def queue_counts(viewer: Viewer, *, now: dt.datetime, mall_id: int | None = None) -> dict[str, int]:
    """How many tickets stand in each queue of open work. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = _in_scope(viewer, mall_id).filter(status__in=(*LIVE, "resolved"))
    live = Q(status__in=LIVE)
    counts: dict[str, int] = rows.aggregate(
        open=Count("id", filter=live),
        mine=Count("id", filter=live & Q(assignee_id=_staff_id(viewer))),
        unassigned=Count("id", filter=live & Q(assignee=None)),
        due=Count("id", filter=live & Q(due_at__gt=now, due_at__lte=now + SOON)),
        late=Count("id", filter=live & Q(due_at__lte=now)),
        waiting=Count("id", filter=Q(status="waiting")),
        resolved=Count("id", filter=Q(status="resolved")),
    )
    return counts


def _in_scope(viewer: Viewer, mall_id: int | None) -> QuerySet[Ticket]:
    rows = visible(Ticket.objects.filter(merged_into=None), viewer, VIEW, COLUMNS)
    return rows if mall_id is None else rows.filter(mall_id=mall_id)


def _staff_id(viewer: Viewer) -> int:
    return viewer.id or 0 if viewer.kind == "staff" else 0


def _queue(rows: QuerySet[Ticket], queue: str, viewer: Viewer, now: dt.datetime) -> QuerySet[Ticket]:
    if queue == "waiting" or queue == "resolved" or queue == "closed":
        return rows.filter(status=queue)
    if queue == "all":
        return rows
    live = rows.filter(status__in=LIVE)
    if queue == "mine":
        return live.filter(assignee_id=_staff_id(viewer))
    if queue == "unassigned":
        return live.filter(assignee=None)
    if queue == "late":
        return live.filter(due_at__lte=now)
    if queue == "due":
        return live.filter(due_at__gt=now, due_at__lte=now + SOON)
    return live


def _meant(text: str) -> Q:
    return Q(number__istartswith=text) | Q(title__icontains=text)


def ticket_rows(viewer: Viewer, found: Sequence[Ticket]) -> list[TicketRow]:
    people = customers.summaries([row.person_id for row in found if row.person_id])
    staff = {pk: organization.staff_member(pk).name for pk in {r.assignee_id for r in found if r.assignee_id}}
    department_ids = {row.department_id for row in found if row.department_id}
    departments = dict(Department.objects.filter(pk__in=department_ids).values_list("id", "name"))
    cause_ids = {row.cause_id for row in found if row.cause_id}
    causes = dict(Cause.objects.filter(pk__in=cause_ids).values_list("id", "name"))
    rows = []
    for row in found:
        merchant = organization.merchant_ref(row.merchant_id) if row.merchant_id else None
        rows.append(
            TicketRow(
                id=row.pk,
                number=row.number,
                title=row.title,
                type=row.type,
                severity=row.severity,
                status=row.status,
                channel=row.channel,
                mall_id=row.mall_id,
                merchant_id=row.merchant_id,
                merchant_name=merchant.name if merchant else "",
                person_id=row.person_id,
                person_name=_shown_name(viewer, row, people),
                department=departments.get(row.department_id or 0, ""),
                assignee_id=row.assignee_id,
                assignee=staff.get(row.assignee_id or 0, ""),
                cause=causes.get(row.cause_id or 0, ""),
                opened_at=row.opened_at,
                changed_at=row.changed_at,
                closed_at=row.closed_at,
                due_at=row.due_at if row.status in LIVE else None,
                breaches=row.breaches,
                is_repeat=row.repeat_of_id is not None,
            )
        )
    return rows


def _shown_name(viewer: Viewer, row: Ticket, people: dict[int, customers.PersonSummary]) -> str:
    person = people.get(row.person_id or 0)
    if person is None:
        return ""
    if reader_of(viewer, row) != "merchant":
        return person.name
    return customers.masked_field("name", person.name) or ""


def next_call_at() -> dt.datetime | None:
    """When the next deadline or warning is to be told, over all tickets; for the program itself."""
    rows = TicketClock.objects.filter(next_at__isnull=False).order_by("next_at")
    return rows.values_list("next_at", flat=True).first()


# --- one ticket ----------------------------------------------------------------------------------------------------


def ticket(viewer: Viewer, number: str, now: dt.datetime) -> TicketFile:
    """One ticket as this viewer may see it. Raises NotFound for a missing and for a hidden one."""
    row = visible_ticket(viewer, number)
    reader = reader_of(viewer, row)
    numbers = dict(
        Ticket.objects.filter(pk__in=[pk for pk in (row.repeat_of_id, row.merged_into_id) if pk]).values_list(
            "id", "number"
        )
    )
    is_staff = reader == "staff"
    return TicketFile(
        row=ticket_rows(viewer, [row])[0],
        reader=reader,
        receipt_id=row.receipt_id,
        receipt_lines=tuple(row.receipt_lines),
        department_id=row.department_id,
        cause_id=row.cause_id,
        opened_by=row.opened_by,
        first_answered_at=row.first_answered_at,
        resolved_at=row.resolved_at,
        reopened=row.reopened,
        policy_version_id=row.policy_version_id,
        repeat_of=numbers.get(row.repeat_of_id or 0, "") if is_staff else "",
        merged_into=numbers.get(row.merged_into_id or 0, ""),
        clocks=tuple(clocks_of(row.pk, now)) if reader != "member" else (),
        entries=tuple(_entries(row.pk, reader)),
        alerts=tuple(alert_views(Alert.objects.filter(ticket=row).order_by("id"))) if is_staff else (),
    )


def reader_of(viewer: Viewer, row: Ticket) -> tickets.Audience:
    """As whom this viewer reads: who sees the whole mall reads all, who sees one merchant that merchant's part."""
    if viewer.kind == "member":
        return "member"
    return "staff" if may_touch(viewer, VIEW, mall=row.mall_id) else "merchant"


def visible_ticket(viewer: Viewer, number: str) -> Ticket:
    """Raises NotFound."""
    pk = Ticket.objects.filter(number=number).values_list("id", flat=True).first()
    if pk is None:
        raise NotFound
    return load_visible(Ticket.objects.all(), pk, viewer, VIEW, COLUMNS)


def clocks_of(ticket_id: int, now: dt.datetime) -> list[ClockView]:
    """Every promise of a ticket, newest cycle last, each reckoned again from its runs."""
    found = []
    rows = TicketClock.objects.filter(ticket_id=ticket_id).select_related("calendar_version__calendar")
    for row in rows.order_by("id"):
        calendar = Calendars(row.reckoned_at).get(row.calendar_version_id)
        target = dt.timedelta(seconds=row.target_s)
        runs = [
            clock_rules.Run(
                dt.datetime.fromisoformat(since), dt.datetime.fromisoformat(until) if until else None
            )
            for since, until in row.runs
        ]
        until_now = [clock_rules.Run(run.since, min(run.until or now, max(now, run.since))) for run in runs]
        version = row.calendar_version
        found.append(
            ClockView(
                kind=row.kind,
                cycle=row.cycle,
                state=row.state,
                target=target,
                spent=clock_rules.reckon(calendar, target * 100, until_now).spent,
                due_at=row.due_at,
                ended_at=row.ended_at,
                breached_at=row.breached_at,
                calendar=version.calendar.name if version else "",
                calendar_version=version.version if version else 0,
                time_zone=calendar.zone,
                steps=clock_rules.reckon(calendar, target, runs).steps,
            )
        )
    return found


def _entries(ticket_id: int, reader: tickets.Audience) -> list[EntryView]:
    """What the reader may read, oldest first; a merchant reads the opening too."""
    rows = list(Entry.objects.filter(ticket_id=ticket_id).order_by("written_at", "id"))
    shown = tickets.readable(reader)
    kept = [row for row in rows if row.audience in shown or (reader == "merchant" and row.kind == "opening")]
    files: dict[int, list[FileView]] = {}
    for file in Attachment.objects.filter(entry_id__in=[row.pk for row in kept]).order_by("id"):
        files.setdefault(file.entry_id, []).append(FileView(file.pk, file.name, file.content_type, file.size))
    return [
        EntryView(
            row.pk,
            row.kind,
            row.audience,
            row.author_kind,
            "" if reader == "member" and row.author_kind == "system" else row.author,
            row.text,
            row.details,
            row.written_at,
            tuple(files.get(row.pk, ())),
        )
        for row in kept
    ]


def attachment(viewer: Viewer, number: str, file_id: int, now: dt.datetime) -> tuple[FileView, bytes]:
    """A file of an entry that the viewer may read, with its bytes. Raises NotFound."""
    shown = ticket(viewer, number, now)
    found = next((file for entry in shown.entries for file in entry.files if file.id == file_id), None)
    if found is None:
        raise NotFound
    path = Path(settings.UPLOAD_DIR) / Attachment.objects.get(pk=file_id).path
    if not path.is_file():
        raise NotFound
    return found, path.read_bytes()


# --- alerts --------------------------------------------------------------------------------------------------------


def alert_views(rows: Iterable[Alert] | QuerySet[Alert]) -> list[AlertView]:
    found = list(rows)
    named = {row.pk: row for row in Ticket.objects.filter(pk__in={alert.ticket_id for alert in found})}
    return [
        AlertView(
            row.pk,
            named[row.ticket_id].number,
            named[row.ticket_id].title,
            named[row.ticket_id].severity,
            row.clock,
            row.level,
            row.role,
            row.due_at,
            row.noticed_at,
            row.seen_at,
            row.seen_by,
        )
        for row in found
    ]


def open_alerts(viewer: Viewer, *, mall_id: int | None = None, limit: int = 30) -> list[AlertView]:
    """What nobody has taken note of yet, in the malls where the viewer handles tickets, newest first."""
    require(viewer, HANDLE)
    rows = visible(Alert.objects.filter(seen_at=None), viewer, HANDLE, {"mall": "mall_id"})
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    return alert_views(rows.exclude(ticket__status="closed").order_by("-noticed_at", "-id")[:limit])


def open_numbers(numbers: Sequence[str]) -> set[str]:
    """Those of many ticket numbers that still wait for us; for contexts above."""
    return set(Ticket.objects.filter(number__in=numbers, status__in=LIVE).values_list("number", flat=True))


def complained_between(person_ids: Sequence[int], since: dt.datetime, until: dt.datetime) -> set[int]:
    """Those of many persons for whom a complaint was opened in [since, until); the caller has authorised them."""
    rows = Ticket.objects.filter(
        person_id__in=person_ids, type="complaint", opened_at__gte=since, opened_at__lt=until
    )
    return set(rows.values_list("person_id", flat=True))
