"""What offers does when the log tells of others."""

from __future__ import annotations

from uuid import UUID

from zhike.kernel.access import system_viewer
from zhike.kernel.events import Consumer, StoredEvent
from zhike.offers import operations
from zhike.sales.events import ReceiptRecorded

ACTOR = system_viewer("coupon_returns")


def on_receipt(event: StoredEvent) -> None:
    """A return may bring coupons back."""
    if event.data["kind"] == "return":
        return_id = UUID(event.data["receipt_id"])
        operations.settle_return(actor=ACTOR, return_id=return_id, now=event.recorded_at)


coupon_returns = Consumer("coupon_returns", {ReceiptRecorded: on_receipt}, batch_size=50)
