"""Tickets: opened, followed, answered and closed by other systems."""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Path, Query, Router

from zhike.kernel.idempotency import Outcome
from zhike.loyalty import queries as loyalty
from zhike.service import operations, queries
from zhike.ui.api import refs
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.ticket_schemas import (
    AmendsIn,
    AmendsListOut,
    AmendsMadeOut,
    AmendsOut,
    AnswerIn,
    ClockOut,
    ClosingIn,
    EntryOfTicketOut,
    TicketFileOut,
    TicketIn,
    TicketOpenedOut,
    TicketOut,
    TicketsOut,
)

router = Router(tags=["tickets"])

Number = Annotated[str, Path(min_length=1, max_length=24, pattern=r"^[A-Za-z0-9-]+$")]
Cursor = Annotated[str | None, Query(max_length=1000)]


@router.post("/tickets", auth=Needs("tickets.open", body=True), response={201: TicketOpenedOut})
def open_ticket(request: ApiRequest, body: TicketIn) -> Any:
    """Open a ticket; its place is the merchant's, or the mall's."""

    def act() -> Outcome:
        by_merchant = body.merchant_id is not None or body.merchant_code is not None
        merchant = refs.merchant_of(body) if by_merchant else None
        person_id = loyalty.person_id_of(body.member_id) if body.member_id is not None else None
        number = operations.open_ticket(
            actor=request.viewer,
            type=body.type,
            severity=body.severity,
            title=body.title,
            text=body.text,
            channel="api",
            mall_id=merchant.mall_id if merchant else body.mall_id,
            merchant_id=merchant.id if merchant else None,
            person_id=person_id,
            receipt_id=body.receipt_id,
            now=request.now,
        )
        return Outcome(201, TicketOpenedOut(number=number).model_dump(mode="json"))

    return run_once(request, act)


@router.get("/tickets", auth=Needs("tickets.view"), response=TicketsOut)
def list_tickets(
    request: ApiRequest,
    queue: Annotated[str, Query(pattern="^(open|unassigned|due|late|waiting|resolved|closed|all)$")] = "all",
    q: Annotated[str, Query(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")] = "",
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> TicketsOut:
    """Tickets in the key's scope, newest first (queues of what is due: the most urgent first)."""
    page = queries.tickets_page(request.viewer, queue=queue, q=q, cursor=cursor, limit=limit, now=request.now)
    return TicketsOut(items=[ticket_out(row) for row in page.items], next_cursor=page.next_cursor)


@router.get("/tickets/{number}", auth=Needs("tickets.view"), response=TicketFileOut)
def get_ticket(request: ApiRequest, number: Number) -> TicketFileOut:
    """One ticket: what was said, as far as the key may read it, and its promises."""
    found = queries.ticket(request.viewer, number, request.now)
    return TicketFileOut(
        ticket=ticket_out(found.row),
        entries=[
            EntryOfTicketOut(
                kind=entry.kind,
                audience=entry.audience,  # type: ignore[arg-type]
                by=entry.author_kind,
                author=entry.author,
                text=entry.text,
                written_at=entry.written_at,
                files=len(entry.files),
            )
            for entry in found.entries
        ],
        promises=[
            ClockOut(
                kind=clock.kind,  # type: ignore[arg-type]
                round=clock.cycle,
                state=clock.state,  # type: ignore[arg-type]
                target_minutes=int(clock.target.total_seconds()) // 60,
                spent_minutes=int(clock.spent.total_seconds()) // 60,
                due_at=clock.due_at,
                ended_at=clock.ended_at,
            )
            for clock in found.clocks
        ],
    )


@router.post(
    "/tickets/{number}/messages", auth=Needs("tickets.answer", body=True), response={201: TicketOpenedOut}
)
def answer_ticket(request: ApiRequest, number: Number, body: AnswerIn) -> Any:
    """Say something: to the member, to the merchant, or among staff."""

    def act() -> Outcome:
        operations.answer_ticket(
            actor=request.viewer,
            number=number,
            text=body.text,
            audience=body.audience,
            wait=body.wait,
            now=request.now,
        )
        return Outcome(201, TicketOpenedOut(number=number).model_dump(mode="json"))

    return run_once(request, act)


@router.post(
    "/tickets/{number}/closing", auth=Needs("tickets.handle", body=True), response={200: TicketOpenedOut}
)
def close_ticket(request: ApiRequest, number: Number, body: ClosingIn) -> Any:
    """The end of a ticket; closing what is closed changes nothing."""

    def act() -> Outcome:
        operations.close_ticket(actor=request.viewer, number=number, text=body.text, now=request.now)
        return Outcome(200, TicketOpenedOut(number=number).model_dump(mode="json"))

    return run_once(request, act)


@router.post(
    "/tickets/{number}/amends", auth=Needs("tickets.handle", body=True), response={201: AmendsMadeOut}
)
def propose_amends(request: ApiRequest, number: Number, body: AmendsIn) -> Any:
    """Amends from the catalogue; a key has no authority of its own, so they wait for a person."""

    def act() -> Outcome:
        made = operations.propose_compensation(
            actor=request.viewer,
            number=number,
            item_code=body.item,
            amount=body.amount,
            payer=body.payer,
            reason=body.reason,
            now=request.now,
        )
        return Outcome(201, AmendsMadeOut(id=made, state="proposed").model_dump(mode="json"))

    return run_once(request, act)


@router.get("/amends", auth=Needs("tickets.view"), response=AmendsListOut)
def list_amends(
    request: ApiRequest,
    state: Annotated[str, Query(pattern="^(waiting|ready|given|ended|all)$")] = "all",
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> AmendsListOut:
    """Amends in the key's scope, newest first; a merchant's key sees what the merchant pays."""
    page = queries.compensations_page(request.viewer, state=state, cursor=cursor, limit=limit)
    return AmendsListOut(
        items=[
            AmendsOut(
                id=row.id,
                ticket=row.number,
                merchant_id=row.merchant_id,
                cause=row.cause,
                kind=row.kind,  # type: ignore[arg-type]
                name=row.name,
                amount=row.amount,
                cost_fen=row.cost_fen,
                payer=row.payer,
                state=row.state,  # type: ignore[arg-type]
                reason=row.reason,
                proposed_at=row.proposed_at,
                given_at=row.executed_at,
            )
            for row in page.items
        ],
        next_cursor=page.next_cursor,
    )


def ticket_out(row: queries.TicketRow) -> TicketOut:
    return TicketOut(
        number=row.number,
        title=row.title,
        type=row.type,
        severity=row.severity,
        status=row.status,  # type: ignore[arg-type]
        channel=row.channel,
        mall_id=row.mall_id,
        merchant_id=row.merchant_id,
        merchant=row.merchant_name,
        opened_at=row.opened_at,
        changed_at=row.changed_at,
        due_at=row.due_at,
        broken_promises=row.breaches,
    )
