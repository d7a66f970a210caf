"""What collection keeps of a person: which browsers and accounts are theirs, and what was seen."""

from __future__ import annotations

from zhike.kernel.personal import DELETE, Holding, Keeping, Loose

HOLDINGS = (
    Holding(
        "collection_visitor", "person", "person_id", "behaviour", "personalisation", DELETE,
        export=("space", "first_seen_at"),
    ),
)  # fmt: skip
LOOSE = (
    Loose("collection_setaside", "sealed"),
    Loose("collection_delivery", "masked"),
)

KEEPINGS = (
    Keeping(
        "behaviour",
        "kernel_event",
        "recorded_at",
        730,
        days_min=30,
        row="position",
        blanks={"data": """data || '{"properties": {}, "context": {}, "said": ""}'"""},
        also="type = 'zhike.collection.behaviour_observed'",
    ),
    Keeping(
        "set_aside_messages", "collection_setaside", "received_at", 90, days_min=7, also="status <> 'open'"
    ),
    Keeping("deliveries", "collection_delivery", "received_at", 90, days_min=7),
)
