"""A receipt that nobody owned finds its member; a whole import is taken out again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Conflict, NotFound
from zhike.loyalty.events import PointsClawedBack
from zhike.loyalty.models import Award, Member, PendingPoints
from zhike.loyalty.operations.earning import Decided, ReceiptOutcome, decide_receipt, facts_of, waiting_row
from zhike.loyalty.operations.returning import ReceiptNotFound
from zhike.loyalty.operations.state import (
    locked_holder,
    lots_of_json,
    post,
    posting_for,
    read_holder,
)
from zhike.loyalty.operations.tiering import settle_after_refund, settle_lent, tier_row, write_standing
from zhike.loyalty.queries.members import MemberNotFound, family_of
from zhike.loyalty.queries.photo_claims import given_by_photo
from zhike.loyalty.queries.receipt_codes import is_too_late, receipt_of_code
from zhike.loyalty.queries.snapshots import ADJUSTED, ISSUED, PENDING
from zhike.loyalty.rules.accounts import debit
from zhike.organization import queries as organization
from zhike.sales import operations as sales
from zhike.sales import queries as records
from zhike.sales.events import ImportUndone, ReceiptClaimed, ReceiptsTakenOut


class AlreadyClaimed(Conflict):
    code = "receipt-already-claimed"
    title = _("This receipt already belongs to a member.")


class ClaimWindowClosed(Conflict):
    code = "claim-window-closed"
    title = _("A receipt can be claimed within %(days)s days; this one is older.")


class AlreadyYours(Conflict):
    code = "receipt-already-yours"
    title = _("You have this receipt already; its points were counted once.")


class ReceiptCodeUnknown(NotFound):
    code = "receipt-code-unknown"
    title = _("This is not the code of a receipt of ours.")


class ReceiptCameBack(Conflict):
    code = "receipt-came-back"
    title = _("Goods of this receipt were taken back; it brings no points any more.")


class AmountDiffers(Conflict):
    code = "amount-differs"
    title = _("The amount does not match the receipt.")


class ImportInUse(Conflict):
    code = "import-in-use"
    title = _(
        "%(receipts)s receipts of this import were returned or claimed since; it cannot be undone as a whole."
    )


@transaction.atomic
def claim_receipt(
    *,
    actor: Viewer,
    member_id: int,
    merchant_id: int,
    number: str,
    business_date: dt.date,
    net_fen: int,
    now: dt.datetime,
    till: str | None = None,
) -> ReceiptOutcome:
    """Give an unowned sale to a member, once, within the programme's window; it earns by the rules of its own day.

    Raises ReceiptNotFound, AmountDiffers, AlreadyClaimed, ClaimWindowClosed, MemberNotFound, MemberFrozen, NotAllowed.
    """
    member = Member.objects.filter(id=member_id).first()
    if member is None:
        raise MemberNotFound
    if not (actor.kind == "member" and actor.id == member.person_id):
        _require_desk_of(actor, merchant_id)
    hold_paper(merchant_id, number.strip(), business_date)
    found = records.find_claimable(merchant_id, number.strip(), business_date, till)
    if found is None:
        raise ReceiptNotFound
    receipt = records.lock_receipt(found.pk)
    assert receipt is not None
    if receipt.net_fen != net_fen:
        raise AmountDiffers
    if receipt.person_id is not None or records.was_returned(receipt.pk):
        raise AlreadyClaimed
    if given_by_photo(merchant_id, receipt.number, business_date, receipt.till, net_fen) is not None:
        raise AlreadyClaimed
    return give_receipt(member, receipt.pk, business_date, actor, now, "claim")


@transaction.atomic
def scan_receipt(*, actor: Viewer, member_id: int, code: str, now: dt.datetime) -> ReceiptOutcome:
    """Give the sale whose code was scanned to a member, once, within the programme's window: the code is proof.

    Raises ReceiptCodeUnknown, AlreadyYours, AlreadyClaimed, ReceiptCameBack, ClaimWindowClosed, MemberNotFound,
    MemberFrozen, NotAllowed.
    """
    member = Member.objects.filter(id=member_id).first()
    if member is None:
        raise MemberNotFound
    receipt_id = receipt_of_code(code)
    known = records.recorded_sale(receipt_id) if receipt_id is not None else None
    if known is not None:
        hold_paper(known.merchant_id, known.number, known.business_date)
    receipt = records.lock_receipt(receipt_id) if receipt_id is not None else None
    if receipt is None or receipt.kind != "sale":
        raise ReceiptCodeUnknown
    if not (actor.kind == "member" and actor.id == member.person_id):
        _require_desk_of(actor, receipt.merchant_id)
    if receipt.person_id is not None:
        is_own = customers.survivor_of(receipt.person_id) == customers.survivor_of(member.person_id)
        raise AlreadyYours if is_own else AlreadyClaimed
    if records.was_returned(receipt.pk):
        raise ReceiptCameBack
    owner = given_by_photo(
        receipt.merchant_id, receipt.number, receipt.business_date, receipt.till, receipt.net_fen
    )
    if owner is not None:
        raise AlreadyYours if owner in family_of(member_id) else AlreadyClaimed
    return give_receipt(member, receipt.pk, receipt.business_date, actor, now, "scan")


def hold_paper(merchant_id: int, number: str, business_date: dt.date) -> None:
    """Whoever gives this receipt to somebody waits here for the others, until the transaction ends: what the till sent and
    what stands on paper may be two rows of one purchase."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"paper:{merchant_id}:{business_date}:{number}"],
        )


