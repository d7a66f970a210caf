"""Goods that come back: the terms, what of a receipt may still come, sheets found and listed, what they tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from zhike.kernel import codes
from zhike.kernel.access import Viewer, require, system_viewer, visible
from zhike.kernel.clock import business_date
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.rewards import queries as rewards
from zhike.sales import queries as sales
from zhike.service.models import AfterSale, AfterSaleLine, AfterSalesPolicy, RepairPart, Ticket
from zhike.service.queries.tickets import COLUMNS, VIEW, TicketRow, ticket_rows, visible_ticket
from zhike.service.rules import after_sales as rules

HOUSE = system_viewer("after-sales")
NEWEST = Keyset((("applied_at", "desc"), ("id", "desc")))
SHEET_COLUMNS = {level: f"ticket__{column}" for level, column in COLUMNS.items()}
QUEUES: dict[str, tuple[str, ...]] = {
    "open": rules.OPEN_STATES,
    "applied": ("applied",),
    "approved": ("approved",),
    "here": ("received", "checked", "rejected", "workshop"),
    "ready": ("ready",),
    "ended": rules.ENDED_STATES,
    "all": rules.STATES,
}
LIMIT_MAX = 200


@dataclass(frozen=True, slots=True)
class TermsView:
    """One version of the terms."""

    id: int
    version: int
    policy: rules.Policy
    note: str
    published_at: dt.datetime
    published_by: str


@dataclass(frozen=True, slots=True)
class LineChoice:
    """A line of a receipt and whether it may come back; ``left`` is what neither came back nor is on its way."""

    line_no: int
    sku: str
    name: str
    category: str
    category_code: str
    quantity: Decimal
    left: Decimal
    net_fen: int
    verdict: rules.Verdict
    by_name: str


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What of one receipt may come back, for one wish; ``standing`` names what the member's tier and benefits are."""

    receipt: sales.ReceiptView
    terms_id: int
    policy: rules.Policy
    wanted: rules.Wanted
    lines: tuple[LineChoice, ...]
    standing: Mapping[str, str]

    @property
    def is_any(self) -> bool:
        return any(line.verdict.allowed for line in self.lines)


@dataclass(frozen=True, slots=True)
class SheetLine:
    line_no: int
    sku: str
    name: str
    quantity: Decimal
    net_fen: int
    verdict: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A sheet in a list, with its ticket."""

    id: int
    ticket: TicketRow
    kind: str
    reason: str
    condition: str
    state: str
    goods: str
    net_fen: int
    refund_fen: int
    applied_at: dt.datetime
    changed_at: dt.datetime
    ended_at: dt.datetime | None
    promised_on: dt.date | None

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One after-sales sheet in full. ``acts`` is what can be done now; ``road`` the states of a matter that goes well."""

    row: SheetRow
    reader: str
    code: str
    receipt_id: UUID
    lines: tuple[SheetLine, ...]
    extended_by: str
    is_free: bool
    estimate: Mapping[str, int]
    terms_version: int
    return_id: UUID | None
    money_fen: int
    clawed_points: int
    restored_points: int
    replacement: str
    workshop: str
    promised_first_on: dt.date | None
    labour_fen: int
    cost_fen: int
    charge_fen: int
    agreed_at: dt.datetime | None
    parts: tuple[rules.Part, ...]
    acts: tuple[str, ...]
    road: tuple[str, ...]

    @property
    def number(self) -> str:
        return self.row.ticket.number

    @property
    def qr(self) -> str:
        """What the code on the member's phone says."""
        return rules.QR_PREFIX + self.code

    @property
    def spoken_code(self) -> str:
        return codes.spoken(self.code, 4)

    @property
    def shows_code(self) -> bool:
        """Whether the member has something to bring or to collect."""
        brings = ("applied",) if self.row.kind == rules.REPAIR else ("approved",)
        return self.row.state in (*brings, "received", "ready", "rejected")

    @property
    def place(self) -> int:
        """The step it is at, from 1; past the last once all went well. Where it left the road, where that was."""
        left_at = {"refused": 2, "withdrawn": 1, "rejected": 3, "handed": 3}
        if self.row.state not in self.road:
            return left_at[self.row.state]
        at = self.road.index(self.row.state) + 1
        return at + (self.row.ended_at is not None)


# --- terms ---------------------------------------------------------------------------------------------------------


def after_sales_terms(group_id: int) -> TermsView | None:
    """The terms in force; None before any were published."""
    row = AfterSalesPolicy.objects.filter(group_id=group_id).order_by("-version").first()
    return None if row is None else _terms_view(row)


def usual_terms(group_id: int) -> rules.Policy:
    """What a mall begins with, for the categories there are."""
    known = {ref.code for ref in sales.product_categories(group_id)} | {rules.ANY}
    return replace(rules.USUAL, terms=tuple(row for row in rules.USUAL.terms if row.category in known))


