"""Goods come back: the refund per line, the points that go, the points that return, and the tier."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.loyalty.events import PointsClawedBack
from zhike.loyalty.models import Award, PendingPoints, Transfer
from zhike.loyalty.operations.earning import earn_receipt
from zhike.loyalty.operations.growing import ACTOR as GROWTH
from zhike.loyalty.operations.growing import count_toward_tier
from zhike.loyalty.operations.state import (
    Holder,
    NotNew,
    Once,
    Posting,
    call,
    locked_holder,
    lots_json,
    lots_of_json,
    post,
    posting_for,
    read_holder,
    to_json,
)
from zhike.loyalty.operations.tenders import give_points_back, plan_points_back, return_tenders
from zhike.loyalty.operations.tiering import settle_after_refund
from zhike.loyalty.queries.rates import table_at
from zhike.loyalty.queries.snapshots import ISSUED, PENDING
from zhike.loyalty.rules import earning, returning
from zhike.loyalty.rules.accounts import LotParts, Waiting
from zhike.sales import operations as sales
from zhike.sales import queries as records
from zhike.sales.events import ReceiptRecorded


class ReceiptNotFound(NotFound):
    code = "receipt-not-found"
    title = _("There is no such receipt.")


class ReturnTooMuch(Conflict):
    code = "return-exceeds-purchase"
    title = _("More would be returned than was bought.")


class NotReturnable(Invalid):
    code = "not-returnable"
    title = _("Only lines of a sale can be returned.")


class ReturnNeedsPoints(Conflict):
    code = "return-needs-points"
    title = _("The points of this purchase are spent; %(missing)s points are missing.")


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """Which line, how many of it (None: all that is left), and the refund if not pro rata."""

    line_no: int
    quantity: Decimal | None = None
    refund_fen: int | None = None


@dataclass(frozen=True, slots=True)
class ReturnOutcome:
    """``clawed_points`` were taken back (of them ``debt_points`` as debt); ``deduct_cash_fen`` lowers the refund.

    ``points_fen`` of the refund is not money but the points that paid for the goods; ``restored_points`` of them were
    given back. The customer gets ``money_fen``.
    """

    return_id: UUID
    refund_fen: int
    clawed_points: int = 0
    debt_points: int = 0
    deduct_cash_fen: int = 0
    waived_points: int = 0
    balance: int = 0
    explanation: dict[str, Any] = field(default_factory=dict)
    duplicate: bool = False
    restored_points: int = 0
    points_fen: int = 0

    @property
    def money_fen(self) -> int:
        return self.paid_back_fen - self.deduct_cash_fen

    @property
    def paid_back_fen(self) -> int:
        """The money that comes back, before anything is kept of it."""
        return self.refund_fen - self.points_fen


@dataclass(slots=True)
class AwardFacts:
    """An award as a return needs it; ``transfer_id`` and ``lots`` are the earn transfer and the lots it made."""

    receipt_id: UUID
    points: int
    clawed_points: int
    qualifying_fen: int
    explanation: dict[str, Any]
    day: dt.date
    transfer_id: int | None = None
    lots: LotParts = ()
    waiting: Waiting | None = None


@transaction.atomic
def return_lines(
    *,
    actor: Viewer,
    receipt_id: UUID,
    lines: Sequence[ReturnLine],
    till: str,
    number: str,
    business_date: dt.date,
    occurred_at: dt.datetime,
    now: dt.datetime,
    cashier: str = "",
    source: str = "counter",
) -> ReturnOutcome:
    """Return lines of a sale, any number of times until all is back.

    Refunds are pro rata unless given. Points that paid for the goods go back to the lots they came from, in
    proportion; points that the goods earned are taken back as the programme's shortfall policy says. The same return number
    again changes nothing and is answered as ``duplicate``. Raises ReceiptNotFound, NotReturnable, ReturnTooMuch,
    ReturnNeedsPoints, InvalidReceipt, NotAllowed.
    """
    original = records.lock_receipt(receipt_id)
    if original is None:
        raise ReceiptNotFound
    require_touch(actor, "receipts.return", mall=original.mall_id, merchant=original.merchant_id)
    known = records.existing_receipt(original.merchant_id, till, number, business_date)
    if known is not None:
        return _answer_again(known, receipt_id)
    sold = {line.line_no: line for line in records.lines_of(receipt_id)}
    returned = plan_return(original.kind, sold, lines)
    paid = records.tenders_of(receipt_id)
    refunded = sum(line.returned_fen for line in sold.values())
    refund_fen = sum(fen for _, fen in returned.values())
    owner = _owner_id(receipt_id)
    back = plan_points_back(paid, owner, refunded, refunded + refund_fen)
    receipt = _return_receipt(
        original, sold, returned, till, number, business_date, occurred_at, cashier, source,
        return_tenders(paid, back, refund_fen),
    )  # fmt: skip
    sales.check_receipt(actor=actor, receipt=receipt, now=now)
    _record(receipt, actor, now)
    sales.mark_returned(actor=actor, receipt_id=receipt_id, lines=returned)
    events.publish(_recorded(receipt), actor=actor, now=now)
    audit.record(
        actor=actor,
        action="receipt.return",
        subject=("receipt", receipt_id),
        after={
            "return": str(receipt.id),
            "lines": {str(no): [str(q), fen] for no, (q, fen) in returned.items()},
        },
        now=now,
    )
    restored, balance = give_points_back(back, return_id=receipt.id, actor=actor, now=now)
    points_fen = sum(one.fen for one in back)
    award = award_facts(receipt_id, original.business_date)
    if award is None:
        return ReturnOutcome(
            receipt.id, receipt.net_fen, balance=balance, restored_points=restored, points_fen=points_fen
        )
    outcome = _settle(actor, receipt, award, kept_fen(sold, returned), now)
    return replace(outcome, restored_points=restored, points_fen=points_fen)


def _record(receipt: sales.NewReceipt, actor: Viewer, now: dt.datetime) -> None:
    head, lines, tenders = sales.receipt_rows(actor=actor, receipt=receipt, now=now)
    try:
        call("SELECT sales_record_receipts(%s, %s, %s)", [to_json(part) for part in ([head], lines, tenders)])
    except NotNew as error:  # somebody was faster with a return of another sale
        raise sales.ReceiptConflict from error


def _recorded(receipt: sales.NewReceipt) -> ReceiptRecorded:
    return ReceiptRecorded(
        str(receipt.id),
        receipt.person_id,
        receipt.merchant_id,
        receipt.mall_id,
        "return",
        receipt.net_fen,
        receipt.occurred_at,
        cashier=receipt.cashier,
        original_id=str(receipt.original_id) if receipt.original_id else None,
    )


def plan_return(
    kind: str, sold: Mapping[int, Any], lines: Sequence[ReturnLine]
) -> dict[int, tuple[Decimal, int]]:
    """(quantity, fen) to return of each line. Raises NotReturnable, ReturnTooMuch."""
    if kind != "sale" or not lines:
        raise NotReturnable
    plan: dict[int, tuple[Decimal, int]] = {}
    for asked in lines:
        line = sold.get(asked.line_no)
        if line is None or asked.line_no in plan:
            raise NotReturnable
        quantity = line.quantity - line.returned_quantity if asked.quantity is None else asked.quantity
        if quantity <= 0 or line.returned_quantity + quantity > line.quantity:
            raise ReturnTooMuch
        fen = asked.refund_fen
        if fen is None:
            before = line.returned_quantity
            fen = sales.refund_share(line.net_fen, line.quantity, before, quantity, line.returned_fen)
        if fen < 0 or line.returned_fen + fen > line.net_fen:
            raise ReturnTooMuch
        plan[asked.line_no] = (quantity, fen)
    return plan


def kept_fen(
    sold: Mapping[int, Any], returned: Mapping[int, tuple[Decimal, int]]
) -> dict[int, tuple[int, int]]:
    """(kept fen, net fen) of every line after this return."""
    return {
        no: (line.net_fen - line.returned_fen - returned.get(no, (Decimal(0), 0))[1], line.net_fen)
        for no, line in sold.items()
    }


def award_facts(receipt_id: UUID, day: dt.date) -> AwardFacts | None:
    award = Award.objects.filter(receipt_id=receipt_id).first()
    if award is None:
        return None
    earned = Transfer.objects.filter(reference=f"receipt:{receipt_id}", reason="earn").first()
    return AwardFacts(
        receipt_id,
        award.points,
        award.clawed_points,
        award.qualifying_fen,
        award.explanation,
        day,
        earned.pk if earned else None,
        lots_of_json(earned.lots) if earned else (),
    )


def waiting_of(receipt_id: UUID) -> Waiting | None:
    """The points of a receipt that wait still; the caller holds the account, so that nobody releases them meanwhile."""
    row = PendingPoints.objects.filter(receipt_id=receipt_id, remaining__gt=0).first()
    return Waiting(row.points, row.remaining, lots_of_json(row.lots), row.available_on) if row else None


def keep_waiting(receipt_id: UUID, waiting: Waiting) -> None:
    """Write what is left of a receipt's waiting points."""
    PendingPoints.objects.filter(receipt_id=receipt_id).update(
        remaining=waiting.remaining, lots=lots_json(waiting.lots)
    )


