"""Amends: the catalogue, authorities, what was given, and what it cost whom and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.clock import business_date
from zhike.kernel.paging import Keyset, Listing
from zhike.offers import queries as offers
from zhike.organization import queries as organization
from zhike.service.models import AuthorityLimit, AuthorityUse, Cause, Compensation, CompensationItem, Ticket
from zhike.service.queries.tickets import HANDLE, VIEW, visible_ticket
from zhike.service.rules import compensation as rules

COLUMNS = {"mall": "mall_id"}
MERCHANT_COLUMNS = {
    "mall": "mall_id",
    "merchant": "paying_merchant_id",
    "floor": "paying_merchant__floor_id",
}
NEWEST = Keyset((("proposed_at", "desc"), ("id", "desc")))
LIMIT_MAX = 200
STATES: dict[str, tuple[str, ...]] = {
    "waiting": ("proposed",),
    "ready": ("approved",),
    "given": ("executed",),
    "ended": ("rejected", "withdrawn", "reversed"),
    "all": (),
}


@dataclass(frozen=True, slots=True)
class ItemView:
    id: int
    code: str
    name: str
    kind: str
    unit_cost_fen: int
    amount_max: int
    batch_id: int | None
    batch: str
    is_offered: bool


@dataclass(frozen=True, slots=True)
class AuthorityView:
    role: str
    each_fen: int | None
    period: str
    period_fen: int | None


@dataclass(frozen=True, slots=True)
class OwnAuthority:
    """What one person may still give without asking: on one ticket, and of ``period_fen`` in the running period."""

    each_fen: int | None
    period: str
    period_fen: int | None
    used_fen: int

    @property
    def left_fen(self) -> int | None:
        return None if self.period_fen is None else max(0, self.period_fen - self.used_fen)


@dataclass(frozen=True, slots=True)
class CompensationView:
    """``payer`` is a funding code; who proposed, decided and gave are names."""

    id: int
    number: str
    title: str
    mall_id: int
    merchant_id: int | None
    merchant_name: str
    cause: str
    kind: str
    name: str
    amount: int
    cost_fen: int
    payer: str
    reason: str
    state: str
    proposed_at: dt.datetime
    proposed_by: str
    proposer_id: int | None
    decided_at: dt.datetime | None
    decided_by: str
    decision_note: str
    executed_at: dt.datetime | None
    executed_by: str
    reference: str
    ended_at: dt.datetime | None
    ended_by: str
    end_reason: str

    @property
    def can_be_taken_back(self) -> bool:
        return rules.can_take_back(self.kind, self.state)


@dataclass(frozen=True, slots=True)
class CostRow:
    key: str
    name: str
    count: int
    cost_fen: int


@dataclass(frozen=True, slots=True)
class CostReport:
    """What was given between ``since`` and ``until`` and not taken back; ``waiting`` and ``ready`` are open now."""

    since: dt.datetime
    until: dt.datetime
    count: int
    cost_fen: int
    reversed_fen: int
    tickets: int
    waiting: int
    ready: int
    causes: tuple[CostRow, ...]
    merchants: tuple[CostRow, ...]
    payers: tuple[CostRow, ...]
    kinds: tuple[CostRow, ...]
    people: tuple[CostRow, ...]


def compensation_items(viewer: Viewer, group_id: int, *, offered_only: bool = False) -> list[ItemView]:
    """The catalogue in its order. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = CompensationItem.objects.filter(group_id=group_id).order_by("id")
    if offered_only:
        rows = rows.filter(is_offered=True)
    return [
        ItemView(
            row.pk,
            row.code,
            row.name,
            row.kind,
            row.unit_cost_fen,
            row.amount_max,
            row.batch_id,
            offers.batch_name(row.batch_id) if row.batch_id else "",
            row.is_offered,
        )
        for row in rows
    ]


def authorities(viewer: Viewer, group_id: int) -> list[AuthorityView]:
    """Raises NotAllowed."""
    require(viewer, VIEW)
    rows = AuthorityLimit.objects.filter(group_id=group_id).order_by("id")
    return [AuthorityView(*row) for row in rows.values_list("role", "each_fen", "period", "period_fen")]


def authority_of(viewer: Viewer, group_id: int, mall_id: int) -> rules.Authority:
    """The widest authority of the viewer's roles in a mall; the program itself is not limited, API keys have none."""
    if viewer.kind == "system":
        return rules.UNLIMITED
    if viewer.kind != "staff" or viewer.id is None:
        return rules.NOTHING
    places = {("all", 0), ("mall", mall_id)}
    grants = organization.staff_member(viewer.id).grants
    roles = {one.role for one in grants if one.level == "all" or (one.level, one.target_id) in places}
    rows = AuthorityLimit.objects.filter(group_id=group_id, role__in=roles)
    return rules.widest(rules.Authority(*row) for row in rows.values_list("each_fen", "period", "period_fen"))


def own_authority(viewer: Viewer, mall_id: int, now: dt.datetime) -> OwnAuthority:
    """What the viewer may still give in this mall without asking."""
    mall = organization.mall(mall_id)
    authority = authority_of(viewer, mall.group_id, mall_id)
    used = 0
    if viewer.kind == "staff" and viewer.id is not None:
        since = rules.period_start(authority.period, business_date(now, mall.time_zone))
        rows = AuthorityUse.objects.filter(staff_id=viewer.id, period=authority.period, since=since)
        used = rows.values_list("used_fen", flat=True).first() or 0
    return OwnAuthority(authority.each_fen, authority.period, authority.period_fen, used)


