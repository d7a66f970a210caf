"""What insight keeps of a member: what was worked out about them."""

from __future__ import annotations

from zhike.kernel.personal import DELETE, Holding, Loose

HOLDINGS = (
    Holding(
        "insight_standing", "member", "member_id", "insight", "personalisation", DELETE, row="member_id",
        export=("stage", "stage_since", "last_at", "frequency", "monetary_fen", "rfm"),
    ),
    Holding(
        "insight_standing", "person", "person_id", "insight", "personalisation", DELETE, row="member_id"
    ),
    Holding(
        "insight_forecast", "member", "member_id", "insight", "personalisation", DELETE, row="member_id",
        export=("risk_percent", "purchases_milli", "value_fen"),
    ),
)  # fmt: skip
LOOSE = (Loose("insight_segmentsnapshot", "numbers"),)
