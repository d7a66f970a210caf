"""What privacy keeps of a person: each decision, as the proof of itself."""

from __future__ import annotations

from zhike.kernel.personal import KEEP, Holding

HOLDINGS = (
    Holding(
        "privacy_consentrecord", "person", "person_id", "consent", "proof", KEEP, "proof",
        export=(
            "purpose", "channel", "decision", "method", "categories", "retention_days", "evidence", "decided_at",
        ),
    ),
)  # fmt: skip
