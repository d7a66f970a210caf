"""Amends for a ticket: proposed, agreed to by a second person above the limit, carried out once, taken back."""

from __future__ import annotations

import datetime as dt
import hashlib

from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, system_viewer
from zhike.kernel.clock import business_date
from zhike.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as loyalty_queries
from zhike.offers import operations as offers
from zhike.organization import queries as organization
from zhike.service.events import (
    CompensationDecided,
    CompensationGiven,
    CompensationProposed,
    CompensationReversed,
)
from zhike.service.models import AuthorityUse, Compensation, CompensationItem, Ticket
from zhike.service.operations import _followups, _tickets
from zhike.service.operations._tickets import HANDLE, WrongState
from zhike.service.queries.compensation import COLUMNS, authority_of
from zhike.service.rules import compensation as rules

APPROVE = "compensation.approve"
State = Compensation.State
COUNTED = (State.APPROVED, State.EXECUTED)


class CompensationInvalid(Invalid):
    code = "compensation-invalid"
    title = _("Choose something from the catalogue, within its limit, and give a reason.")


class NoMemberToGive(Conflict):
    code = "compensation-no-member"
    title = _("Points and coupons can only be given to a member; this ticket has none.")


class NoMerchantToPay(Conflict):
    code = "compensation-no-merchant"
    title = _("This ticket names no merchant who could pay.")


class FourEyes(NotAllowed):
    code = "compensation-four-eyes"
    title = _("Whoever proposed it cannot agree to it; somebody else has to.")


class AboveAuthority(Conflict):
    code = "compensation-above-authority"
    title = _("This is more than you may agree to. Somebody with more authority has to.")


class ReferenceMissing(Invalid):
    code = "compensation-reference-missing"
    title = _("Say what proves it: the number of the payment, or who received it.")


class NotReversible(Conflict):
    code = "compensation-not-reversible"
    title = _("This was handed over already and cannot be taken back.")


@transaction.atomic
def propose_compensation(
    *,
    actor: Viewer,
    number: str,
    item_code: str,
    amount: int,
    reason: str,
    payer: str = "mall",
    now: dt.datetime,
) -> int:
    """Offer amends on a ticket; its id. Within the actor's authority it is given at once, otherwise it waits.

    ``amount`` is points, fen or pieces; ``payer`` "mall" or "merchant" (the ticket's, whose fault it is). What one
    person gives is counted under a lock, so no number of windows at once gets past a limit. Raises CompensationInvalid,
    NoMemberToGive, NoMerchantToPay, NotFound, NotAllowed, and what the ledger or the coupons refuse.
    """
    ticket = _tickets.load(number, actor, HANDLE)
    mall = organization.mall(ticket.mall_id)
    item = CompensationItem.objects.filter(group_id=mall.group_id, code=item_code, is_offered=True).first()
    reason = " ".join(reason.split())
    if item is None or not 0 < amount <= item.amount_max or not 0 < len(reason) <= rules.REASON_MAX:
        raise CompensationInvalid
    if payer not in rules.PAYERS:
        raise CompensationInvalid
    if item.kind in rules.SELF_EXECUTED and _member_id(ticket) is None:
        raise NoMemberToGive
    if payer == "merchant" and ticket.merchant_id is None:
        raise NoMerchantToPay
    row = Compensation(
        ticket=ticket,
        mall_id=ticket.mall_id,
        item=item,
        kind=item.kind,
        name=item.name,
        amount=amount,
        cost_fen=_cost_fen(item, amount),
        payer=rules.payer_code(payer, ticket.mall_id, ticket.merchant_id),
        paying_merchant_id=ticket.merchant_id if payer == "merchant" else None,
        reason=reason,
        state=State.PROPOSED,
        proposed_at=now,
        proposed_by=actor.label,
        proposer_id=actor.id if actor.kind == "staff" else None,
    )
    is_covered = _charge(actor, row, now)
    row.save(force_insert=True)
    _note(actor, row, "propose", now)
    events.publish(CompensationProposed(*_names(row), row.kind, row.cost_fen), actor=actor, now=now)
    if is_covered:
        _go(actor, row, now)
    else:
        _ask(actor, row, now)
    return row.pk


