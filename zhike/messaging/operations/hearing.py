"""What vendors tell us: what became of messages, and what people wrote back."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import cast

from django.db import connection, transaction
from django.db.models import Q

from zhike.customers import queries as customers
from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer
from zhike.kernel.events import Fact
from zhike.messaging.events import ContactRefused, WechatFollowingChanged
from zhike.messaging.models import (
    ChannelAccount,
    DeliveryReport,
    InboundMessage,
    OutboundMessage,
    Suppression,
    WechatFollower,
)
from zhike.messaging.operations._gating import OWN_ADDRESSES
from zhike.messaging.operations._queue import IDENTIFIER_OF
from zhike.messaging.operations._settling import apply_report
from zhike.messaging.operations._store import store
from zhike.messaging.ports import Question, Refused, Reply, Report, TellingGateway, TryLater, Unsure
from zhike.messaging.queries import sent
from zhike.messaging.queries.vendor_accounts import gateways, opened
from zhike.messaging.rules import inbound
from zhike.privacy import operations as privacy
from zhike.privacy import queries as consents

PATIENCE = dt.timedelta(minutes=30)
ASKED_AGAIN = dt.timedelta(hours=12)
ASKED_FOR = dt.timedelta(days=3)


def record_reports(*, actor: Viewer, account_id: int, reports: Sequence[Report], now: dt.datetime) -> int:
    """Write down what a vendor reports of messages; how many reports were new.

    The same report again changes nothing. A report of a message whose sending is not written down yet is kept until it is.
    """
    with transaction.atomic():
        new = [kept for report in reports if (kept := _kept(account_id, report, now)) is not None]
        facts: list[Fact] = []
        for row, report in new:
            message = _message_of(account_id, row, report)
            if message is None:
                continue
            DeliveryReport.objects.filter(pk=row.pk).update(message=message)
            facts += apply_report(message, row)
            store([message])
        if facts:
            events.publish(*facts, actor=actor, now=now)
    return len(new)


def ask_for_reports(*, actor: Viewer, now: dt.datetime, limit: int = 100) -> int:
    """Ask the vendors after text messages whose receipt never came; how many receipts were found.

    First half an hour after the sending, then every twelve hours for three days: a vendor that pushes gives up after some
    tries, and what was pushed while we were down is lost. Vendors are called outside any transaction.
    """
    with transaction.atomic():
        rows = OutboundMessage.objects.select_for_update(of=("self",), skip_locked=True).filter(
            Q(asked_at=None) | Q(asked_at__lte=now - ASKED_AGAIN),
            status=OutboundMessage.Status.SENT,
            channel="sms",
            sent_at__lte=now - PATIENCE,
            sent_at__gt=now - ASKED_FOR,
        )
        found = list(rows.select_related("account").order_by("sent_at", "id")[:limit])
        OutboundMessage.objects.filter(pk__in=[row.pk for row in found]).update(asked_at=now)
    by_account: dict[int, list[OutboundMessage]] = defaultdict(list)
    for row in found:
        by_account[row.account_id or 0].append(row)
    return sum(_asked(actor, messages, now) for messages in by_account.values())


def _asked(actor: Viewer, rows: Sequence[OutboundMessage], now: dt.datetime) -> int:
    """One account's receipts; 0 when its vendor cannot be asked, or does not answer now."""
    account = rows[0].account
    gateway = gateways().get(account.vendor) if account else None
    if account is None or gateway is None or not hasattr(gateway, "ask"):
        return 0
    questions = [
        Question(
            row.reference,
            crypto.decrypt(bytes(row.recipient), field=sent.RECIPIENT_FIELD, row=row.pk),
            row.dispatch_id.hex,
            row.sent_at,
        )
        for row in rows
        if row.dispatch_id is not None and row.sent_at is not None and row.recipient
    ]
    try:
        reports = cast(TellingGateway, gateway).ask(opened(account), questions)
    except (TryLater, Unsure, Refused):
        return 0
    return record_reports(actor=actor, account_id=account.pk, reports=reports, now=now)


def _kept(account_id: int, report: Report, now: dt.datetime) -> tuple[DeliveryReport, Report] | None:
    row = DeliveryReport(
        account_id=account_id,
        reference=report.reference[:80],
        address=sent.address_index(report.to),
        is_delivered=report.is_delivered,
        code=report.code[:60],
        happened_at=report.at,
        received_at=now,
    )
    [made] = DeliveryReport.objects.bulk_create([row], ignore_conflicts=True)
    kept = (
        DeliveryReport.objects.select_for_update(of=("self",))
        .filter(
            account_id=account_id,
            reference=made.reference,
            address=made.address,
            is_delivered=made.is_delivered,
            code=made.code,
        )
        .get()
    )
    return (kept, report) if kept.message_id is None else None


def _message_of(account_id: int, row: DeliveryReport, report: Report) -> OutboundMessage | None:
    """By the vendor's reference, or by the key of our call where the vendor gives it back; and by the address."""
    known = Q(reference=row.reference, account_id=account_id)
    if len(report.out_key) == 32:
        known |= Q(dispatch_id=report.out_key, account_id=account_id)
    to = Q(address__in=sent.address_indexes(report.to)) | Q(address=None, channel__in=OWN_ADDRESSES)
    rows = OutboundMessage.objects.select_for_update(of=("self",)).filter(known, to)
    return rows.order_by("id").first()


