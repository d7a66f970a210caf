"""Telling our people of alerts by message: how each is reached, in which order, and the telling itself."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer, require, require_touch, system_viewer
from zhike.kernel.errors import Invalid
from zhike.messaging import operations as messaging
from zhike.organization import queries as organization
from zhike.service.events import StaffTold
from zhike.service.models import Alert, AlertChain, AlertContact, AlertNotice
from zhike.service.operations._wordings import ensure_wordings
from zhike.service.queries import alerting as queries
from zhike.service.rules import alerts as rules
from zhike.service.rules.policies import ALERTED_ROLES

ACTOR = system_viewer("service")
VIEW, MANAGE = "tickets.view", "tickets.manage"
TEMPLATE = "staff_alert"
BATCH = 500
IDENTIFIERS = {"sms": "phone", "email": "email"}
WORDINGS = (
    (TEMPLATE, "员工提醒", "service", {
        "zh-hans": ("服务提醒", "您有${count}条服务提醒，最紧急的是工单${number}（${what}），请尽快登录处理。"),
        "zh-hant": ("服務提醒", "您有${count}條服務提醒，最緊急的是工單${number}（${what}），請盡快登入處理。"),
        "en": ("Service alert", "${count} service alerts; most urgent: ticket ${number} (${what}). Please log in."),
    }),
)  # fmt: skip
LEVELS = {
    "zh-hans": {"warning": "即将超时", "breach": "已超时", "escalation": "超时升级", "major": "重大事项",
                "approval": "补偿待审批", "low_score": "低分评价"},
    "zh-hant": {"warning": "即將逾時", "breach": "已逾時", "escalation": "逾時升級", "major": "重大事項",
                "approval": "補償待審批", "low_score": "低分評價"},
    "en": {"warning": "soon due", "breach": "overdue", "escalation": "still overdue", "major": "major matter",
           "approval": "amends to approve", "low_score": "low score"},
}  # fmt: skip
URGENCY = ("major", "escalation", "breach", "low_score", "approval", "warning")


class AlertContactInvalid(Invalid):
    code = "alert-contact-invalid"
    title = _("Give a phone number or an e-mail address, and both ends of the quiet hours or none.")


class AlertChainInvalid(Invalid):
    code = "alert-chain-invalid"
    title = _("Choose up to ten people of the mall, each once, and between 1 and 240 minutes.")


@transaction.atomic
def save_alert_contact(
    *,
    actor: Viewer,
    staff_id: int,
    channel: str,
    address: str = "",
    is_off: bool = False,
    absent_until: dt.datetime | None = None,
    quiet_from: dt.time | None = None,
    quiet_until: dt.time | None = None,
    now: dt.datetime,
) -> None:
    """How one of us is told; an empty address keeps the one there is. For oneself, or for whoever manages the desk.

    Raises AlertContactInvalid, NotFound, NotAllowed.
    """
    require(actor, VIEW)
    if not (actor.kind == "staff" and actor.id == staff_id):
        require(actor, MANAGE)
    organization.viewer_of_staff(staff_id)
    known = AlertContact.objects.select_for_update().filter(pk=staff_id).first()
    if channel not in queries.CHANNELS or (quiet_from is None) != (quiet_until is None):
        raise AlertContactInvalid
    normal = customers.normalised(IDENTIFIERS[channel], address) if address.strip() else None
    keeps = known is not None and known.channel == channel and not address.strip()
    if normal is None and not keeps:
        raise AlertContactInvalid
    row = known or AlertContact(pk=staff_id)
    if normal is not None:
        row.address = crypto.encrypt(normal, field=queries.ADDRESS_FIELD, row=str(staff_id))
        row.masked = customers.masked(IDENTIFIERS[channel], normal)
    row.channel, row.is_off, row.absent_until = channel, is_off, absent_until
    row.quiet_from, row.quiet_until, row.changed_at = quiet_from, quiet_until, now
    row.save()
    ensure_wordings(ACTOR, organization.default_group().id, WORDINGS, queries.CHANNELS, now)
    after = {"channel": channel, "to": row.masked, "off": is_off, "absent_until": str(absent_until or "")}
    audit.record(actor=actor, action="alert_contact.save", subject=("staff", staff_id), after=after, now=now)


@transaction.atomic
def save_alert_chain(
    *, actor: Viewer, mall_id: int, role: str, staff_ids: Sequence[int], patience: int, now: dt.datetime
) -> None:
    """Who is told of what a role is called for in a mall, in order; nobody named: everybody with the role.

    Raises AlertChainInvalid, NotFound, NotAllowed.
    """
    require_touch(actor, MANAGE, mall=mall_id)
    ids = list(staff_ids)
    is_known = role in ALERTED_ROLES and set(ids) <= set(queries.alert_people(mall_id))
    is_fine = len(ids) == len(set(ids)) <= rules.CHAIN_MAX
    if not (is_known and is_fine and rules.PATIENCE_MIN <= patience <= rules.PATIENCE_MAX):
        raise AlertChainInvalid
    AlertChain.objects.update_or_create(
        mall_id=mall_id,
        role=role,
        defaults={"staff_ids": ids, "patience": patience, "changed_at": now, "changed_by": actor.label},
    )
    after = {"role": role, "staff": ids, "patience": patience}
    audit.record(actor=actor, action="alert_chain.save", subject=("mall", mall_id), after=after, now=now)


# --- telling -------------------------------------------------------------------------------------------------------


@transaction.atomic
def tell_alerts(*, actor: Viewer, now: dt.datetime, limit: int = BATCH) -> int:
    """Write to whoever is next about alerts that nobody took note of; how many messages. Each of us hears of an alert once,
    and of all alerts of one run in one message.

    Alerts of closed tickets, and those that nobody could be told of within a day, are let go: they stay on the board.
    Two runs at once share the work. Raises NotAllowed.
    """
    require(actor, MANAGE)
    due = Alert.objects.select_for_update(of=("self",), skip_locked=True).select_related("ticket", "mall")
    rows = list(due.filter(tell_at__lte=now, seen_at=None).order_by("tell_at", "id")[:limit])
    told: dict[int, set[int]] = defaultdict(set)
    for alert_id, staff_id in AlertNotice.objects.filter(alert__in=rows).values_list("alert_id", "staff_id"):
        told[alert_id].add(staff_id)
    lines = _Lines()
    letters: dict[int, list[Alert]] = defaultdict(list)
    for row in rows:
        is_over = row.ticket.status == "closed" or now - row.noticed_at > rules.KEPT
        chain, patience = ([], 0) if is_over else lines.of(row)
        local = now.astimezone(ZoneInfo(row.mall.time_zone))
        step = rules.next_step(chain, told[row.pk], row.level, local)
        row.tell_at = step.at
        if step.act == "end" and chain and not told[row.pk]:
            row.tell_at = now + dt.timedelta(minutes=rules.PATIENCE)  # somebody may be there by then
        if step.act == "tell":
            letters[step.staff_id].append(row)
            left = [one for one in chain if one.staff_id not in {*told[row.pk], step.staff_id}]
            row.tell_at = now + dt.timedelta(minutes=patience) if left else None
    Alert.objects.bulk_update(rows, ["tell_at"])
    for staff_id, alerts in sorted(letters.items()):
        _write(actor, staff_id, alerts, now)
    return len(letters)


class _Lines:
    """The chains of this run, each read once."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, str, int | None], tuple[list[int], int]] = {}
        self.contacts = {row.pk: row for row in AlertContact.objects.all()}

    def of(self, alert: Alert) -> tuple[list[rules.Contact], int]:
        """The people in order, whoever has the ticket first where the desk is called."""
        key = (alert.mall_id, alert.role, alert.ticket.merchant_id)
        if key not in self.known:
            self.known[key] = queries.chain_of(*key)
        ids, patience = self.known[key]
        mine = alert.ticket.assignee_id
        if alert.role == "service_agent" and mine is not None:
            ids = [mine, *(pk for pk in ids if pk != mine)]
        return [_as_contact(pk, self.contacts.get(pk)) for pk in ids], patience


