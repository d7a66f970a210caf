"""Sending what is due: through the gates, to the vendor, and what came of it.

A vendor is called outside any transaction. Before the call it is written down under a key of ours (a ``Dispatch``), after
it what the vendor said. Whoever dies in between leaves a call that is looked up at the vendor by that key; nothing is
sent a second time before the vendor has said that it never got it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, Value, When

from zhike.kernel import crypto, events
from zhike.kernel.access import Viewer
from zhike.kernel.events import Fact
from zhike.kernel.ids import uuid7
from zhike.messaging.events import MessageRefused, MessageSent
from zhike.messaging.models import ChannelAccount, Dispatch, OutboundMessage, Spending
from zhike.messaging.operations import _contacts, _credits, _settling
from zhike.messaging.operations._contacts import opened_outside
from zhike.messaging.operations._devices import opened_device, opened_openid
from zhike.messaging.operations._gating import RETRIABLE, Situation, carrier_of, situation
from zhike.messaging.operations._store import store
from zhike.messaging.ports import Account, Answer, Gateway, Letter, Refused, TryLater, Unsure
from zhike.messaging.queries import sent
from zhike.messaging.queries.vendor_accounts import gateways, opened
from zhike.messaging.rules import gates, wording
from zhike.organization import queries as organization

Status = OutboundMessage.Status
BATCH = 500
LEASE = dt.timedelta(minutes=2)
"""Longer than any call lasts; then whoever made it is dead."""
SECOND_LOOK = dt.timedelta(minutes=10)
LOOKS_BEFORE_AGAIN = 2
_GATEKEEPER = 7_062


@dataclass(slots=True)
class Dispatched:
    """What one run did, by status; ``calls`` to vendors."""

    statuses: Counter[str] = field(default_factory=Counter)
    calls: int = 0

    @property
    def total(self) -> int:
        return sum(self.statuses.values())


@dataclass(frozen=True, slots=True)
class _Call:
    dispatch: Dispatch
    gateway: Gateway
    account: Account
    letters: tuple[Letter, ...]


def send_due(*, actor: Viewer, now: dt.datetime, only_codes: bool = False, limit: int = BATCH) -> Dispatched:
    """Take up to ``limit`` messages that are due, urgent ones first, and see each through. Call it until nothing is left.

    Not to be called inside a transaction.
    """
    done = Dispatched()
    calls = _claim(actor, now, only_codes, limit, done)
    for call in calls:
        done.calls += 1
        try:
            answers = call.gateway.send(call.account, call.dispatch.pk.hex, call.letters)
        except TryLater as problem:
            _settling.put_back(call.dispatch, now, wait=dt.timedelta(seconds=problem.seconds))
        except Refused:
            _settling.put_back(call.dispatch, now, without=call.account.id)
        except Unsure:
            _mark_unsure(call.dispatch, now)
        else:
            _settling.settle(actor, call.dispatch, answers, now)
            if len(answers) < len(call.letters):
                _mark_unsure(call.dispatch, now)
    return done


def look_up_lost(*, actor: Viewer, now: dt.datetime, limit: int = 50) -> int:
    """Ask the vendors about calls whose answer is not known; how many were looked at.

    What the vendor took is sent. What it does not know of at the second look, ten minutes after the first, it never got:
    that goes again. Where a vendor cannot be asked, the messages end as unknown, for people to decide.
    """
    with transaction.atomic():
        rows = Dispatch.objects.select_for_update(of=("self",), skip_locked=True).filter(
            look_at__lte=now, state__in=[Dispatch.State.CALLING, Dispatch.State.UNSURE]
        )
        found = list(rows.select_related("account").order_by("look_at", "id")[:limit])
        for row in found:
            row.state, row.look_at, row.looks = Dispatch.State.UNSURE, now + SECOND_LOOK, row.looks + 1
        Dispatch.objects.bulk_update(found, ["state", "look_at", "looks"])
    for row in found:
        _look_up(actor, row, now)
    return len(found)


def _look_up(actor: Viewer, dispatch: Dispatch, now: dt.datetime) -> None:
    gateway = gateways().get(dispatch.account.vendor)
    messages = OutboundMessage.objects.filter(dispatch=dispatch, status=Status.SENDING).order_by("id")
    letters = tuple(_letter(row) for row in messages)
    if not letters:
        _settling.settle(actor, dispatch, [], now)
        return
    try:
        known = (
            gateway.find(opened(dispatch.account), dispatch.pk.hex, letters, dispatch.called_at)
            if gateway
            else None
        )
    except (TryLater, Unsure, Refused):
        return
    if known is None:
        _give_up(dispatch, now)
    elif len(known) == len(letters):
        _settling.settle(actor, dispatch, known, now)
    elif dispatch.looks >= LOOKS_BEFORE_AGAIN:
        if known:
            _settling.settle(actor, dispatch, known, now)
        _settling.put_back(dispatch, now)


def _give_up(dispatch: Dispatch, now: dt.datetime) -> None:
    with transaction.atomic():
        rows = _settling.locked(dispatch)
        _credits.give_up(rows, now)
        for row in rows:
            row.status, row.reason = Status.UNKNOWN, "no_answer"
            row.save(update_fields=["status", "reason"])
        _contacts.settle_task(dispatch, (), now)
        dispatch.state, dispatch.settled_at, dispatch.look_at = Dispatch.State.LOST, now, None
        dispatch.save(update_fields=["state", "settled_at", "look_at"])


def _mark_unsure(dispatch: Dispatch, now: dt.datetime) -> None:
    dispatch.state, dispatch.look_at = Dispatch.State.UNSURE, now + LEASE
    dispatch.save(update_fields=["state", "look_at"])


# --- through the gates ---------------------------------------------------------------------------------------------


def _claim(actor: Viewer, now: dt.datetime, only_codes: bool, limit: int, done: Dispatched) -> list[_Call]:
    """Decide on the messages that are due and write down the calls to make. One gatekeeper at a time keeps the caps."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_GATEKEEPER])
        rows = _due(now, only_codes, limit)
        if not rows:
            return []
        known = situation(rows, now)
        carriers: dict[tuple[int, int], list[OutboundMessage]] = defaultdict(list)
        by_id: dict[int, tuple[ChannelAccount, Gateway]] = {}
        refused: list[OutboundMessage] = []
        facts: list[Fact] = []
        for row in rows:
            carrier, fault = carrier_of(row, known)
            if carrier is None and row.channel in known.paused:
                row.due_at = known.paused[row.channel]
                done.statuses["postponed"] += 1
                continue
            row.parts = wording.parts(_body(row)) if row.channel == "sms" else 1
            verdict = gates.decide(known.facts(row, carrier[0] if carrier else None, fault), known.policy)
            row.gate, row.reason = verdict.gate, verdict.reason
            if verdict.decision == "wait" and verdict.until is not None:
                row.due_at = verdict.until
            elif verdict.decision == "refuse":
                row.status = Status.EXPIRED if verdict.gate == "expired" else Status.REFUSED
                refused.append(row)
                facts.append(
                    MessageRefused(
                        row.pk, row.person_id, row.channel, verdict.gate, verdict.reason, row.campaign
                    )
                )
            elif carrier is None:
                row.status, row.sent_at, row.delivered_at = Status.DELIVERED, now, now
                facts.append(MessageSent(row.pk, row.person_id, row.channel, row.template, row.campaign))
                known.let_through(row)
            else:
                row.status, row.sent_at, row.account = Status.SENDING, now, carrier[0]
                row.cost = row.parts * carrier[0].price
                if (contact := known.contact_of(row, carrier[0].pk)) is not None:
                    row.address = contact.address
                by_id[carrier[0].pk] = carrier
                carriers[carrier[0].pk, row.version_id or 0].append(row)
                known.let_through(row, carrier[0].pk)
                if (credit := known.acceptances.taken.get(row.pk)) is not None:
                    row.address = credit.address
            done.statuses[row.status if verdict.decision != "wait" else "postponed"] += 1
        calls = [
            call
            for (account_id, _version), messages in carriers.items()
            for call in _calls(by_id[account_id], messages, known, now)
        ]
        store(rows)
        _credits.hold(known.acceptances.taken)
        _settling.follow_up(actor, [row for row in refused if row.gate in RETRIABLE], now)
        _spend(known, now)
        if facts:
            events.publish_many(facts, actor=actor, now=now)
    return calls


