"""Uploads of tills: each is recorded, known already, or set aside with its reason; and what tills say of a whole day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.intake.events import DayTotalDeclared, UploadSetAside
from zhike.intake.models import Connector, QuarantinedUpload, TillCredential
from zhike.intake.queries.tills import TillSession, session_of
from zhike.intake.rules import reasons, tills
from zhike.intake.rules.tills import JudgedReceipt, Refusal, TillDayTotal, TillReceipt
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, require_touch
from zhike.kernel.errors import Conflict
from zhike.loyalty import operations as loyalty
from zhike.sales import operations as sales
from zhike.sales import queries as records

SOURCE = "till"
RUN = "imports.run"
Status = QuarantinedUpload.Status
REPLAYED_AT_ONCE = 500


class WaitingGone(Conflict):
    code = "upload-settled"
    title = _("None of these uploads is waiting any more.")


@dataclass(frozen=True, slots=True)
class UploadOutcome:
    """What became of an upload. ``reason`` and ``detail`` of one set aside; ``points`` of a sale with a member."""

    status: Literal["accepted", "duplicate", "set_aside"]
    receipt_id: UUID | None = None
    reason: str = ""
    detail: str = ""
    points: int = 0


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many went in (or turned out to be here already), and how many still wait, by reason."""

    settled: int
    still: dict[str, int]


def take_upload(*, actor: Viewer, session: TillSession, said: TillReceipt, now: dt.datetime) -> UploadOutcome:
    """Record what a till uploaded, in one transaction, by the same operations as every other receipt.

    Its key is merchant, till, number and business date: the same receipt again is a duplicate and changes nothing. What cannot
    be taken is kept in quarantine, once however often it is sent, and counts nowhere until it is replayed. Raises NotAllowed.
    """
    require_touch(actor, "receipts.record", mall=session.mall_id, merchant=session.merchant_id)
    try:
        with transaction.atomic():
            outcome = _take(actor, session, said, now)
            _close_waiting(actor, session, said, now)
    except Refusal as refusal:
        return _set_aside(actor, session, said, refusal, now)
    return outcome


def _take(actor: Viewer, session: TillSession, said: TillReceipt, now: dt.datetime) -> UploadOutcome:
    """Raises Refusal; then nothing was changed."""
    judged = tills.judge(said, session.terms)
    known = records.existing_receipt(session.merchant_id, judged.till, judged.number, judged.business_date)
    if known is not None:
        if known.net_fen != judged.net_fen or (known.kind == "return") != judged.is_return:
            raise Refusal(reasons.RECEIPT_DIFFERS, f"{known.net_fen / 100:.2f}")
        _count(session, judged.till, judged.business_date, now, duplicates=1)
        return UploadOutcome("duplicate", known.pk)
    try:
        outcome = (_take_return if judged.is_return else _take_sale)(actor, session, judged, now)
    except sales.InvalidReceipt as problem:
        raise Refusal(*_why_invalid(problem)) from problem
    except sales.ReceiptConflict as problem:
        raise Refusal(reasons.RECEIPT_DIFFERS) from problem
    taken = outcome.status == "accepted"
    _count(session, judged.till, judged.business_date, now, accepted=int(taken), duplicates=int(not taken))
    TillCredential.objects.filter(pk=session.credential_id).update(last_upload_at=now)
    return outcome


def _take_sale(actor: Viewer, session: TillSession, judged: JudgedReceipt, now: dt.datetime) -> UploadOutcome:
    outcome = loyalty.take_receipt(actor=actor, receipt=_receipt(session, judged), now=now)
    status: Literal["accepted", "duplicate"] = "duplicate" if outcome.status == "duplicate" else "accepted"
    return UploadOutcome(status, outcome.receipt_id, points=outcome.points)


def _take_return(
    actor: Viewer, session: TillSession, judged: JudgedReceipt, now: dt.datetime
) -> UploadOutcome:
    """Of the sale it names; one that names none is recorded by itself and takes back what the same goods would earn."""
    require_touch(actor, "receipts.return", mall=session.mall_id, merchant=session.merchant_id)
    if judged.original is None:
        (outcome,) = loyalty.take_receipts(actor=actor, receipts=[_receipt(session, judged)], now=now)
        return UploadOutcome("duplicate" if outcome.status == "duplicate" else "accepted", outcome.receipt_id)
    named = judged.original
    sale_id = records.sale_by_number(
        session.merchant_id, named.number, till=named.till, business_date=named.business_date
    )
    if sale_id is None:
        raise Refusal(reasons.UNMATCHED_RETURN, named.number)
    records.lock_receipt(sale_id)
    sold = [
        tills.SoldLine(
            line.line_no,
            line.sku,
            int((line.quantity - line.returned_quantity) * 1000),
            line.net_fen - line.returned_fen,
        )
        for line in records.lines_of(sale_id)
    ]
    plan = tills.plan_return(sold, judged.lines)
    try:
        returned = loyalty.return_lines(
            actor=actor,
            receipt_id=sale_id,
            lines=[
                loyalty.ReturnLine(line_no, Decimal(milli) / 1000, fen)
                for line_no, (milli, fen) in sorted(plan.items())
            ],
            till=judged.till,
            number=judged.number,
            business_date=judged.business_date,
            occurred_at=judged.occurred_at,
            cashier=judged.cashier,
            source=SOURCE,
            now=now,
        )
    except (loyalty.ReturnTooMuch, loyalty.NotReturnable) as problem:
        raise Refusal(reasons.RETURN_EXCEEDS, named.number) from problem
    except loyalty.ReturnNeedsPoints as problem:
        raise Refusal(reasons.RETURN_NEEDS_POINTS, named.number) from problem
    return UploadOutcome("duplicate" if returned.duplicate else "accepted", returned.return_id)