def _as_contact(pk: int, row: AlertContact | None) -> rules.Contact:
    if row is None:
        return rules.Contact(pk, has_address=False)
    quiet = (row.quiet_from, row.quiet_until) if row.quiet_from and row.quiet_until else None
    return rules.Contact(pk, True, row.is_off, row.absent_until, quiet)


def _write(actor: Viewer, staff_id: int, alerts: Sequence[Alert], now: dt.datetime) -> None:
    """One message about all of them, the most urgent named."""
    first = min(alerts, key=lambda one: (URGENCY.index(one.level), one.due_at, one.pk))
    channel, to = queries.own_address(staff_id)
    who = organization.staff_member(staff_id)
    language = who.language or settings.LANGUAGE_CODE
    message_id = messaging.send_to_address(
        actor=actor,
        template=TEMPLATE,
        channel=channel,
        to=to,
        language=language,
        values={
            "count": str(len(alerts)),
            "number": first.ticket.number,
            "what": LEVELS.get(language.lower(), LEVELS["zh-hans"])[first.level],
        },
        once=f"alert:{staff_id}:{min(one.pk for one in alerts)}:{len(alerts)}",
        expires_at=now + rules.KEPT,
        now=now,
    )
    AlertNotice.objects.bulk_create(
        [AlertNotice(alert=one, staff_id=staff_id, message_id=message_id or 0, told_at=now) for one in alerts]
    )
    fact = StaffTold(staff_id, message_id or 0, tuple(one.pk for one in alerts))
    events.publish(fact, actor=actor, now=now)
