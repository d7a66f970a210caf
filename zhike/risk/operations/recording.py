"""What happens becomes deeds: one narrow row for each fact that a detector may weigh. Derived, and derivable again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from zhike.collection.events import VisitorShared
from zhike.customers.events import IdentifierAdded, IdentifiersConflicted
from zhike.engagement.events import InvitationAccepted, InvitationRewarded
from zhike.kernel.access import Viewer, require
from zhike.kernel.events import StoredEvent
from zhike.kernel.models import Event
from zhike.loyalty import queries as loyalty
from zhike.loyalty.events import (
    HoldEnded,
    MemberEnrolled,
    PhotoClaimDecided,
    PointsAdjusted,
    PointsClawedBack,
    PointsEarned,
    PointsRedeemed,
)
from zhike.offers.events import CouponIssued
from zhike.risk.models import SUBJECT_LENGTH, Deed
from zhike.risk.rules import deeds as kinds
from zhike.sales.events import ReceiptClaimed, ReceiptRecorded, ReceiptsTakenOut

Data = Mapping[str, Any]
KEPT = dt.timedelta(days=180)
BOUGHT = (kinds.SALE, kinds.CLAIM)
BY_HAND = ("staff:", "api:")
"""Whoever enrols or corrects by hand; files and the program itself are no desk."""


def take_deeds(*, actor: Viewer, batch: Sequence[StoredEvent]) -> None:
    """Write the deeds of a batch of events; one met before changes nothing."""
    require(actor, "risk.handle")
    made: list[Deed] = []
    points: dict[UUID, int] = {}
    for event in batch:
        if event.type in _MADE:
            made += _MADE[event.type](event, event.data)
        elif event.type == PointsEarned.type:
            points[UUID(event.data["receipt_id"])] = event.data["points"]
        elif event.type in (InvitationRewarded.type, ReceiptsTakenOut.type):
            _write(made, points)
            _CHANGED[event.type](event.data)
    _write(made, points)


def look_again(*, actor: Viewer, person_ids: Sequence[int]) -> None:
    """Read the log anew for some persons, from its beginning; what was known already is not written twice.

    The reader of the log meets these events too, sooner or later. Raises NotAllowed.
    """
    rows = Event.objects.filter(subject__in=[f"person/{pk}" for pk in person_ids]).order_by("position")
    batch = [
        StoredEvent(
            row.position, row.id, row.source, row.type, row.subject, row.actor, row.time, row.recorded_at, row.data
        )
        for row in rows
    ]  # fmt: skip
    take_deeds(actor=actor, batch=batch)


def forget_deeds(*, actor: Viewer) -> None:
    """Before they are derived anew. Raises NotAllowed."""
    require(actor, "risk.handle")
    Deed.objects.all().delete()


def drop_old_deeds(*, actor: Viewer, now: dt.datetime) -> int:
    """What is too old for any detector; how many. Raises NotAllowed."""
    require(actor, "risk.handle")
    return Deed.objects.filter(at__lt=now - KEPT).delete()[0]


def _write(made: list[Deed], points: dict[UUID, int]) -> None:
    """The deeds, and what purchases gave, told right after them and perhaps in another batch. Empties both."""
    for deed in made:
        if deed.receipt is not None and deed.kind in BOUGHT:
            deed.points = points.pop(deed.receipt, 0)
    Deed.objects.bulk_create(made, ignore_conflicts=True, batch_size=1_000)
    late = list(Deed.objects.filter(receipt__in=list(points), kind__in=BOUGHT)) if points else []
    for deed in late:
        assert deed.receipt is not None
        deed.points = points[deed.receipt]
    Deed.objects.bulk_update(late, ["points"], batch_size=1_000)
    made.clear()
    points.clear()


def cashier_key(data: Data) -> str:
    """Who rang it up: the same name at another merchant is somebody else."""
    cashier = str(data.get("cashier") or "").strip()
    return f"{data.get('merchant_id')}/{cashier}"[:SUBJECT_LENGTH] if cashier else ""


def _by_hand(event: StoredEvent) -> str:
    return event.actor[:SUBJECT_LENGTH] if event.actor.startswith(BY_HAND) else ""


def _deed(event: StoredEvent, kind: str, person_id: Any, **more: Any) -> list[Deed]:
    """One deed, or none when it is nobody's."""
    if person_id is None:
        return []
    return [Deed(position=event.position, kind=kind, at=event.time, person_id=int(person_id), **more)]