def _receipt(session: TillSession, judged: JudgedReceipt) -> sales.NewReceipt:
    return sales.NewReceipt(
        merchant_id=session.merchant_id,
        mall_id=session.mall_id,
        kind="return" if judged.is_return else "sale",
        till=judged.till,
        number=judged.number,
        business_date=judged.business_date,
        occurred_at=judged.occurred_at,
        lines=tuple(
            sales.NewLine(
                line_no=position,
                sku=line.item,
                name=line.name,
                quantity=Decimal(line.quantity_milli) / 1000,
                unit_price_fen=line.unit_price_fen,
                net_fen=line.net_fen,
                discount_fen=line.discount_fen,
            )
            for position, line in enumerate(judged.lines, start=1)
        ),
        tenders=tuple(sales.NewTender(kind, fen) for kind, fen in judged.tenders),
        person_id=_person(session, judged.member),
        cashier=judged.cashier,
        source=SOURCE,
    )


def _person(session: TillSession, member: str) -> int | None:
    """Whose card or phone the till says it is. Raises Refusal for nobody, where the connector says so."""
    if not member:
        return None
    found = customers.person_id_by("card", member) or customers.person_id_by("phone", member)
    if found is None and session.unknown_member == "quarantine":
        raise Refusal(reasons.UNKNOWN_MEMBER)
    return found


_FIELD_REASONS = {
    "occurred_at": reasons.FUTURE_DATE,
    "business_date": reasons.ANCIENT_DATE,
    "tenders": reasons.TENDERS_DIFFER,
    "till": reasons.TEXT_TOO_LONG,
    "number": reasons.TEXT_TOO_LONG,
}


def _why_invalid(problem: sales.InvalidReceipt) -> tuple[str, str]:
    """The reason and the sentence of the fault that says most: a wrong clock makes the business date wrong too."""
    found = {path.split(".")[0]: sentences[0] for path, sentences in problem.fields.items()}
    field = next((name for name in _FIELD_REASONS if name in found), next(iter(found), ""))
    return _FIELD_REASONS.get(field, reasons.NOT_RECORDABLE), found.get(field, "")


# --- what waits ----------------------------------------------------------------------------------------------------


@transaction.atomic
def _set_aside(
    actor: Viewer, session: TillSession, said: TillReceipt, refusal: Refusal, now: dt.datetime
) -> UploadOutcome:
    document = tills.redacted(said)
    row, is_new = QuarantinedUpload.objects.select_for_update().get_or_create(
        credential_id=session.credential_id,
        till=document["till"].strip()[:40],
        number=document["number"].strip()[:60],
        day=document["day"].strip()[:20],
        status=Status.OPEN,
        defaults={
            "connector_id": session.connector_id,
            "merchant_id": session.merchant_id,
            "document": document,
            "reason": refusal.reason,
            "detail": refusal.detail,
            "first_at": now,
            "last_at": now,
        },
    )
    if not is_new:
        row.document, row.reason, row.detail = document, refusal.reason, refusal.detail
        row.tries, row.last_at = row.tries + 1, now
        row.save(update_fields=["document", "reason", "detail", "tries", "last_at"])
    else:
        fact = UploadSetAside(
            session.connector_id, session.merchant_id, session.mall_id, row.till, refusal.reason
        )
        events.publish(fact, actor=actor, now=now)
    TillCredential.objects.filter(pk=session.credential_id).update(last_upload_at=now)
    return UploadOutcome("set_aside", reason=refusal.reason, detail=refusal.detail)


def _close_waiting(actor: Viewer, session: TillSession, said: TillReceipt, now: dt.datetime) -> None:
    """What waited under this key is in now: the till sent it again, mended."""
    QuarantinedUpload.objects.filter(
        credential_id=session.credential_id,
        till=said.till.strip(),
        number=said.number.strip(),
        day=said.day.strip(),
        status=Status.OPEN,
    ).update(status=Status.REPLAYED, settled_at=now, settled_by=actor.audit_id[:80])


