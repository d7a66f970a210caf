"""What an operation above needs to know of receipts before it writes; several hold the rows they return."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Case, Count, F, OuterRef, Q, Subquery, Sum, When
from django.db.models.functions import Coalesce

from zhike.kernel.statements import fetch_rows
from zhike.sales.models import Receipt, ReceiptLine, Tender
from zhike.sales.rules import NewLine, NewReceipt, NewTender


def lock_receipt(receipt_id: UUID) -> Receipt | None:
    """The receipt, its row held until the caller's transaction ends."""
    return Receipt.objects.select_for_update(of=("self",)).filter(id=receipt_id).first()


def lines_of(receipt_id: UUID) -> list[ReceiptLine]:
    return list(ReceiptLine.objects.filter(receipt_id=receipt_id).order_by("line_no"))


def tenders_of(receipt_id: UUID) -> list[Tender]:
    return list(Tender.objects.filter(receipt_id=receipt_id).order_by("position"))


def existing_receipt(merchant_id: int, till: str, number: str, business_date: dt.date) -> Receipt | None:
    """The receipt that holds a natural key."""
    return Receipt.objects.filter(
        merchant_id=merchant_id, till=till, number=number, business_date=business_date
    ).first()


def existing_receipts(receipts: Sequence[NewReceipt]) -> dict[UUID, UUID]:
    """Of these, the ones whose natural key is taken already: given id → the id that holds it."""
    keys = [(r.id, r.merchant_id, r.till, r.number, r.business_date) for r in receipts]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT n.id, r.id FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::date[])
                AS n(id, merchant_id, till, number, business_date)
            JOIN sales_receipt r USING (merchant_id, till, number, business_date)""",
            [list(column) for column in zip(*keys, strict=True)],
        )
        return dict(cursor.fetchall())


def recorded(receipt_id: UUID) -> Receipt:
    return Receipt.objects.get(id=receipt_id)


def recorded_sale(receipt_id: UUID) -> Receipt | None:
    """The sale with this id; None for a return, and for what is not there."""
    return Receipt.objects.filter(id=receipt_id, kind=Receipt.Kind.SALE).first()


def find_claimable(merchant_id: int, number: str, business_date: dt.date, till: str | None) -> Receipt | None:
    """The sale with this number on this day; unowned ones first when several tills used the number."""
    found = Receipt.objects.filter(
        merchant_id=merchant_id, number=number, business_date=business_date, kind=Receipt.Kind.SALE
    )
    if till:
        found = found.filter(till=till)
    return found.order_by(F("person_id").asc(nulls_first=True)).first()


def sale_by_number(
    merchant_id: int, number: str, *, till: str = "", business_date: dt.date | None = None
) -> UUID | None:
    """The latest sale with this number, of this till and day where they are known."""
    found = Receipt.objects.filter(merchant_id=merchant_id, number=number, kind=Receipt.Kind.SALE)
    if till:
        found = found.filter(till=till)
    if business_date is not None:
        found = found.filter(business_date=business_date)
    return found.order_by("-occurred_at").values_list("id", flat=True).first()


def was_returned(receipt_id: UUID) -> bool:
    return Receipt.objects.filter(original_id=receipt_id).exists()


def as_new_receipt(receipt_id: UUID) -> NewReceipt:
    """A recorded receipt in the form it came in, for deciding about it anew."""
    row = recorded(receipt_id)
    lines = tuple(
        NewLine(
            line.line_no,
            line.sku,
            line.name,
            line.quantity,
            line.unit_price_fen,
            line.net_fen,
            line.discount_fen,
            line.product_id,
            line.category_id,
            line.original_line_no,
        )
        for line in lines_of(receipt_id)
    )
    tenders = tuple(
        NewTender(tender.kind, tender.amount_fen, tender.reference) for tender in tenders_of(receipt_id)
    )
    return NewReceipt(
        row.merchant_id,
        row.mall_id,
        row.kind,
        row.till,
        row.number,
        row.business_date,
        row.occurred_at,
        lines,
        tenders,
        person_id=row.person_id,
        original_id=row.original_id,
        cashier=row.cashier,
        source=row.source,
        import_id=row.import_id,
        id=row.pk,
    )


def receipts_of_import(import_id: UUID) -> tuple[list[UUID], int]:
    """The receipts of an import, held, and how many of them something outside it hangs on."""
    ids = list(
        Receipt.objects.select_for_update(of=("self",))
        .filter(import_id=import_id)
        .order_by("id")
        .values_list("id", flat=True)
    )
    returned = Receipt.objects.filter(original_id__in=ids).exclude(import_id=import_id).count()
    claimed = Receipt.objects.filter(import_id=import_id, claimed_at__isnull=False).count()
    return ids, returned + claimed


def receipts_by_person(receipt_ids: Sequence[UUID]) -> dict[int, list[UUID]]:
    """Which of these receipts are whose, of everyone who owns some."""
    owned = Receipt.objects.filter(id__in=receipt_ids, person__isnull=False)
    found: dict[int, list[UUID]] = {}
    for person_id, receipt_id in owned.order_by("person_id", "id").values_list("person_id", "id"):
        found.setdefault(person_id, []).append(receipt_id)
    return found


@dataclass(frozen=True, slots=True)
class KeptPurchase:
    """A sale with what of it was not returned."""

    receipt_id: UUID
    merchant_id: int
    occurred_at: dt.datetime
    business_date: dt.date
    kept_fen: int


def kept_purchases(
    person_id: int, since: dt.datetime | None = None, skus: Sequence[str] = ()
) -> tuple[list[KeptPurchase], int]:
    """A person's sales (``since`` a moment), oldest first, and the fen of goods they returned without naming the sale.

    ``skus``: only what is kept of these articles; none named is all of them.
    """
    wanted = Q(sku__in=list(skus)) if skus else Q()
    kept = Coalesce(
        Subquery(
            ReceiptLine.objects.filter(wanted, receipt_id=OuterRef("pk"))
            .order_by()
            .values("receipt_id")
            .annotate(kept=Sum(F("net_fen") - F("returned_fen")))
            .values("kept")
        ),
        0,
    )
    own = Receipt.objects.filter(person_id=person_id)
    if since is not None:
        own = own.filter(occurred_at__gte=since)
    rows = (
        own.filter(kind="sale")
        .annotate(kept=kept)
        .order_by("occurred_at", "id")
        .values_list("id", "merchant_id", "occurred_at", "business_date", "kept")
    )
    loose = own.filter(kind="return", original=None).aggregate(fen=Sum("net_fen"))["fen"] or 0
    return [KeptPurchase(*row) for row in rows], int(loose)


def shares_payer(person_id: int, receipt_id: str) -> bool:
    """Whether a receipt was paid with a reference that also paid one of a person's own, other receipts.

    A payment's own number is never the same twice, so an equal one is the payer's: an account, a card.
    """
    paid = Tender.objects.filter(receipt_id=receipt_id).exclude(reference="").values("kind", "reference")
    wanted = Q()
    for tender in paid:
        wanted |= Q(**tender)
    mine = Tender.objects.filter(receipt__person_id=person_id).exclude(receipt_id=receipt_id)
    return bool(wanted) and mine.filter(wanted).exists()


@dataclass(frozen=True, slots=True)
class Spent:
    """What a person did at a merchant on a business day: ``sales`` counted, ``net_fen`` paid less returned."""

    person_id: int
    mall_id: int
    merchant_id: int
    day: dt.date
    sales: int
    net_fen: int


def spent_within(windows: Sequence[tuple[int, dt.datetime, dt.datetime]]) -> list[Spent]:
    """By person, merchant and day, where every person has days of their own: (person, since, until), each person once; the
    caller has authorised it."""
    if not windows:
        return []
    rows = fetch_rows(
        """SELECT r.person_id, r.mall_id, r.merchant_id, r.business_date, count(*) FILTER (WHERE r.kind = 'sale'),
            sum(CASE WHEN r.kind = 'sale' THEN r.net_fen ELSE -r.net_fen END)::bigint
        FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS w(person_id, since, until)
        JOIN sales_receipt r ON r.person_id = w.person_id AND r.occurred_at >= w.since AND r.occurred_at < w.until
        GROUP BY r.person_id, r.mall_id, r.merchant_id, r.business_date""",
        [list(column) for column in zip(*windows, strict=True)],
    )
    return [Spent(*row) for row in rows]


def last_bought_before(moments: Sequence[tuple[int, dt.datetime]]) -> dict[int, dt.datetime]:
    """When each person last bought before their moment; who never had is absent. The caller has authorised it."""
    if not moments:
        return {}
    rows = fetch_rows(
        """SELECT w.person_id, last.occurred_at FROM unnest(%s::bigint[], %s::timestamptz[]) AS w(person_id, until)
        JOIN LATERAL (SELECT r.occurred_at FROM sales_receipt r WHERE r.person_id = w.person_id AND r.kind = 'sale'
            AND r.occurred_at < w.until ORDER BY r.occurred_at DESC LIMIT 1) last ON true""",
        [list(column) for column in zip(*moments, strict=True)],
    )
    return dict(rows)


def purchases_of(
    person_ids: Sequence[int], since: dt.datetime, until: dt.datetime
) -> dict[int, tuple[int, int]]:
    """(sales, fen paid less fen returned) of those who bought or returned in [since, until); the caller has authorised it."""
    rows = Receipt.objects.filter(person_id__in=person_ids, occurred_at__gte=since, occurred_at__lt=until)
    sums = rows.values_list("person_id").annotate(
        sales=Count("id", filter=Q(kind="sale")),
        net=Sum(Case(When(kind="sale", then=F("net_fen")), default=-F("net_fen"))),
    )
    return {person_id or 0: (count, net) for person_id, count, net in sums.order_by()}


def sales_of_sum(merchant_id: int, business_date: dt.date, net_fen: int) -> list[tuple[UUID, int]]:
    """(receipt, person) of a shop's sales of one day with this amount that belong to somebody."""
    found = Receipt.objects.filter(
        merchant_id=merchant_id, business_date=business_date, net_fen=net_fen, kind=Receipt.Kind.SALE
    ).exclude(person=None)
    return list(found.order_by("occurred_at", "id").values_list("id", "person_id"))


def till_sales_count(merchant_id: int, business_date: dt.date, apart_from: str) -> int:
    """How many sales of a shop's day are recorded that came by another door than ``apart_from``."""
    found = Receipt.objects.filter(
        merchant_id=merchant_id, business_date=business_date, kind=Receipt.Kind.SALE
    ).exclude(source=apart_from)
    return found.count()
