"""How our people are told of alerts: contacts, chains, who was told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from zhike.kernel import crypto
from zhike.kernel.access import Viewer, require, visible
from zhike.messaging import queries as messaging
from zhike.organization import queries as organization
from zhike.service.models import Agent, AlertChain, AlertContact, AlertNotice
from zhike.service.queries.tickets import HANDLE
from zhike.service.rules import alerts as rules
from zhike.service.rules.policies import ALERTED_ROLES

ADDRESS_FIELD = "service.alertcontact.address"
SHOWN = 30
CHANNELS = ("sms", "email")


@dataclass(frozen=True, slots=True)
class ContactView:
    """``masked`` is the address as it may be shown, "" for none. ``state`` is there, off, absent or none."""

    staff_id: int
    name: str
    channel: str
    masked: str
    is_off: bool
    absent_until: dt.datetime | None
    quiet_from: dt.time | None
    quiet_until: dt.time | None
    state: str


@dataclass(frozen=True, slots=True)
class ChainView:
    """Who is told, in order. ``is_own``: somebody set it; otherwise everybody with the role, the mall's own first."""

    role: str
    people: tuple[ContactView, ...]
    patience: int
    is_own: bool


@dataclass(frozen=True, slots=True)
class NoticeView:
    """``status`` is that of the message (queued, sent, delivered, failed …)."""

    number: str
    title: str
    level: str
    clock: str
    name: str
    status: str
    told_at: dt.datetime
    seen_by: str
    seen_at: dt.datetime | None


def contacts(staff: Sequence[tuple[int, str]], now: dt.datetime) -> list[ContactView]:
    """How each of these people is reached, in their order; the caller has authorised."""
    rows = {row.pk: row for row in AlertContact.objects.filter(pk__in=[pk for pk, _name in staff])}
    return [_contact(pk, name, rows.get(pk), now) for pk, name in staff]


def _contact(pk: int, name: str, row: AlertContact | None, now: dt.datetime) -> ContactView:
    if row is None:
        return ContactView(pk, name, "", "", False, None, None, None, "none")
    is_absent = row.absent_until is not None and now < row.absent_until
    return ContactView(
        pk, name, row.channel, row.masked, row.is_off, row.absent_until, row.quiet_from, row.quiet_until,
        "off" if row.is_off else "absent" if is_absent else "there",
    )  # fmt: skip


def own_contact(viewer: Viewer, now: dt.datetime) -> ContactView:
    """The viewer's own. Raises NotAllowed."""
    require(viewer, "tickets.view")
    return contacts([(viewer.id or 0, viewer.label)], now)[0]


def own_address(staff_id: int) -> tuple[str, str]:
    """(channel, address) of somebody, for the one who writes to them; ("", "") without one."""
    row = AlertContact.objects.filter(pk=staff_id).first()
    if row is None:
        return "", ""
    return row.channel, crypto.decrypt(bytes(row.address), field=ADDRESS_FIELD, row=str(row.pk))


def chain_of(mall_id: int, role: str, merchant_id: int | None = None) -> tuple[list[int], int]:
    """(staff in order, minutes of patience): as it was set, otherwise everybody with the role; whoever sits at the desk now
    comes first there. Who left the house is in none, nor who manages another merchant than the one it is about.
    """
    known = dict(organization.staff_with_role(role, mall_id, merchant_id))
    row = AlertChain.objects.filter(mall_id=mall_id, role=role).first()
    if row is not None and row.staff_ids:
        here = {
            pk
            for one in ALERTED_ROLES
            for pk, _name in organization.staff_with_role(one, mall_id, merchant_id)
        }
        return [pk for pk in row.staff_ids if pk in here], row.patience
    available = set(
        Agent.objects.filter(pk__in=known, state=Agent.State.AVAILABLE).values_list("pk", flat=True)
    )
    return sorted(known, key=lambda pk: pk not in available), row.patience if row else rules.PATIENCE


def chains(viewer: Viewer, mall_id: int, now: dt.datetime) -> list[ChainView]:
    """Every role that promises call upon, in a mall of the viewer. Raises NotAllowed."""
    require(viewer, HANDLE)
    own = set(AlertChain.objects.filter(mall_id=mall_id).exclude(staff_ids=[]).values_list("role", flat=True))
    found = []
    names = alert_people(mall_id)
    for role in ALERTED_ROLES:
        ids, patience = chain_of(mall_id, role)
        people = contacts([(pk, names.get(pk, "")) for pk in ids], now)
        found.append(ChainView(role, tuple(people), patience, role in own))
    return found


def alert_people(mall_id: int) -> dict[int, str]:
    """Whoever may stand in a chain of a mall: everybody with one of the roles there, by name."""
    found = {pk: name for role in ALERTED_ROLES for pk, name in organization.staff_with_role(role, mall_id)}
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def notices(viewer: Viewer, mall_id: int | None = None, limit: int = SHOWN) -> list[NoticeView]:
    """Who was told of what, newest first. Raises NotAllowed."""
    require(viewer, HANDLE)
    rows = visible(AlertNotice.objects.all(), viewer, HANDLE, {"mall": "alert__mall_id"})
    if mall_id is not None:
        rows = rows.filter(alert__mall_id=mall_id)
    found = list(rows.select_related("alert__ticket", "staff").order_by("-told_at", "-id")[:limit])
    statuses = messaging.message_statuses([row.message_id for row in found])
    return [
        NoticeView(
            row.alert.ticket.number,
            row.alert.ticket.title,
            row.alert.level,
            row.alert.clock,
            row.staff.name,
            statuses.get(row.message_id, ""),
            row.told_at,
            row.alert.seen_by,
            row.alert.seen_at,
        )
        for row in found
    ]
