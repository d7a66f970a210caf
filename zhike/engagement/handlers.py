"""What engagement does when the log tells of purchases and of what else members do."""

from __future__ import annotations

from zhike.customers.events import PersonsMerged, PersonsParted
from zhike.engagement import operations
from zhike.engagement.events import (
    CheckedIn,
    DeedRecorded,
    DeedWithdrawn,
    InvitationRewarded,
    InvitationTakenBack,
)
from zhike.engagement.operations.missions import forget_progress
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


MISSIONS = system_viewer("missions")


def on_deed(event: StoredEvent) -> None:
    """Somebody did or undid something that a mission may count; whoever was merged is looked at as one."""
    for name in ("person_id", "merged_id"):
        person_id = event.data.get(name)
        if person_id is not None:
            operations.review_missions(actor=MISSIONS, person_id=int(person_id), now=event.recorded_at)


missions = Consumer(
    "missions",
    {
        ReceiptRecorded: on_deed,
        ReceiptClaimed: on_deed,
        ReceiptsTakenOut: on_deed,
        CheckedIn: on_deed,
        InvitationRewarded: on_deed,
        InvitationTakenBack: on_deed,
        DeedRecorded: on_deed,
        DeedWithdrawn: on_deed,
        PersonsMerged: on_deed,
        PersonsParted: on_deed,
    },
    start="end",
    batch_size=1,
    reset=forget_progress,
)
"""Can be rebuilt: how far everybody is follows from what they did, and a reward's reference is used once."""
