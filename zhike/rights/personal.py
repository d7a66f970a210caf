"""What the rights desk itself keeps of a person: their requests, as the proof that they were met."""

from __future__ import annotations

from zhike.kernel.personal import BLANK, KEEP, Holding

HOLDINGS = (
    Holding(
        "rights_requestentry", "rights_rightsrequest", "request_id", "consent", "proof", BLANK, "proof",
        blanks={"note": "NULL", "details": "details - 'fields'"},
    ),
    Holding("rights_erasurestep", "rights_rightsrequest", "request_id", "consent", "proof", KEEP, "proof"),
    Holding(
        "rights_certificate", "rights_rightsrequest", "request_id", "consent", "proof", KEEP, "proof",
        row="request_id",
    ),
    Holding(
        "rights_rightsrequest", "person", "person_id", "consent", "proof", BLANK, "proof",
        export=("number", "kind", "state", "asked_at", "due_on", "ended_at"),
        blanks={"note": "NULL", "changes": "NULL"},
    ),
)  # fmt: skip
