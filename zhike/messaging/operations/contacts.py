"""Customers who have one of us in their WeChat: who is bound, who was added, who left, and whose contact it is."""

from __future__ import annotations

import datetime as dt
from typing import cast

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.messaging.events import StaffBindingChanged, StaffContactChanged
from zhike.messaging.models import ChannelAccount, StaffBinding, StaffContact
from zhike.messaging.operations import _wake
from zhike.messaging.operations._contacts import opened_outside
from zhike.messaging.ports import Refused, StaffGateway, TryLater, Unsure
from zhike.messaging.queries import sent, wordings
from zhike.messaging.queries.contacts import MANAGE
from zhike.messaging.queries.vendor_accounts import gateway as gateway_of
from zhike.messaging.queries.vendor_accounts import opened
from zhike.organization import queries as organization
from zhike.privacy import queries as consents

State = StaffContact.State
WELCOME_WINDOW = dt.timedelta(seconds=20)
WELCOME_MAX = 600
LOOKED_FOR = dt.timedelta(days=90)
PROBLEMS = (TryLater, Unsure, Refused)


class BindingUnusable(Invalid):
    code = "staff-binding-unusable"
    title = _(
        "Enter the account’s userid of somebody who works here, and a welcome of at most %(limit)s characters."
    )


class BindingTaken(Conflict):
    code = "staff-binding-taken"
    title = _("This userid belongs to somebody else.")


class ContactCodeRefused(Conflict):
    code = "contact-code-refused"
    title = _("WeCom gave no code: %(reason)s")


def bind_staff(
    *, actor: Viewer, account_id: int, staff_id: int, userid: str, welcome: str = "", now: dt.datetime
) -> int:
    """Say whom of us an account knows under which userid; the binding's id. Done again, it changes userid and welcome.

    The code that customers scan is asked for then, outside any transaction; without an answer it is asked for another time.
    Raises NotAllowed, NotFound, BindingUnusable, BindingTaken.
    """
    require(actor, MANAGE)
    userid, welcome = userid.strip(), welcome.strip()
    is_word = 0 < len(userid) <= 64 and userid.isascii() and userid.isprintable()
    if not is_word or len(welcome) > WELCOME_MAX or "\0" in welcome:
        raise BindingUnusable(limit=WELCOME_MAX)
    account = ChannelAccount.objects.filter(pk=account_id, channel="wecom").first()
    if account is None or not organization.staff_member(staff_id).is_active:
        raise NotFound
    with transaction.atomic():
        ChannelAccount.objects.select_for_update().get(pk=account.pk)
        living = StaffBinding.objects.filter(account=account, ended_at=None)
        if living.filter(userid=userid).exclude(staff_id=staff_id).exists():
            raise BindingTaken
        row = living.filter(staff_id=staff_id).first()
        if row is not None and row.userid != userid:
            _unbind(actor, row, now)
            row = None
        if row is None:
            row = StaffBinding.objects.create(account=account, staff_id=staff_id, userid=userid, bound_at=now)
            events.publish(StaffBindingChanged(staff_id, account.pk, True), actor=actor, now=now)
        row.welcome = welcome
        row.save(update_fields=["welcome"])
        audit.record(
            actor=actor, action="staff_binding.save", subject=("staff", staff_id),
            after={"account": account.name, "userid": userid}, now=now,
        )  # fmt: skip
    if not row.way_picture:
        try:
            _ask_for_code(row)
        except PROBLEMS:
            return row.pk  # it is asked for again when somebody wants to show it
    return row.pk


def unbind_staff(*, actor: Viewer, binding_id: int, now: dt.datetime) -> None:
    """Nobody is written to through them any more. Raises NotAllowed, NotFound."""
    require(actor, MANAGE)
    with transaction.atomic():
        row = StaffBinding.objects.select_for_update().filter(pk=binding_id, ended_at=None).first()
        if row is None:
            raise NotFound
        _unbind(actor, row, now)


def _unbind(actor: Viewer, row: StaffBinding, now: dt.datetime) -> None:
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    audit.record(
        actor=actor,
        action="staff_binding.end",
        subject=("staff", row.staff_id),
        after={"userid": row.userid},
        now=now,
    )
    events.publish(StaffBindingChanged(row.staff_id, row.account_id, False), actor=actor, now=now)


