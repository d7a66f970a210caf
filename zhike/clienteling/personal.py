"""What clienteling keeps of a person: reasons to turn to them, contacts, and what associates wrote of them."""

from __future__ import annotations

from zhike.kernel.personal import BLANK, DELETE, KEEP, Holding, Keeping

HOLDINGS = (
    Holding("clienteling_proposal", "clienteling_note", "note_id", "service", "service", DELETE, export=("words", "state")),
    Holding(
        "clienteling_note", "person", "person_id", "service", "service", DELETE,
        export=("text", "written_at"), encrypted={"text": "clienteling.note.text"},
    ),
    Holding(
        "clienteling_contact", "person", "person_id", "service", "service", BLANK, "statistics",
        export=("channel", "result", "note", "happened_at"), encrypted={"note": "clienteling.contact.note"},
        blanks={"note": "NULL"},
    ),
    Holding(
        "clienteling_followup", "person", "person_id", "service", "service", KEEP, "statistics",
        export=("kind", "due_on", "state", "ended_at"),
    ),
)  # fmt: skip

KEEPINGS = (
    Keeping(
        "care_notes",
        "clienteling_note",
        "written_at",
        1_095,
        days_min=30,
        also="id NOT IN (SELECT note_id FROM clienteling_proposal)",
    ),
)