def after_sales_versions(viewer: Viewer, group_id: int, limit: int = 20) -> list[TermsView]:
    """Newest first. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = AfterSalesPolicy.objects.filter(group_id=group_id).order_by("-version")[:limit]
    return [_terms_view(row) for row in rows]


def _terms_view(row: AfterSalesPolicy) -> TermsView:
    return TermsView(
        row.pk, row.version, rules.load(row.definition), row.note, row.published_at, row.published_by
    )


def standing_keys(group_id: int) -> dict[str, str]:
    """The tiers and benefits that terms can name, with what they are called."""
    found: dict[str, str] = {}
    for programme in loyalty.programs(HOUSE):
        if programme.group_id == group_id:
            found |= {f"tier:{tier.code}": tier.name for tier in loyalty.tiers(programme.id)}
    return found | {f"benefit:{one.code}": one.name for one in rewards.benefits(HOUSE)}


def standing_of(person_id: int | None, mall_id: int, now: dt.datetime) -> dict[str, str]:
    """What a person's tier and usable benefits are, by key; nothing for whoever is no active member."""
    member_id = loyalty.member_id_of_person(person_id) if person_id else None
    if member_id is None:
        return {}
    file = loyalty.member_file(HOUSE, member_id, now)
    if file.status != "active":
        return {}
    found = {f"tier:{file.tier.code}": file.tier.name}
    for own in rewards.member_benefits(HOUSE, member_id, now).items:
        if own.refusal in (None, "uncounted") and own.benefit.mall_id in (None, mall_id):
            found[f"benefit:{own.benefit.code}"] = own.benefit.name
    return found


# --- what may come back --------------------------------------------------------------------------------------------


def reserved(receipt_id: UUID) -> dict[int, Decimal]:
    """How much of each line is on its way back already."""
    rows = AfterSaleLine.objects.filter(sale__receipt_id=receipt_id, sale__state__in=rules.RESERVING)
    return dict(rows.values_list("line_no").annotate(Sum("quantity")).order_by())


def eligibility(
    viewer: Viewer, receipt_id: UUID, *, kind: str, reason: str, condition: str, now: dt.datetime
) -> Eligibility | None:
    """Every line of a sale with whether it may come back and why; None while no terms are published.

    Raises NotFound for a missing and for a hidden receipt, and for a return.
    """
    receipt = sales.receipt(viewer, receipt_id)
    if receipt.row.kind != "sale":
        raise NotFound
    mall = organization.mall(receipt.row.mall_id)
    terms = after_sales_terms(mall.group_id)
    if terms is None:
        return None
    wanted = rules.Wanted(kind, reason, condition)
    standing = standing_of(receipt.row.person_id, mall.id, now)
    today = business_date(now, mall.time_zone)
    under_way = reserved(receipt_id)
    categories = {ref.id: ref for ref in sales.product_categories(mall.group_id)}
    lines = []
    for line in sales.lines_of(receipt_id):
        category = categories.get(line.category_id or 0)
        code = category.code if category else ""
        left = line.quantity - line.returned_quantity - under_way.get(line.line_no, Decimal(0))
        found = rules.verdict(
            terms.policy, wanted, code, receipt.row.business_date, today, left, list(standing)
        )
        name = category.name if category else ""
        lines.append(
            LineChoice(
                line.line_no, line.sku, line.name or line.sku, name, code, line.quantity, max(left, Decimal(0)),
                line.net_fen, found, standing.get(found.by, ""),
            )
        )  # fmt: skip
    return Eligibility(receipt, terms.id, terms.policy, wanted, tuple(lines), standing)


# --- sheets --------------------------------------------------------------------------------------------------------


def after_sale(viewer: Viewer, number: str) -> Sheet:
    """The sheet of a ticket that the viewer may see. Raises NotFound, also for a ticket without one."""
    found = after_sale_of(viewer, number)
    if found is None:
        raise NotFound
    return found


def after_sale_of(viewer: Viewer, number: str) -> Sheet | None:
    """The sheet of a ticket, if it has one. Raises NotFound for a hidden ticket."""
    ticket = visible_ticket(viewer, number)
    row = AfterSale.objects.filter(ticket_id=ticket.pk).select_related("policy").first()
    return None if row is None else _sheet(viewer, row, ticket)


def number_of_code(viewer: Viewer, code: str) -> str | None:
    """The ticket whose code somebody shows at a desk, in the viewer's scope; None for a code nobody knows."""
    read = codes.read(code, rules.QR_PREFIX)
    rows = visible(AfterSale.objects.filter(code=read), viewer, VIEW, SHEET_COLUMNS)
    return rows.values_list("ticket__number", flat=True).first()


def looks_like_after_sale(text: str) -> bool:
    """Whether a scanned text is the code of a sheet. Typed without its prefix it is asked for on its own page."""
    plain = text.strip().upper()
    return plain.startswith(rules.QR_PREFIX) and codes.is_right(
        codes.read(plain, rules.QR_PREFIX), rules.CODE_FREE
    )