def give_receipt(
    member: Member,
    receipt_id: UUID,
    business_date: dt.date,
    actor: Viewer,
    now: dt.datetime,
    how: str,
    *,
    asked_at: dt.datetime | None = None,
) -> ReceiptOutcome:
    """An unowned sale, whose row the caller holds, becomes the member's and earns. Raises ClaimWindowClosed, MemberFrozen.

    ``asked_at``: when the member asked, if somebody had to look at it first; the window is judged by that.
    """
    holder = locked_holder(member.pk, business_date)
    holder.require_earning()
    days = holder.programme.claim_window_days
    if is_too_late(business_date, days, asked_at or now):
        raise ClaimWindowClosed(days=days)
    sales.attach_person(actor=actor, receipt_id=receipt_id, person_id=member.person_id, now=now)
    settle_lent(holder, now=now)
    tier_before = holder.state.tier_id
    decided = decide_receipt(records.as_new_receipt(receipt_id), holder, actor, now)
    assert decided.posting is not None
    assert decided.decision is not None
    post(decided.posting)
    _keep(decided, tier_before)
    _tell(decided, tier_before, actor, now)
    audit.record(
        actor=actor,
        action=f"receipt.{how}",
        subject=("receipt", receipt_id),
        after={"member": member.pk},
        now=now,
    )
    return decided.outcome


def _keep(decided: Decided, tier_before: int) -> None:
    """Write the award, what waits of it, and the tier it lifts to."""
    receipt, holder, decision = decided.receipt, decided.holder, decided.decision
    assert holder is not None
    assert decision is not None
    Award.objects.create(
        receipt_id=receipt.id,
        account_id=holder.state.account_id,
        tier_id=tier_before,
        points=decision.points,
        qualifying_fen=decided.qualifying_fen,
        explanation=decision.explanation,
        occurred_at=receipt.occurred_at,
    )
    if decided.waiting is not None:
        PendingPoints.objects.create(
            receipt_id=receipt.id,
            account_id=holder.state.account_id,
            remaining=decided.waiting.remaining,
            **waiting_row(decided.waiting),
        )


def _tell(decided: Decided, tier_before: int, actor: Viewer, now: dt.datetime) -> None:
    """Move the tier and publish what a claimed receipt led to."""
    receipt, holder = decided.receipt, decided.holder
    assert holder is not None
    claimed = ReceiptClaimed(
        str(receipt.id), holder.person_id, receipt.merchant_id, receipt.mall_id, receipt.kind, receipt.net_fen,
        receipt.discount_fen, receipt.occurred_at, receipt.cashier,
    )  # fmt: skip
    events.publish(claimed, actor=actor, now=now)
    if decided.new_tier is not None:
        write_standing([tier_row(holder, decided.new_tier, "spend", f"receipt:{receipt.id}", now)])
    facts = facts_of(decided, tier_before)[1:]
    if facts:
        events.publish(*facts, actor=actor, now=now)


