"""What marketing keeps of a person: which campaigns and journeys they were in, and on which side."""

from __future__ import annotations

from zhike.kernel.personal import BLANK, KEEP, Holding

HOLDINGS = (
    Holding(
        "marketing_campaignrecipient", "person", "person_id", "messages", "marketing", KEEP, "statistics",
        row="campaign_id", export=("campaign_id", "arm", "state", "given_at", "clicked_at"),
    ),
    Holding("marketing_journeystep", "marketing_journeyentry", "entry_id", "messages", "marketing", KEEP, "statistics", row="entry_id"),
    Holding(
        "marketing_journeyentry", "person", "person_id", "messages", "marketing", BLANK, "statistics",
        export=("journey_id", "arm", "entered_at", "ended_at"),
        blanks={
            "state": "'done'", "is_resting": "false", "due_at": "NULL", "waits_for": "''", "cause": "''",
            "once": "'erased:' || id", "ended_at": "coalesce(ended_at, since)",
        },
    ),
)  # fmt: skip
