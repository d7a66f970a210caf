"""What oversight keeps of a human being: deeds for half a year, alerts and what came of them as proof."""

from __future__ import annotations

from zhike.kernel.personal import BLANK, DELETE, KEEP, Holding, Keeping

_CLAIMS = "claims"

HOLDINGS = (
    Holding("risk_deed", "person", "person_id", "points", "contract", DELETE, export=("kind", "at", "points", "fen")),
    Holding(
        "risk_evidence", "person", "person_id", "points", "contract", KEEP, _CLAIMS,
        export=("kind", "at", "points", "fen"),
    ),
    Holding(
        "risk_objection", "risk_measure", "measure_id", "service", "contract", BLANK, _CLAIMS,
        export=("text", "raised_at", "answer", "answered_at"), blanks={"text": "'—'", "answer": "''"},
    ),
    Holding(
        "risk_exemption", "risk_alert", "alert_id", "points", "contract", BLANK, _CLAIMS,
        export=("detector", "until"), blanks={"reason": "''"},
    ),
    Holding(
        "risk_measure", "member", "member_id", "points", "contract", BLANK, _CLAIMS,
        export=("kind", "state", "points", "reason", "asked_at", "undone_at"),
        blanks={"reason": "''", "undo_reason": "''"},
    ),
    Holding(
        "risk_alert", "member", "member_id", "points", "contract", BLANK, _CLAIMS,
        export=("detector", "state", "opened_at", "decided_at"), blanks={"reason": "''"},
    ),
)  # fmt: skip

KEEPINGS = (Keeping("risk_deeds", "risk_deed", "at", days=180, days_min=90),)
