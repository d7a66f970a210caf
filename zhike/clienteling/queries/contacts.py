"""Contacts and notes of a member, and the tags that notes speak for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from zhike.clienteling.models import Contact, Note, Proposal
from zhike.clienteling.queries.reaching import VIEW
from zhike.customers import queries as customers
from zhike.kernel import crypto
from zhike.kernel.access import Viewer
from zhike.kernel.reencryption import EncryptedColumn

NOTE_FIELD = "clienteling.note.text"
CONTACT_FIELD = "clienteling.contact.note"
SHOWN = 10


def encrypted_columns() -> list[EncryptedColumn]:
    """For the rotation of keys."""
    return [
        EncryptedColumn(NOTE_FIELD, "clienteling_note", "text"),
        EncryptedColumn(CONTACT_FIELD, "clienteling_contact", "note"),
    ]


@dataclass(frozen=True, slots=True)
class ContactView:
    id: UUID
    channel: str
    result: str
    began_by_member: bool
    note: str
    happened_at: dt.datetime
    by: str


@dataclass(frozen=True, slots=True)
class ProposalView:
    """``sentence`` is the evidence; ``tag_id`` None: no such tag yet, the words would go to marketing as a wish."""

    id: int
    tag_id: int | None
    words: str
    why: str
    sentence: str
    state: str


@dataclass(frozen=True, slots=True)
class NoteView:
    id: UUID
    text: str
    source: str
    written_at: dt.datetime
    by: str
    proposals: tuple[ProposalView, ...]


def contacts_of(viewer: Viewer, person_id: int, limit: int = SHOWN) -> list[ContactView]:
    """The newest contacts of one human being. Raises NotFound, NotAllowed."""
    person = customers.visible_person(person_id, viewer, VIEW)
    rows = Contact.objects.filter(person_id__in=customers.family(person.id))
    return [
        ContactView(
            row.pk,
            row.channel,
            row.result,
            row.began_by_member,
            crypto.decrypt(bytes(row.note), field=CONTACT_FIELD, row=str(row.pk)) if row.note else "",
            row.happened_at,
            row.by,
        )
        for row in rows.order_by("-happened_at", "-id")[:limit]
    ]


def notes_of(viewer: Viewer, person_id: int, limit: int = SHOWN) -> list[NoteView]:
    """The newest notes of one human being, each with its proposals. Raises NotFound, NotAllowed."""
    person = customers.visible_person(person_id, viewer, VIEW)
    rows = Note.objects.filter(person_id__in=customers.family(person.id)).order_by("-written_at", "-id")
    notes = list(rows[:limit])
    proposals: dict[UUID, list[Proposal]] = {}
    for one in Proposal.objects.filter(note_id__in=[row.pk for row in notes]).order_by("begin", "id"):
        proposals.setdefault(one.note_id, []).append(one)
    return [_view(row, proposals.get(row.pk, [])) for row in notes]


def _view(row: Note, proposals: list[Proposal]) -> NoteView:
    text = crypto.decrypt(bytes(row.text), field=NOTE_FIELD, row=str(row.pk))
    shown = tuple(
        ProposalView(one.pk, one.tag_id, one.words, one.why, text[one.begin : one.end], one.state)
        for one in proposals
    )
    return NoteView(row.pk, text, row.source, row.written_at, row.by, shown)