def _sale(event: StoredEvent, data: Data) -> list[Deed]:
    if data.get("kind") != "sale":
        return []
    return _deed(event, kinds.SALE, data.get("person_id"), **_purchase(data))


def _claim(event: StoredEvent, data: Data) -> list[Deed]:
    began = data.get("occurred_at")
    more = {"began_at": dt.datetime.fromisoformat(began) if began else None}
    return _deed(event, kinds.CLAIM, data["person_id"], **_purchase(data), **more)


def _purchase(data: Data) -> dict[str, Any]:
    return {
        "actor": cashier_key(data),
        "mall_id": data.get("mall_id"),
        "merchant_id": data.get("merchant_id"),
        "receipt": UUID(data["receipt_id"]),
        "fen": data.get("net_fen", 0),
    }


def _clawed(event: StoredEvent, data: Data) -> list[Deed]:
    more = {"receipt": UUID(data["receipt_id"]), "points": -data["points"], "owed": data["debt_points"]}
    return _deed(event, kinds.CLAWED, data["person_id"], **more)


def _redeemed(event: StoredEvent, data: Data) -> list[Deed]:
    return _deed(
        event, kinds.REDEEMED, data["person_id"], points=data["points"], fen=data.get("value_fen", 0)
    )


def _hold_ended(event: StoredEvent, data: Data) -> list[Deed]:
    if data["status"] != "confirmed" or not data["used_points"]:
        return []
    return _deed(event, kinds.REDEEMED, data["person_id"], points=data["used_points"])


def _adjusted(event: StoredEvent, data: Data) -> list[Deed]:
    return _deed(event, kinds.ADJUSTED, data["person_id"], points=data["points"], actor=_by_hand(event))


def _joined(event: StoredEvent, data: Data) -> list[Deed]:
    more = {"mall_id": data.get("mall_id"), "merchant_id": data.get("merchant_id")}
    return _deed(event, kinds.JOINED, data["person_id"], actor=_by_hand(event), **more)


def _invited(event: StoredEvent, data: Data) -> list[Deed]:
    return _deed(event, kinds.INVITED, data["person_id"], other=data["inviter_id"])


def _photo(event: StoredEvent, data: Data) -> list[Deed]:
    """A photographed receipt that was refused for dishonesty; others say nothing against the member."""
    if data["reason"] not in loyalty.PHOTO_DISHONEST:
        return []
    more = {"mall_id": data["mall_id"], "merchant_id": data["merchant_id"], "fen": data["net_fen"]}
    return _deed(event, kinds.FORGED, data["person_id"], **more)


def _add_reward(data: Data) -> None:
    """What the inviter got for one who came."""
    if data["side"] == "inviter":
        person_id = loyalty.person_id_of(data["other_id"])
        Deed.objects.filter(kind=kinds.INVITED, person_id=person_id).update(points=data["points"])


def _taken_out(data: Data) -> None:
    """An import was undone: its purchases never happened."""
    Deed.objects.filter(receipt__in=data.get("receipt_ids", ())).delete()


def _coupon(event: StoredEvent, data: Data) -> list[Deed]:
    return _deed(event, kinds.COUPON, data.get("person_id"), other=data["coupon_id"])


def _phone(event: StoredEvent, data: Data) -> list[Deed]:
    return _deed(event, kinds.PHONE, data["person_id"]) if data["kind"] == "phone" else []


def _shared(event: StoredEvent, data: Data) -> list[Deed]:
    """Two persons came together: each is told of the other."""
    one, other = data["person_id"], data["other_person_id"]
    return _deed(event, kinds.SHARED, one, other=other) + _deed(event, kinds.SHARED, other, other=one)


_MADE: dict[str, Callable[[StoredEvent, Data], list[Deed]]] = {
    ReceiptRecorded.type: _sale,
    ReceiptClaimed.type: _claim,
    PointsClawedBack.type: _clawed,
    PointsRedeemed.type: _redeemed,
    HoldEnded.type: _hold_ended,
    PointsAdjusted.type: _adjusted,
    MemberEnrolled.type: _joined,
    PhotoClaimDecided.type: _photo,
    InvitationAccepted.type: _invited,
    CouponIssued.type: _coupon,
    IdentifierAdded.type: _phone,
    IdentifiersConflicted.type: _shared,
    VisitorShared.type: _shared,
}
_CHANGED: dict[str, Callable[[Data], None]] = {
    InvitationRewarded.type: _add_reward,
    ReceiptsTakenOut.type: _taken_out,
}
