"""What engagement does when the log tells of purchases."""

from __future__ import annotations

from zhike.engagement import operations
from zhike.kernel.access import system_viewer
from zhike.kernel.events import Consumer, StoredEvent
from zhike.sales.events import ReceiptClaimed, ReceiptRecorded, ReceiptsTakenOut

ACTOR = system_viewer("referrals")


def on_receipt(event: StoredEvent) -> None:
    """Somebody who may have been invited bought or returned something."""
    person_id = event.data.get("person_id")
    if person_id is not None:
        operations.review_referral(actor=ACTOR, person_id=int(person_id), now=event.recorded_at)


referrals = Consumer(
    "referrals",
    {ReceiptRecorded: on_receipt, ReceiptClaimed: on_receipt, ReceiptsTakenOut: on_receipt},
    start="end",
    batch_size=1,
)