@transaction.atomic
def decide_compensation(
    *, actor: Viewer, compensation_id: int, approve: bool, note: str = "", now: dt.datetime
) -> None:
    """The second person agrees, at the cost of their own authority, or does not. The same decision again is nothing.

    Raises FourEyes, AboveAuthority, WrongState, NotFound, NotAllowed.
    """
    row = _load(actor, compensation_id, APPROVE)
    if actor.kind == "staff" and row.proposer_id == actor.id:
        raise FourEyes
    if row.state != State.PROPOSED:
        if row.decider_id == actor.id and approve == (row.state != State.REJECTED):
            return
        raise WrongState
    row.decided_at, row.decided_by, row.decision_note = now, actor.label, note.strip()[:200]
    row.decider_id = actor.id if actor.kind == "staff" else None
    events.publish(CompensationDecided(*_names(row), approve), actor=actor, now=now)
    if not approve:
        row.state = State.REJECTED
        row.save()
        _say(actor, row, "amends_no", "staff", row.decision_note, now)
        _note(actor, row, "reject", now)
        return
    if not _charge(actor, row, now):
        raise AboveAuthority
    _note(actor, row, "approve", now)
    _go(actor, row, now)


@transaction.atomic
def hand_over_compensation(*, actor: Viewer, compensation_id: int, reference: str, now: dt.datetime) -> None:
    """Cash was paid, a present or a service given: ``reference`` proves it. Doing it again changes nothing.

    Raises ReferenceMissing, WrongState, NotFound, NotAllowed.
    """
    row = _load(actor, compensation_id, HANDLE)
    if row.state == State.EXECUTED:
        return
    if row.state != State.APPROVED:
        raise WrongState
    if not reference.strip():
        raise ReferenceMissing
    _executed(actor, row, reference.strip()[:80], now)


@transaction.atomic
def withdraw_compensation(*, actor: Viewer, compensation_id: int, reason: str, now: dt.datetime) -> None:
    """Take back an offer that was not carried out, or points and coupons that are still there; authority is given back.

    What was given is taken back by those who may agree to it only. Doing it again changes nothing. Raises NotReversible,
    CompensationInvalid without a reason, InsufficientPoints, NotVoidable, NotFound, NotAllowed.
    """
    row = _load(actor, compensation_id, HANDLE)
    if row.state in (State.WITHDRAWN, State.REVERSED, State.REJECTED):
        return
    reason = reason.strip()[:200]
    if not reason:
        raise CompensationInvalid
    if row.state == State.EXECUTED:
        load_visible(Compensation.objects.all(), row.pk, actor, HANDLE, COLUMNS)
        if not actor.may(APPROVE):
            raise NotAllowed
        if not rules.can_take_back(row.kind, row.state):
            raise NotReversible
        _undo(actor, row, reason, now)
        row.state = State.REVERSED
    else:
        row.state = State.WITHDRAWN
    row.ended_at, row.ended_by, row.end_reason = now, actor.label, reason
    row.save()
    _discharge(row)
    _say(actor, row, "amends_off", "member" if row.state == State.REVERSED else "staff", reason, now)
    events.publish(CompensationReversed(*_names(row), row.kind, row.state), actor=actor, now=now)
    _note(actor, row, "withdraw", now)


# --- parts ---------------------------------------------------------------------------------------------------------


def _load(actor: Viewer, compensation_id: int, permission: str) -> Compensation:
    """The row, locked after its ticket. Raises NotFound, NotAllowed."""
    ticket_id = Compensation.objects.filter(pk=compensation_id).values_list("ticket_id", flat=True).first()
    if ticket_id is None:
        raise NotFound
    Ticket.objects.select_for_update(of=("self",)).get(pk=ticket_id)
    rows = Compensation.objects.select_for_update(of=("self",))
    try:
        return load_visible(rows, compensation_id, actor, permission, COLUMNS)
    except NotFound:
        load_visible(rows, compensation_id, actor, HANDLE, COLUMNS)
        raise NotAllowed from None


def _member_id(ticket: Ticket) -> int | None:
    return loyalty_queries.member_id_of_person(ticket.person_id) if ticket.person_id else None


def _cost_fen(item: CompensationItem, amount: int) -> int:
    points, fen = 100, 100
    program_id = loyalty_queries.default_program_id()
    if program_id is not None:
        programme = loyalty_queries.program(_MACHINE, program_id)
        points, fen = programme.redeem_points, programme.redeem_fen
    return rules.cost_fen(item.kind, amount, item.unit_cost_fen, points, fen)  # type: ignore[arg-type]


_MACHINE = system_viewer("compensation")


def _charge(actor: Viewer, row: Compensation, now: dt.datetime) -> bool:
    """Whether the actor's own authority covers it; then it is used up by so much. The ticket's row is held."""
    mall = organization.mall(row.mall_id)
    authority = authority_of(actor, mall.group_id, mall.id)
    if authority == rules.UNLIMITED and actor.kind != "staff":
        return True
    if actor.kind != "staff" or actor.id is None:
        return False
    since = rules.period_start(authority.period, business_date(now, mall.time_zone))
    key = {"staff_id": actor.id, "period": authority.period, "since": since}
    AuthorityUse.objects.bulk_create([AuthorityUse(**key)], ignore_conflicts=True)
    use = AuthorityUse.objects.select_for_update().get(**key)
    on_ticket = (
        Compensation.objects.filter(
            ticket_id=row.ticket_id, charged_to_id=actor.id, state__in=COUNTED
        ).aggregate(fen=Sum("cost_fen"))["fen"]
        or 0
    )
    if not authority.covers(row.cost_fen, on_ticket, use.used_fen):
        return False
    AuthorityUse.objects.filter(**key).update(used_fen=F("used_fen") + row.cost_fen)
    row.charged_to_id, row.charged_period, row.charged_since = actor.id, authority.period, since
    return True


