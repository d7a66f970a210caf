"""Seats of the desk, and the phrases they use."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Invalid, NotFound
from zhike.organization import queries as organization
from zhike.service.models import Agent, Phrase
from zhike.service.operations import _sharing
from zhike.service.operations._tickets import HANDLE
from zhike.service.rules import conversations

MANAGE = "tickets.manage"
PLACES_MAX = 50
_CODE = re.compile(r"[a-z0-9一-鿿_-]{1,40}")


class SeatInvalid(Invalid):
    code = "seat-invalid"
    title = _("There is no such state or skill, or the number of places is not between 1 and 50.")


class PhraseInvalid(Invalid):
    code = "phrase-invalid"
    title = _("A phrase needs a short code, a title, a text, and only gaps that can be filled.")


@transaction.atomic
def set_seat_state(*, actor: Viewer, state: str, now: dt.datetime) -> None:
    """Whether the actor takes conversations now. Whoever comes back is given what waits. Raises SeatInvalid, NotAllowed."""
    require(actor, HANDLE)
    if state not in conversations.STATES or actor.kind != "staff":
        raise SeatInvalid
    Agent.objects.update_or_create(
        pk=actor.id or 0, defaults={"state": state, "seen_at": now, "changed_at": now}
    )
    _share_out_for(actor, now)
    audit.record(
        actor=actor, action="seat.state", subject=("staff", actor.id or 0), after={"state": state}, now=now
    )


@transaction.atomic
def keep_seat(*, actor: Viewer, now: dt.datetime) -> None:
    """A sign that the inbox is open on somebody's screen. Raises NotAllowed."""
    require(actor, HANDLE)
    was_gone = Agent.objects.filter(
        pk=actor.id or 0, state="available", seen_at__lt=now - conversations.SEEN_WITHIN
    ).exists()
    Agent.objects.filter(pk=actor.id or 0).update(seen_at=now)
    if was_gone:
        _share_out_for(actor, now)


def _share_out_for(actor: Viewer, now: dt.datetime) -> None:
    for ref in organization.malls(actor, HANDLE):
        _sharing.share_out(ref.id, now)


@transaction.atomic
def set_seat(*, actor: Viewer, staff_id: int, skills: Sequence[str], places: int, now: dt.datetime) -> None:
    """What a colleague answers (nothing named: everything) and how many at a time. Raises SeatInvalid, NotFound, NotAllowed."""
    require(actor, MANAGE)
    if not 1 <= places <= PLACES_MAX or not set(skills) <= set(conversations.SKILLS):
        raise SeatInvalid
    if not organization.viewer_of_staff(staff_id).may(HANDLE):
        raise NotFound
    Agent.objects.update_or_create(
        pk=staff_id, defaults={"skills": sorted(set(skills)), "places": places, "changed_at": now}
    )
    audit.record(
        actor=actor,
        action="seat.set",
        subject=("staff", staff_id),
        after={"skills": sorted(set(skills)), "places": places},
        now=now,
    )


@transaction.atomic
def save_phrase(*, actor: Viewer, group_id: int, code: str, title: str, text: str, now: dt.datetime) -> int:
    """Keep an answer under a short code; the one that was there is replaced. Raises PhraseInvalid, NotAllowed."""
    require(actor, HANDLE)
    code, title, text = code.strip().lower(), title.strip(), text.strip()
    is_fine = _CODE.fullmatch(code) and 0 < len(title) <= 80 and 0 < len(text) <= conversations.TEXT_MAX
    if not is_fine or conversations.unknown_gaps(text):
        raise PhraseInvalid
    row, _made = Phrase.objects.update_or_create(
        group_id=group_id,
        code=code,
        defaults={"title": title, "text": text, "changed_at": now, "changed_by": actor.label},
    )
    audit.record(actor=actor, action="phrase.save", subject=("phrase", row.pk), after={"code": code}, now=now)
    return row.pk


@transaction.atomic
def drop_phrase(*, actor: Viewer, phrase_id: int, now: dt.datetime) -> None:
    """Raises NotFound, NotAllowed."""
    require(actor, HANDLE)
    row = Phrase.objects.select_for_update().filter(pk=phrase_id).first()
    if row is None:
        raise NotFound
    audit.record(
        actor=actor, action="phrase.drop", subject=("phrase", row.pk), before={"code": row.code}, now=now
    )
    row.delete()
