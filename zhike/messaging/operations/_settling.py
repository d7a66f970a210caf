"""Writing down what a vendor said of a call, in one transaction a call."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.db import transaction
from django.db.models import F

from zhike.customers import queries as customers
from zhike.kernel import crypto, events
from zhike.kernel.access import Viewer
from zhike.kernel.events import Fact
from zhike.messaging.events import MessageDelivered, MessageFailed, MessageSent
from zhike.messaging.models import ChannelAccount, DeliveryReport, Dispatch, OutboundMessage, Spending
from zhike.messaging.operations import _contacts, _credits
from zhike.messaging.operations._devices import forget_gone
from zhike.messaging.operations._queue import IDENTIFIER_OF, Draft, queue
from zhike.messaging.operations._store import store
from zhike.messaging.ports import Answer
from zhike.messaging.queries import sent, wordings
from zhike.messaging.rules import gates, wording

Status = OutboundMessage.Status


def settle(actor: Viewer, dispatch: Dispatch, answers: Sequence[Answer], now: dt.datetime) -> None:
    """Each message is sent or failed as the vendor said; what it said nothing of stays as it is."""
    by_message = {answer.message_id: answer for answer in answers}
    facts: list[Fact] = []
    with transaction.atomic():
        rows = locked(dispatch)
        failed, later = [], []
        for row in rows:
            answer = by_message.get(row.pk)
            if answer is None:
                continue
            if answer.is_taken and answer.is_tasked:
                row.status, row.reference = Status.TASKED, answer.reference[:80]
            elif answer.is_taken:
                row.reference = answer.reference[:80]
                facts.append(MessageSent(row.pk, row.person_id, row.channel, row.template, row.campaign))
                row.status = Status.SENT
            elif answer.wait_s and now < row.created_at + gates.LONGEST_POSTPONEMENT:
                later.append(row)
            else:
                row.status, row.reason = Status.FAILED, answer.code[:80]
                facts.append(MessageFailed(row.pk, row.person_id, row.channel, row.reason, row.campaign))
                failed.append(row)
        facts += _early_reports(rows)
        give_back([*failed, *later], now)
        for row in later:
            _put_off(row, now + dt.timedelta(seconds=by_message[row.pk].wait_s))
        store(rows)
        _contacts.settle_task(dispatch, answers, now)
        _credits.settle(dispatch, answers, now)
        forget_gone(actor, [pk for answer in answers for pk in answer.gone], now)
        follow_up(actor, failed, now)
        dispatch.state, dispatch.settled_at, dispatch.look_at = Dispatch.State.DONE, now, None
        dispatch.save(update_fields=["state", "settled_at", "look_at"])
        if facts:
            events.publish_many(facts, actor=actor, now=now)


def put_back(
    dispatch: Dispatch, now: dt.datetime, *, wait: dt.timedelta = dt.timedelta(), without: int | None = None
) -> None:
    """The vendor took nothing: the messages wait again, for ``wait`` or for another account than ``without``."""
    with transaction.atomic():
        rows = locked(dispatch)
        give_back(rows, now)
        for row in rows:
            _put_off(row, now + wait)
            if without is not None:
                row.tried = [*row.tried, without]
        store(rows)
        _contacts.settle_task(dispatch, (), now)
        _credits.give_back(rows)
        if wait:
            ChannelAccount.objects.filter(pk=dispatch.account_id).update(paused_until=now + wait)
        dispatch.state, dispatch.settled_at, dispatch.look_at = Dispatch.State.DONE, now, None
        dispatch.save(update_fields=["state", "settled_at", "look_at"])


def _put_off(row: OutboundMessage, until: dt.datetime) -> None:
    """It waits again, as if it had not been tried."""
    row.status, row.sent_at, row.due_at = Status.QUEUED, None, until
    row.dispatch, row.cost = None, 0


def locked(dispatch: Dispatch) -> list[OutboundMessage]:
    """The messages of a call that are still on their way, in the order of their ids."""
    rows = OutboundMessage.objects.select_for_update(of=("self",)).filter(
        dispatch=dispatch, status=Status.SENDING
    )
    return list(rows.order_by("id"))


def give_back(rows: Iterable[OutboundMessage], now: dt.datetime) -> None:
    """The money of marketing messages that no vendor took."""
    cost = sum(row.cost for row in rows if row.kind == gates.MARKETING)
    if cost:
        newest = Spending.objects.order_by("-month", "-id").first()
        if newest:
            Spending.objects.filter(pk=newest.pk).update(cost=F("cost") - cost)


def follow_up(actor: Viewer, rows: Iterable[OutboundMessage], now: dt.datetime) -> None:
    """What could not go on its channel is written anew for the next channel of its template."""
    drafts = {row.pk: draft for row in rows if (draft := _next_channel(row, now)) is not None}
    if drafts:
        queue(actor, list(drafts.values()), now)
        OutboundMessage.objects.filter(pk__in=drafts).update(is_replaced=True)


def _next_channel(row: OutboundMessage, now: dt.datetime) -> Draft | None:
    if not row.fallback or row.person_id is None:
        return None
    channel, *rest = row.fallback
    found = wordings.approved_wording(row.template, channel, row.language)
    card = customers.contact_cards([row.person_id])[row.person_id]
    text = (
        crypto.decrypt(bytes(row.values), field=sent.VALUES_FIELD, row=row.pk)
        if row.values is not None
        else "{}"
    )
    values = json.loads(text)
    first = row.first or row.pk
    draft = Draft(
        channel=channel,
        kind=row.kind,
        purpose=row.purpose,
        template=row.template,
        to=getattr(card, IDENTIFIER_OF.get(channel, ""), ""),
        body="",
        due_at=now,
        person_id=row.person_id,
        language=row.language,
        values=values,
        expires_at=row.expires_at,
        campaign=row.campaign,
        once=f"again:{first}:{channel}",
        fallback=tuple(rest),
        first=first,
    )
    return draft if found is None else in_words(draft, found, wordings.signature())


def in_words(draft: Draft, found: wordings.Wording, signature: str) -> Draft:
    """A draft in an approved wording."""
    body = wording.render(found.body, draft.values)
    if draft.channel == "sms":
        body = f"【{signature}】{body}"
    title = wording.render(found.title, draft.values)
    return replace(draft, body=body, title=title, version_id=found.id, language=found.language)


def _early_reports(rows: Sequence[OutboundMessage]) -> list[Fact]:
    """Reports that came before the vendor's answer was written down."""
    by_reference = {(row.reference, bytes(row.address or b"")): row for row in rows if row.reference}
    waiting = DeliveryReport.objects.filter(
        message=None, reference__in={reference for reference, _address in by_reference}
    )
    facts: list[Fact] = []
    for report in waiting.order_by("id"):
        row = by_reference.get((report.reference, bytes(report.address)))
        row = row or by_reference.get((report.reference, b""))
        if row is not None:
            DeliveryReport.objects.filter(pk=report.pk).update(message=row)
            facts += apply_report(row, report)
    return facts


def apply_report(row: OutboundMessage, report: DeliveryReport) -> list[Fact]:
    """Delivered is final, whatever is reported later; what had failed may yet turn out delivered."""
    if row.status == Status.DELIVERED:
        return []
    if report.is_delivered:
        row.status, row.delivered_at, row.reason = Status.DELIVERED, report.happened_at, ""
        return [MessageDelivered(row.pk, row.person_id, row.channel, row.campaign)]
    if row.status == Status.FAILED:
        return []
    row.status, row.reason = Status.FAILED, report.code
    return [MessageFailed(row.pk, row.person_id, row.channel, report.code, row.campaign)]
