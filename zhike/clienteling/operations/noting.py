"""What an associate heard of a member, and what of it becomes a tag once a person says so."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.clienteling.events import NoteWritten
from zhike.clienteling.models import Note, Proposal
from zhike.clienteling.operations.following import WORK
from zhike.clienteling.queries import contacts as queries
from zhike.clienteling.rules import notes as rules
from zhike.customers import queries as customers
from zhike.insight import operations as insight_operations
from zhike.insight import queries as insight
from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer, load_visible
from zhike.kernel.errors import Invalid
from zhike.kernel.ids import uuid7

COLUMNS = {level: f"note__person__{column}" for level, column in customers.COLUMNS.items()}


class NoteUnusable(Invalid):
    code = "care-note-unusable"
    title = _("A note has between 1 and %(limit)s characters.")


class NoteTooPrivate(Invalid):
    code = "care-note-too-private"
    title = _("Leave out what is nobody's business here: %(words)s")


@transaction.atomic
def write_note(*, actor: Viewer, person_id: int, text: str, source: str = "typed", now: dt.datetime) -> UUID:
    """Keep what was heard, and propose the tags it speaks for; none is given. ``source`` "voice" is a pasted transcript.

    Nothing about health, faith, family troubles or money may stand in it. Raises NoteUnusable, NoteTooPrivate, NotFound,
    NotAllowed.
    """
    person = customers.visible_person(person_id, actor, WORK)
    words = rules.cleaned(text, source)
    if source not in rules.SOURCES or not 0 < len(words) <= rules.TEXT_MAX or "\x00" in words:
        raise NoteUnusable(limit=rules.TEXT_MAX)
    if private := rules.sensitive_words(words):
        raise NoteTooPrivate(words="、".join(private))
    pk = uuid7()
    note = Note.objects.create(
        id=pk,
        person_id=person.id,
        text=crypto.encrypt(words, field=queries.NOTE_FIELD, row=str(pk)),
        source=source,
        written_at=now,
        staff_id=actor.id if actor.kind == "staff" else None,
        by=actor.label,
    )
    proposed = _propose(actor, note, person.id, words)
    audit.record(
        actor=actor, action="care_note.write", subject=("person", person.id),
        after={"note": str(pk), "proposals": proposed}, now=now,
    )  # fmt: skip
    events.publish(NoteWritten(person.id, str(pk), source, proposed), actor=actor, now=now)
    return pk


def _propose(actor: Viewer, note: Note, person_id: int, words: str) -> int:
    """Rows for what the words speak for and the member has not; how many."""
    held = insight.tags_of(person_id)
    told = {one.ref.id for one in (*held.on, *held.off)}
    tags = {}
    if actor.may("tags.give"):
        tags = {
            one.name: one.id for one in insight.tags(actor) if one.state == "live" and one.kind == "manual"
        }
    rows = []
    for one in rules.proposals(words, tags):
        tag_id = tags.get(one.name)
        if tag_id in told or (tag_id is None and one.name in held.suggested):
            continue
        rows.append(
            Proposal(note=note, tag_id=tag_id, words=one.name, why=one.why[:60], begin=one.begin, end=one.end)
        )
    Proposal.objects.bulk_create(rows)
    return len(rows)


@transaction.atomic
def decide_proposal(*, actor: Viewer, proposal_id: int, is_right: bool, now: dt.datetime) -> None:
    """A person says whether a tag fits: only then is it given, by hand and with the note as its ground; words without a tag
    become a wish for one. Decided again the same way changes nothing; the first decision stays.

    Raises NotFound, NotAllowed, insight's MemberSaidNo, TagIsRetired.
    """
    rows = Proposal.objects.select_for_update(of=("self",)).select_related("note")
    row = load_visible(rows, proposal_id, actor, WORK, COLUMNS)
    if row.state != Proposal.State.OPEN:
        return
    row.state = Proposal.State.CONFIRMED if is_right else Proposal.State.REJECTED
    row.decided_at, row.decided_by = now, actor.label
    row.save()
    if is_right:
        _give(actor, row, now)
    audit.record(
        actor=actor, action="proposal.decide", subject=("person", row.note.person_id),
        after={"words": row.words, "is_right": is_right}, now=now,
    )  # fmt: skip


def _give(actor: Viewer, row: Proposal, now: dt.datetime) -> None:
    person_id = row.note.person_id
    if row.tag_id is None:
        insight_operations.suggest_tag(
            actor=actor, person_id=person_id, text=row.words, presented=True, now=now
        )
        return
    insight_operations.mark_tag(
        actor=actor,
        person_id=person_id,
        tag_id=row.tag_id,
        is_on=True,
        note=str(
            _("From a note of %(day)s: “%(why)s”")
            % {"day": f"{row.note.written_at:%Y-%m-%d}", "why": row.why}
        ),
        presented=True,
        now=now,
    )