def take_points_back(
    posting: Posting,
    award: AwardFacts,
    kept: Mapping[int, tuple[int, int]],
    receipt: sales.NewReceipt,
    *,
    actor: Viewer,
    now: dt.datetime,
) -> returning.Clawback:
    """Move points, caps and qualifying spend of the holder for a return; changes ``award`` and fills ``posting``.

    Raises ReturnNeedsPoints when the programme blocks it.
    """
    holder = posting.holder
    programme = holder.programme
    rounding = award.explanation.get("rounding", programme.rounding)
    parts = returning.kept_points(award.explanation, kept, rounding)
    due = max(0, award.points - award.clawed_points - sum(part.kept for part in parts))
    waiting = award.waiting if award.waiting and award.waiting.remaining else None
    money_fen = receipt.net_fen - sum(one.amount_fen for one in receipt.tenders if one.kind == "points")
    clawback = (
        returning.Clawback(due, None, waiting_points=due)
        if waiting
        else claw(holder, due, award.lots, money_fen, receipt.occurred_at, clawed=award.clawed_points)
    )
    award.clawed_points += due
    about: dict[str, Any] = {
        "reason": "clawback",
        "reference": f"receipt:{receipt.id}",
        "actor": actor,
        "occurred_at": receipt.occurred_at,
        "now": now,
        "explanation": clawback_explanation(award, parts, clawback),
        "reverses": award.transfer_id,
    }
    if waiting and due:
        posting.add_beside(waiting.take(due), debit=PENDING, credit=ISSUED, **about)
    elif clawback.movement:
        posting.add(clawback.movement, against=ISSUED, **about)
    if parts and award.points:
        _give_caps_back(posting, parts, award, due)
    lost = min(award.qualifying_fen, money_fen)
    award.qualifying_fen -= lost
    posting.qualifying_fen -= lost
    holder.state.qualifying_fen = max(0, holder.state.qualifying_fen - lost)
    return clawback


