"""What engagement does when the log tells of purchases and of what else members do."""

from __future__ import annotations

from zhike.customers.events import IdentifierAdded, PersonsMerged, PersonsParted
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
from zhike.loyalty.events import GainRestored, GainWithdrawn, MemberEnrolled, MemberStatusChanged
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


WELCOMES = system_viewer("welcomes")


def on_newcomer(event: StoredEvent) -> None:
    """Somebody joined, bought or returned something, or turned out to be somebody we know."""
    for name in ("person_id", "merged_id"):
        person_id = event.data.get(name)
        if person_id is not None:
            operations.review_welcome(actor=WELCOMES, person_id=int(person_id), now=event.recorded_at)


def on_parted(event: StoredEvent) -> None:
    persons = {name: int(event.data[name]) for name in ("person_id", "merged_id")}
    operations.part_welcomes(actor=WELCOMES, now=event.recorded_at, **persons)


welcomes = Consumer(
    "welcomes",
    {
        MemberEnrolled: on_newcomer,
        MemberStatusChanged: on_newcomer,
        IdentifierAdded: on_newcomer,
        ReceiptRecorded: on_newcomer,
        ReceiptClaimed: on_newcomer,
        ReceiptsTakenOut: on_newcomer,
        GainWithdrawn: on_newcomer,
        GainRestored: on_newcomer,
        PersonsMerged: on_newcomer,
        PersonsParted: on_parted,
    },
    start="end",
    batch_size=1,
)


STAMPS = system_viewer("stamps")


def on_goods(event: StoredEvent) -> None:
    """Somebody bought or returned something, or turned out to be somebody we know."""
    for name in ("person_id", "merged_id"):
        person_id = event.data.get(name)
        if person_id is not None:
            operations.review_stamps(actor=STAMPS, person_id=int(person_id), now=event.recorded_at)


stamps = Consumer(
    "stamps",
    {
        ReceiptRecorded: on_goods,
        ReceiptClaimed: on_goods,
        ReceiptsTakenOut: on_goods,
        MemberStatusChanged: on_goods,
        PersonsMerged: on_goods,
        PersonsParted: on_goods,
    },
    start="end",
    batch_size=1,
)
