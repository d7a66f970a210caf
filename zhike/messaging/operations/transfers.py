"""A member who gets another associate: the contact at the vendor follows, as far as the vendor and the customer let it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import cast

from django.db import transaction

from zhike.customers import queries as customers
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer
from zhike.messaging.events import ContactTransferEnded
from zhike.messaging.models import ContactTransfer, StaffBinding, StaffContact
from zhike.messaging.operations import _wake
from zhike.messaging.operations._contacts import opened_outside
from zhike.messaging.operations.contacts import adopt
from zhike.messaging.ports import Refused, StaffGateway, TryLater, Unsure
from zhike.messaging.queries import sent
from zhike.messaging.queries.vendor_accounts import gateway as gateway_of
from zhike.messaging.queries.vendor_accounts import opened
from zhike.organization import queries as organization

State = ContactTransfer.State
OPEN = (State.DUE, State.CALLING, State.WAITING)
LEASE = dt.timedelta(minutes=10)
AGAIN = dt.timedelta(minutes=15)
A_CALL = 100
GUARD = dt.timedelta(days=90)
TRANSFERS_MAX = 2
"""A customer is handed over at most twice in 90 days: WeCom's own rule, kept here so that nobody is asked in vain."""


def follow_associate(*, actor: Viewer, person_id: int, staff_id: int | None, now: dt.datetime) -> int:
    """The member is somebody else's now: their contacts shall be, where both are bound at the same account; how many will be.

    Who has the new associate as a contact already is left alone; so is who was handed over twice in 90 days, which is written down.
    """
    if staff_id is None:
        return 0
    made = 0
    targets = StaffBinding.objects.filter(staff_id=staff_id, ended_at=None, account__is_active=True)
    with transaction.atomic():
        for target in targets.order_by("id"):
            rows = StaffContact.objects.select_for_update(of=("self",)).filter(
                person_id__in=customers.family(person_id),
                state=StaffContact.State.LINKED,
                binding__account_id=target.account_id,
                binding__ended_at=None,
            )
            contacts = list(rows.select_related("binding").order_by("-began_at", "-id"))
            if contacts and all(one.binding_id != target.pk for one in contacts):
                made += _ask(actor, contacts[0], target, now)
        if made:
            transaction.on_commit(_wake.transfers)
    return made


def _ask(actor: Viewer, contact: StaffContact, target: StaffBinding, now: dt.datetime) -> int:
    known = ContactTransfer.objects.filter(contact=contact, state__in=OPEN)
    if known.exclude(state=State.DUE).exists():
        return 0
    if known.update(to=target):
        return 1
    recent = ContactTransfer.objects.filter(
        contact__address=contact.address, state=State.DONE, ended_at__gt=now - GUARD
    ).count()
    row = ContactTransfer.objects.create(contact=contact, to=target, created_at=now)
    if recent >= TRANSFERS_MAX:
        _end(actor, row, State.GUARDED, "", now)
        return 0
    return 1


def call_transfers(*, actor: Viewer, now: dt.datetime) -> int:
    """Ask the vendors for the hand-overs that are due, up to a hundred customers a call; how many were asked for.

    Vendors are called outside any transaction. A call whose end nobody knows is asked after like one that went.
    """
    with transaction.atomic():
        rows = ContactTransfer.objects.select_for_update(of=("self",), skip_locked=True).filter(
            state=State.DUE, to__ended_at=None
        )
        found = list(rows.select_related("contact__binding__account", "to").order_by("id")[: A_CALL * 10])
        ContactTransfer.objects.filter(pk__in=[row.pk for row in found]).update(
            state=State.CALLING, called_at=now
        )
    calls: dict[tuple[int, int], list[ContactTransfer]] = defaultdict(list)
    for row in found:
        calls[row.contact.binding_id, row.to_id].append(row)
    for batch in calls.values():
        for begin in range(0, len(batch), A_CALL):
            _call(actor, batch[begin : begin + A_CALL], now)
    return len(found)