def after_sales_page(
    viewer: Viewer,
    *,
    queue: str = "open",
    kind: str = "",
    mall_id: int | None = None,
    merchant_id: int | None = None,
    person_id: int | None = None,
    q: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[SheetRow]:
    """Sheets in scope, newest first; ``q`` is a ticket's number or a part of an article's name.

    Raises NotAllowed, BadCursor.
    """
    rows = _in_scope(viewer, mall_id).filter(state__in=QUEUES.get(queue, rules.STATES))
    if kind:
        rows = rows.filter(kind=kind)
    if merchant_id is not None:
        rows = rows.filter(ticket__merchant_id=merchant_id)
    if person_id is not None:
        rows = rows.filter(ticket__person_id=person_id)
    if q.strip():
        named = AfterSaleLine.objects.filter(name__icontains=q.strip()).values("sale_id")
        rows = rows.filter(Q(ticket__number__istartswith=q.strip()) | Q(pk__in=named))
    page = NEWEST.page(rows.select_related("ticket"), cursor, min(max(limit, 1), LIMIT_MAX))
    return Listing(_rows(viewer, page.items), page.next_cursor, page.previous_cursor)


def after_sales_counts(viewer: Viewer, mall_id: int | None = None) -> dict[str, int]:
    """How many sheets stand in each queue of open work. Raises NotAllowed."""
    rows = _in_scope(viewer, mall_id).filter(state__in=rules.OPEN_STATES)
    states = list(rows.values_list("state", flat=True))
    return {
        queue: sum(1 for state in states if state in wanted)
        for queue, wanted in QUEUES.items()
        if queue not in ("ended", "all")
    }


def has_open_sheet(ticket_id: int) -> bool:
    """Whether goods of this ticket are still on their way."""
    return AfterSale.objects.filter(ticket_id=ticket_id, state__in=rules.OPEN_STATES).exists()


def _in_scope(viewer: Viewer, mall_id: int | None) -> QuerySet[AfterSale]:
    require(viewer, VIEW)
    rows = visible(AfterSale.objects.all(), viewer, VIEW, SHEET_COLUMNS)
    return rows if mall_id is None else rows.filter(ticket__mall_id=mall_id)


def _lines(sale_ids: Sequence[int]) -> dict[int, list[AfterSaleLine]]:
    found: dict[int, list[AfterSaleLine]] = {pk: [] for pk in sale_ids}
    for line in AfterSaleLine.objects.filter(sale_id__in=sale_ids).order_by("line_no"):
        found[line.sale_id].append(line)
    return found


def _rows(viewer: Viewer, found: Iterable[AfterSale]) -> list[SheetRow]:
    sheets = list(found)
    tickets = {row.id: row for row in ticket_rows(viewer, [sheet.ticket for sheet in sheets])}
    lines = _lines([sheet.pk for sheet in sheets])
    return [_row(sheet, tickets[sheet.ticket_id], lines[sheet.pk]) for sheet in sheets]


def _row(sheet: AfterSale, ticket: TicketRow, lines: Sequence[AfterSaleLine]) -> SheetRow:
    same = {
        name: getattr(sheet, name)
        for name in (
            "kind", "reason", "condition", "state", "refund_fen", "applied_at", "changed_at", "ended_at", "promised_on",
        )
    }  # fmt: skip
    return SheetRow(
        id=sheet.pk,
        ticket=ticket,
        goods=rules.goods([(line.name, line.quantity) for line in lines]),
        net_fen=sum(line.net_fen for line in lines),
        **same,
    )


def _sheet(viewer: Viewer, row: AfterSale, ticket: Ticket) -> Sheet:
    lines = _lines([row.pk])[row.pk]
    parts = RepairPart.objects.filter(sale=row).order_by("id")
    same = {
        name: getattr(row, name)
        for name in (
            "code", "receipt_id", "is_free", "estimate", "money_fen", "clawed_points", "restored_points", "replacement",
            "workshop", "promised_first_on", "labour_fen", "cost_fen", "charge_fen", "agreed_at",
        )
    }  # fmt: skip
    is_member = viewer.kind == "member"
    asked = rules.may_agree(row.charge_fen, is_agreed=row.agreed_at is not None)
    acts = [
        act
        for act in rules.acts(row.kind, row.state)
        if (act not in ("agree", "decline") or asked)
        and (act != "finish" or not asked)
        and (not is_member or act in ("withdraw", "agree", "decline"))
    ]
    return Sheet(
        row=_row(row, ticket_rows(viewer, [ticket])[0], lines),
        reader="member" if is_member else "staff",
        lines=tuple(
            SheetLine(line.line_no, line.sku, line.name, line.quantity, line.net_fen, line.verdict)
            for line in lines
        ),
        extended_by=row.estimate.get("by_name", "") or row.extended_by,
        terms_version=row.policy.version,
        return_id=row.return_receipt_id,
        parts=tuple(rules.Part(part.name, part.quantity, part.cost_fen) for part in parts),
        acts=tuple(acts),
        road=rules.road(row.kind),
        **same,
    )