def claw(
    holder: Holder, due: int, lots: LotParts, refund_fen: int, at: dt.datetime, *, clawed: int = 0
) -> returning.Clawback:
    programme = holder.programme
    table, _version = table_at(programme, at)
    try:
        return returning.claw_back(
            holder.state,
            due,
            programme.shortfall,
            lots,
            clawed=clawed,
            refund_fen=refund_fen,
            redeem_points=table.points,
            redeem_fen=table.fen,
        )
    except returning.ReturnBlocked as blocked:
        raise ReturnNeedsPoints(missing=blocked.missing) from None


def clawback_explanation(
    award: AwardFacts, parts: Sequence[returning.Kept], clawback: returning.Clawback
) -> dict[str, Any]:
    """Why these points went: the sale, what it gave, what the kept goods still give, and how the rest was settled."""
    return {
        "sale": str(award.receipt_id),
        "awarded": award.points,
        "kept": sum(part.kept for part in parts),
        "due": clawback.due,
        "deducted_points": clawback.deducted_points,
        "deduct_cash_fen": clawback.deduct_cash_fen,
        "waived_points": clawback.waived_points,
    }


def _give_caps_back(posting: Posting, parts: Sequence[returning.Kept], award: AwardFacts, due: int) -> None:
    """Room under the day's caps grows by what was taken back, shared over the award's parts."""
    shares = earning.share_out(due, [part.points - part.kept for part in parts])
    for part, share in zip(parts, shares, strict=True):
        if share:
            keys = [(part.rule_id, cap, returning.cap_period(cap, award.day)) for cap in part.caps]
            posting.add_caps([(*key, -share) for key in keys])
            for key in keys:
                if key in posting.holder.state.caps:
                    posting.holder.state.caps[key] = max(0, posting.holder.state.caps[key] - share)


def unmatched_points(holder: Holder, receipt: sales.NewReceipt) -> earning.Decision:
    """What a return without its sale takes back: what buying the same today would give, caps and minimum aside."""
    state = holder.state
    caps, state.caps = state.caps, {}
    try:
        return earning.decide(state, earn_receipt(receipt), holder.programme.rules, holder.programme.rounding)
    finally:
        state.caps = caps


