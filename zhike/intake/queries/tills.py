"""Tills that upload: who they are, what came from them, and whether it is all that they sold."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Sum

from zhike.intake.models import Connector, QuarantinedUpload, TillCredential, TillDay
from zhike.intake.queries.fetching import fetched_counts
from zhike.intake.queries.reasons import reason_sentence
from zhike.intake.rules.tills import DEFAULT_TENDERS, Terms
from zhike.kernel.access import Grant, Viewer, load_visible, visible
from zhike.kernel.paging import Keyset, Listing
from zhike.kernel.reencryption import EncryptedColumn
from zhike.organization import queries as organization
from zhike.organization.queries import MerchantRef
from zhike.sales import queries as sales

VIEW = "imports.view"
MALL = {"mall": "mall_id"}
NEWEST = Keyset((("last_at", "desc"), ("id", "desc")))
SCOPES = frozenset({"receipts.record", "receipts.return", "members.lookup"})
DAYS = 14
SECRET_FIELD = "intake.connector.secret"


@dataclass(frozen=True, slots=True)
class TillSession:
    """A till that showed a good credential: whom it acts as, and the terms of its connector."""

    credential_id: int
    connector_id: int
    merchant_id: int
    mall_id: int
    terms: Terms
    unknown_member: str
    viewer: Viewer


def till_of(username: str, password: str, now: dt.datetime) -> TillSession | None:
    """The session of a till, or None: unknown, revoked, wrong password, or its connector is switched off."""
    row = _credentials().filter(username=username[:40], connector__is_on=True).first()
    given = hashlib.sha256(password.encode()).digest()
    if row is None or row.revoked_at is not None:
        return None
    is_current = hmac.compare_digest(given, bytes(row.digest))
    was_before = (
        row.previous_digest is not None
        and row.previous_until is not None
        and now < row.previous_until
        and hmac.compare_digest(given, bytes(row.previous_digest))
    )
    if not (is_current or was_before):
        return None
    session = _session(row)
    merchant = organization.merchant_ref(row.merchant_id)
    return session if merchant is not None and merchant.is_open else None


def session_of(credential_id: int) -> TillSession:
    """The session of a credential, for a replay of what it once brought."""
    return _session(_credentials().get(pk=credential_id))


def _credentials() -> Any:
    return TillCredential.objects.select_related("connector")


def _session(row: TillCredential) -> TillSession:
    merchant = organization.merchant_ref(row.merchant_id)
    assert merchant is not None
    terms = Terms(
        mall_codes=frozenset(
            {merchant.mall_code.upper(), row.connector.settings.get("mall_number", "").upper()}
        )
        - {""},
        store_code=merchant.code,
        tills=frozenset(row.tills),
        tenders=row.connector.settings.get("tenders") or DEFAULT_TENDERS,
        zone=merchant.time_zone,
    )
    grant = Grant(SCOPES, "merchant", frozenset({row.merchant_id}))
    return TillSession(
        credential_id=row.pk,
        connector_id=row.connector_id,
        merchant_id=row.merchant_id,
        mall_id=merchant.mall_id,
        terms=terms,
        unknown_member=row.connector.settings.get("unknown_member", "without"),
        viewer=Viewer("api", None, f"till {row.username}", (grant,)),
    )


# --- connectors ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConnectorView:
    """A connector with what it brought in the last two weeks of business days."""

    id: int
    mall_id: int
    mall_name: str
    kind: str
    name: str
    is_on: bool
    settings: dict[str, Any]
    every_minutes: int
    watermark: str
    failures: int
    last_error: str
    next_run_at: dt.datetime | None
    last_at: dt.datetime | None
    accepted: int
    duplicates: int
    waiting: int

    @property
    def state(self) -> str:
        """off, failing, silent (nothing came yet), or works."""
        if not self.is_on:
            return "off"
        if self.failures:
            return "failing"
        return "works" if self.last_at is not None else "silent"


def connectors(viewer: Viewer, now: dt.datetime) -> list[ConnectorView]:
    """Those of the viewer's malls, by mall and name. Raises nothing: without the permission there are none."""
    rows = visible(Connector.objects.order_by("mall_id", "name"), viewer, VIEW, MALL)
    return _views(list(rows), now)


def connector(viewer: Viewer, connector_id: int, now: dt.datetime) -> ConnectorView:
    """Raises NotFound."""
    row = load_visible(Connector.objects.all(), connector_id, viewer, VIEW, MALL)
    return _views([row], now)[0]


