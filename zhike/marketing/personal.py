"""What marketing keeps of a person: which campaigns they were in, and on which side."""

from __future__ import annotations

from zhike.kernel.personal import KEEP, Holding

HOLDINGS = (
    Holding(
        "marketing_campaignrecipient", "person", "person_id", "messages", "marketing", KEEP, "statistics",
        row="campaign_id", export=("campaign_id", "arm", "state", "given_at", "clicked_at"),
    ),
)  # fmt: skip