def record_replies(*, actor: Viewer, account_id: int, replies: Sequence[Reply], now: dt.datetime) -> int:
    """Keep what people wrote back; how many were new. Whoever asks for no more messages gets no more offers, at once.

    The refusal holds for the address, on every channel and in every campaign, and withdraws the consent behind it.
    """
    channel = ChannelAccount.objects.values_list("channel", flat=True).get(pk=account_id)
    kind = IDENTIFIER_OF.get(channel, "phone")
    count = 0
    for reply in replies:
        normal = customers.normalised(kind, reply.sender)
        if normal is None:
            continue
        with transaction.atomic():
            row = _inbound(account_id, kind, normal, reply, now)
            if row is None:
                continue
            count += 1
            subject = ("inbound_message", row.pk)
            after = {"from": row.masked, "refusal": row.is_refusal}
            audit.record(actor=actor, action="message.reply", subject=subject, after=after, now=now)
            if row.is_refusal:
                suppress(actor, normal, kind, row.person_id, "reply", {"reply": row.pk}, now)
    return count


def record_following(
    *,
    actor: Viewer,
    account_id: int,
    openid: str,
    is_following: bool,
    is_sign: bool = False,
    at: dt.datetime,
    now: dt.datetime,
) -> bool:
    """A person follows an official account, or no more; whether that was news. ``at`` is the vendor's moment.

    Whoever has not told us that the openid is theirs is not kept. What is older than what we know changes nothing. WeChat's moments are
    whole seconds: of the same second, what comes in later wins, unless an event of its kind was heard of that second (WeChat
    repeats what it got no answer to) or it is only a sign of following (``is_sign``, such as a message).
    """
    person_id = customers.person_id_by("openid", openid)
    if person_id is None:
        return False
    with transaction.atomic(), connection.cursor() as cursor:
        key = sent.address_index(openid)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(key[1:9], "big", signed=True)])
        row = WechatFollower.objects.filter(
            account_id=account_id, address__in=sent.address_indexes(openid)
        ).first()
        told = row.told if row is not None and row.told_at == at else ""
        kind = inbound.kind_of_following(is_following, is_sign)
        if row is not None and not inbound.is_newer(row.told_at, told, at, kind):
            return False
        is_news = row is None or (row.is_following, row.person_id) != (is_following, person_id)
        if row is None:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('messaging_wechatfollower', 'id'))")
            pk = cursor.fetchone()[0]
            sealed = crypto.encrypt(openid, field=sent.OPENID_FIELD, row=pk)
            row = WechatFollower(pk=pk, account_id=account_id, openid=sealed, address=key)
        row.person_id, row.is_following, row.told_at, row.told = person_id, is_following, at, told + kind
        row.save()
        if is_news:
            after = {"account": account_id, "following": is_following}
            subject = ("person", person_id)
            audit.record(actor=actor, action="wechat.following", subject=subject, after=after, now=now)
            events.publish(WechatFollowingChanged(person_id, account_id, is_following), actor=actor, now=now)
    return is_news


def _inbound(
    account_id: int, kind: str, normal: str, reply: Reply, now: dt.datetime
) -> InboundMessage | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7063))", [reply.key])
        if InboundMessage.objects.filter(account_id=account_id, key=reply.key).exists():
            return None
        cursor.execute("SELECT nextval(pg_get_serial_sequence('messaging_inboundmessage', 'id'))")
        pk = cursor.fetchone()[0]
    return InboundMessage.objects.create(
        pk=pk,
        account_id=account_id,
        key=reply.key,
        person_id=customers.person_id_by(kind, normal),
        sender=crypto.encrypt(normal, field=sent.SENDER_FIELD, row=pk),
        masked=customers.masked(kind, normal),
        body=crypto.encrypt(reply.text[:1000], field=sent.INBOUND_FIELD, row=pk),
        is_refusal=inbound.is_refusal(reply.text),
        happened_at=reply.at,
        received_at=now,
    )


def suppress(
    actor: Viewer,
    normal: str,
    kind: str,
    person_id: int | None,
    how: str,
    evidence: dict[str, object],
    now: dt.datetime,
) -> None:
    """In the open transaction: no more offers to this address; the consent for its channel is withdrawn as well."""
    with connection.cursor() as cursor:
        key = sent.address_index(normal)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(key[1:9], "big", signed=True)])
        known = Suppression.objects.filter(address__in=sent.address_indexes(normal), lifted_at=None)
        if known.exists():
            return
        cursor.execute("SELECT nextval(pg_get_serial_sequence('messaging_suppression', 'id'))")
        pk = cursor.fetchone()[0]
    row = Suppression.objects.create(
        pk=pk,
        value=crypto.encrypt(normal, field=sent.SUPPRESSED_FIELD, row=pk),
        address=sent.address_index(normal),
        masked=customers.masked(kind, normal),
        reason=how,
        created_at=now,
    )
    audit.record(
        actor=actor,
        action="contact.suppress",
        subject=("suppression", row.pk),
        after={"to": row.masked, "how": how},
        now=now,
    )
    channel = "sms" if kind == "phone" else "email"
    if person_id is not None and consents.has_grant(person_id, "marketing", channel):
        privacy.withdraw_consent(
            actor=actor,
            person_id=person_id,
            purpose="marketing",
            channel=channel,
            method=f"{channel}_{how}",
            reason=", ".join(f"{name} {value}" for name, value in evidence.items()),
            now=now,
        )
    events.publish(ContactRefused(row.pk, person_id, how), actor=actor, now=now)