def _due(now: dt.datetime, only_codes: bool, limit: int) -> list[OutboundMessage]:
    rows = OutboundMessage.objects.select_for_update(of=("self",), skip_locked=True).filter(
        status=Status.QUEUED, due_at__lte=now
    )
    if only_codes:
        rows = rows.filter(kind="code")
    urgency = Case(When(kind="code", then=Value(0)), When(kind="service", then=Value(1)), default=Value(2))
    return list(rows.order_by(urgency, "due_at", "id")[:limit])


def _calls(
    carrier: tuple[ChannelAccount, Gateway],
    rows: Sequence[OutboundMessage],
    known: Situation,
    now: dt.datetime,
) -> list[_Call]:
    """Calls of one account and wording; no address twice in one, for vendors tell messages of a call apart by it."""
    account, gateway = carrier
    open_batches: dict[object, list[dict[bytes, OutboundMessage]]] = defaultdict(lambda: [{}])
    for row in rows:
        address = bytes(row.address) if row.address is not None else str(row.pk).encode()
        letter = _letter(row, known)
        batches = open_batches[(letter.values, letter.sender) if gateway.shares_values else None]
        if address in batches[-1] or len(batches[-1]) >= gateway.batch_max:
            batches.append({})
        batches[-1][address] = row
    calls = []
    for batch in (batch for batches in open_batches.values() for batch in batches):
        dispatch = Dispatch.objects.create(
            id=uuid7(), account=account, count=len(batch), called_at=now, look_at=now + LEASE
        )
        for row in batch.values():
            row.dispatch = dispatch
        messages = list(batch.values())
        if (contact := known.contact_of(messages[0], account.pk)) is not None:
            _contacts.begin_task(dispatch, messages, contact, gateway, now)
        letters = tuple(_letter(row, known) for row in batch.values())
        calls.append(_Call(dispatch, gateway, opened(account), letters))
    return calls