def _require_desk_of(actor: Viewer, merchant_id: int) -> None:
    """Whoever may claim where the sale was made. Raises ReceiptNotFound, NotAllowed."""
    merchant = organization.merchant_ref(merchant_id)
    if merchant is None:
        raise ReceiptNotFound
    places = {"mall": merchant.mall_id, "floor": merchant.floor_id, "merchant": merchant_id}
    require_touch(actor, "receipts.claim", **places)


@transaction.atomic
def undo_import(*, actor: Viewer, import_id: UUID, now: dt.datetime, reason: str = "") -> int:
    """Take out every receipt of an import; its points are taken back by transfers (what is spent becomes debt).

    Refused as a whole when a receipt of it was returned by a receipt outside the import, or claimed.
    Raises ImportInUse, NotAllowed. Returns how many receipts went.
    """
    require(actor, "imports.run")
    receipt_ids, in_use = records.receipts_of_import(import_id)
    if in_use:
        raise ImportInUse(receipts=in_use)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT r.person_id, sum(w.points - w.clawed_points), sum(w.qualifying_fen)
            FROM loyalty_award w JOIN sales_receipt r ON r.id = w.receipt_id
            WHERE w.receipt_id = ANY(%s) GROUP BY r.person_id ORDER BY min(w.account_id)""",
            [receipt_ids],
        )
        owed = cursor.fetchall()
        cursor.execute("DELETE FROM loyalty_award WHERE receipt_id = ANY(%s)", [receipt_ids])
    for person_id, points, qualifying_fen in owed:
        _take_import_back(actor, person_id, receipt_ids, int(points), int(qualifying_fen), import_id, now)
    PendingPoints.objects.filter(receipt_id__in=receipt_ids).delete()
    concerned = records.receipts_by_person(receipt_ids)
    gone = sales.forget_receipts(actor=actor, receipt_ids=receipt_ids)
    audit.record(
        actor=actor,
        action="import.undo",
        subject=("import", import_id),
        after={"receipts": gone},
        reason=reason,
        now=now,
    )
    taken_out = [
        ReceiptsTakenOut(str(import_id), person_id, len(ids), tuple(map(str, ids)))
        for person_id, ids in concerned.items()
    ]
    events.publish_many([ImportUndone(str(import_id), gone), *taken_out], actor=actor, now=now)
    return gone


def _take_import_back(
    actor: Viewer,
    person_id: int,
    receipt_ids: Sequence[UUID],
    points: int,
    qualifying_fen: int,
    import_id: UUID,
    now: dt.datetime,
) -> None:
    holder = read_holder(person_id=person_id, lots=True, lock=True)
    assert holder is not None
    posting = posting_for(holder)
    about: dict[str, Any] = {
        "reason": "undo",
        "reference": f"import:{import_id}",
        "actor": actor,
        "occurred_at": now,
        "now": now,
    }
    waiting = PendingPoints.objects.filter(
        receipt_id__in=receipt_ids, receipt__person_id=person_id, remaining__gt=0
    )
    spendable = points
    for row in waiting.order_by("receipt_id"):
        why = {"import": str(import_id), "award": str(row.receipt_id)}
        posting.add_beside(lots_of_json(row.lots), debit=PENDING, credit=ISSUED, explanation=why, **about)
        spendable -= row.remaining
    if spendable:
        movement = debit(holder.state, spendable, into_debt=True)
        posting.add(movement, against=ADJUSTED, explanation={"import": str(import_id)}, **about)
    if points:
        fact = PointsClawedBack(holder.member_id, person_id, "", f"import:{import_id}", points, 0)
        events.publish(fact, actor=actor, now=now)
    posting.qualifying_fen = -qualifying_fen
    holder.state.qualifying_fen = max(0, holder.state.qualifying_fen - qualifying_fen)
    post(posting)
    settle_after_refund(holder, actor=actor, reference=f"import:{import_id}", now=now)
