"""Receipts as people and programs see them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.fragments import Sql, of_queryset
from zhike.kernel.paging import Keyset, Listing
from zhike.organization import queries as organization
from zhike.sales.models import ProductCategory, Receipt, ReceiptLine, Tender

COLUMNS = {
    "mall": "mall_id",
    "floor": "merchant__floor_id",
    "merchant": "merchant_id",
    "own": "person__associate_id",
    "person": "person_id",
}
NEWEST = Keyset((("occurred_at", "desc"), ("id", "desc")))


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """One line of a list of receipts."""

    id: UUID
    kind: str
    number: str
    till: str
    merchant_id: int
    merchant_name: str
    mall_id: int
    business_date: dt.date
    occurred_at: dt.datetime
    net_fen: int
    person_id: int | None
    source: str
    original_id: UUID | None


@dataclass(frozen=True, slots=True)
class LineView:
    line_no: int
    sku: str
    name: str
    category: str
    quantity: Decimal
    unit_price_fen: int
    discount_fen: int
    net_fen: int
    returned_quantity: Decimal
    returned_fen: int

    @property
    def left(self) -> Decimal:
        """Pieces that can still be returned."""
        return self.quantity - self.returned_quantity


@dataclass(frozen=True, slots=True)
class TenderView:
    kind: str
    amount_fen: int
    reference: str


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt with everything on it; ``returns`` are the returns of this sale, newest first."""

    row: ReceiptRow
    gross_fen: int
    discount_fen: int
    cashier: str
    claimed_at: dt.datetime | None
    recorded_at: dt.datetime
    recorded_by: str
    import_id: UUID | None
    lines: tuple[LineView, ...]
    tenders: tuple[TenderView, ...]
    returns: tuple[ReceiptRow, ...]


def receipt(viewer: Viewer, receipt_id: UUID) -> ReceiptView:
    """Raises NotFound for a missing and for a hidden receipt alike."""
    found = visible(Receipt.objects.filter(id=receipt_id), viewer, "receipts.view", COLUMNS).first()
    if found is None:
        raise NotFound
    return _view(found)


def receipt_by_key(merchant_id: int, till: str, number: str, business_date: dt.date) -> UUID | None:
    return (
        Receipt.objects.filter(merchant_id=merchant_id, till=till, number=number, business_date=business_date)
        .values_list("id", flat=True)
        .first()
    )


def merchant_of_receipt(receipt_id: UUID) -> int | None:
    """Where it was sold; for whoever must know the place before anyone can be authorised there."""
    return Receipt.objects.filter(id=receipt_id).values_list("merchant_id", flat=True).first()


