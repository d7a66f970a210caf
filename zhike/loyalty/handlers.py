"""What loyalty derives from the log."""

from __future__ import annotations

from zhike.customers.events import PersonsMerged, PersonsParted
from zhike.kernel import clock
from zhike.kernel.events import Consumer, StoredEvent
from zhike.loyalty.events import AwardTakenBack, MemberEnrolled, PointsAwarded
from zhike.loyalty.operations import activity, growing
from zhike.sales.events import ReceiptClaimed, ReceiptRecorded, ReceiptsTakenOut


def on_receipt(event: StoredEvent) -> None:
    """A person bought, returned, claimed, or a receipt of theirs was taken out again."""
    person_id = event.data.get("person_id")
    if person_id is not None:
        activity.recount_activity(actor=activity.ACTOR, person_id=int(person_id))


def on_family(event: StoredEvent) -> None:
    """Two persons became one, or two again."""
    for name in ("person_id", "merged_id"):
        activity.recount_activity(actor=activity.ACTOR, person_id=int(event.data[name]))


member_activity = Consumer(
    "member_activity",
    {
        MemberEnrolled: on_receipt,
        ReceiptRecorded: on_receipt,
        ReceiptClaimed: on_receipt,
        ReceiptsTakenOut: on_receipt,
        PersonsMerged: on_family,
        PersonsParted: on_family,
    },
    reset=activity.forget_activity,
)


def on_growth(event: StoredEvent) -> None:
    """What gives growth value, or takes it back: purchases, returns, deeds, two that became one."""
    data = event.data
    persons = [int(data[name]) for name in ("person_id", "merged_id") if data.get(name) is not None]
    if persons:
        reference = (
            f"receipt:{data['receipt_id']}" if "receipt_id" in data else str(data.get("reference", ""))
        )
        growing.follow_persons(
            actor=growing.ACTOR,
            person_ids=persons,
            reference=reference,
            now=clock.now(),
            lowers=data.get("kind") == "return" or event.type in _TAKEN_AWAY,
        )


_TAKEN_AWAY = (ReceiptsTakenOut.type, AwardTakenBack.type)
growth = Consumer(
    "growth",
    dict.fromkeys(
        (
            ReceiptRecorded,
            ReceiptClaimed,
            ReceiptsTakenOut,
            PointsAwarded,
            AwardTakenBack,
            PersonsMerged,
            PersonsParted,
        ),
        on_growth,
    ),
    start="end",
    batch_size=1,
)
"""What came before it is settled by the night's review (operations.settle_growth). It has nothing to empty: entries are only
ever added, and settling what is settled adds none."""