def make_contact_code(*, actor: Viewer, binding_id: int, now: dt.datetime) -> bytes:
    """The picture of the code by which customers add somebody, asked for where it is missing; their own or one that the actor
    manages. Raises NotFound, NotAllowed, ContactCodeRefused.
    """
    row = StaffBinding.objects.filter(pk=binding_id, ended_at=None).select_related("account").first()
    if row is None:
        raise NotFound
    if not (actor.kind == "staff" and actor.id == row.staff_id):
        require(actor, MANAGE)
    if not row.way_picture:
        try:
            _ask_for_code(row)
        except PROBLEMS as problem:
            raise ContactCodeRefused(reason=getattr(problem, "text", "") or str(problem)) from problem
    return bytes(row.way_picture or b"")


def _ask_for_code(row: StaffBinding) -> None:
    vendor = cast(StaffGateway, gateway_of(row.account.vendor))
    way = vendor.contact_way(opened(row.account), row.userid, state_of(row.pk))
    row.way_key, row.way_url, row.way_picture = way.key[:80], way.url[:300], way.picture
    row.save(update_fields=["way_key", "way_url", "way_picture"])


def state_of(binding_id: int) -> str:
    """What a scan of somebody's code brings back."""
    return f"zhike-{binding_id}"


def record_contact_added(
    *,
    actor: Viewer,
    account_id: int,
    userid: str,
    outside: str,
    state: str,
    welcome_code: str,
    at: dt.datetime,
    now: dt.datetime,
) -> bool:
    """A customer has one of us as a contact now; whether that was news. ``at`` is the vendor's moment.

    Who is bound by nobody is not kept. The welcome goes at once, outside the transaction, once for all copies of the call, and not
    after the vendor's twenty seconds. Whose contact it is is looked up by a job, for it may take longer than the vendor waits.
    """
    binding = _binding(account_id, userid)
    if binding is None:
        return False
    with transaction.atomic():
        row = _locked(binding, outside)
        if row is not None and row.told_at >= at:
            return False
        is_news = row is None or row.state != State.LINKED
        if row is None:
            row = _new(binding, outside)
        is_linked_anew = is_news and row.state != ""
        row.state, row.told_at = State.LINKED, at
        row.began_at = at if is_news else row.began_at
        row.by_code = row.by_code or state == state_of(binding.pk)
        if is_linked_anew:
            row.welcome_state = ""
        has_words = bool(welcome_code and binding.welcome)
        if has_words and not row.welcome_state:
            row.welcome_state = "calling" if now - at <= WELCOME_WINDOW else "late"
        row.save()
        if is_news:
            _tell(actor, row, now)
            transaction.on_commit(_wake.contacts)
    if has_words and row.welcome_state == "calling":
        _welcome(row, binding, welcome_code)
    return is_news


def _welcome(row: StaffContact, binding: StaffBinding, code: str) -> None:
    vendor = cast(StaffGateway, gateway_of(binding.account.vendor))
    text = binding.welcome.replace("${house}", wordings.signature())
    try:
        vendor.welcome(opened(binding.account), code, text)
        state = "sent"
    except PROBLEMS:
        state = "failed"
    StaffContact.objects.filter(pk=row.pk).update(welcome_state=state)


def record_contact_ended(
    *, actor: Viewer, account_id: int, userid: str, outside: str, why: str, at: dt.datetime, now: dt.datetime
) -> bool:
    """The customer left (``left``), we removed them (``removed``) or they went to a colleague (``handed``); whether that was news.

    Nothing goes to them through this contact any more. What is older than what we know changes nothing.
    """
    binding = _binding(account_id, userid)
    if binding is None:
        return False
    with transaction.atomic():
        row = _locked(binding, outside)
        if row is None:  # the end was told before the beginning
            row = _new(binding, outside)
            row.state, row.began_at, row.told_at = why, at, at
            row.save()
            return False
        if row.told_at >= at:
            return False
        was_linked = row.state == State.LINKED
        row.state, row.told_at = why, at
        row.save(update_fields=["state", "told_at"])
        if was_linked:
            _tell(actor, row, now)
    return was_linked


