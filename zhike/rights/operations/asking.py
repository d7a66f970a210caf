"""People ask, staff look at it, and either may take it back in time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import operations as customer_operations
from zhike.customers import queries as customers
from zhike.customers.operations import restricting
from zhike.kernel import crypto, events
from zhike.kernel.access import Viewer, load_visible
from zhike.kernel.errors import Conflict, Invalid, NotAllowed
from zhike.kernel.ids import uuid7
from zhike.loyalty import queries as loyalty
from zhike.privacy import operations as privacy
from zhike.privacy import queries as consents
from zhike.rights import rules
from zhike.rights.events import PersonRestricted, RequestCancelled, RequestDecided, RightsRequested
from zhike.rights.models import RightsRequest
from zhike.rights.operations import _wake
from zhike.rights.operations._trail import leave
from zhike.rights.queries.requests import CHANGES_FIELD, COLUMNS, NOTE_FIELD, changes_of, today
from zhike.rights.queries.sentences import block_sentence
from zhike.rights.queries.subjects import loss_of
from zhike.service import queries as service

ASK, HANDLE, APPROVE = "rights.ask", "rights.handle", "rights.approve"
NOTE_LENGTH_MAX = 500
RESTRICTED_PURPOSES = ("marketing", "personalisation", "sharing")


class UnknownKind(Invalid):
    code = "unknown-kind"
    title = _("This is nothing that can be asked for.")


class RequestOpen(Conflict):
    code = "request-open"
    title = _("The same was asked before and is not finished: %(number)s.")


class NothingToCorrect(Invalid):
    code = "nothing-to-correct"
    title = _("Say which detail is wrong and how it should read.")


class ErasureBlocked(Conflict):
    """``blocks`` are rules.Block; their sentences stand at the field ``kind``."""

    code = "erasure-blocked"
    title = _("Something has to be settled first.")

    @property
    def blocks(self) -> tuple[rules.Block, ...]:
        return tuple(self.params["blocks"])


class RequestHasEnded(Conflict):
    code = "request-ended"
    title = _("This request is finished, or it is too late for that.")


class OwnRequest(NotAllowed):
    code = "request-own"
    title = _("A colleague has to approve: whoever took the request down cannot.")


class ReasonMissing(Invalid):
    code = "reason-missing"
    title = _("Say why; the law gives people the right to know.")


class PersonGone(Conflict):
    code = "person-gone"
    title = _("The data of this person were erased.")


@transaction.atomic
def ask(
    *,
    actor: Viewer,
    person_id: int,
    kind: str,
    door: str,
    note: str = "",
    changes: Mapping[str, Any] | None = None,
    now: dt.datetime,
) -> int:
    """Take a request down, for oneself or for a person in scope; its id.

    ``door`` is member_app, desk or api. An access is ready at once, a restriction done at once; a correction and an
    erasure wait for staff, a closing asked by the member for the time to call it off. An erasure is refused while
    something must be settled first. Raises NotFound, NotAllowed, UnknownKind, RequestOpen, NothingToCorrect,
    ErasureBlocked, PersonGone.
    """
    group_id = customers.require_visible(person_id, actor, ASK)
    person_id = customers.survivor_of(person_id)
    if kind not in rules.KINDS or (kind == "closing" and actor.kind != "member"):
        raise UnknownKind
    if customers.person(person_id).status == "erased":
        raise PersonGone
    cleaned = _changes(kind, changes)
    if kind in rules.ERASING and (blocks := loss_of(person_id, now).blocks):
        raise _blocked(blocks)
    row = _create(actor, group_id, person_id, kind, door, now)
    _seal(row, note, cleaned)
    leave(row, "asked", actor=actor, now=now, details={"fields": sorted(cleaned)} if cleaned else None)
    fact = RightsRequested(person_id, row.pk, kind, door, row.due_on)
    events.publish(fact, actor=actor, now=now)
    if kind == "restriction":
        _restrict(actor, row, now)
    return row.pk


def _blocked(blocks: Sequence[rules.Block]) -> ErasureBlocked:
    return ErasureBlocked(fields={"kind": [block_sentence(one) for one in blocks]}, blocks=tuple(blocks))


def _changes(kind: str, changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields to be corrected as JSON can hold them. Raises NothingToCorrect."""
    if kind != "correction":
        return {}
    found = {
        name: value
        for name, value in (changes or {}).items()
        if name in rules.CORRECTABLE and value not in ("", None)
    }
    if not found:
        raise NothingToCorrect
    return {
        name: value.isoformat() if isinstance(value, dt.date) else str(value).strip()
        for name, value in found.items()
    }