def compensations_of(viewer: Viewer, number: str) -> list[CompensationView]:
    """Those of one ticket: staff of the mall see all, a merchant what it pays, a member what is theirs by now."""
    ticket = visible_ticket(viewer, number)
    rows = Compensation.objects.filter(ticket=ticket)
    if viewer.kind == "member":
        rows = rows.filter(state__in=("approved", "executed", "reversed"))
    else:
        rows = visible(rows, viewer, VIEW, MERCHANT_COLUMNS)
    return _views(rows.order_by("id"))


def compensation(viewer: Viewer, compensation_id: int) -> CompensationView | None:
    """One of them, for who handles tickets of its mall."""
    rows = visible(Compensation.objects.filter(pk=compensation_id), viewer, HANDLE, COLUMNS)
    return next(iter(_views(rows)), None)


def compensations_page(
    viewer: Viewer,
    *,
    mall_id: int | None = None,
    state: str = "all",
    since: dt.datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[CompensationView]:
    """Newest first; ``state`` is a key of STATES. Raises NotAllowed, BadCursor."""
    require(viewer, VIEW)
    rows = visible(Compensation.objects.all(), viewer, VIEW, MERCHANT_COLUMNS)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    if STATES.get(state):
        rows = rows.filter(state__in=STATES[state])
    if since is not None:
        rows = rows.filter(proposed_at__gte=since)
    page = NEWEST.page(rows, cursor, min(max(limit, 1), LIMIT_MAX))
    return Listing(_views(page.items), page.next_cursor, page.previous_cursor)


def compensation_report(
    viewer: Viewer, *, mall_id: int | None, since: dt.datetime, until: dt.datetime
) -> CostReport:
    """What amends cost, by cause (top of the tree), merchant, payer, kind and who gave it. Raises NotAllowed."""
    require(viewer, HANDLE)
    rows = visible(Compensation.objects.all(), viewer, HANDLE, COLUMNS)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    given = list(
        rows.filter(executed_at__gte=since, executed_at__lte=until).values_list(
            "ticket_id",
            "ticket__cause_id",
            "ticket__merchant_id",
            "payer",
            "kind",
            "proposed_by",
            "cost_fen",
            "state",
        )
    )
    kept = [row for row in given if row[7] == "executed"]
    tops = _tops()
    return CostReport(
        since=since,
        until=until,
        count=len(kept),
        cost_fen=sum(row[6] for row in kept),
        reversed_fen=sum(row[6] for row in given) - sum(row[6] for row in kept),
        tickets=len({row[0] for row in kept}),
        waiting=rows.filter(state="proposed").count(),
        ready=rows.filter(state="approved").count(),
        causes=_added((tops.get(row[1], ("", "")), row[6]) for row in kept),
        merchants=_added((_merchant(row[2]), row[6]) for row in kept),
        payers=_added(((row[3], row[3]), row[6]) for row in kept),
        kinds=_added(((row[4], row[4]), row[6]) for row in kept),
        people=_added(((row[5], row[5]), row[6]) for row in kept),
    )


def _added(pairs: Iterable[tuple[tuple[str, str], int]]) -> tuple[CostRow, ...]:
    found: dict[str, list[object]] = {}
    for (key, name), fen in pairs:
        cell = found.setdefault(key, [name, 0, 0])
        cell[1] += 1  # type: ignore[operator]
        cell[2] += fen  # type: ignore[operator]
    rows = [CostRow(key, str(name), int(n), int(fen)) for key, (name, n, fen) in found.items()]  # type: ignore[call-overload]
    return tuple(sorted(rows, key=lambda row: (-row.cost_fen, row.name)))


def _tops() -> dict[int | None, tuple[str, str]]:
    """For each cause the code and name of the top of its branch."""
    tree = {row.pk: row for row in Cause.objects.all()}
    found: dict[int | None, tuple[str, str]] = {}
    for pk, row in tree.items():
        while row.parent_id is not None:
            row = tree[row.parent_id]
        found[pk] = (row.code, row.name)
    return found


def _merchant(merchant_id: int | None) -> tuple[str, str]:
    found = organization.merchant_ref(merchant_id) if merchant_id else None
    return (str(merchant_id), found.name) if found else ("", "")


def _views(rows: Iterable[Compensation] | QuerySet[Compensation]) -> list[CompensationView]:
    found = list(rows)
    tickets = {row.pk: row for row in Ticket.objects.filter(pk__in={one.ticket_id for one in found})}
    causes = dict(
        Cause.objects.filter(pk__in={row.cause_id for row in tickets.values()}).values_list("id", "name")
    )
    views = []
    for row in found:
        ticket = tickets[row.ticket_id]
        names: dict[str, Any] = {
            "number": ticket.number,
            "title": ticket.title,
            "merchant_id": ticket.merchant_id,
            "merchant_name": _merchant(ticket.merchant_id)[1],
            "cause": causes.get(ticket.cause_id or 0, ""),
        }
        own: dict[str, Any] = {
            name: getattr(row, name)
            for name in CompensationView.__dataclass_fields__
            if name not in names and name != "id"
        }
        views.append(CompensationView(id=row.pk, **names, **own))
    return views