def _call(actor: Viewer, rows: list[ContactTransfer], now: dt.datetime) -> None:
    binding, to = rows[0].contact.binding, rows[0].to
    vendor = cast(StaffGateway, gateway_of(binding.account.vendor))
    outside = {row.pk: opened_outside(row.contact) for row in rows}
    words = f"您好，今后由我的同事{organization.staff_member(to.staff_id).name}继续为您服务。"
    try:
        told = vendor.hand_over(
            opened(binding.account), binding.userid, to.userid, list(outside.values()), words
        )
    except TryLater:
        ContactTransfer.objects.filter(pk__in=list(outside)).update(state=State.DUE)
        return
    except Unsure:
        told = dict.fromkeys(outside.values(), "")
    except Refused as problem:
        told = dict.fromkeys(outside.values(), problem.code)
    with transaction.atomic():
        kept = ContactTransfer.objects.select_for_update(of=("self",)).filter(
            pk__in=list(outside), state=State.CALLING
        )
        for row in kept.select_related("contact__binding", "to").order_by("id"):
            code = told.get(outside[row.pk], "missing")
            if code:
                _end(actor, row, vendor.transfer_fault(code), code, now)
            else:
                row.state, row.asked_at = State.WAITING, now
                row.save(update_fields=["state", "asked_at"])


def look_at_transfers(*, actor: Viewer, now: dt.datetime) -> int:
    """Ask the vendors what became of hand-overs that wait, every quarter of an hour; how many ended.

    Also those whose caller died: the vendor knows whether it got them.
    """
    lost = ContactTransfer.objects.filter(state=State.CALLING, called_at__lte=now - LEASE)
    lost.update(state=State.WAITING, asked_at=now - AGAIN)
    rows = ContactTransfer.objects.filter(state=State.WAITING, asked_at__lte=now - AGAIN)
    calls: dict[tuple[int, int], list[ContactTransfer]] = defaultdict(list)
    for row in rows.select_related("contact__binding__account", "to").order_by("id")[:2_000]:
        calls[row.contact.binding_id, row.to_id].append(row)
    return sum(_look_at(actor, batch, now) for batch in calls.values())


def _look_at(actor: Viewer, rows: list[ContactTransfer], now: dt.datetime) -> int:
    binding, to = rows[0].contact.binding, rows[0].to
    vendor = cast(StaffGateway, gateway_of(binding.account.vendor))
    ContactTransfer.objects.filter(pk__in=[row.pk for row in rows]).update(asked_at=now)
    try:
        told = vendor.handed_over(opened(binding.account), binding.userid, to.userid)
    except (TryLater, Unsure, Refused):
        return 0
    ended = 0
    with transaction.atomic():
        kept = ContactTransfer.objects.select_for_update(of=("self",)).filter(
            pk__in=[row.pk for row in rows], state=State.WAITING
        )
        for row in kept.select_related("contact__binding", "to__account").order_by("id"):
            state = told.get(opened_outside(row.contact), "failed")
            if state != State.WAITING:
                _end(actor, row, state, "", now)
                ended += 1
    return ended


def record_transfer_failed(
    *, actor: Viewer, account_id: int, to_userid: str, outside: str, why: str, now: dt.datetime
) -> bool:
    """The vendor says that a hand-over failed: ``why`` is refused (by the customer), full or failed; whether that was news."""
    with transaction.atomic():
        rows = ContactTransfer.objects.select_for_update(of=("self",)).filter(
            to__account_id=account_id,
            to__userid=to_userid,
            contact__address__in=sent.address_indexes(outside),
            state__in=OPEN,
        )
        row = rows.select_related("contact__binding", "to").order_by("-id").first()
        if row is None:
            return False
        _end(actor, row, why, "callback", now)
    return True


def _end(actor: Viewer, row: ContactTransfer, state: str, code: str, now: dt.datetime) -> None:
    """In the open transaction."""
    row.state, row.code, row.ended_at = state, code[:20], now
    row.save(update_fields=["state", "code", "ended_at"])
    contact = row.contact
    if state == State.DONE:
        adopt(actor, contact, row.to, now)
    subject = ("person", contact.person_id) if contact.person_id else ("staff_contact", contact.pk)
    after = {"from": contact.binding.staff_id, "to": row.to.staff_id, "state": state}
    audit.record(actor=actor, action="contact_transfer.end", subject=subject, after=after, now=now)
    events.publish(
        ContactTransferEnded(row.pk, contact.person_id, contact.binding.staff_id, row.to.staff_id, state),
        actor=actor,
        now=now,
    )
