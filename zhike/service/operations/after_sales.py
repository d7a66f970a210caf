"""Goods that come back: asked for, decided, received, checked; refunded, exchanged or mended, each step once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer
from zhike.kernel.clock import business_date
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.loyalty import operations as loyalty
from zhike.organization import queries as organization
from zhike.rewards import operations as rewards
from zhike.service.events import AfterSaleMoved
from zhike.service.models import AfterSale, AfterSaleLine, RepairPart, Ticket
from zhike.service.operations import _after_sales_notices as notices
from zhike.service.operations import _clocks, _tickets, tickets
from zhike.service.operations._tickets import HANDLE, OPEN
from zhike.service.queries import after_sales as queries
from zhike.service.rules import after_sales as rules
from zhike.service.rules import policies

HOUSE = queries.HOUSE
TILL = "AFTER-SALES"
NOTE_MAX = 500
_RANDOM_BYTES = 24


class WrongStep(Conflict):
    code = "after-sale-wrong-step"
    title = _("This cannot be done with these goods as they stand now.")


class NoteMissing(Invalid):
    code = "after-sale-note-missing"
    title = _("Say it in between 1 and %(limit)s characters.")


class ChargeNotAgreed(Conflict):
    code = "after-sale-charge-not-agreed"
    title = _("The member has not agreed yet to pay for this repair.")


class RepairInvalid(Invalid):
    code = "after-sale-repair-invalid"
    title = _(
        "A repair has a workshop, a promised day from today on, up to 20 parts and amounts up to a million."
    )


# --- deciding ------------------------------------------------------------------------------------------------------


@transaction.atomic
def decide_after_sale(*, actor: Viewer, number: str, approve: bool, note: str = "", now: dt.datetime) -> None:
    """Approve what was asked for, or refuse it with the reason the member reads.

    Raises WrongStep, NoteMissing, NotFound, NotAllowed.
    """
    ticket, sheet = load(number, actor, HANDLE)
    if approve:
        let_come(actor, ticket, sheet, _note(note, needed=False), now)
        return
    reason = _note(note)
    step(actor, ticket, sheet, "refuse", now, note=reason)
    _give_back_uses(sheet, now)
    tickets.resolve_ticket(actor=actor, number=number, text=reason, now=now)


def let_come(actor: Viewer, ticket: Ticket, sheet: AfterSale, note: str, now: dt.datetime) -> None:
    step(actor, ticket, sheet, "approve", now, text=note, waits=True)


@transaction.atomic
def withdraw_after_sale(*, actor: Viewer, number: str, now: dt.datetime) -> None:
    """The member thinks better of it before the goods are here. Again, nothing happens.

    Raises WrongStep, NotFound, NotAllowed.
    """
    ticket, sheet = load(number, actor, HANDLE, OPEN)
    if _tickets.reader_of(actor, ticket) == "merchant":
        raise NotFound
    if sheet.state == "withdrawn":
        return
    step(actor, ticket, sheet, "withdraw", now)
    _give_back_uses(sheet, now)
    tickets.close_ticket(actor=actor, number=number, now=now)


@transaction.atomic
def receive_goods(*, actor: Viewer, number: str, note: str = "", now: dt.datetime) -> None:
    """The goods are at the desk; the time to solve runs again. Raises WrongStep, NotFound, NotAllowed."""
    ticket, sheet = load(number, actor, HANDLE)
    step(actor, ticket, sheet, "receive", now, text=_note(note, needed=False), waits=False)


@transaction.atomic
def pass_goods(*, actor: Viewer, number: str, note: str = "", now: dt.datetime) -> None:
    """What came in is as it was said to be. Raises WrongStep, NotFound, NotAllowed."""
    ticket, sheet = load(number, actor, HANDLE)
    step(actor, ticket, sheet, "pass", now, text=_note(note, needed=False))


@transaction.atomic
def reject_goods(*, actor: Viewer, number: str, note: str, now: dt.datetime) -> None:
    """The goods are not accepted, cannot be mended, or the member does not want to pay for it: they go back as they are.

    Raises WrongStep, NoteMissing, NotFound, NotAllowed.
    """
    ticket, sheet = load(number, actor, HANDLE)
    words = _note(note)
    step(actor, ticket, sheet, "reject", now, text=words, note=words, waits=True)
    _give_back_uses(sheet, now)


# --- ends ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def settle_after_sale(*, actor: Viewer, number: str, replacement: str = "", now: dt.datetime) -> AfterSale:
    """Post the return of checked goods, once, or hand over what they are exchanged for (``replacement``).

    A return goes through ``loyalty.return_lines``: points are taken back, spent ones given back, and never more comes back
    than was bought. Again, what was done is answered. Raises WrongStep, NoteMissing, ReturnTooMuch, ReturnNeedsPoints,
    NotFound, NotAllowed.
    """
    ticket, sheet = load(number, actor, HANDLE)
    if sheet.state in ("refunded", "exchanged"):
        return sheet
    if rules.after(sheet.kind, sheet.state, "settle") is None:
        raise WrongStep
    if sheet.kind == rules.RETURN:
        done = _post(actor, ticket, sheet, now)
        sheet.return_receipt_id = done.return_id
        sheet.refund_fen, sheet.money_fen = done.refund_fen, done.money_fen
        sheet.clawed_points, sheet.restored_points = done.clawed_points, done.restored_points
        step(actor, ticket, sheet, "settle", now, amount=_yuan(done.money_fen))
    else:
        sheet.replacement = _note(replacement)[:200]
        step(actor, ticket, sheet, "settle", now, text=sheet.replacement, note=sheet.replacement)
    tickets.close_ticket(actor=actor, number=number, now=now)
    return sheet


def _post(actor: Viewer, ticket: Ticket, sheet: AfterSale, now: dt.datetime) -> loyalty.ReturnOutcome:
    mall = organization.mall(ticket.mall_id)
    return loyalty.return_lines(
        actor=actor,
        receipt_id=sheet.receipt_id,
        lines=[loyalty.ReturnLine(line.line_no, line.quantity) for line in lines_of(sheet)],
        till=TILL,
        number=ticket.number,
        business_date=business_date(now, mall.time_zone),
        occurred_at=now,
        cashier=actor.label[:60],
        source="after_sales",
        now=now,
    )


@transaction.atomic
def hand_back(*, actor: Viewer, number: str, now: dt.datetime) -> None:
    """Give the member what was mended, or what was not accepted. Raises WrongStep, NotFound, NotAllowed."""
    ticket, sheet = load(number, actor, HANDLE)
    step(actor, ticket, sheet, "hand_back", now)
    tickets.close_ticket(actor=actor, number=number, now=now)


# --- repairs -------------------------------------------------------------------------------------------------------


@transaction.atomic
def send_to_workshop(
    *,
    actor: Viewer,
    number: str,
    workshop: str,
    promised_on: dt.date,
    parts: Sequence[rules.Part] = (),
    labour_fen: int = 0,
    charge_fen: int = 0,
    note: str = "",
    now: dt.datetime,
) -> None:
    """Who mends it, with which parts, at what cost, until when; said again, it is the new plan and the member is told.

    ``charge_fen`` is what the member pays: nothing within the warranty and where a benefit pays. Raises WrongStep,
    RepairInvalid, NotFound, NotAllowed.
    """
    ticket, sheet = load(number, actor, HANDLE)
    zone = organization.mall(ticket.mall_id).time_zone
    name = " ".join(workshop.split())
    if not 0 < len(name) <= 80 or promised_on < business_date(now, zone):
        raise RepairInvalid
    if not rules.is_repair(parts, labour_fen, charge_fen) or (sheet.is_free and charge_fen):
        raise RepairInvalid
    stays = rules.stays_agreed(charge_fen, sheet.charge_fen, is_agreed=sheet.agreed_at is not None)
    sheet.agreed_at = sheet.agreed_at if stays else None
    sheet.workshop, sheet.promised_on = name, promised_on
    sheet.promised_first_on = sheet.promised_first_on or promised_on
    sheet.labour_fen, sheet.charge_fen = labour_fen, charge_fen
    sheet.cost_fen = rules.repair_cost(parts, labour_fen)
    RepairPart.objects.filter(sale=sheet).delete()
    RepairPart.objects.bulk_create(
        RepairPart(sale=sheet, name=part.name.strip(), quantity=part.quantity, cost_fen=part.cost_fen)
        for part in parts
    )
    step(
        actor, ticket, sheet, "send", now, text=_note(note, needed=False), waits=True, note=name,
        day=promised_on.isoformat(), amount=_yuan(charge_fen),
    )  # fmt: skip


@transaction.atomic
def answer_charge(*, actor: Viewer, number: str, agrees: bool, now: dt.datetime) -> None:
    """The member says whether they pay for the repair, in the app or at the desk; without it the goods go back as they are.

    Saying yes again changes nothing. Raises WrongStep, NotFound, NotAllowed.
    """
    ticket, sheet = load(number, actor, HANDLE, OPEN)
    if _tickets.reader_of(actor, ticket) == "merchant":
        raise NotFound
    if agrees and sheet.state == "workshop" and sheet.agreed_at is not None:
        return
    if sheet.state != "workshop" or not rules.may_agree(
        sheet.charge_fen, is_agreed=sheet.agreed_at is not None
    ):
        raise WrongStep
    amount = _yuan(sheet.charge_fen)
    if not agrees:
        step(actor, ticket, sheet, "decline", now, text=f"会员不同意支付维修费 {amount}", waits=True)
        _give_back_uses(sheet, now)
        return
    sheet.agreed_at = sheet.changed_at = now
    sheet.save(update_fields=["agreed_at", "changed_at"])
    _tickets.say(ticket, actor, "agreed", "member", "", now, amount=amount)
    _tickets.keep(ticket, now)
    record(actor, sheet, "agree", now, charge_fen=sheet.charge_fen)


@transaction.atomic
def finish_repair(*, actor: Viewer, number: str, note: str = "", now: dt.datetime) -> None:
    """It is mended and waits for the member. Raises ChargeNotAgreed, WrongStep, NotFound, NotAllowed."""
    ticket, sheet = load(number, actor, HANDLE)
    if rules.may_agree(sheet.charge_fen, is_agreed=sheet.agreed_at is not None):
        raise ChargeNotAgreed
    words = _note(note, needed=False)
    step(actor, ticket, sheet, "finish", now, text=words, amount=_yuan(sheet.charge_fen))


# --- parts ---------------------------------------------------------------------------------------------------------


def load(number: str, actor: Viewer, *permissions: str) -> tuple[Ticket, AfterSale]:
    """Ticket and sheet, both held, if the actor has one of the permissions there. Raises NotFound, NotAllowed."""
    ticket = _tickets.load(number, actor, *permissions)
    sheet = AfterSale.objects.select_for_update(of=("self",)).filter(ticket=ticket).first()
    if sheet is None:
        raise NotFound
    return ticket, sheet


def step(
    actor: Viewer,
    ticket: Ticket,
    sheet: AfterSale,
    act: str,
    now: dt.datetime,
    *,
    text: str = "",
    waits: bool | None = None,
    **told: Any,
) -> None:
    """Move a held sheet, say so on its ticket, tell the member and the log. ``waits``: the time to solve stands still,
    runs, or (None) is left as it is. Raises WrongStep.
    """
    state = rules.after(sheet.kind, sheet.state, act)
    if state is None:
        raise WrongStep
    sheet.state, sheet.changed_at = state, now
    sheet.ended_at = now if state in rules.ENDED_STATES else None
    sheet.save()
    if actor.kind != "member" and ticket.first_answered_at is None:
        ticket.first_answered_at = now
        _clocks.end(ticket, [policies.FIRST_ANSWER], now)
    if actor.kind == "staff" and ticket.assignee_id is None:
        ticket.assignee_id = actor.id
    if state != "refused":  # its reason stands in the solution
        _tickets.say(ticket, actor, state, "member", text, now, what=sheet.kind, **told)
    _pace(ticket, waits, now)
    _tickets.keep(ticket, now)
    fact = AfterSaleMoved(
        *names(ticket),
        sheet.kind,
        state,
        sheet.refund_fen,
        str(sheet.return_receipt_id) if sheet.return_receipt_id else None,
    )
    events.publish(fact, actor=actor, now=now)
    record(actor, sheet, act, now, state=state, refund_fen=sheet.refund_fen)
    if act != "decline":  # they said so themselves
        once = f"{ticket.number}:{state}:{told.get('day', '')}"
        notices.tell(state, ticket.person_id, once=once, now=now, number=ticket.number, **told)


def _pace(ticket: Ticket, waits: bool | None, now: dt.datetime) -> None:
    """We wait for the member or a workshop, or it is our turn again."""
    row = _tickets.row_of(ticket)
    if waits is None:
        return
    if waits:
        _tickets.move(ticket, "wait")
        _clocks.hold(ticket, row, now)
        return
    if ticket.status == "new":
        _tickets.move(ticket, "answer")
    elif ticket.status == "waiting":
        _tickets.move(ticket, "go_on")
    _clocks.go_on(ticket, row, now)


def _note(text: str, *, needed: bool = True) -> str:
    text = " ".join(text.split())
    if len(text) > NOTE_MAX or (needed and not text):
        raise NoteMissing(limit=NOTE_MAX)
    return text


def lines_of(sheet: AfterSale) -> list[AfterSaleLine]:
    return list(AfterSaleLine.objects.filter(sale=sheet).order_by("line_no"))


def _give_back_uses(sheet: AfterSale, now: dt.datetime) -> None:
    """Nothing came of it: benefits that were counted are there again."""
    for line in lines_of(sheet):
        if line.use_id is not None:
            rewards.cancel_use(actor=HOUSE, use_id=line.use_id, reason=sheet.state, now=now)


def _yuan(fen: int) -> str:
    return f"¥{fen // 100:,}.{fen % 100:02d}"


def names(ticket: Ticket) -> tuple[int, str, int | None, int]:
    return ticket.pk, ticket.number, ticket.person_id, ticket.mall_id


def record(actor: Viewer, sheet: AfterSale, what: str, now: dt.datetime, **after: object) -> None:
    audit.record(
        actor=actor,
        action=f"after_sale.{what}",
        subject=("ticket", sheet.ticket.number),
        after=after,
        now=now,
    )


# --- by name -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """Who mends it until when, with what, at what cost; ``charge_fen`` is the member's part."""

    workshop: str
    promised_on: dt.date
    parts: Sequence[rules.Part] = ()
    labour_fen: int = 0
    charge_fen: int = 0