def receipts_page(
    viewer: Viewer,
    *,
    mall_id: int | None = None,
    merchant_id: int | None = None,
    person_id: int | None = None,
    q: str = "",
    kind: str = "",
    date_from: dt.date | None = None,
    date_to: dt.date | None = None,
    has_person: bool | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[ReceiptRow]:
    """Receipts in scope, newest first; ``q`` is the beginning of a receipt number, dates are business dates."""
    rows = visible(Receipt.objects.all(), viewer, "receipts.view", COLUMNS)
    conditions = {
        "mall_id": mall_id,
        "merchant_id": merchant_id,
        "person_id__in": None if person_id is None else customers.family(person_id),
        "kind": kind or None,
        "business_date__gte": date_from,
        "business_date__lte": date_to,
    }
    rows = rows.filter(**{name: value for name, value in conditions.items() if value is not None})
    if q:
        rows = rows.filter(number__startswith=q)
    if has_person is not None:
        rows = rows.filter(person__isnull=not has_person)
    return _listing(rows, cursor, limit)


def receipts_of_person(person_id: int, cursor: str | None = None, limit: int = 20) -> Listing[ReceiptRow]:
    """One person's receipts, newest first; the caller has authorised the person."""
    return _listing(Receipt.objects.filter(person_id__in=customers.family(person_id)), cursor, limit)


@dataclass(frozen=True, slots=True)
class FavouriteMerchant:
    """Where somebody buys: ``visits`` are days with a purchase there, ``net_fen`` what the purchases came to."""

    merchant_id: int
    name: str
    visits: int
    net_fen: int


def favourite_merchants(person_id: int, limit: int = 3) -> list[FavouriteMerchant]:
    """The merchants a person came to on most days, then by spend; the caller has authorised the person."""
    rows = (
        Receipt.objects.filter(person_id__in=customers.family(person_id), kind="sale")
        .values("merchant_id")
        .annotate(visits=Count("business_date", distinct=True), net_fen=Sum("net_fen"))
        .order_by("-visits", "-net_fen", "merchant_id")[:limit]
    )
    refs = {row["merchant_id"]: organization.merchant_ref(row["merchant_id"]) for row in rows}
    return [
        FavouriteMerchant(ref.id, ref.name, row["visits"], row["net_fen"])
        for row in rows
        if (ref := refs[row["merchant_id"]])
    ]


@dataclass(frozen=True, slots=True)
class DayOfSales:
    receipts: int
    returns: int
    net_fen: int
    refund_fen: int
    with_person: int


def sales_by_day(
    viewer: Viewer, mall_id: int | None, first: dt.date, last: dt.date
) -> dict[dt.date, DayOfSales]:
    """Counts and sums of the business dates in scope that have receipts; ``net_fen`` is sales before refunds."""
    sale, back = Q(kind="sale"), Q(kind="return")
    sums = (
        _for_dashboard(viewer, mall_id)
        .filter(business_date__range=(first, last))
        .values("business_date")
        .annotate(
            receipts=Count("id", filter=sale),
            returns=Count("id", filter=back),
            net=Sum("net_fen", filter=sale),
            refund=Sum("net_fen", filter=back),
            known=Count("id", filter=sale & Q(person__isnull=False)),
        )
        .order_by()
    )
    return {
        row["business_date"]: DayOfSales(
            row["receipts"], row["returns"], row["net"] or 0, row["refund"] or 0, row["known"]
        )
        for row in sums
    }


def sales_by_merchant(
    viewer: Viewer, mall_id: int | None, day: dt.date, limit: int
) -> list[tuple[int, int, int]]:
    """(merchant, receipts, net fen before refunds) of a business date, strongest first."""
    rows = _for_dashboard(viewer, mall_id).filter(business_date=day, kind="sale")
    sums = (
        rows.values("merchant_id").annotate(receipts=Count("id"), net=Sum("net_fen")).order_by("-net")[:limit]
    )
    return [(row["merchant_id"], row["receipts"], row["net"]) for row in sums]


@dataclass(frozen=True, slots=True)
class TillTotal:
    """What is recorded of one till in one business day; amounts in fen, sales before refunds."""

    sales: int = 0
    returns: int = 0
    sales_fen: int = 0
    refunds_fen: int = 0


def till_totals(
    merchant_ids: Sequence[int], first: dt.date, last: dt.date
) -> dict[tuple[int, str, dt.date], TillTotal]:
    """By merchant, till and business date; whatever door they came through. The caller has authorised the merchants."""
    sale, back = Q(kind="sale"), Q(kind="return")
    rows = Receipt.objects.filter(merchant_id__in=merchant_ids, business_date__range=(first, last))
    sums = (
        rows.values("merchant_id", "till", "business_date")
        .annotate(
            sales=Count("id", filter=sale),
            returns=Count("id", filter=back),
            sold=Sum("net_fen", filter=sale),
            refunded=Sum("net_fen", filter=back),
        )
        .order_by()
    )
    return {
        (row["merchant_id"], row["till"], row["business_date"]): TillTotal(
            row["sales"], row["returns"], row["sold"] or 0, row["refunded"] or 0
        )
        for row in sums
    }


def sales_counts(merchant_ids: Sequence[int], since: dt.datetime, until: dt.datetime) -> dict[int, int]:
    """How many sales each merchant made after ``since`` up to ``until``; for rates, the caller has authorised."""
    rows = Receipt.objects.filter(
        merchant_id__in=merchant_ids, kind="sale", occurred_at__gt=since, occurred_at__lte=until
    )
    return dict(rows.values_list("merchant_id").annotate(Count("id")).order_by())


def receipts_sql(viewer: Viewer, permission: str) -> Sql:
    """Somebody's receipts within the scope of a permission, as a statement that others build on.

    Columns: person_id, kind, net_fen, occurred_at, mall_id, merchant_id, id, trade_category_id, brand_id.
    """
    rows = visible(Receipt.objects.filter(person__isnull=False), viewer, permission, COLUMNS)
    columns = ("person_id", "kind", "net_fen", "occurred_at", "mall_id", "merchant_id", "id")
    shop = {"trade_category_id": F("merchant__trade_category_id"), "brand_id": F("merchant__brand_id")}
    return of_queryset(rows.values(*columns, **shop))


def _for_dashboard(viewer: Viewer, mall_id: int | None) -> QuerySet[Receipt]:
    rows = visible(Receipt.objects.all(), viewer, "dashboard.view", COLUMNS)
    return rows if mall_id is None else rows.filter(mall_id=mall_id)


def _listing(rows: QuerySet[Receipt], cursor: str | None, limit: int) -> Listing[ReceiptRow]:
    page = NEWEST.page(rows, cursor, min(max(limit, 1), 200))
    return Listing(_rows(page.items), page.next_cursor, page.previous_cursor)


def _rows(receipts: Iterable[Receipt]) -> list[ReceiptRow]:
    rows = []
    for found in receipts:
        merchant = organization.merchant_ref(found.merchant_id)
        rows.append(
            ReceiptRow(
                id=found.pk,
                kind=found.kind,
                number=found.number,
                till=found.till,
                merchant_id=found.merchant_id,
                merchant_name=merchant.name if merchant else "",
                mall_id=found.mall_id,
                business_date=found.business_date,
                occurred_at=found.occurred_at,
                net_fen=found.net_fen,
                person_id=found.person_id,
                source=found.source,
                original_id=found.original_id,
            )
        )
    return rows


def _view(found: Receipt) -> ReceiptView:
    lines = list(ReceiptLine.objects.filter(receipt_id=found.pk).order_by("line_no"))
    categories = dict(
        ProductCategory.objects.filter(id__in={line.category_id for line in lines}).values_list("id", "name")
    )
    tenders = Tender.objects.filter(receipt_id=found.pk).order_by("position")
    returns = Receipt.objects.filter(original_id=found.pk).order_by("-occurred_at", "-id")
    return ReceiptView(
        row=_rows([found])[0],
        gross_fen=found.gross_fen,
        discount_fen=found.discount_fen,
        cashier=found.cashier,
        claimed_at=found.claimed_at,
        recorded_at=found.recorded_at,
        recorded_by=found.recorded_by,
        import_id=found.import_id,
        lines=tuple(
            LineView(
                line.line_no,
                line.sku,
                line.name,
                categories.get(line.category_id or 0, ""),
                line.quantity,
                line.unit_price_fen,
                line.discount_fen,
                line.net_fen,
                line.returned_quantity,
                line.returned_fen,
            )
            for line in lines
        ),
        tenders=tuple(TenderView(tender.kind, tender.amount_fen, tender.reference) for tender in tenders),
        returns=tuple(_rows(returns)),
    )
