"""What members answer when a mini-program asks whether a template may be sent to them: the ledger of credits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import cast

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Invalid, NotFound
from zhike.messaging.events import SubscriptionAnswered
from zhike.messaging.models import ChannelAccount, SubscriptionAnswer
from zhike.messaging.ports import CREDIT_ANSWERS, CreditGateway
from zhike.messaging.queries import sent
from zhike.messaging.queries.vendor_accounts import gateways, opened

State = SubscriptionAnswer.State
SAME_TAP = dt.timedelta(minutes=2)
"""Our mini-program and WeChat tell of one tap within this time; two taps are told twice by each."""
OLDEST = dt.timedelta(days=90)
"""A pop-up reported later than this is not believed."""
ANSWERS_MAX = 20


class SubscriptionUnusable(Invalid):
    code = "subscription-unusable"
    title = _(
        "Name the openid of this member, a key, and one answer for each template: accept, reject or ban."
    )


def report_subscription(
    *,
    actor: Viewer,
    person_id: int,
    openid: str,
    answers: Sequence[tuple[str, str]],
    key: str,
    account_id: int | None = None,
    at: dt.datetime,
    now: dt.datetime,
) -> int:
    """What our mini-program got from ``wx.requestSubscribeMessage``: (template, answer) pairs; how many are new credits.

    ``openid`` must be an identifier of the member; ``key`` names this pop-up for ever, so told again it changes nothing. Without an
    account the first in use. Raises NotFound, NotAllowed, SubscriptionUnusable.
    """
    customers.require_visible(person_id, actor, "members.edit")
    rows = ChannelAccount.objects.filter(channel="mini", is_active=True).order_by("position", "id")
    account = rows.first() if account_id is None else rows.filter(pk=account_id).first()
    if account is None:
        raise NotFound
    is_usable = 0 < len(answers) <= ANSWERS_MAX and 0 < len(key) <= 80 and "\0" not in key + openid
    is_usable = is_usable and all(
        0 < len(template) <= 60 and "\0" not in template and answer in CREDIT_ANSWERS
        for template, answer in answers
    )
    owner = customers.person_id_by("openid", openid) if is_usable else None
    if owner is None or owner not in customers.family(person_id) or not now - OLDEST <= at <= now + SAME_TAP:
        raise SubscriptionUnusable
    return _record(actor, account, owner, openid, answers, ("app", key), at, now)


def record_subscription_answers(
    *,
    actor: Viewer,
    account_id: int,
    openid: str,
    answers: Sequence[tuple[str, str]],
    source: str,
    key: str,
    at: dt.datetime,
    now: dt.datetime,
) -> int:
    """What WeChat says a member answered: in a pop-up (``popup``), or later in the settings (``settings``); how many are new credits.

    A refusal in the settings ends the open credits of that template. Who has not told us that the openid is theirs is not kept.
    """
    person_id = customers.person_id_by("openid", openid)
    account = ChannelAccount.objects.filter(pk=account_id).first()
    if person_id is None or account is None:
        return 0
    if source == "popup":
        return _record(actor, account, person_id, openid, answers, ("vendor", key), at, now)
    for template, answer in answers:
        if answer == "reject":
            _withdraw(actor, account, person_id, openid, template, at, now)
    return 0


def _record(
    actor: Viewer,
    account: ChannelAccount,
    person_id: int,
    openid: str,
    answers: Sequence[tuple[str, str]],
    evidence: tuple[str, str],
    at: dt.datetime,
    now: dt.datetime,
) -> int:
    made = 0
    vendor = cast(CreditGateway, gateways()[account.vendor])
    with transaction.atomic():
        _lock(openid)
        for template, answer in sorted(dict(answers).items()):
            if _is_known(account, openid, template, answer, evidence, at):
                continue
            row = _new(account, person_id, openid, template, answer, at, now)
            setattr(row, f"{evidence[0]}_key", evidence[1])
            row.is_lasting = vendor.is_lasting(opened(account), template)
            row.save()
            made += answer == "accept"
            _tell(actor, row, answer, now)
    return made


def _is_known(
    account: ChannelAccount,
    openid: str,
    template: str,
    answer: str,
    evidence: tuple[str, str],
    at: dt.datetime,
) -> bool:
    """Told before by the same side; or by the other side just now, whose row then gets this evidence too."""
    side, key = evidence
    other = {"app": "vendor", "vendor": "app"}[side]
    rows = SubscriptionAnswer.objects.filter(
        account=account, address__in=sent.address_indexes(openid), template=template
    )
    if rows.filter(**{f"{side}_key": key}).exists():
        return True
    twin = (
        rows.filter(answer=answer, answered_at__range=(at - SAME_TAP, at + SAME_TAP), **{f"{side}_key": ""})
        .exclude(**{f"{other}_key": ""})
        .order_by("answered_at", "id")
        .first()
    )
    if twin is None:
        return False
    SubscriptionAnswer.objects.filter(pk=twin.pk).update(**{f"{side}_key": key})
    return True


def _withdraw(
    actor: Viewer,
    account: ChannelAccount,
    person_id: int,
    openid: str,
    template: str,
    at: dt.datetime,
    now: dt.datetime,
) -> None:
    with transaction.atomic():
        _lock(openid)
        rows = SubscriptionAnswer.objects.select_for_update(of=("self",)).filter(
            account=account,
            address__in=sent.address_indexes(openid),
            template=template,
            state=State.OPEN,
            answered_at__lte=at,
        )
        lost = list(rows.order_by("id"))
        SubscriptionAnswer.objects.filter(pk__in=[row.pk for row in lost]).update(
            state=State.LOST, lost_by="member", ended_at=now
        )
        if lost:
            _tell(actor, lost[0], "withdrawn", now)


def _tell(actor: Viewer, row: SubscriptionAnswer, answer: str, now: dt.datetime) -> None:
    after = {"template": row.template, "answer": answer}
    subject = ("person", row.person_id)
    audit.record(actor=actor, action="subscription.answer", subject=subject, after=after, now=now)
    events.publish(
        SubscriptionAnswered(row.person_id, row.account_id, row.template, answer), actor=actor, now=now
    )


def _lock(openid: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7065))", [openid])


def _new(
    account: ChannelAccount,
    person_id: int,
    openid: str,
    template: str,
    answer: str,
    at: dt.datetime,
    now: dt.datetime,
) -> SubscriptionAnswer:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('messaging_subscriptionanswer', 'id'))")
        pk = cursor.fetchone()[0]
    return SubscriptionAnswer(
        pk=pk,
        account=account,
        person_id=person_id,
        openid=crypto.encrypt(openid, field=sent.SUBSCRIBER_FIELD, row=pk),
        address=sent.address_index(openid),
        template=template,
        answer=answer,
        state=State.OPEN if answer == "accept" else State.NONE,
        answered_at=at,
        recorded_at=now,
    )
