"""The improvement report: what people complain of, what changed since the period before, what goes with content."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, Sum

from zhike.kernel.access import Viewer, require, system_viewer, visible
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.service.models import Cause, Compensation, ImprovementAction, SurveyAnswer, Ticket, TicketClock
from zhike.service.queries.tickets import COLUMNS, HANDLE
from zhike.service.rules import improvement as rules
from zhike.service.rules import surveys as survey_rules

TOP = 12
DRIVERS_OVER = dt.timedelta(days=180)
EFFECT_OVER = dt.timedelta(days=30)
DRIVERS = ("answer_late", "solution_late", "reopened", "repeated", "amends", "merchant")


@dataclass(frozen=True, slots=True)
class LineView:
    """One cause or merchant: complaints of the period against the one before, repeats, broken promises, content, cost."""

    key: int | None
    name: str
    change: rules.Change
    repeats: int
    late: int
    score: survey_rules.Score
    cost_fen: int


@dataclass(frozen=True, slots=True)
class ActionView:
    """``effect`` compares thirty days before it began with up to thirty days since it was done."""

    id: int
    title: str
    about: str
    department: str
    due_on: dt.date | None
    created_at: dt.datetime
    created_by: str
    done_at: dt.datetime | None
    note: str
    effect: rules.Change | None
    is_early: bool


@dataclass(frozen=True, slots=True)
class Report:
    since: dt.datetime
    until: dt.datetime
    before: dt.datetime
    before_until: dt.datetime
    receipts: int
    total: rules.Change
    repeats: int
    repeats_before: int
    score: survey_rules.Score
    score_before: survey_rules.Score
    cost_fen: int
    cost_fen_before: int
    causes: tuple[LineView, ...]
    merchants: tuple[LineView, ...]
    drivers: tuple[rules.Driver, ...]
    actions: tuple[ActionView, ...]


def periods(month: dt.date, zone: dt.tzinfo, now: dt.datetime) -> tuple[dt.datetime, ...]:
    """(since, until, before, before_until): a month and the one before; of a running month, equally many days of both."""
    first = month.replace(day=1)
    following = (first + dt.timedelta(days=32)).replace(day=1)
    previous = (first - dt.timedelta(days=1)).replace(day=1)
    since, end, before = (dt.datetime.combine(day, dt.time(), zone) for day in (first, following, previous))
    if end <= now:
        return since, end, before, since
    return since, now, before, min(since, before + (now - since))


def improvement_report(
    viewer: Viewer, *, mall_id: int | None, month: dt.date, zone: dt.tzinfo, now: dt.datetime
) -> Report:
    """A month against the month before, in the malls where the viewer handles tickets. Raises NotAllowed."""
    require(viewer, HANDLE)
    since, until, before, before_until = periods(month, zone, now)
    scope = _Scope(viewer, mall_id)
    now_rows, old_rows = scope.complaints(since, until), scope.complaints(before, before_until)
    receipts, receipts_before = scope.receipts(since, until), scope.receipts(before, before_until)
    answers, answers_before = scope.answers(since, until), scope.answers(before, before_until)
    costs, costs_before = scope.costs(since, until), scope.costs(before, before_until)
    names = dict(Cause.objects.values_list("id", "name"))
    ids = {row["merchant_id"] for row in now_rows + old_rows if row["merchant_id"]}
    shops = {pk: ref.name for pk in ids if (ref := organization.merchant_ref(pk))}

    def lines(
        key: str, named: dict[int, str], base: Callable[[int | None], tuple[int, int]]
    ) -> tuple[LineView, ...]:
        counted, counted_before = Counter(row[key] for row in now_rows), Counter(row[key] for row in old_rows)
        found = []
        for pk in {*counted, *counted_before}:
            mine = [row for row in now_rows if row[key] == pk]
            n, n_before = base(pk)
            found.append(
                LineView(
                    pk,
                    named.get(pk, ""),
                    rules.change(counted[pk], n, counted_before[pk], n_before),
                    sum(1 for row in mine if row["repeat_of_id"]),
                    sum(1 for row in mine if row["breaches"]),
                    _score(row["score"] for row in answers if row[key] == pk),
                    sum(row["cost_fen"] for row in costs if row[f"ticket__{key}"] == pk),
                )
            )
        return tuple(sorted(found, key=lambda one: (-one.change.count, -one.change.before, one.name))[:TOP])

    total, total_before = sum(receipts.values()), sum(receipts_before.values())
    return Report(
        since=since,
        until=until,
        before=before,
        before_until=before_until,
        receipts=total,
        total=rules.change(len(now_rows), total, len(old_rows), total_before),
        repeats=sum(1 for row in now_rows if row["repeat_of_id"]),
        repeats_before=sum(1 for row in old_rows if row["repeat_of_id"]),
        score=_score(row["score"] for row in answers),
        score_before=_score(row["score"] for row in answers_before),
        cost_fen=sum(row["cost_fen"] for row in costs),
        cost_fen_before=sum(row["cost_fen"] for row in costs_before),
        causes=lines("cause_id", names, lambda _pk: (total, total_before)),
        merchants=tuple(
            line
            for line in lines(
                "merchant_id", shops, lambda pk: (receipts.get(pk or 0, 0), receipts_before.get(pk or 0, 0))
            )
            if line.key
        ),
        drivers=_drivers(scope, until),
        actions=_actions(scope, names, now),
    )


def _score(scores: Iterable[int]) -> survey_rules.Score:
    return survey_rules.score_of("csat", Counter(scores))


class _Scope:
    """Rows of the malls in question, for the viewer."""

    def __init__(self, viewer: Viewer, mall_id: int | None) -> None:
        self.viewer, self.mall_id = viewer, mall_id
        self.merchants = [ref.id for ref in organization.merchants(viewer, mall_id, HANDLE)]

    def _here(self, rows: QuerySet[Any], columns: dict[str, str], mall: str) -> QuerySet[Any]:
        rows = visible(rows, self.viewer, HANDLE, columns)
        return rows if self.mall_id is None else rows.filter(**{mall: self.mall_id})

    def complaints(self, since: dt.datetime, until: dt.datetime) -> list[dict[str, Any]]:
        rows = Ticket.objects.filter(
            type="complaint", merged_into=None, opened_at__gte=since, opened_at__lt=until
        )
        return list(
            self._here(rows, COLUMNS, "mall_id").values("cause_id", "merchant_id", "repeat_of_id", "breaches")
        )

    def receipts(self, since: dt.datetime, until: dt.datetime) -> dict[int, int]:
        return sales.sales_counts(self.merchants, since, until)

    def answers(self, since: dt.datetime, until: dt.datetime) -> list[dict[str, Any]]:
        rows = SurveyAnswer.objects.filter(
            ticket__isnull=False, answered_at__gte=since, answered_at__lt=until
        )
        return list(
            self._here(rows, {"mall": "mall_id"}, "mall_id").values(
                "score", "cause_id", "merchant_id", "ticket_id"
            )
        )

    def costs(self, since: dt.datetime, until: dt.datetime) -> list[dict[str, Any]]:
        rows = Compensation.objects.filter(state="executed", executed_at__gte=since, executed_at__lt=until)
        return list(
            self._here(rows, {"mall": "mall_id"}, "mall_id")
            .values("ticket__cause_id", "ticket__merchant_id")
            .annotate(cost_fen=Sum("cost_fen"))
            .order_by()
        )

    def actions(self) -> list[ImprovementAction]:
        rows = ImprovementAction.objects.select_related("department", "cause").order_by("-created_at", "-id")
        return list(self._here(rows, {"mall": "mall_id"}, "mall_id")[:TOP])


def _drivers(scope: _Scope, until: dt.datetime) -> tuple[rules.Driver, ...]:
    """What members who are content have more or less often; the widest sure difference first. It shows what goes
    together, not what causes what."""
    answers = scope.answers(until - DRIVERS_OVER, until)
    ids = [row["ticket_id"] for row in answers]
    tickets = {
        row["id"]: row for row in Ticket.objects.filter(pk__in=ids).values("id", "reopened", "repeat_of_id")
    }
    late: dict[str, set[int]] = {"first_answer": set(), "resolution": set()}
    clocks = TicketClock.objects.filter(ticket_id__in=ids, breached_at__isnull=False)
    for pk, kind in clocks.values_list("ticket_id", "kind"):
        late.setdefault(kind, set()).add(pk)
    amends = set(
        Compensation.objects.filter(ticket_id__in=ids, state="executed").values_list("ticket_id", flat=True)
    )
    has: dict[str, Callable[[dict[str, Any]], bool]] = {
        "answer_late": lambda row: row["ticket_id"] in late["first_answer"],
        "solution_late": lambda row: row["ticket_id"] in late["resolution"],
        "reopened": lambda row: bool(tickets[row["ticket_id"]]["reopened"]),
        "repeated": lambda row: tickets[row["ticket_id"]]["repeat_of_id"] is not None,
        "amends": lambda row: row["ticket_id"] in amends,
        "merchant": lambda row: row["merchant_id"] is not None,
    }
    found = []
    for code in DRIVERS:
        having = [row for row in answers if has[code](row)]
        content = sum(1 for row in having if row["score"] >= 4)
        all_content = sum(1 for row in answers if row["score"] >= 4)
        one = rules.driver(code, len(having), content, len(answers) - len(having), all_content - content)
        if one is not None:
            found.append(one)
    return tuple(sorted(found, key=lambda one: (not one.is_sure, -abs(one.difference))))


def _actions(scope: _Scope, causes: dict[int, str], now: dt.datetime) -> tuple[ActionView, ...]:
    views = []
    for row in scope.actions():
        merchant = organization.merchant_ref(row.merchant_id) if row.merchant_id else None
        about = [causes.get(row.cause_id or 0, ""), merchant.name if merchant else ""]
        effect = None
        if row.done_at is not None:
            effect = rules.change(
                *_rate(row, row.done_at, min(now, row.done_at + EFFECT_OVER)),
                *_rate(row, row.created_at - EFFECT_OVER, row.created_at),
            )
        views.append(
            ActionView(
                row.pk,
                row.title,
                " · ".join(part for part in about if part),
                row.department.name if row.department else "",
                row.due_on,
                row.created_at,
                row.created_by,
                row.done_at,
                row.note,
                effect,
                row.done_at is not None and now - row.done_at < EFFECT_OVER,
            )
        )
    return tuple(views)


def _rate(row: ImprovementAction, since: dt.datetime, until: dt.datetime) -> tuple[int, int]:
    """Complaints about what the action is about, and the receipts they came from."""
    rows = Ticket.objects.filter(
        mall_id=row.mall_id, type="complaint", merged_into=None, opened_at__gte=since, opened_at__lt=until
    )
    if row.cause_id:
        rows = rows.filter(cause_id=row.cause_id)
    if row.merchant_id:
        rows = rows.filter(merchant_id=row.merchant_id)
    merchants = [row.merchant_id] if row.merchant_id else _merchants_of(row.mall_id)
    return rows.aggregate(n=Count("id"))["n"], sum(sales.sales_counts(merchants, since, until).values())


def _merchants_of(mall_id: int) -> list[int]:
    return [ref.id for ref in organization.merchants(system_viewer("service"), mall_id)]
