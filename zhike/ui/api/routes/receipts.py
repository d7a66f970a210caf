"""Receipts seen, and goods that come back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from ninja import Path, Router
from ninja import Schema as Out

from zhike.kernel import clock
from zhike.kernel.errors import Invalid
from zhike.kernel.idempotency import Outcome
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.ui.api.refs import YEAR_MAX, YEAR_MIN
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.routes.members import row_fields
from zhike.ui.api.schemas import (
    Input,
    LineOut,
    ReceiptDetailOut,
    ReceiptRowOut,
    ReturnIn,
    ReturnOut,
    StepView,
    TenderOut,
    text,
)
from zhike.ui.api.sentences import OUT_OF_RANGE
from zhike.ui.api.shapes import ID_MAX
from zhike.ui.components.links import receipt_link

router = Router(tags=["receipts"])
PathId = Annotated[int, Path(ge=1, le=ID_MAX)]


class ReceiptScanIn(Input):
    """`code` is what stands at the end of the claim URL that the till printed."""

    code: Annotated[str, text(60, 1)]


class ReceiptScannedOut(Out):
    """The receipt is the member's; `available_on`: its points wait for the return window until then."""

    receipt_id: UUID
    points: int
    balance: int
    sentence: str
    available_on: dt.date | None


@router.post(
    "/members/{int:member_id}/receipt-scans",
    auth=Needs("receipts.claim", body=True),
    response={201: ReceiptScannedOut},
)
def scan_receipt(request: ApiRequest, member_id: PathId, body: ReceiptScanIn) -> Any:
    def act() -> Outcome:
        outcome = loyalty.scan_receipt(
            actor=request.viewer, member_id=member_id, code=body.code, now=request.now
        )
        found = ReceiptScannedOut(
            receipt_id=outcome.receipt_id,
            points=outcome.points,
            balance=outcome.balance,
            sentence=queries.explain(outcome.explanation).sentence,
            available_on=outcome.available_on,
        )
        return Outcome(201, found.model_dump(mode="json"))

    return run_once(request, act)


@router.get("/receipts/{uuid:receipt_id}", auth=Needs("receipts.view"), response=ReceiptDetailOut)
def get_receipt(request: ApiRequest, receipt_id: UUID) -> ReceiptDetailOut:
    """One receipt with its lines, how it was paid, what came back, its points and why."""
    view = sales.receipt(request.viewer, receipt_id)
    explained = queries.explain_award(receipt_id)
    return ReceiptDetailOut(
        **row_fields(view.row),
        claim_url=receipt_link(receipt_id)
        if view.row.kind == "sale" and view.row.person_id is None
        else None,
        gross_fen=view.gross_fen,
        discount_fen=view.discount_fen,
        cashier=view.cashier,
        original_receipt_id=view.row.original_id,
        member_id=queries.member_id_of_person(view.row.person_id) if view.row.person_id else None,
        points=explained.points,
        sentence=explained.sentence,
        steps=[StepView(label=step.label, value=step.value) for step in explained.steps],
        lines=[_line_out(line) for line in view.lines],
        tenders=[
            TenderOut(kind=tender.kind, amount_fen=tender.amount_fen, reference=tender.reference)
            for tender in view.tenders
        ],
        returns=[ReceiptRowOut(**row_fields(row)) for row in view.returns],
    )


def _line_out(line: sales.LineView) -> LineOut:
    return LineOut(
        line_no=line.line_no,
        sku=line.sku,
        name=line.name,
        category=line.category,
        quantity=line.quantity,
        unit_price_fen=line.unit_price_fen,
        discount_fen=line.discount_fen,
        net_fen=line.net_fen,
        returned_quantity=line.returned_quantity,
        returned_fen=line.returned_fen,
    )


@router.post(
    "/receipts/{uuid:receipt_id}/returns",
    auth=Needs("receipts.return", body=True),
    response={201: ReturnOut, 200: ReturnOut},
)
def return_lines(request: ApiRequest, receipt_id: UUID, body: ReturnIn) -> Any:
    """Take lines of a sale back: the refund per line, and the points that go with it."""
    if not YEAR_MIN <= body.occurred_at.year <= YEAR_MAX:
        raise Invalid(fields={"occurred_at": [OUT_OF_RANGE]})

    def take_back() -> Outcome:
        outcome = loyalty.return_lines(
            actor=request.viewer,
            receipt_id=receipt_id,
            lines=[
                loyalty.ReturnLine(
                    line.line_no,
                    None if line.quantity is None else Decimal(str(line.quantity)),
                    line.refund_fen,
                )
                for line in body.lines
            ],
            till=body.till.strip(),
            number=body.number.strip(),
            business_date=body.business_date or _business_date(request, receipt_id, body),
            occurred_at=body.occurred_at,
            cashier=body.cashier,
            source="api",
            now=request.now,
        )
        found = ReturnOut(
            return_id=outcome.return_id,
            status="duplicate" if outcome.duplicate else "accepted",
            refund_fen=outcome.refund_fen,
            points_fen=outcome.points_fen,
            restored_points=outcome.restored_points,
            money_fen=outcome.money_fen,
            clawed_points=outcome.clawed_points,
            debt_points=outcome.debt_points,
            deduct_cash_fen=outcome.deduct_cash_fen,
            waived_points=outcome.waived_points,
            balance=outcome.balance,
        )
        return Outcome(200 if outcome.duplicate else 201, found.model_dump(mode="json"))

    return run_once(request, take_back)


def _business_date(request: ApiRequest, receipt_id: UUID, body: ReturnIn) -> Any:
    """The day of the return where the goods were sold. Raises ReceiptNotFound."""
    merchant_id = sales.merchant_of_receipt(receipt_id)
    merchant = organization.merchant_ref(merchant_id) if merchant_id is not None else None
    if merchant is None:
        raise loyalty.ReceiptNotFound
    return clock.business_date(body.occurred_at, merchant.time_zone)
