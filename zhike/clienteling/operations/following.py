"""A follow-up is set by hand, put off, done or skipped; a contact is begun and written down."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.clienteling.events import ContactRecorded, FollowUpEnded, FollowUpOpened
from zhike.clienteling.models import Contact, FollowUp
from zhike.clienteling.queries import contacts as queries
from zhike.clienteling.queries.follow_ups import COLUMNS
from zhike.clienteling.queries.reaching import ways, zone_of
from zhike.clienteling.rules import reaching, reminders
from zhike.customers import operations as customer_operations
from zhike.customers import queries as customers
from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer, load_visible
from zhike.kernel.clock import business_date
from zhike.kernel.errors import Conflict, Invalid
from zhike.kernel.ids import uuid7
from zhike.organization import queries as organization
from zhike.privacy import operations as privacy
from zhike.privacy import queries as consents

WORK = "follow_ups.work"
NOTE_MAX = 500
WAYS_CLOSED = {
    "gone": _("This account is closed or restricted."),
    "no_address": _("We have no address for it."),
    "refused": _("The member said no to this way."),
    "not_asked": _("The member never agreed to offers this way."),
    "suppressed": _("The member wrote back that they want no more messages."),
    "quiet": _("It is quiet hours now."),
}


class FollowUpInvalid(Invalid):
    code = "follow-up-invalid"
    title = _("Choose what came of it, and a day that can be.")


class FollowUpEndedAlready(Conflict):
    code = "follow-up-ended"
    title = _("This follow-up has ended already.")


class WayClosed(Conflict):
    code = "contact-way-closed"
    title = _("They may not be reached this way now: %(reason)s")


class ContactInvalid(Invalid):
    code = "contact-invalid"
    title = _("Choose how you were in touch and what came of it; the note has at most %(limit)s characters.")


@transaction.atomic
def add_follow_up(*, actor: Viewer, person_id: int, text: str, due_on: dt.date, now: dt.datetime) -> int:
    """A reminder set by hand, such as a promise to call; its id. The same words for the same day are one.

    Raises FollowUpInvalid, NotFound, NotAllowed.
    """
    person = customers.visible_person(person_id, actor, WORK)
    mall_id = person.source_mall_id or organization.first_mall_id()
    today = business_date(now, zone_of(mall_id))
    words = " ".join(text.split())
    if not 0 < len(words) <= 120 or not today <= due_on <= today + dt.timedelta(days=366) or mall_id is None:
        raise FollowUpInvalid
    row, is_new = FollowUp.objects.get_or_create(
        person_id=person.id,
        kind="own",
        key=f"{due_on.isoformat()}:{words}"[:60],
        defaults={
            "mall_id": mall_id, "facts": {"text": words}, "due_on": due_on, "last_on": due_on, "created_at": now,
            "created_by": actor.label,
        },
    )  # fmt: skip
    if is_new:
        fact = FollowUpOpened(person.id, row.pk, "own", due_on)
        events.publish(fact, actor=actor, now=now)
        _audit(actor, row, "open", now)
    return row.pk


@transaction.atomic
def snooze_follow_up(*, actor: Viewer, follow_up_id: int, until: dt.date, now: dt.datetime) -> None:
    """Put off to a later day, at most thirty days; its last day stays, so what is put off beyond it is late.

    Raises FollowUpInvalid, FollowUpEndedAlready, NotFound, NotAllowed.
    """
    row = _open_one(actor, follow_up_id)
    today = business_date(now, zone_of(row.mall_id))
    if not today < until <= today + dt.timedelta(days=reminders.SNOOZE_DAYS_MAX):
        raise FollowUpInvalid
    row.snoozed_until = until
    row.save(update_fields=["snoozed_until"])
    _audit(actor, row, "snooze", now, until=until.isoformat())


@transaction.atomic
def skip_follow_up(*, actor: Viewer, follow_up_id: int, reason: str, now: dt.datetime) -> None:
    """Leave it be, with one of SKIP_REASONS. Raises FollowUpInvalid, FollowUpEndedAlready, NotFound, NotAllowed."""
    if reason not in reminders.SKIP_REASONS:
        raise FollowUpInvalid
    _end(actor, _open_one(actor, follow_up_id), "skipped", reason, now)


@transaction.atomic
def finish_follow_up(
    *,
    actor: Viewer,
    follow_up_id: int,
    outcome: str,
    channel: str = "",
    note: str = "",
    began_by_member: bool = False,
    now: dt.datetime,
) -> None:
    """Done, with what came of it; ``channel`` writes the contact down with it. "not_reached" notes the try and leaves it open.

    Raises FollowUpInvalid, FollowUpEndedAlready, ContactInvalid, WayClosed, NotFound, NotAllowed.
    """
    if outcome not in reminders.OUTCOMES:
        raise FollowUpInvalid
    row = _open_one(actor, follow_up_id)
    if channel:
        result = "no_answer" if outcome == "not_reached" else "talked"
        _write_down(actor, row.person_id, channel, result, note, began_by_member, row, now)
    if outcome == "not_reached":
        _audit(actor, row, "try", now)
        return
    _end(actor, row, "done", outcome, now)


def _open_one(actor: Viewer, follow_up_id: int) -> FollowUp:
    """Locked and in scope. Raises NotFound, FollowUpEndedAlready."""
    rows = FollowUp.objects.select_for_update(of=("self",))
    row = load_visible(rows, follow_up_id, actor, WORK, COLUMNS)
    if row.state != "open":
        raise FollowUpEndedAlready
    return row


def _end(actor: Viewer, row: FollowUp, state: str, outcome: str, now: dt.datetime) -> None:
    today = business_date(now, zone_of(row.mall_id))
    row.state, row.outcome, row.ended_at, row.ended_on = state, outcome, now, today
    row.ended_by, row.ended_by_staff_id = actor.label, actor.id if actor.kind == "staff" else None
    row.save()
    in_time = state == "done" and today <= row.last_on
    fact = FollowUpEnded(row.person_id, row.pk, row.kind, state, outcome, in_time)
    events.publish(fact, actor=actor, now=now)
    _audit(actor, row, state, now, outcome=outcome)


def _audit(actor: Viewer, row: FollowUp, what: str, now: dt.datetime, **after: Any) -> None:
    audit.record(
        actor=actor, action=f"follow_up.{what}", subject=("person", row.person_id),
        after={"follow_up": row.pk, "kind": row.kind, **after}, now=now,
    )  # fmt: skip


# --- contacts ------------------------------------------------------------------------------------------------------


def begin_call(*, actor: Viewer, person_id: int, follow_up_id: int | None = None, now: dt.datetime) -> str:
    """The number to dial, in clear, if the member may be called now; the look is audited.

    Raises WayClosed, NotFound, NotAllowed, customers' NothingToReveal.
    """
    person = customers.visible_person(person_id, actor, WORK)
    row = None
    if follow_up_id is not None:
        row = load_visible(FollowUp.objects.filter(state="open"), follow_up_id, actor, WORK, COLUMNS)
    _require_open(actor, person.id, "call", row, now)
    return customer_operations.reveal(
        actor=actor, person_id=person.id, what="phone", reason=str(_("To call them")), now=now
    )


@transaction.atomic
def record_contact(
    *,
    actor: Viewer,
    person_id: int,
    channel: str,
    result: str,
    note: str = "",
    began_by_member: bool = False,
    now: dt.datetime,
) -> UUID:
    """A call, message or talk that took place; it stands on the member's timeline, its note only on their card.

    ``channel`` is one of rules.reaching.CHANNELS, ``result`` of RESULTS. "asked_not_to" ends their consent to offers this way.
    Whoever the member did not turn to themself must not have written to a closed way. Raises ContactInvalid, WayClosed,
    NotFound, NotAllowed.
    """
    person = customers.visible_person(person_id, actor, WORK)
    return _write_down(actor, person.id, channel, result, note, began_by_member, None, now)


def _write_down(
    actor: Viewer,
    person_id: int,
    channel: str,
    result: str,
    note: str,
    began_by_member: bool,
    follow_up: FollowUp | None,
    now: dt.datetime,
) -> UUID:
    words = " ".join(note.split())
    if channel not in reaching.CHANNELS or result not in reaching.RESULTS or len(words) > NOTE_MAX:
        raise ContactInvalid(limit=NOTE_MAX)
    if not began_by_member:
        _require_open(actor, person_id, channel, follow_up, now)
    pk = uuid7()
    staff_id = actor.id if actor.kind == "staff" else None
    Contact.objects.create(
        id=pk,
        person_id=person_id,
        channel=channel,
        result=result,
        began_by_member=began_by_member,
        note=crypto.encrypt(words, field=queries.CONTACT_FIELD, row=str(pk)) if words else None,
        follow_up=follow_up,
        happened_at=now,
        staff_id=staff_id,
        by=actor.label,
    )
    if result == "asked_not_to":
        _take_no(actor, person_id, channel, now)
    audit.record(
        actor=actor, action="contact.record", subject=("person", person_id),
        after={"channel": channel, "result": result}, now=now,
    )  # fmt: skip
    fact = ContactRecorded(person_id, str(pk), channel, result, staff_id)
    events.publish(fact, actor=actor, now=now)
    return pk


def _require_open(
    actor: Viewer, person_id: int, channel: str, follow_up: FollowUp | None, now: dt.datetime
) -> None:
    kinds = {follow_up.kind} if follow_up else set(
        FollowUp.objects.filter(person_id=person_id, state="open").values_list("kind", flat=True)
    )  # fmt: skip
    for_service = bool(kinds & reminders.SERVICE_KINDS)
    found = {one.channel: one for one in ways(actor, person_id, now, for_service=for_service)}
    if found[channel].closed:
        raise WayClosed(reason=WAYS_CLOSED[found[channel].closed])


def _take_no(actor: Viewer, person_id: int, channel: str, now: dt.datetime) -> None:
    """What was said on the telephone counts: no offers this way any more."""
    named = reaching.CONSENT_CHANNELS.get(channel)
    if named is None:
        return
    if consents.has_grant(person_id, "marketing", named):
        privacy.withdraw_consent(
            actor=actor, person_id=person_id, purpose="marketing", channel=named, method="associate", now=now
        )
        return
    group_id = customers.person(person_id).group_id
    privacy.record_consents(
        actor=actor,
        person_id=person_id,
        decisions=[privacy.Decision("marketing", named, "refused")],
        policy_version=consents.current_policy(group_id).version,
        method="associate",
        evidence={},
        now=now,
    )