def take_step(
    *, actor: Viewer, number: str, act: str, note: str = "", plan: RepairPlan | None = None, now: dt.datetime
) -> None:
    """One step by its name, for doors that show what ``acts`` of a sheet lists. Raises what the step raises, WrongStep."""
    of: dict[str, Any] = {"actor": actor, "number": number, "now": now}
    if act in ("approve", "refuse"):
        decide_after_sale(approve=act == "approve", note=note, **of)
    elif act == "withdraw":
        withdraw_after_sale(**of)
    elif act in ("agree", "decline"):
        answer_charge(agrees=act == "agree", **of)
    elif act == "receive":
        receive_goods(note=note, **of)
    elif act == "pass":
        pass_goods(note=note, **of)
    elif act == "reject":
        reject_goods(note=note, **of)
    elif act == "settle":
        settle_after_sale(replacement=note, **of)
    elif act == "hand_back":
        hand_back(**of)
    elif act == "finish":
        finish_repair(note=note, **of)
    elif act == "send" and plan is not None:
        send_to_workshop(
            workshop=plan.workshop,
            promised_on=plan.promised_on,
            parts=plan.parts,
            labour_fen=plan.labour_fen,
            charge_fen=plan.charge_fen,
            note=note,
            **of,
        )
    else:
        raise WrongStep