def _views(rows: list[Connector], now: dt.datetime) -> list[ConnectorView]:
    ids = [row.pk for row in rows]
    since = now.date() - dt.timedelta(days=DAYS)
    sums = {
        row["connector_id"]: row
        for row in TillDay.objects.filter(connector_id__in=ids, business_date__gte=since)
        .values("connector_id")
        .annotate(taken=Sum("accepted"), again=Sum("duplicates"))
        .order_by()
    }
    waiting = dict(
        QuarantinedUpload.objects.filter(connector_id__in=ids, status="open")
        .values_list("connector_id")
        .annotate(Count("id"))
        .order_by()
    )
    last: dict[int, dt.datetime] = {}
    for connector_id, at in TillCredential.objects.filter(
        connector_id__in=ids, last_upload_at__isnull=False
    ).values_list("connector_id", "last_upload_at"):
        if at is not None:
            last[connector_id] = max(at, last.get(connector_id, at))
    fetched = fetched_counts(ids, now - dt.timedelta(days=DAYS))
    nothing = {"taken": 0, "again": 0}
    return [
        ConnectorView(
            row.pk, row.mall_id, organization.mall(row.mall_id).name, row.kind, row.name, row.is_on, row.settings,
            row.every_minutes, row.watermark, row.failures, row.last_error, row.next_run_at, last.get(row.pk, row.last_run_at),
            *fetched.get(
                row.pk,
                (sums.get(row.pk, nothing)["taken"], sums.get(row.pk, nothing)["again"], waiting.get(row.pk, 0)),
            ),
        )
        for row in rows
    ]  # fmt: skip


def encrypted_columns() -> list[EncryptedColumn]:
    """Encrypted columns of this context, for the rotation of keys."""
    return [EncryptedColumn(SECRET_FIELD, "intake_connector", "secret")]


# --- credentials ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CredentialView:
    id: int
    connector_id: int
    merchant: MerchantRef
    username: str
    tills: list[str]
    created_at: dt.datetime
    created_by: str
    last_upload_at: dt.datetime | None
    previous_until: dt.datetime | None
    revoked_at: dt.datetime | None
    is_overlapping: bool


def credentials(viewer: Viewer, connector_id: int, now: dt.datetime) -> list[CredentialView]:
    """Those that work first, then by merchant. Raises NotFound."""
    load_visible(Connector.objects.all(), connector_id, viewer, VIEW, MALL)
    rows = TillCredential.objects.filter(connector_id=connector_id).order_by("-id")
    views = [_credential(row, now) for row in rows]
    return sorted(views, key=lambda view: (view.revoked_at is not None, view.merchant.code))


def credential(viewer: Viewer, credential_id: int, now: dt.datetime) -> CredentialView:
    """Raises NotFound."""
    rows = TillCredential.objects.all()
    return _credential(load_visible(rows, credential_id, viewer, VIEW, {"mall": "connector__mall_id"}), now)


def _credential(row: TillCredential, now: dt.datetime) -> CredentialView:
    merchant = organization.merchant_ref(row.merchant_id)
    assert merchant is not None
    return CredentialView(
        row.pk, row.connector_id, merchant, row.username, list(row.tills), row.created_at, row.created_by,
        row.last_upload_at, row.previous_until, row.revoked_at,
        row.previous_until is not None and row.previous_until > now,
    )  # fmt: skip


# --- reconciliation ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DayOfTill:
    """One till on one business day: what it sent and said, and what is here.

    ``uploaded`` counts receipts it sent, each once: taken and waiting. ``here`` is what is recorded, through whatever door.
    ``difference_fen`` is what the till says it sold (after refunds) less what is here; None where it said nothing.
    """

    merchant: MerchantRef
    till: str
    business_date: dt.date
    accepted: int
    duplicates: int
    waiting: int
    here: sales.TillTotal
    declared_sales_fen: int | None
    declared_refunds_fen: int | None
    declared_receipts: int | None

    @property
    def uploaded(self) -> int:
        return self.accepted + self.waiting

    @property
    def recorded(self) -> int:
        return self.here.sales + self.here.returns

    @property
    def recorded_fen(self) -> int:
        """After refunds."""
        return self.here.sales_fen - self.here.refunds_fen

    @property
    def declared_fen(self) -> int | None:
        """After refunds; of a till that says one net total, that."""
        if self.declared_sales_fen is None:
            return None
        return self.declared_sales_fen - (self.declared_refunds_fen or 0)

    @property
    def difference_fen(self) -> int | None:
        if self.declared_fen is None:
            return None
        return self.declared_fen - self.recorded_fen

    @property
    def missing(self) -> int:
        """Receipts at the source that are not here: of those the till counted, else of those it sent."""
        at_source = self.uploaded if self.declared_receipts is None else self.declared_receipts
        return at_source - self.recorded

    @property
    def agrees(self) -> bool:
        return self.missing == 0 and not self.difference_fen