def _settle(
    actor: Viewer,
    receipt: sales.NewReceipt,
    award: AwardFacts,
    kept: Mapping[int, tuple[int, int]],
    now: dt.datetime,
) -> ReturnOutcome:
    holder = _owner(receipt, award)
    posting = posting_for(holder)
    award.waiting = waiting_of(award.receipt_id)
    clawback = take_points_back(posting, award, kept, receipt, actor=actor, now=now)
    post(posting)
    if award.waiting:
        keep_waiting(award.receipt_id, award.waiting)
    Award.objects.filter(receipt_id=award.receipt_id).update(
        clawed_points=award.clawed_points, qualifying_fen=award.qualifying_fen
    )
    reference = f"receipt:{receipt.id}"
    if holder.programme.counts_after:
        count_toward_tier(actor=GROWTH, member_id=holder.owner_id, reference=reference, now=now, lowers=True)
    else:
        settle_after_refund(holder, actor=actor, reference=reference, now=now)
    debt, taken = clawback.debt_points, clawback.taken
    if clawback.due:
        fact = PointsClawedBack(
            holder.member_id, holder.person_id, str(award.receipt_id), str(receipt.id), taken, debt
        )
        events.publish(fact, actor=actor, now=now)
    return ReturnOutcome(
        return_id=receipt.id,
        refund_fen=receipt.net_fen,
        clawed_points=taken,
        debt_points=debt,
        deduct_cash_fen=clawback.deduct_cash_fen,
        waived_points=clawback.waived_points,
        balance=holder.state.net,
        explanation={"due": clawback.due, "sale": str(award.receipt_id)},
    )


def _owner_id(receipt_id: UUID) -> int | None:
    """The member whose account an award went to, as an order to lock accounts in; None without an award."""
    return Award.objects.filter(receipt_id=receipt_id).values_list("account__member_id", flat=True).first()


def _owner(receipt: sales.NewReceipt, award: AwardFacts) -> Holder:
    """Whose points these were, by the side that bought; the account's own member when the receipt names nobody."""
    holder = None
    if receipt.person_id is not None:
        holder = read_holder(person_id=receipt.person_id, day=award.day, lots=True, lock=True)
    if holder is None:
        member_id = _owner_id(award.receipt_id)
        assert member_id is not None
        holder = locked_holder(member_id, award.day)
    return holder


def _return_receipt(
    original: Any,
    sold: Mapping[int, Any],
    returned: Mapping[int, tuple[Decimal, int]],
    till: str,
    number: str,
    business_date: dt.date,
    occurred_at: dt.datetime,
    cashier: str,
    source: str,
    tenders: tuple[sales.NewTender, ...],
) -> sales.NewReceipt:
    lines = tuple(
        sales.NewLine(
            line_no=index,
            sku=sold[no].sku,
            name=sold[no].name,
            quantity=quantity,
            unit_price_fen=sold[no].unit_price_fen,
            net_fen=fen,
            product_id=sold[no].product_id,
            category_id=sold[no].category_id,
            original_line_no=no,
        )
        for index, (no, (quantity, fen)) in enumerate(returned.items(), start=1)
    )
    return sales.NewReceipt(
        merchant_id=original.merchant_id,
        mall_id=original.mall_id,
        kind="return",
        till=till,
        number=number,
        business_date=business_date,
        occurred_at=occurred_at,
        lines=lines,
        tenders=tenders,
        person_id=original.person_id,
        original_id=original.pk,
        cashier=cashier,
        source=source,
    )


def _answer_again(known: Any, receipt_id: UUID) -> ReturnOutcome:
    """The answer to a return number that was used before, if it was for this very sale."""
    if known.kind != "return" or known.original_id != receipt_id:
        raise sales.ReceiptConflict
    clawed = Transfer.objects.filter(reference=f"receipt:{known.pk}", reason="clawback").first()
    paid = records.tenders_of(known.pk)
    restored = Transfer.objects.filter(
        reference__in=[f"redemption:{tender.reference}" for tender in paid if tender.kind == "points"],
        reason="restore",
        explanation__contains={"return": str(known.pk)},
    )
    return ReturnOutcome(
        return_id=known.pk,
        refund_fen=known.net_fen,
        clawed_points=clawed.points if clawed else 0,
        debt_points=clawed.debt_points if clawed else 0,
        deduct_cash_fen=clawed.explanation.get("deduct_cash_fen", 0) if clawed else 0,
        waived_points=clawed.explanation.get("waived_points", 0) if clawed else 0,
        balance=clawed.balance_after if clawed else 0,
        explanation=clawed.explanation if clawed else {},
        duplicate=True,
        restored_points=sum(restored.values_list("points", flat=True)),
        points_fen=sum(tender.amount_fen for tender in paid if tender.kind == "points"),
    )


__all__ = ["AwardFacts", "Once", "ReturnLine", "ReturnOutcome", "return_lines"]