def replay_uploads(
    *, actor: Viewer, connector_id: int, upload_ids: Sequence[int] | None, now: dt.datetime
) -> Replayed:
    """Try uploads that wait once more, by the terms of today; None for the oldest 500. Each has a transaction of its own.

    Raises NotFound, WaitingGone.
    """
    waiting = _waiting(actor, connector_id, upload_ids)
    settled, still = 0, dict[str, int]()
    for row in waiting[:REPLAYED_AT_ONCE]:
        reason = _replay(actor, row.pk, now)
        if reason:
            still[reason] = still.get(reason, 0) + 1
        else:
            settled += 1
    return Replayed(settled, still)


def _replay(actor: Viewer, upload_id: int, now: dt.datetime) -> str:
    """The reason it still waits for, or nothing."""
    try:
        with transaction.atomic():
            row = QuarantinedUpload.objects.select_for_update().get(pk=upload_id)
            if row.status != Status.OPEN:
                return ""
            session = session_of(row.credential_id)
            _take(actor, session, tills.kept(row.document), now)
            _settle(actor, row, Status.REPLAYED, now)
    except Refusal as refusal:
        QuarantinedUpload.objects.filter(pk=upload_id, status=Status.OPEN).update(
            reason=refusal.reason, detail=refusal.detail
        )
        return refusal.reason
    return ""


@transaction.atomic
def discard_uploads(
    *, actor: Viewer, connector_id: int, upload_ids: Sequence[int] | None, now: dt.datetime
) -> int:
    """Give up uploads that wait; how many. Raises NotFound, WaitingGone."""
    waiting = _waiting(actor, connector_id, upload_ids)
    for row in waiting:
        _settle(actor, row, Status.DISCARDED, now)
    return len(waiting)


def _settle(actor: Viewer, row: QuarantinedUpload, status: str, now: dt.datetime) -> None:
    row.status, row.settled_at, row.settled_by = status, now, actor.audit_id[:80]
    row.save(update_fields=["status", "settled_at", "settled_by"])
    audit.record(
        actor=actor, action=f"till_upload.{status}", subject=("till_upload", row.pk),
        after={"reason": row.reason}, now=now,
    )  # fmt: skip


def _waiting(actor: Viewer, connector_id: int, upload_ids: Sequence[int] | None) -> list[QuarantinedUpload]:
    connector = load_visible(Connector.objects.all(), connector_id, actor, RUN, {"mall": "mall_id"})
    rows = QuarantinedUpload.objects.filter(connector=connector, status=Status.OPEN).order_by("id")
    if upload_ids is not None:
        rows = rows.filter(pk__in=list(upload_ids))
    found = list(rows)
    if not found:
        raise WaitingGone
    return found


# --- a whole day ---------------------------------------------------------------------------------------------------


def declare_day(
    *, actor: Viewer, session: TillSession, said: TillDayTotal, now: dt.datetime
) -> tills.JudgedDay:
    """Keep what a till says it sold in a day, for the reconciliation; said again, the later word counts.

    Raises Refusal when it cannot be read (nothing is kept then: the till is told), NotAllowed.
    """
    require_touch(actor, "receipts.record", mall=session.mall_id, merchant=session.merchant_id)
    judged = tills.judge_day(said, session.terms)
    if not dt.date(2000, 1, 1) <= judged.business_date <= now.date() + dt.timedelta(days=1):
        raise Refusal(reasons.BAD_DATE, said.day)
    with transaction.atomic():
        _count(session, judged.till, judged.business_date, now)
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE intake_tillday SET declared_sales_fen = %s, declared_refunds_fen = %s,
                    declared_receipts = %s, declared_at = %s
                WHERE connector_id = %s AND merchant_id = %s AND till = %s AND business_date = %s""",
                [
                    judged.sales_fen, judged.refunds_fen, judged.receipts, now,
                    session.connector_id, session.merchant_id, judged.till, judged.business_date,
                ],
            )  # fmt: skip
        TillCredential.objects.filter(pk=session.credential_id).update(last_upload_at=now)
        fact = DayTotalDeclared(
            session.connector_id, session.merchant_id, session.mall_id, judged.till, judged.business_date,
            judged.sales_fen, judged.refunds_fen,
        )  # fmt: skip
        events.publish(fact, actor=actor, now=now)
    return judged


def _count(
    session: TillSession,
    till: str,
    day: dt.date,
    now: dt.datetime,
    *,
    accepted: int = 0,
    duplicates: int = 0,
) -> None:
    """One round trip, whether the day has begun or not."""
    values: list[Any] = [session.connector_id, session.merchant_id, till, day, accepted, duplicates, now]
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO intake_tillday AS d
                (connector_id, merchant_id, till, business_date, accepted, duplicates, last_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (connector_id, business_date, merchant_id, till) DO UPDATE SET
                accepted = d.accepted + EXCLUDED.accepted, duplicates = d.duplicates + EXCLUDED.duplicates,
                last_at = greatest(d.last_at, EXCLUDED.last_at)""",
            values,
        )