def reconciliation(
    viewer: Viewer, connector_id: int, first: dt.date, last: dt.date, *, merchant_id: int | None = None
) -> list[DayOfTill]:
    """Every till that sent or said something on these business days, newest first. Raises NotFound."""
    load_visible(Connector.objects.all(), connector_id, viewer, VIEW, MALL)
    days = TillDay.objects.filter(connector_id=connector_id, business_date__range=(first, last))
    if merchant_id is not None:
        days = days.filter(merchant_id=merchant_id)
    rows = list(days.order_by("-business_date", "merchant_id", "till"))
    waiting = _waiting_by_day(connector_id, first, last, merchant_id)
    keys = {(row.merchant_id, row.till, row.business_date) for row in rows}
    here = sales.till_totals(sorted({key[0] for key in (*keys, *waiting)}), first, last)
    found = [_day(row.merchant_id, row.till, row.business_date, row, waiting, here) for row in rows]
    found += [_day(*key, None, waiting, here) for key in waiting if key not in keys]
    return sorted(found, key=lambda day: (-day.business_date.toordinal(), day.merchant.code, day.till))


def _waiting_by_day(
    connector_id: int, first: dt.date, last: dt.date, merchant_id: int | None
) -> dict[tuple[int, str, dt.date], int]:
    which = Q(connector_id=connector_id, status="open", day__range=(f"{first:%Y%m%d}", f"{last:%Y%m%d}"))
    if merchant_id is not None:
        which &= Q(merchant_id=merchant_id)
    counts = (
        QuarantinedUpload.objects.filter(which)
        .values_list("merchant_id", "till", "day")
        .annotate(Count("id"))
        .order_by()
    )
    found: dict[tuple[int, str, dt.date], int] = {}
    for merchant, till, day, count in counts:
        try:
            date = dt.date(int(day[:4]), int(day[4:6]), int(day[6:8]))
        except ValueError:
            continue
        found[merchant, till, date] = found.get((merchant, till, date), 0) + count
    return found


def _day(
    merchant_id: int,
    till: str,
    date: dt.date,
    row: TillDay | None,
    waiting: dict[tuple[int, str, dt.date], int],
    here: dict[tuple[int, str, dt.date], sales.TillTotal],
) -> DayOfTill:
    merchant = organization.merchant_ref(merchant_id)
    assert merchant is not None
    key = (merchant_id, till, date)
    return DayOfTill(
        merchant=merchant,
        till=till,
        business_date=date,
        accepted=row.accepted if row else 0,
        duplicates=row.duplicates if row else 0,
        waiting=waiting.get(key, 0),
        here=here.get(key, sales.TillTotal()),
        declared_sales_fen=row.declared_sales_fen if row else None,
        declared_refunds_fen=row.declared_refunds_fen if row else None,
        declared_receipts=row.declared_receipts if row else None,
    )


# --- what waits ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WaitingUpload:
    """An upload in quarantine. ``lines`` are (article, quantity, amount) as the till wrote them."""

    id: int
    merchant: MerchantRef
    till: str
    number: str
    day: str
    kind: str
    net: str
    lines: list[tuple[str, str, str]]
    tenders: list[tuple[str, str]]
    reason: str
    sentence: str
    detail: str
    status: str
    tries: int
    first_at: dt.datetime
    last_at: dt.datetime
    settled_at: dt.datetime | None
    settled_by: str


def waiting_uploads(
    viewer: Viewer, connector_id: int, *, status: str = "open", reason: str = "", cursor: str | None = None
) -> Listing[WaitingUpload]:
    """Newest first. Raises NotFound, BadCursor."""
    load_visible(Connector.objects.all(), connector_id, viewer, VIEW, MALL)
    rows = QuarantinedUpload.objects.filter(connector_id=connector_id, status=status)
    if reason:
        rows = rows.filter(reason=reason)
    page = NEWEST.page(rows, cursor, 50)
    return Listing([_waiting(row) for row in page.items], page.next_cursor, page.previous_cursor)


def waiting_reasons(viewer: Viewer, connector_id: int) -> list[tuple[str, str, int]]:
    """Code, sentence and count of what waits, most first. Raises NotFound."""
    load_visible(Connector.objects.all(), connector_id, viewer, VIEW, MALL)
    rows = QuarantinedUpload.objects.filter(connector_id=connector_id, status="open")
    counts: Iterable[tuple[str, int]] = rows.values_list("reason").annotate(Count("id")).order_by()
    return sorted(((code, reason_sentence(code), count) for code, count in counts), key=lambda row: -row[2])


def _waiting(row: QuarantinedUpload) -> WaitingUpload:
    merchant = organization.merchant_ref(row.merchant_id)
    assert merchant is not None
    said = row.document
    return WaitingUpload(
        id=row.pk,
        merchant=merchant,
        till=row.till,
        number=row.number,
        day=row.day,
        kind=said.get("kind", ""),
        net=said.get("net", ""),
        lines=[
            (line["name"] or line["item"], line["quantity"], line["net"]) for line in said.get("lines", ())
        ],
        tenders=[(tender["code"], tender["amount"]) for tender in said.get("tenders", ())],
        reason=row.reason,
        sentence=reason_sentence(row.reason),
        detail=row.detail,
        status=row.status,
        tries=row.tries,
        first_at=row.first_at,
        last_at=row.last_at,
        settled_at=row.settled_at,
        settled_by=row.settled_by,
    )
