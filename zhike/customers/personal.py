"""What customers keeps of a person: who they are, how they are reached, and what was changed."""

from __future__ import annotations

from zhike.kernel.personal import BLANK, DELETE, KEEP, Holding

HOLDINGS = (
    Holding(
        "customers_profilechange", "person", "person_id", "profile", "membership", DELETE,
        export=("field", "before", "after", "actor", "reason", "changed_at"),
        encrypted={"before": "customers.profile_change.before", "after": "customers.profile_change.after"},
    ),
    Holding(
        "customers_identifier", "person", "person_id", "identity", "membership", DELETE,
        export=("kind", "value", "verified_at", "created_at", "retired_at", "retired_reason"),
        encrypted={"value": "customers.identifier.value"},
    ),
    Holding("customers_suggestion", "person", "first_id", "identity", "membership", DELETE),
    Holding("customers_suggestion", "person", "second_id", "identity", "membership", DELETE),
    Holding(
        "customers_merge", "person", "survivor_id", "identity", "membership", BLANK, "proof",
        export=("state", "proposed_at", "merged_at", "ended_at"),
        blanks={"reason": "''", "end_reason": "''", "evidence": "'{}'"},
    ),
    Holding(
        "customers_merge", "person", "merged_id", "identity", "membership", BLANK, "proof",
        blanks={"reason": "''", "end_reason": "''", "evidence": "'{}'"},
    ),
    Holding(
        "customers_person", "person", "id", "profile", "membership", BLANK, "tombstone",
        export=(
            "name", "sex", "birthday", "birthday_calendar", "occupation", "address", "language", "source", "created_at",
        ),
        encrypted={"address": "customers.person.address"},
        blanks={
            "name": "''", "name_pinyin": "''", "name_initials": "''", "name_grams": "'{}'", "sex": "'unknown'",
            "birthday": "NULL", "birthday_key": "''", "occupation": "''", "address": "NULL", "language": "''",
            "associate_id": "NULL", "status": "CASE status WHEN 'merged' THEN 'merged' ELSE 'erased' END",
        },
    ),
    Holding(
        "customers_person", "person", "merged_into_id", "identity", "membership", KEEP, "tombstone",
    ),
)  # fmt: skip
"""In this order an erasure goes; the person comes last, a row without a name that others go on pointing at."""
