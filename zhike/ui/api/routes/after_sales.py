"""Returns, exchanges and repairs: what may come back, asked for, followed and taken step by step."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from ninja import Query, Router

from zhike.kernel.idempotency import Outcome
from zhike.service import operations, queries
from zhike.ui.api.after_sale_schemas import (
    Condition,
    GoodsIn,
    GoodsLineOut,
    GoodsListOut,
    GoodsOut,
    GoodsRowOut,
    GoodsStepIn,
    GoodsVerdictOut,
    GoodsVerdictsOut,
    Kind,
    Reason,
    RepairPlanIn,
)
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.routes.tickets import Cursor, Number

router = Router(tags=["tickets"])


@router.get("/receipts/{uuid:receipt_id}/after-sales", auth=Needs("receipts.view"), response=GoodsVerdictsOut)
def judge_goods(
    request: ApiRequest,
    receipt_id: UUID,
    kind: Annotated[Kind, Query()] = "return",
    reason: Annotated[Reason, Query()] = "dislike",
    condition: Annotated[Condition, Query()] = "sealed",
) -> GoodsVerdictsOut:
    """Every line of a sale with whether it may come back, and why."""
    found = queries.eligibility(
        request.viewer, receipt_id, kind=kind, reason=reason, condition=condition, now=request.now
    )
    if found is None:
        raise operations.NoTerms
    return GoodsVerdictsOut(
        items=[
            GoodsVerdictOut(
                line_no=line.line_no,
                name=line.name,
                left=f"{line.left:f}",
                allowed=line.verdict.allowed,
                verdict=line.verdict.code,  # type: ignore[arg-type]
                until=line.verdict.until,
                by=line.verdict.by,
                free_repair=line.verdict.is_free,
            )
            for line in found.lines
        ]
    )


@router.post(
    "/receipts/{uuid:receipt_id}/after-sales",
    auth=Needs("tickets.open", "receipts.view", body=True),
    response={201: GoodsOut},
)
def ask_for_goods(request: ApiRequest, receipt_id: UUID, body: GoodsIn) -> Any:
    """Ask for goods to be taken back, exchanged or mended; decided at once by the terms in force."""

    def act() -> Outcome:
        quantities: dict[int, Decimal] = {}
        for line in body.lines:
            quantities[line.line_no] = quantities.get(line.line_no, Decimal(0)) + Decimal(str(line.quantity))
        number = operations.apply_after_sale(
            actor=request.viewer,
            receipt_id=receipt_id,
            kind=body.kind,
            reason=body.reason,
            condition=body.condition,
            quantities=quantities,
            text=body.text,
            channel="api",
            now=request.now,
        )
        return Outcome(201, _goods(request, number).model_dump(mode="json"))

    return run_once(request, act)


@router.get("/after-sales", auth=Needs("tickets.view"), response=GoodsListOut)
def list_goods(
    request: ApiRequest,
    queue: Annotated[str, Query(pattern="^(open|applied|approved|here|ready|ended|all)$")] = "all",
    kind: Annotated[str, Query(pattern="^(return|exchange|repair|)$")] = "",
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> GoodsListOut:
    """Requests in the key's scope, newest first; a merchant's key sees its own."""
    page = queries.after_sales_page(request.viewer, queue=queue, kind=kind, cursor=cursor, limit=limit)
    return GoodsListOut(
        items=[
            GoodsRowOut(
                number=row.ticket.number,
                kind=row.kind,  # type: ignore[arg-type]
                reason=row.reason,  # type: ignore[arg-type]
                state=row.state,  # type: ignore[arg-type]
                goods=row.goods,
                merchant_id=row.ticket.merchant_id,
                refund_fen=row.refund_fen,
                promised_on=row.promised_on,
                applied_at=row.applied_at,
                ended_at=row.ended_at,
            )
            for row in page.items
        ],
        next_cursor=page.next_cursor,
    )


@router.get("/after-sales/{number}", auth=Needs("tickets.view"), response=GoodsOut)
def get_goods(request: ApiRequest, number: Number) -> GoodsOut:
    """One request: its goods, how far it is, and what can be done next."""
    return _goods(request, number)


@router.post("/after-sales/{number}/steps", auth=Needs("tickets.handle", body=True), response={200: GoodsOut})
def take_goods_step(request: ApiRequest, number: Number, body: GoodsStepIn) -> Any:
    """The next step. settle posts the return of checked goods, once."""

    def act() -> Outcome:
        operations.take_step(
            actor=request.viewer,
            number=number,
            act=body.act,
            note=body.note,
            plan=_plan(body.plan) if body.plan else None,
            now=request.now,
        )
        return Outcome(200, _goods(request, number).model_dump(mode="json"))

    return run_once(request, act)


def _plan(body: RepairPlanIn) -> operations.RepairPlan:
    parts = [operations.Part(part.name, part.quantity, part.cost_fen) for part in body.parts]
    return operations.RepairPlan(body.workshop, body.promised_on, parts, body.labour_fen, body.charge_fen)


def _goods(request: ApiRequest, number: str) -> GoodsOut:
    found = queries.after_sale(request.viewer, number)
    return GoodsOut(
        number=found.number,
        kind=found.row.kind,  # type: ignore[arg-type]
        reason=found.row.reason,  # type: ignore[arg-type]
        condition=found.row.condition,  # type: ignore[arg-type]
        state=found.row.state,  # type: ignore[arg-type]
        receipt_id=found.receipt_id,
        merchant_id=found.row.ticket.merchant_id,
        lines=[
            GoodsLineOut(
                line_no=line.line_no,
                name=line.name,
                sku=line.sku,
                quantity=f"{line.quantity:f}",
                net_fen=line.net_fen,
            )
            for line in found.lines
        ],
        steps=list(found.acts),  # type: ignore[arg-type]
        refund_fen=found.row.refund_fen,
        money_fen=found.money_fen,
        clawed_points=found.clawed_points,
        return_id=found.return_id,
        replacement=found.replacement,
        workshop=found.workshop,
        promised_on=found.row.promised_on,
        cost_fen=found.cost_fen,
        charge_fen=found.charge_fen,
        agreed_at=found.agreed_at,
        applied_at=found.row.applied_at,
        ended_at=found.row.ended_at,
    )