def _create(
    actor: Viewer, group_id: int, person_id: int, kind: str, door: str, now: dt.datetime
) -> RightsRequest:
    day = today(now)
    special = service.special_days(day, day + dt.timedelta(days=rules.STOP_DAYS))
    deadline = rules.deadline(day, special)
    left = loyalty.leaving(customers.family(person_id))
    state = rules.first_state(kind, actor.kind == "member")
    try:
        with transaction.atomic():
            row = RightsRequest.objects.create(
                group_id=group_id, person_id=person_id, member_id=left.member_id if left else None, number=uuid7().hex[-20:],
                kind=kind, state="asked", door=door, asked_at=now, asked_by=actor.audit_id, due_on=deadline.due_on,
                stop_on=deadline.stop_on, reckoning=[[one.isoformat(), why] for one, why in deadline.counted],
            )  # fmt: skip
    except IntegrityError as error:
        open_one = (
            RightsRequest.objects.filter(person_id=person_id, kind=kind)
            .exclude(state__in=rules.ENDED)
            .first()
        )
        raise RequestOpen(number=open_one.number if open_one else "") from error
    row.number = rules.number_of(row.pk, day)
    row.state = "asked" if state == "done" else state
    if state == "waiting":
        row.runs_at = now + dt.timedelta(days=rules.WAITING_DAYS)
    if state == "ready":
        row.download_until = now + dt.timedelta(days=rules.DOWNLOAD_DAYS)
    row.save()
    return row


def _seal(row: RightsRequest, note: str, changes: Mapping[str, Any]) -> None:
    if note.strip():
        row.note = crypto.encrypt(note.strip()[:NOTE_LENGTH_MAX], field=NOTE_FIELD, row=row.pk)
    if changes:
        text = json.dumps(changes, ensure_ascii=False)
        row.changes = crypto.encrypt(text, field=CHANGES_FIELD, row=row.pk)
    row.save(update_fields=["note", "changes"])


def _restrict(actor: Viewer, row: RightsRequest, now: dt.datetime) -> None:
    """Nothing more is sent, worked out or passed on: the gates ask the person's status and these consents."""
    restricting.restrict_person(actor=actor, person_id=row.person_id, restricted=True, now=now)
    for given in consents.current_consents(row.person_id):
        if given.decision == "granted" and given.purpose in RESTRICTED_PURPOSES:
            privacy.withdraw_consent(
                actor=actor, person_id=row.person_id, purpose=given.purpose, channel=given.channel,
                method="restriction", reason=row.number, now=now,
            )  # fmt: skip
    _end(row, "done", now)
    leave(row, "restricted", actor=actor, now=now)
    events.publish(PersonRestricted(row.person_id, row.pk, row.kind), actor=actor, now=now)


@transaction.atomic
def lift_restriction(*, actor: Viewer, person_id: int, now: dt.datetime) -> bool:
    """Use the data again, at the person's wish; what they agreed to before stays withdrawn until they say yes anew.

    Whether there was a restriction. Raises NotFound, NotAllowed.
    """
    customers.require_visible(person_id, actor, ASK)
    person_id = customers.survivor_of(person_id)
    if not restricting.restrict_person(actor=actor, person_id=person_id, restricted=False, now=now):
        return False
    row = RightsRequest.objects.filter(person_id=person_id, kind="restriction").order_by("-id").first()
    if row is not None:
        leave(row, "lifted", actor=actor, now=now)
        fact = PersonRestricted(person_id, row.pk, row.kind, lifted=True)
        events.publish(fact, actor=actor, now=now)
    return True


