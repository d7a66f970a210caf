"""What comes back and why: by reason, merchant and article, how long it takes, what repairs cost."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.clock import business_date
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.service.models import AfterSale, AfterSaleLine
from zhike.service.queries.after_sales import SHEET_COLUMNS
from zhike.service.queries.tickets import HANDLE
from zhike.service.rules import after_sales as rules

TOP = 10


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Requests for one reason by kind; ``refund_fen`` of the returns that were posted."""

    code: str
    total: int
    returns: int
    exchanges: int
    repairs: int
    refund_fen: int


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A merchant: requests, its sales in the same days, requests per 1,000 of them (None without sales), commonest reason."""

    merchant_id: int
    name: str
    requests: int
    faults: int
    receipts: int
    top_reason: str

    @property
    def per_mille(self) -> float | None:
        return self.requests * 1_000 / self.receipts if self.receipts else None


@dataclass(frozen=True, slots=True)
class ArticleRow:
    name: str
    sku: str
    requests: int
    quantity: Decimal
    top_reason: str


@dataclass(frozen=True, slots=True)
class PaceRow:
    """Of the requests of one kind that ended: how many, how many went well, hours from request to end (median, 9 of 10)."""

    kind: str
    ended: int
    done: int
    median_hours: float
    most_hours: float


@dataclass(frozen=True, slots=True)
class AfterSalesReport:
    """Requests asked for in [since, until]. ``late_repairs`` are past the day first promised."""

    since: dt.datetime
    until: dt.datetime
    requests: int
    open: int
    refused: int
    refund_fen: int
    by_benefit: int
    repair_cost_fen: int
    repair_charge_fen: int
    late_repairs: int
    reasons: tuple[ReasonRow, ...]
    merchants: tuple[PlaceRow, ...]
    articles: tuple[ArticleRow, ...]
    pace: tuple[PaceRow, ...]


def after_sales_report(
    viewer: Viewer, *, days: int, now: dt.datetime, mall_id: int | None = None
) -> AfterSalesReport:
    """The last days, over what the viewer handles. Raises NotAllowed."""
    require(viewer, HANDLE)
    since = now - dt.timedelta(days=days)
    rows = visible(AfterSale.objects.all(), viewer, HANDLE, SHEET_COLUMNS)
    if mall_id is not None:
        rows = rows.filter(ticket__mall_id=mall_id)
    sheets = list(rows.filter(applied_at__gt=since, applied_at__lte=now).select_related("ticket"))
    return AfterSalesReport(
        since=since,
        until=now,
        requests=len(sheets),
        open=sum(1 for sheet in sheets if sheet.ended_at is None),
        refused=sum(1 for sheet in sheets if sheet.state in ("refused", "rejected", "handed")),
        refund_fen=sum(sheet.refund_fen for sheet in sheets),
        by_benefit=sum(1 for sheet in sheets if sheet.extended_by),
        repair_cost_fen=sum(sheet.cost_fen for sheet in sheets),
        repair_charge_fen=sum(sheet.charge_fen for sheet in sheets if sheet.state == "collected"),
        late_repairs=sum(1 for sheet in sheets if _is_late(sheet, now)),
        reasons=_reasons(sheets),
        merchants=_merchants(sheets, since, now),
        articles=_articles(sheets),
        pace=_pace(sheets),
    )


def _is_late(sheet: AfterSale, now: dt.datetime) -> bool:
    """By the day in the sheet's mall."""
    promised = sheet.promised_first_on
    if promised is None or sheet.state == "rejected":
        return False
    today = business_date(now, organization.mall(sheet.ticket.mall_id).time_zone)
    mended = sheet.state in ("ready", "collected", "handed")
    return (sheet.promised_on or promised) > promised if mended else today > promised


def _reasons(sheets: Sequence[AfterSale]) -> tuple[ReasonRow, ...]:
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    refunds: Counter[str] = Counter()
    for sheet in sheets:
        kinds[sheet.reason][sheet.kind] += 1
        refunds[sheet.reason] += sheet.refund_fen
    found = [
        ReasonRow(
            code,
            counted.total(),
            counted[rules.RETURN],
            counted[rules.EXCHANGE],
            counted[rules.REPAIR],
            refunds[code],
        )
        for code, counted in kinds.items()
    ]
    return tuple(sorted(found, key=lambda row: (-row.total, row.code)))


def _merchants(sheets: Sequence[AfterSale], since: dt.datetime, now: dt.datetime) -> tuple[PlaceRow, ...]:
    by_merchant: dict[int, list[AfterSale]] = defaultdict(list)
    for sheet in sheets:
        if sheet.ticket.merchant_id is not None:
            by_merchant[sheet.ticket.merchant_id].append(sheet)
    receipts = sales.sales_counts(list(by_merchant), since, now)
    found = []
    for pk, own in by_merchant.items():
        merchant = organization.merchant_ref(pk)
        found.append(
            PlaceRow(
                pk,
                merchant.name if merchant else "",
                len(own),
                sum(1 for sheet in own if sheet.reason in rules.FAULTS),
                receipts.get(pk, 0),
                _commonest([sheet.reason for sheet in own]),
            )
        )
    return tuple(sorted(found, key=lambda row: (-row.requests, row.name))[:TOP])


def _articles(sheets: Sequence[AfterSale]) -> tuple[ArticleRow, ...]:
    by_id = {sheet.pk: sheet for sheet in sheets}
    reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
    quantities: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in AfterSaleLine.objects.filter(sale_id__in=list(by_id)):
        key = (line.name, line.sku)
        reasons[key].append(by_id[line.sale_id].reason)
        quantities[key] += line.quantity
    found = [
        ArticleRow(name, sku, len(own), quantities[name, sku], _commonest(own))
        for (name, sku), own in reasons.items()
    ]
    return tuple(sorted(found, key=lambda row: (-row.requests, row.name))[:TOP])


def _pace(sheets: Sequence[AfterSale]) -> tuple[PaceRow, ...]:
    found = []
    for kind in rules.KINDS:
        ended = [sheet for sheet in sheets if sheet.kind == kind and sheet.ended_at is not None]
        hours = sorted(
            (sheet.ended_at - sheet.applied_at) / dt.timedelta(hours=1) for sheet in ended if sheet.ended_at
        )
        if hours:
            done = sum(1 for sheet in ended if sheet.state == rules.road(kind)[-1])
            most = hours[min(len(hours) - 1, len(hours) * 9 // 10)]
            found.append(PaceRow(kind, len(ended), done, statistics.median(hours), most))
    return tuple(found)


def _commonest(codes: Sequence[str]) -> str:
    counted = Counter(codes)
    return min(counted, key=lambda code: (-counted[code], code))
