"""The till in the browser: where it stands, and what was done at it lately. Kept in the staff's session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from zhike.kernel.access import Viewer, may_touch
from zhike.organization import queries as organization
from zhike.organization.queries import MallRef, MerchantRef

PLACE, RECENT = "counter_place", "counter_recent"
RECENT_MAX = 30
TILL_NAME_MAX = 40
RECORD = "receipts.record"


@dataclass(frozen=True, slots=True)
class Till:
    """A till of a merchant, or (without one) the service desk of a mall."""

    mall: MallRef
    merchant: MerchantRef | None
    name: str

    @property
    def label(self) -> str:
        return self.merchant.name if self.merchant else self.mall.name


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere this member of staff may stand. `key` is what the form sends: `merchant:12` or `mall:3`."""

    key: str
    mall: MallRef
    merchant: MerchantRef | None


def places(viewer: Viewer) -> list[Place]:
    """Every desk and merchant in the viewer's scope, the desks of each mall first."""
    found = []
    for mall in organization.malls(viewer, RECORD):
        if may_touch(viewer, RECORD, mall=mall.id):
            found.append(Place(f"mall:{mall.id}", mall, None))
        for merchant in organization.merchants(viewer, mall.id, RECORD):
            if merchant.is_open:
                found.append(Place(f"merchant:{merchant.id}", mall, merchant))
    return found


def till_of(request: Any) -> Till | None:
    """Where this browser stands; decided by itself when there is only one place. None: it has to be chosen."""
    if not hasattr(request, "_till"):
        request._till = _till(request)
    found: Till | None = request._till
    return found


def _till(request: Any) -> Till | None:
    chosen = request.session.get(PLACE)
    known = places(request.viewer)
    if chosen is None:
        return Till(known[0].mall, known[0].merchant, "1") if len(known) == 1 else None
    place = next((place for place in known if place.key == chosen["key"]), None)
    return Till(place.mall, place.merchant, chosen["name"]) if place else None


def stand_at(request: Any, key: str, name: str) -> None:
    request.session[PLACE] = {"key": key, "name": name[:TILL_NAME_MAX]}


@dataclass(frozen=True, slots=True)
class Done:
    """One thing done at this till, as plain values.

    `kind` is receipt, redeem, reverse, return, enrol, claim, coupon, order, benefit or ticket.
    """

    token: str
    kind: str
    at: str
    member_id: int | None = None
    member: str = ""
    points: int = 0
    fen: int = 0
    balance: int | None = None
    receipt_id: str = ""
    redemption_id: str = ""
    is_repeat: bool = False
    details: Mapping[str, Any] | None = None

    @property
    def moment(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.at)


def remember(request: Any, done: Done) -> None:
    """Put it on top of the list; the same token again replaces what it said before."""
    others = [entry for entry in request.session.get(RECENT, []) if entry["token"] != done.token]
    request.session[RECENT] = [asdict(done), *others][:RECENT_MAX]


def recent(request: Any) -> list[Done]:
    return [Done(**entry) for entry in request.session.get(RECENT, [])]


def recall(request: Any, token: str) -> Done | None:
    return next((done for done in recent(request) if done.token == token), None)