@transaction.atomic
def cancel(*, actor: Viewer, request_id: int, now: dt.datetime) -> None:
    """Take a request back while nothing is done yet. Cancelled before: nothing to do. Raises NotFound, RequestHasEnded."""
    row = locked(actor, request_id, ASK)
    if row.state == "cancelled":
        return
    if not rules.may_cancel(row.kind, row.state) or row.state == "working":
        raise RequestHasEnded
    _end(row, "cancelled", now)
    leave(row, "cancelled", actor=actor, now=now)
    events.publish(RequestCancelled(row.person_id, row.pk, row.kind), actor=actor, now=now)


@transaction.atomic
def approve(*, actor: Viewer, request_id: int, note: str = "", now: dt.datetime) -> None:
    """Carry a correction out, or let an erasure begin. Whoever took an erasure down cannot approve it.

    Raises NotFound, RequestHasEnded, OwnRequest, ErasureBlocked, and what customers' update_profile raises.
    """
    row = locked(actor, request_id, APPROVE if _needs_two(actor, request_id) else HANDLE)
    if row.state != "asked":
        raise RequestHasEnded
    if row.kind in rules.ERASING and row.asked_by == actor.audit_id:
        raise OwnRequest
    row.decided_by, row.decided_at = actor.audit_id, now
    if row.kind == "correction":
        _correct(actor, row, now)
        _end(row, "done", now)
    else:
        if blocks := loss_of(row.person_id, now).blocks:
            raise _blocked(blocks)
        row.state, row.runs_at = "working", now
        row.save()
        _wake.erase(row.pk)
    leave(row, "approved", actor=actor, now=now, note=note)
    events.publish(RequestDecided(row.person_id, row.pk, row.kind, True), actor=actor, now=now)


def _needs_two(actor: Viewer, request_id: int) -> bool:
    kind = RightsRequest.objects.filter(pk=request_id).values_list("kind", flat=True).first()
    return kind in rules.ERASING


def _correct(actor: Viewer, row: RightsRequest, now: dt.datetime) -> None:
    changes = changes_of(row)
    if "birthday" in changes:
        changes["birthday"] = dt.date.fromisoformat(changes["birthday"])
    customer_operations.update_profile(
        actor=actor, person_id=row.person_id, changes=changes, reason=row.number, now=now
    )


@transaction.atomic
def refuse(*, actor: Viewer, request_id: int, reason: str, now: dt.datetime) -> None:
    """Say no, with the reason that the person is told. Raises NotFound, RequestHasEnded, ReasonMissing."""
    if not reason.strip():
        raise ReasonMissing
    row = locked(actor, request_id, HANDLE)
    if row.state not in ("asked", "blocked"):
        raise RequestHasEnded
    row.decided_by, row.decided_at = actor.audit_id, now
    if row.kind == "erasure" and row.asked_by == actor.audit_id:
        raise OwnRequest
    _end(row, "refused", now)
    leave(row, "refused", actor=actor, now=now, note=reason)
    events.publish(RequestDecided(row.person_id, row.pk, row.kind, False), actor=actor, now=now)


def locked(actor: Viewer, request_id: int, permission: str) -> RightsRequest:
    """Raises NotFound for one that is missing or out of scope."""
    rows = RightsRequest.objects.select_for_update(of=("self",)).select_related("person")
    return load_visible(rows, request_id, actor, permission, COLUMNS)


def _end(row: RightsRequest, state: str, now: dt.datetime) -> None:
    row.state, row.ended_at = state, now
    row.save()