def find_contact_owners(*, actor: Viewer, now: dt.datetime, limit: int = 200) -> int:
    """Look whose contacts they are that nobody knows yet; how many were found.

    By the unionid that a member gave us; else by a phone that the associate noted at the vendor, if its member agreed to be written
    to on WeChat. Vendors are called outside any transaction.
    """
    rows = StaffContact.objects.filter(
        person=None, state=State.LINKED, binding__ended_at=None, began_at__gt=now - LOOKED_FOR
    ).select_related("binding__account")
    return sum(_find_owner(actor, row, now) for row in rows.order_by("-began_at", "-id")[:limit])


def _find_owner(actor: Viewer, row: StaffContact, now: dt.datetime) -> bool:
    account = row.binding.account
    vendor = cast(StaffGateway, gateway_of(account.vendor))
    try:
        card = vendor.outside_card(opened(account), row.binding.userid, opened_outside(row))
    except PROBLEMS:
        return False
    person_id = customers.person_id_by("unionid", card.unionid) if card.unionid else None
    how = "unionid"
    if person_id is None:
        how = "phone"
        found = {customers.person_id_by("phone", phone) for phone in card.phones} - {None}
        agreed = [pk for pk in found if pk is not None and consents.has_grant(pk, "marketing", "wechat")]
        person_id = agreed[0] if len(found) == len(agreed) == 1 else None
    if person_id is None:
        return False
    with transaction.atomic():
        kept = StaffContact.objects.select_for_update(of=("self",)).get(pk=row.pk)
        if kept.person_id is not None or kept.state != State.LINKED:
            return False
        kept.person_id, kept.matched_by = person_id, how
        kept.save(update_fields=["person", "matched_by"])
        _tell(actor, kept, now)
    return True


def _tell(actor: Viewer, row: StaffContact, now: dt.datetime) -> None:
    staff_id = row.binding.staff_id
    subject = ("person", row.person_id) if row.person_id else ("staff_contact", row.pk)
    after = {"staff": staff_id, "state": row.state, "matched_by": row.matched_by}
    audit.record(actor=actor, action="staff_contact.change", subject=subject, after=after, now=now)
    events.publish(StaffContactChanged(row.pk, row.person_id, staff_id, row.state), actor=actor, now=now)


def _binding(account_id: int, userid: str) -> StaffBinding | None:
    rows = StaffBinding.objects.filter(account_id=account_id, userid=userid).select_related("account")
    return rows.order_by(F("ended_at").desc(nulls_first=True), "-id").first()


def _locked(binding: StaffBinding, outside: str) -> StaffContact | None:
    """In the open transaction: nobody else changes this contact now."""
    key = sent.address_index(outside)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(key[1:9], "big", signed=True)])
    rows = StaffContact.objects.filter(Q(address__in=sent.address_indexes(outside)), binding=binding)
    return rows.select_related("binding").first()


def _new(binding: StaffBinding, outside: str) -> StaffContact:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('messaging_staffcontact', 'id'))")
        pk = cursor.fetchone()[0]
    sealed = crypto.encrypt(outside, field=sent.OUTSIDE_FIELD, row=pk)
    known = StaffContact.objects.filter(
        address__in=sent.address_indexes(outside),
        binding__account_id=binding.account_id,
        person__isnull=False,
    )
    same = known.order_by("-told_at").first()
    return StaffContact(
        pk=pk,
        binding=binding,
        outside=sealed,
        address=sent.address_index(outside),
        person_id=same.person_id if same else None,
        matched_by=same.matched_by if same else "",
        state="",
    )


def adopt(actor: Viewer, contact: StaffContact, binding: StaffBinding, now: dt.datetime) -> None:
    """In the open transaction: a contact that was handed over is the new colleague's."""
    outside = opened_outside(contact)
    row = _locked(binding, outside) or _new(binding, outside)
    if row.state != State.LINKED:
        row.state, row.began_at, row.told_at = State.LINKED, now, now
        row.person_id, row.matched_by = contact.person_id, contact.matched_by
        row.save()
        _tell(actor, row, now)
    if contact.state == State.LINKED:
        contact.state, contact.told_at = State.HANDED_OVER, now
        contact.save(update_fields=["state", "told_at"])
        _tell(actor, contact, now)