def _discharge(row: Compensation) -> None:
    if row.charged_to_id is None or row.charged_since is None:
        return
    uses = AuthorityUse.objects.filter(
        staff_id=row.charged_to_id, period=row.charged_period, since=row.charged_since
    )
    uses.select_for_update().update(used_fen=F("used_fen") - row.cost_fen)


def _go(actor: Viewer, row: Compensation, now: dt.datetime) -> None:
    """Agreed: what the program can carry out is carried out now, the rest waits to be handed over."""
    row.state = State.APPROVED
    if row.kind not in rules.SELF_EXECUTED:
        row.save()
        _say(actor, row, "amends_due", "member", "", now)
        return
    ticket = Ticket.objects.get(pk=row.ticket_id)
    member_id = _member_id(ticket)
    if member_id is None:
        raise NoMemberToGive
    reference = f"compensation:{row.pk}"
    machine = system_viewer("compensation", request_id=actor.request_id)
    if row.kind == "points":
        loyalty.grant_points(
            actor=machine,
            member_id=member_id,
            points=row.amount,
            reference=reference,
            note=f"{row.name} {ticket.number}",
            payer=row.payer,
            now=now,
        )
    else:
        codes = [_coupon(machine, row, member_id, piece, now) for piece in range(row.amount)]
        reference = ",".join(codes)[:80]
    _executed(actor, row, reference, now)


def _coupon(machine: Viewer, row: Compensation, member_id: int, piece: int, now: dt.datetime) -> str:
    key = f"{row.pk}/{piece}"
    issued = offers.give_coupon(
        actor=machine,
        batch_id=row.item.batch_id or 0,
        member_id=member_id,
        source="amends",
        reference=f"compensation:{row.pk}",
        once=loyalty.Once("compensation", key, hashlib.sha256(key.encode()).digest()),
        now=now,
    )
    return str(issued.coupon_id)


def _executed(actor: Viewer, row: Compensation, reference: str, now: dt.datetime) -> None:
    row.state, row.reference = State.EXECUTED, reference
    row.executed_at, row.executed_by = now, actor.label
    row.save()
    _say(actor, row, "amends", "member", "", now)
    _note(actor, row, "give", now)
    fact = CompensationGiven(
        *_names(row),
        row.kind,
        row.amount,
        row.cost_fen,
        row.payer,
        row.paying_merchant_id,
        row.ticket.cause_id,
    )
    events.publish(fact, actor=actor, now=now)


def _undo(actor: Viewer, row: Compensation, reason: str, now: dt.datetime) -> None:
    machine = system_viewer("compensation", request_id=actor.request_id)
    if row.kind == "points":
        loyalty.revoke_grant(actor=machine, reference=f"compensation:{row.pk}", note=reason, now=now)
        return
    for coupon_id in row.reference.split(","):
        offers.void_coupon(actor=machine, coupon_id=int(coupon_id), reason=reason, now=now)


def _ask(actor: Viewer, row: Compensation, now: dt.datetime) -> None:
    """Somebody with more authority is told that it waits for them."""
    _say(actor, row, "amends_ask", "staff", row.reason, now)
    _followups.alert(row.ticket, "approval", "mall_manager", now)


def _say(actor: Viewer, row: Compensation, kind: str, audience: str, text: str, now: dt.datetime) -> None:
    details = {"name": row.name, "compensation_kind": row.kind, "amount": row.amount}
    if audience == "staff":
        details["cost_fen"] = row.cost_fen
    _tickets.say(row.ticket, actor, kind, audience, text, now, **details)  # type: ignore[arg-type]


def _names(row: Compensation) -> tuple[int, str, int | None, int, int]:
    ticket = row.ticket
    return ticket.pk, ticket.number, ticket.person_id, ticket.mall_id, row.pk


def _note(actor: Viewer, row: Compensation, what: str, now: dt.datetime) -> None:
    audit.record(
        actor=actor,
        action=f"compensation.{what}",
        subject=("compensation", row.pk),
        after={"state": row.state, "kind": row.kind, "amount": row.amount, "cost_fen": row.cost_fen},
        reason=row.end_reason or row.reason,
        now=now,
    )