def _letter(row: OutboundMessage, known: Situation | None = None) -> Letter:
    version = known.bodies.get(row.version_id or 0) if known else None
    told = known.approvals.get((row.version_id or 0, row.account_id or 0)) if known else None
    values: tuple[tuple[str, str], ...] = ()
    if version is not None and row.values is not None:
        text = crypto.decrypt(bytes(row.values), field=sent.VALUES_FIELD, row=row.pk)
        values = wording.ordered(version.body, json.loads(text))
    title = (
        crypto.decrypt(bytes(row.title), field=sent.TITLE_FIELD, row=row.pk) if row.title is not None else ""
    )
    return Letter(
        message_id=row.pk,
        title=title,
        template=told.vendor_code if told else "",
        values=values,
        refusal_url=sent.refusal_url(row.pk) if row.kind == gates.MARKETING else "",
        kind=row.kind,
        **_carried(row, known),
    )


def _carried(row: OutboundMessage, known: Situation | None) -> dict[str, Any]:
    """Where it goes and what it says, as the channel has it."""
    if row.channel == "push":
        return {"to": "", **_notice(row, known)}
    if row.channel == "wechat":
        follower = known.follower_of(row, row.account_id or 0) if known else None
        return {"to": opened_openid(follower) if follower else "", "text": _body(row)}
    if row.channel == _credits.CHANNEL:
        credit = known.acceptances.taken.get(row.pk) if known else None
        return {"to": _credits.opened_openid(credit) if credit else "", "text": _body(row)}
    if row.channel == "wecom":
        contact = known.contact_of(row, row.account_id or 0) if known else None
        if contact is None:
            return {"to": "", "text": _body(row)}
        return {"to": opened_outside(contact), "sender": contact.binding.userid, "text": _body(row)}
    to = crypto.decrypt(bytes(row.recipient), field=sent.RECIPIENT_FIELD, row=row.pk)
    return {"to": to, "text": _body(row)}


def _notice(row: OutboundMessage, known: Situation | None) -> dict[str, Any]:
    """What a notification has beside its words."""
    found = known.devices_of(row, row.account_id or 0) if known else []
    return {
        "devices": tuple(map(opened_device, found)),
        "path": sent.notice_path(row.pk),
        "seconds": gates.seconds_worth(row.kind, row.sent_at or row.created_at, row.expires_at),
        "text": wording.without_links(_body(row), settings.PUBLIC_URL),
    }


def _body(row: OutboundMessage) -> str:
    return crypto.decrypt(bytes(row.body), field=sent.BODY_FIELD, row=row.pk)


def _spend(known: Situation, now: dt.datetime) -> None:
    cost = known.spent_now[""]
    if not cost:
        return
    month = now.astimezone(known.zone).date().replace(day=1)
    group_id = organization.default_group().id
    row, _new = Spending.objects.get_or_create(group_id=group_id, month=month)
    Spending.objects.filter(pk=row.pk).update(cost=F("cost") + cost)


__all__ = ["Answer", "Dispatched", "look_up_lost", "send_due"]
