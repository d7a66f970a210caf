"""Acceptances that messages use up, as sending needs them: held before the call, used or given back after it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from zhike.kernel import crypto
from zhike.messaging.models import Dispatch, OutboundMessage, SubscriptionAnswer
from zhike.messaging.operations._contacts import Sides
from zhike.messaging.ports import Answer, CreditGateway
from zhike.messaging.queries import sent
from zhike.messaging.queries.vendor_accounts import gateways

CHANNEL = "mini"
State = SubscriptionAnswer.State
Key = tuple[int, int, str]
"""Person, account, the vendor's number of the template."""


@dataclass(slots=True)
class Credits:
    """What persons may still be sent, the oldest first; ``taken`` by messages of this batch. Two sides of a person share theirs."""

    free: dict[Key, list[SubscriptionAnswer]] = field(default_factory=dict)
    taken: dict[int, SubscriptionAnswer] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)

    def first(self, person_id: int, account_id: int, template: str) -> SubscriptionAnswer | None:
        found = self.free.get((person_id, account_id, template), ())
        return next((row for row in found if row.pk not in self.gone), None)

    def take(self, message_id: int, person_id: int, account_id: int, template: str) -> None:
        """It is not there for the next message of this very batch; a lasting one stays."""
        row = self.first(person_id, account_id, template)
        if row is not None:
            self.taken[message_id] = row
            if not row.is_lasting:
                self.gone.add(row.pk)


def of_persons(sides: Sides, *, is_to_be_held: bool) -> Credits:
    """Open acceptances of these persons, on every side of a merged one; locked when they are to be held."""
    found: dict[Key, list[SubscriptionAnswer]] = defaultdict(list)
    if sides:
        rows = SubscriptionAnswer.objects.filter(person_id__in=sorted(sides), state=State.OPEN)
        if is_to_be_held:
            rows = rows.select_for_update(of=("self",))
        kept = sorted(rows.order_by("id"), key=lambda row: (not row.is_lasting, row.answered_at, row.pk))
        for row in kept:
            for person_id in sides[row.person_id]:
                found[person_id, row.account_id, row.template].append(row)
    return Credits(dict(found))


def opened_openid(row: SubscriptionAnswer) -> str:
    """For the vendor's client only."""
    return crypto.decrypt(bytes(row.openid), field=sent.SUBSCRIBER_FIELD, row=row.pk)


def hold(taken: Mapping[int, SubscriptionAnswer]) -> None:
    """In the open transaction, under the gatekeeper's lock: they are these messages' and nobody else's."""
    for message_id, row in sorted(taken.items()):
        if not row.is_lasting:
            held = SubscriptionAnswer.objects.filter(pk=row.pk, state=State.OPEN)
            if held.update(state=State.HELD, message_id=message_id) != 1:
                raise RuntimeError("an acceptance went while it was being held")


def settle(dispatch: Dispatch, answers: Sequence[Answer], now: dt.datetime) -> None:
    """In the open transaction: used where the vendor took the message, given back where not, lost where it knows of none."""
    vendor = gateways().get(dispatch.account.vendor)
    if dispatch.account.channel != CHANNEL or vendor is None:
        return
    for answer in answers:
        held = SubscriptionAnswer.objects.filter(message_id=answer.message_id, state=State.HELD)
        if answer.is_taken:
            held.update(state=State.USED, ended_at=now)
        elif cast(CreditGateway, vendor).is_no_credit(answer.code):
            _write_off(answer.message_id, now)
        else:
            held.update(state=State.OPEN, message=None)


def give_back(rows: Sequence[OutboundMessage]) -> None:
    """In the open transaction: the vendor took nothing."""
    ids = [row.pk for row in rows if row.channel == CHANNEL]
    if ids:
        held = SubscriptionAnswer.objects.filter(message_id__in=ids, state=State.HELD)
        held.update(state=State.OPEN, message=None)


def give_up(rows: Sequence[OutboundMessage], now: dt.datetime) -> None:
    """In the open transaction: nobody knows whether it went, so it counts as used."""
    ids = [row.pk for row in rows if row.channel == CHANNEL]
    if ids:
        held = SubscriptionAnswer.objects.filter(message_id__in=ids, state=State.HELD)
        held.update(state=State.USED, ended_at=now)


def _write_off(message_id: int, now: dt.datetime) -> None:
    """The vendor has no acceptance of this member for this template: neither have we."""
    message = (
        OutboundMessage.objects.filter(pk=message_id).values("account_id", "address", "version_id").first()
    )
    held = SubscriptionAnswer.objects.filter(message_id=message_id, state=State.HELD).first()
    lost = {"state": State.LOST, "lost_by": "vendor", "ended_at": now}
    if held is not None:
        same = SubscriptionAnswer.objects.filter(
            account_id=held.account_id, address=held.address, template=held.template, state=State.OPEN
        )
        same.update(**lost)
        SubscriptionAnswer.objects.filter(pk=held.pk).update(**lost)
    elif message is not None:
        lasting = SubscriptionAnswer.objects.filter(
            account_id=message["account_id"], address=message["address"], is_lasting=True, state=State.OPEN
        )
        lasting.update(**lost)
