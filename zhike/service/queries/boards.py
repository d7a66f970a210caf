"""The supervisor's figures. Each says what it counts, and opens the list it counts."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, Q

from zhike.kernel.access import Viewer, require, visible
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.service.models import Cause, Ticket, TicketClock
from zhike.service.queries.tickets import COLUMNS, HANDLE, queue_counts
from zhike.service.rules.policies import CLOCKS

TOP = 10


@dataclass(frozen=True, slots=True)
class Kept:
    """Promises of one kind that ended in the period; ``share`` is None when there were none."""

    kind: str
    kept: int
    late: int

    @property
    def share(self) -> float | None:
        total = self.kept + self.late
        return self.kept / total if total else None


@dataclass(frozen=True, slots=True)
class CauseRow:
    cause_id: int | None
    name: str
    tickets: int
    late: int


@dataclass(frozen=True, slots=True)
class MerchantRate:
    """Complaints per 1,000 receipts of the same period; ``per_mille`` is None without receipts."""

    merchant_id: int
    name: str
    complaints: int
    receipts: int

    @property
    def per_mille(self) -> float | None:
        return self.complaints * 1_000 / self.receipts if self.receipts else None


@dataclass(frozen=True, slots=True)
class Board:
    """``opened`` and ``solved`` count tickets by day of the period; ``hours`` when tickets come, by hour of the day."""

    since: dt.datetime
    until: dt.datetime
    queues: dict[str, int]
    kept: tuple[Kept, ...]
    opened: int
    solved: int
    reopened: int
    repeats: int
    by_day: tuple[tuple[dt.date, int, int], ...]
    hours: tuple[int, ...]
    causes: tuple[CauseRow, ...]
    merchants: tuple[MerchantRate, ...]
    agents: tuple[tuple[int, str, int, int], ...]


def board(viewer: Viewer, *, mall_id: int | None, days: int, zone: dt.tzinfo, now: dt.datetime) -> Board:
    """The last ``days`` days up to now in the malls where the viewer handles tickets. Raises NotAllowed."""
    require(viewer, HANDLE)
    today = now.astimezone(zone).date()
    since = dt.datetime.combine(today - dt.timedelta(days=days - 1), dt.time(), zone)
    rows = visible(Ticket.objects.filter(merged_into=None), viewer, HANDLE, COLUMNS)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    opened = list(
        rows.filter(opened_at__gte=since, opened_at__lte=now).values_list(
            "opened_at", "type", "merchant_id", "cause_id", "breaches", "reopened", "repeat_of_id"
        )
    )
    solved = list(
        rows.filter(resolved_at__gte=since, resolved_at__lte=now).values_list("resolved_at", flat=True)
    )
    days_of = [today - dt.timedelta(days=number) for number in reversed(range(days))]
    opened_on = Counter(moment.astimezone(zone).date() for moment, *_rest in opened)
    solved_on = Counter(moment.astimezone(zone).date() for moment in solved if moment)
    hours = Counter(moment.astimezone(zone).hour for moment, *_rest in opened)
    complaints = Counter(row[2] for row in opened if row[1] == "complaint" and row[2] is not None)
    return Board(
        since=since,
        until=now,
        queues=queue_counts(viewer, now=now, mall_id=mall_id),
        kept=_kept(viewer, mall_id, since, now),
        opened=len(opened),
        solved=len(solved),
        reopened=sum(1 for row in opened if row[5]),
        repeats=sum(1 for row in opened if row[6]),
        by_day=tuple((day, opened_on.get(day, 0), solved_on.get(day, 0)) for day in days_of),
        hours=tuple(hours.get(hour, 0) for hour in range(24)),
        causes=_causes([(row[3], row[4]) for row in opened]),
        merchants=_rates(complaints, since, now),
        agents=_agents(viewer, mall_id, now),
    )


def _kept(viewer: Viewer, mall_id: int | None, since: dt.datetime, now: dt.datetime) -> tuple[Kept, ...]:
    columns = {level: f"ticket__{column}" for level, column in COLUMNS.items()}
    rows = visible(
        TicketClock.objects.filter(ended_at__gte=since, ended_at__lte=now), viewer, HANDLE, columns
    )
    if mall_id is not None:
        rows = rows.filter(ticket__mall_id=mall_id)
    found = {
        row["kind"]: (row["kept"], row["late"])
        for row in rows.values("kind")
        .annotate(kept=Count("id", filter=Q(state="met")), late=Count("id", filter=Q(state="late")))
        .order_by()
    }
    return tuple(Kept(kind, *found.get(kind, (0, 0))) for kind in CLOCKS)


def _causes(opened: list[tuple[int | None, int]]) -> tuple[CauseRow, ...]:
    """By the top of the tree, most frequent first."""
    tree = {row.pk: row for row in Cause.objects.all()}

    def top(cause_id: int | None) -> int | None:
        while cause_id is not None and tree[cause_id].parent_id is not None:
            cause_id = tree[cause_id].parent_id
        return cause_id

    counted: dict[int | None, list[int]] = {}
    for cause_id, breaches in opened:
        cell = counted.setdefault(top(cause_id), [0, 0])
        cell[0] += 1
        cell[1] += bool(breaches)
    rows = [CauseRow(pk, tree[pk].name if pk else "", n, late) for pk, (n, late) in counted.items()]
    return tuple(sorted(rows, key=lambda row: -row.tickets)[:TOP])


def _rates(complaints: Counter[int], since: dt.datetime, now: dt.datetime) -> tuple[MerchantRate, ...]:
    ids = list(complaints)
    receipts = sales.sales_counts(ids, since, now)
    rows = []
    for pk in ids:
        merchant = organization.merchant_ref(pk)
        rows.append(MerchantRate(pk, merchant.name if merchant else "", complaints[pk], receipts.get(pk, 0)))
    return tuple(sorted(rows, key=lambda row: (-(row.per_mille or 0), -row.complaints))[:TOP])


def _agents(viewer: Viewer, mall_id: int | None, now: dt.datetime) -> tuple[tuple[int, str, int, int], ...]:
    """(staff, name, open tickets, of which overdue), the busiest first."""
    rows = visible(
        Ticket.objects.filter(status__in=("new", "open", "waiting"), assignee__isnull=False),
        viewer,
        HANDLE,
        COLUMNS,
    )
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    counted = (
        rows.values("assignee_id", "assignee__name")
        .annotate(n=Count("id"), late=Count("id", filter=Q(due_at__lte=now)))
        .order_by("-n")[:TOP]
    )
    return tuple((row["assignee_id"], row["assignee__name"], row["n"], row["late"]) for row in counted)
