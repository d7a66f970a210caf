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
    Holding(
        "insight_churnscore", "member", "member_id", "insight", "personalisation", DELETE, row="member_id",
        export=("risk_bp", "reasons", "action", "horizon_days"),
    ),
    Holding(
        "insight_memberclass", "member", "member_id", "insight", "personalisation", DELETE, row="member_id",
        export=("behaviour", "preference", "value"),
    ),
    Holding(
        "insight_memberclass", "person", "person_id", "insight", "personalisation", DELETE, row="member_id"
    ),
    Holding(
        "insight_clustermember", "member", "member_id", "insight", "personalisation", DELETE, row="member_id",
        export=("run_id", "cluster_id"),
    ),
    Holding("insight_tagsubject", "person", "subject", "insight", "personalisation", DELETE, row="subject"),
    Holding("insight_tagstate", "person", "subject", "insight", "personalisation", DELETE, row="subject"),
    Holding("insight_tagtimer", "person", "person_id", "insight", "personalisation", DELETE, row="person_id"),
    Holding(
        "insight_tagheld", "person", "person_id", "insight", "personalisation", DELETE, row="person_id",
        export=("tag_id", "since", "figures"),
    ),
    Holding(
        "insight_tagmark", "person", "person_id", "insight", "personalisation", DELETE,
        export=("tag_id", "is_on", "source", "marked_at", "ended_at"),
    ),
    Holding(
        "insight_tagsuggestion", "person", "person_id", "insight", "personalisation", DELETE, export=("text", "written_at"),
    ),
    Holding(
        "insight_recommendrefusal", "person", "person_id", "insight", "personalisation", DELETE, row="person_id",
        export=("kind", "refused_at"),
    ),
)  # fmt: skip
LOOSE = (Loose("insight_segmentsnapshot", "numbers"), Loose("insight_recommenditem", "numbers"))
