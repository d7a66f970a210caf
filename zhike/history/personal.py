"""What history keeps of a person: the number they are in the lake. The lake itself is gone through when they are erased."""

from __future__ import annotations

from zhike.kernel.personal import DELETE, Holding

HOLDINGS = (
    Holding(
        "history_pseudonym", "person", "person_id", "insight", "personalisation", DELETE, row="person_id"
    ),
)
