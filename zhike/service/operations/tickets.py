"""The life of a ticket, from opening to closing and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, load_visible, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.service.events import (
    TicketAnswered,
    TicketAssigned,
    TicketClassified,
    TicketClosed,
    TicketMerged,
    TicketOpened,
    TicketPaused,
    TicketReopened,
    TicketResolved,
)
from zhike.service.models import Cause, Department, Ticket
from zhike.service.operations import _clocks, _followups, _tickets
from zhike.service.operations._tickets import ANSWER, HANDLE, OPEN, NewFile, WrongState
from zhike.service.queries import calendars as calendar_queries
from zhike.service.queries.tickets import COLUMNS
from zhike.service.rules import policies, tickets


class TicketInvalid(Invalid):
    code = "ticket-invalid"
    title = _("There is no such type, severity or channel.")


class PlaceMissing(Invalid):
    code = "ticket-place-missing"
    title = _("Say which mall or merchant this is about.")


class NotTheirReceipt(Conflict):
    code = "ticket-not-their-receipt"
    title = _("This receipt belongs to somebody else.")


class TooLateToReopen(Conflict):
    code = "ticket-too-late"
    title = _("This was closed more than thirty days ago. Please open a new ticket.")


class CannotMerge(Conflict):
    code = "ticket-cannot-merge"
    title = _("Only another open ticket of the same member and mall can take this one in.")


@transaction.atomic
def open_ticket(
    *,
    actor: Viewer,
    type: str,
    text: str,
    channel: str,
    severity: str = "normal",
    title: str = "",
    mall_id: int | None = None,
    merchant_id: int | None = None,
    person_id: int | None = None,
    receipt_id: UUID | None = None,
    receipt_lines: Sequence[int] = (),
    cause_id: int | None = None,
    files: Sequence[NewFile] = (),
    now: dt.datetime,
) -> str:
    """The number of the new ticket. Its place is the merchant's, the receipt's or ``mall_id``.

    The policy in force gives department and promises; whoever complains again within thirty days is heard one step
    higher. Raises TicketInvalid, PlaceMissing, TextMissing, FileUnusable, NotTheirReceipt, NotFound, NotAllowed.
    """
    if type not in policies.TYPES or severity not in policies.SEVERITIES or channel not in tickets.CHANNELS:
        raise TicketInvalid
    text = _tickets.require_text(text)
    _tickets.check_files(files)
    mall_id, merchant_id, floor_id = _place(actor, person_id, mall_id, merchant_id, receipt_id)
    require_touch(actor, OPEN, mall=mall_id, floor=floor_id, merchant=merchant_id, person=person_id)
    if person_id is not None:
        customers.person(person_id)
    _require_cause(cause_id)
    group_id = organization.mall(mall_id).group_id
    policy = calendar_queries.policy_in_force(group_id)
    repeated = _repeat_of(person_id, type, merchant_id, cause_id, now)
    severity = tickets.severity_of(severity, is_repeat=repeated is not None)
    row = policy.policy.row_for(type, severity) if policy else None
    pk = _next_id()
    ticket = Ticket(
        pk=pk,
        number=f"T{now:%y%m%d}-{pk:05d}",
        mall_id=mall_id,
        merchant_id=merchant_id,
        person_id=person_id,
        receipt_id=receipt_id,
        receipt_lines=sorted(set(receipt_lines)),
        type=type,
        severity=severity,
        channel=channel,
        title=tickets.title_of(title, text),
        department_id=_department_id(group_id, row),
        cause_id=cause_id,
        policy_version_id=policy.id if policy else None,
        repeat_of_id=repeated,
        opened_at=now,
        opened_by=actor.audit_id,
        changed_at=now,
    )
    ticket.save(force_insert=True)
    _tickets.say(ticket, actor, "opening", "member", text, now, files=files)
    _begin(actor, ticket, row, group_id, now)
    return ticket.number


def _begin(actor: Viewer, ticket: Ticket, row: policies.Row | None, group_id: int, now: dt.datetime) -> None:
    """The clocks run, the log knows, and whoever must know at once is told."""
    for kind in (policies.FIRST_ANSWER, policies.RESOLUTION):
        _clocks.start(ticket, row, kind, group_id, now, now)
    _tickets.keep(ticket, now)
    fact = TicketOpened(
        *_names(ticket),
        ticket.type,
        ticket.severity,
        ticket.channel,
        ticket.merchant_id,
        str(ticket.receipt_id) if ticket.receipt_id else None,
        ticket.repeat_of_id,
    )
    events.publish(fact, actor=actor, now=now)
    _audit(actor, ticket, "open", now, type=ticket.type, severity=ticket.severity, channel=ticket.channel)
    if row and row.at_once:
        _followups.call_at_once(ticket, row.at_once, now)
    _followups.watch_merchant(ticket, now)


@transaction.atomic
def answer_ticket(
    *,
    actor: Viewer,
    number: str,
    text: str,
    audience: tickets.Audience = "member",
    files: Sequence[NewFile] = (),
    wait: bool = False,
    now: dt.datetime,
) -> None:
    """Say something on a ticket: to the member, to the merchant or among staff.

    Only a person of the desk writing to the member counts as the first answer. A merchant writes on its own part only.
    ``wait``: from now on we wait for the member, and the time to solve stands still. A member's word sets it going
    again, and takes up a ticket that was solved. Raises TextMissing, FileUnusable, WrongState, NotFound, NotAllowed.
    """
    text = _tickets.require_text(text)
    _tickets.check_files(files)
    ticket = _tickets.load(number, actor, HANDLE, ANSWER, OPEN)
    reader = _tickets.reader_of(actor, ticket)
    if reader == "member":
        _member_says(actor, ticket, text, files, now)
        return
    if reader == "merchant":
        if ticket.status not in tickets.LIVE:
            raise WrongState
        audience = "merchant"
    kind = "note" if audience == "staff" else "message"
    _tickets.say(ticket, actor, kind, audience, text, now, files=files)
    if audience == "member":
        _answered(actor, ticket, wait=wait, now=now)
    _tickets.keep(ticket, now)
    _audit(actor, ticket, "answer", now, audience=audience)


def _answered(actor: Viewer, ticket: Ticket, *, wait: bool, now: dt.datetime) -> None:
    is_first = ticket.first_answered_at is None
    row = _tickets.row_of(ticket)
    _tickets.move(ticket, "answer")
    _clocks.go_on(ticket, row, now)
    if is_first:
        ticket.first_answered_at = now
        _clocks.end(ticket, [policies.FIRST_ANSWER], now)
    if ticket.assignee_id is None and actor.kind == "staff":
        ticket.assignee_id = actor.id
    if wait:
        _tickets.move(ticket, "wait")
        _clocks.hold(ticket, row, now)
    events.publish(TicketAnswered(*_names(ticket), is_first), actor=actor, now=now)


def _member_says(
    actor: Viewer, ticket: Ticket, text: str, files: Sequence[NewFile], now: dt.datetime
) -> None:
    if ticket.status == "closed" and not tickets.may_reopen(ticket.closed_at, now):
        raise TooLateToReopen
    was = ticket.status
    _tickets.move(ticket, "member_reply")
    _tickets.say(ticket, actor, "message", "member", text, now, files=files)
    if was in ("resolved", "closed"):
        _taken_up(actor, ticket, now)
    else:
        _clocks.go_on(ticket, _tickets.row_of(ticket), now)
    _tickets.keep(ticket, now)
    _audit(actor, ticket, "answer", now, audience="member")


@transaction.atomic
def hold_ticket(*, actor: Viewer, number: str, waits: bool, reason: str = "", now: dt.datetime) -> None:
    """Wait for the member, or go on without them. Raises WrongState, NotFound, NotAllowed."""
    ticket = _tickets.load(number, actor, HANDLE)
    row = _tickets.row_of(ticket)
    _tickets.move(ticket, "wait" if waits else "go_on")
    if waits:
        _clocks.hold(ticket, row, now)
    else:
        _clocks.go_on(ticket, row, now)
    _tickets.say(ticket, actor, "waits" if waits else "goes_on", "staff", reason.strip()[:500], now)
    _tickets.keep(ticket, now)
    events.publish(TicketPaused(*_names(ticket), waits), actor=actor, now=now)
    _audit(actor, ticket, "hold", now, waits=waits)


@transaction.atomic
def assign_ticket(
    *,
    actor: Viewer,
    number: str,
    staff_id: int | None,
    department_id: int | None = None,
    note: str = "",
    now: dt.datetime,
) -> None:
    """Give a ticket to somebody, or back to the queue of a department (None leaves the department as it is).

    Raises NotFound, NotAllowed.
    """
    ticket = _tickets.load(number, actor, HANDLE)
    if staff_id is not None:
        _require_handler(staff_id, ticket)
    if department_id is not None:
        if not Department.objects.filter(pk=department_id, group_id=_tickets.group_of(ticket)).exists():
            raise NotFound
        ticket.department_id = department_id
    ticket.assignee_id = staff_id
    name = organization.staff_member(staff_id).name if staff_id else ""
    department = ticket.department.name if ticket.department else ""
    _tickets.say(ticket, actor, "assigned", "staff", note.strip()[:500], now, to=name, department=department)
    _tickets.keep(ticket, now)
    fact = TicketAssigned(*_names(ticket), staff_id, ticket.department_id)
    events.publish(fact, actor=actor, now=now)
    _audit(actor, ticket, "assign", now, staff_id=staff_id, department_id=ticket.department_id)


def _require_handler(staff_id: int, ticket: Ticket) -> None:
    """Whoever is given a ticket must be able to open it."""
    load_visible(Ticket.objects.all(), ticket.pk, organization.viewer_of_staff(staff_id), HANDLE, COLUMNS)


@transaction.atomic
def classify_ticket(
    *,
    actor: Viewer,
    number: str,
    type: str,
    severity: str,
    merchant_id: int | None,
    cause_id: int | None,
    reason: str = "",
    now: dt.datetime,
) -> None:
    """What it is about, how grave it is, whose matter it is and why it came about.

    The clocks keep what has passed and get the new targets; a promise that another grade does not make is dropped.
    Raises TicketInvalid, WrongState once closed, NotFound, NotAllowed.
    """
    if type not in policies.TYPES or severity not in policies.SEVERITIES:
        raise TicketInvalid
    ticket = _tickets.load(number, actor, HANDLE)
    if ticket.status == "closed":
        raise WrongState
    merchant = organization.merchant_ref(merchant_id) if merchant_id else None
    if merchant_id and (merchant is None or merchant.mall_id != ticket.mall_id):
        raise NotFound
    _require_cause(cause_id)
    before = {"type": ticket.type, "severity": ticket.severity}
    ticket.type, ticket.severity = type, severity
    ticket.merchant_id, ticket.cause_id = merchant_id, cause_id
    if before != {"type": type, "severity": severity}:
        row = _tickets.row_of(ticket)
        _clocks.retarget(ticket, row, _tickets.group_of(ticket), now)
        _tickets.say(
            ticket,
            actor,
            "graded",
            "staff",
            reason.strip()[:500],
            now,
            before=before,
            type=type,
            severity=severity,
        )
        if row and row.at_once and before["severity"] != severity:
            _followups.call_at_once(ticket, row.at_once, now)
    _tickets.keep(ticket, now)
    events.publish(
        TicketClassified(*_names(ticket), type, severity, merchant_id, cause_id), actor=actor, now=now
    )
    _audit(actor, ticket, "classify", now, type=type, severity=severity, cause_id=cause_id)


@transaction.atomic
def resolve_ticket(*, actor: Viewer, number: str, text: str, now: dt.datetime) -> None:
    """Tell the member how it was solved; the time to solve ends. Raises TextMissing, WrongState, NotFound, NotAllowed."""
    text = _tickets.require_text(text)
    ticket = _tickets.load(number, actor, HANDLE)
    _tickets.require_no_goods(ticket)
    _tickets.move(ticket, "resolve")
    _tickets.say(ticket, actor, "solution", "member", text, now)
    if ticket.first_answered_at is None:
        ticket.first_answered_at = now
    in_time = _clocks.end(ticket, [policies.FIRST_ANSWER, policies.RESOLUTION], now)
    ticket.resolved_at = now
    if ticket.assignee_id is None and actor.kind == "staff":
        ticket.assignee_id = actor.id
    _tickets.keep(ticket, now)
    events.publish(TicketResolved(*_names(ticket), in_time), actor=actor, now=now)
    _audit(actor, ticket, "resolve", now)


@transaction.atomic
def close_ticket(*, actor: Viewer, number: str, text: str = "", now: dt.datetime) -> None:
    """The end; a call-back becomes due where one is promised. Members may close their own.

    Closing what is closed changes nothing. Raises NotFound, NotAllowed.
    """
    ticket = _tickets.load(number, actor, HANDLE, OPEN)
    reader = _tickets.reader_of(actor, ticket)
    if reader == "merchant":
        raise NotFound
    if ticket.status == "closed":
        return
    _tickets.require_no_goods(ticket)
    _tickets.move(ticket, "close")
    _tickets.say(ticket, actor, "closed", "member", text.strip()[: tickets.TEXT_MAX], now)
    _clocks.end(ticket, [policies.FIRST_ANSWER], now, dropped=True)
    _clocks.end(ticket, [policies.RESOLUTION], now, dropped=reader == "member")
    ticket.closed_at = now
    ticket.resolved_at = ticket.resolved_at or now
    _clocks.start(ticket, _tickets.row_of(ticket), policies.CALL_BACK, _tickets.group_of(ticket), now, now)
    _tickets.keep(ticket, now)
    _followups.after_closing(actor, ticket, now)
    events.publish(TicketClosed(*_names(ticket), reader == "member"), actor=actor, now=now)
    _audit(actor, ticket, "close", now)


@transaction.atomic
def reopen_ticket(*, actor: Viewer, number: str, text: str, now: dt.datetime) -> None:
    """Take a solved or closed ticket up again. Raises TextMissing, WrongState, TooLateToReopen, NotFound, NotAllowed."""
    text = _tickets.require_text(text)
    ticket = _tickets.load(number, actor, HANDLE, OPEN)
    if not tickets.may_reopen(ticket.closed_at, now):
        raise TooLateToReopen
    _tickets.move(ticket, "reopen")
    _tickets.say(ticket, actor, "reopened", "member", text, now)
    _taken_up(actor, ticket, now)
    _tickets.keep(ticket, now)
    _audit(actor, ticket, "reopen", now)


def _taken_up(actor: Viewer, ticket: Ticket, now: dt.datetime) -> None:
    """It is open again: the call-back is no longer owed, the time to solve is."""
    _clocks.end(ticket, [policies.CALL_BACK], now, dropped=True)
    _followups.cancel_of(actor, ticket, now)
    ticket.resolved_at = ticket.closed_at = None
    ticket.reopened += 1
    on_reopen = "restart"
    if ticket.policy_version_id is not None:
        on_reopen = calendar_queries.policy_version(ticket.policy_version_id).policy.on_reopen
    _clocks.reopen(ticket, _tickets.row_of(ticket), on_reopen, _tickets.group_of(ticket), now)
    events.publish(TicketReopened(*_names(ticket), ticket.reopened), actor=actor, now=now)


@transaction.atomic
def merge_ticket(*, actor: Viewer, number: str, into: str, now: dt.datetime) -> None:
    """Two tickets about one matter become one: this one closes and points to the other, which is told.

    Raises CannotMerge, WrongState, NotFound, NotAllowed.
    """
    found = {name: _tickets.load(name, actor, HANDLE) for name in sorted({number, into.strip()})}
    ticket, other = found[number], found[into.strip()]
    same = (ticket.mall_id, ticket.person_id) == (other.mall_id, other.person_id)
    if ticket.pk == other.pk or not same or other.status == "closed":
        raise CannotMerge
    _tickets.require_no_goods(ticket)
    _tickets.move(ticket, "close")
    _clocks.end(ticket, policies.CLOCKS, now, dropped=True)
    _tickets.say(ticket, actor, "merged", "member", "", now, into=other.number)
    _tickets.say(other, actor, "took_in", "member", ticket.title, now, number=ticket.number)
    ticket.merged_into_id, ticket.closed_at = other.pk, now
    ticket.resolved_at = ticket.resolved_at or now
    _tickets.keep(ticket, now)
    _tickets.keep(other, now)
    events.publish(TicketMerged(*_names(ticket), other.pk), actor=actor, now=now)
    _audit(actor, ticket, "merge", now, into=other.number)


# --- parts ---------------------------------------------------------------------------------------------------------


def _place(
    actor: Viewer,
    person_id: int | None,
    mall_id: int | None,
    merchant_id: int | None,
    receipt_id: UUID | None,
) -> tuple[int, int | None, int | None]:
    """Mall, merchant and its floor. What the receipt says must not contradict."""
    if receipt_id is not None:
        receipt = sales.receipt(actor, receipt_id).row
        if (
            receipt.person_id is not None
            and person_id is not None
            and receipt.person_id not in customers.family(person_id)
        ):
            raise NotTheirReceipt
        merchant_id = merchant_id or receipt.merchant_id
    if merchant_id is not None:
        merchant = organization.merchant_ref(merchant_id)
        if merchant is None or (mall_id is not None and merchant.mall_id != mall_id):
            raise NotFound
        return merchant.mall_id, merchant.id, merchant.floor_id
    if mall_id is None:
        raise PlaceMissing
    return organization.mall(mall_id).id, None, None


def _require_cause(cause_id: int | None) -> None:
    if cause_id is not None and not Cause.objects.filter(pk=cause_id).exists():
        raise NotFound


def _department_id(group_id: int, row: policies.Row | None) -> int | None:
    if row is None or not row.department:
        return None
    return (
        Department.objects.filter(group_id=group_id, code=row.department).values_list("id", flat=True).first()
    )


def _repeat_of(
    person_id: int | None, type_: str, merchant_id: int | None, cause_id: int | None, now: dt.datetime
) -> int | None:
    if person_id is None:
        return None
    rows = Ticket.objects.filter(
        person_id__in=customers.family(person_id),
        opened_at__gte=now - tickets.REPEAT_WITHIN,
        opened_at__lte=now,
    )
    earlier = [
        tickets.Earlier(*row)
        for row in rows.values_list("id", "type", "merchant_id", "cause_id", "opened_at")
    ]
    return tickets.repeat_of(earlier, type_, merchant_id, cause_id, now)


def _next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('service_ticket', 'id'))")
        return int(cursor.fetchone()[0])


def id_of(number: str) -> int:
    """The row of a ticket that was just opened here."""
    return Ticket.objects.values_list("id", flat=True).get(number=number)


def _names(ticket: Ticket) -> tuple[int, str, int | None, int]:
    return ticket.pk, ticket.number, ticket.person_id, ticket.mall_id


def _audit(actor: Viewer, ticket: Ticket, what: str, now: dt.datetime, **after: object) -> None:
    audit.record(
        actor=actor,
        action=f"ticket.{what}",
        subject=("ticket", ticket.number),
        after={"status": ticket.status, **after},
        now=now,
    )
