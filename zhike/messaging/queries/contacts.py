"""Who of us customers have as a contact, what waits to be confirmed, and what was handed over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Count, Q

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, require
from zhike.kernel.paging import Keyset, Listing
from zhike.messaging.models import (
    ChannelAccount,
    ContactTransfer,
    MessageTemplate,
    StaffBinding,
    StaffContact,
    StaffTask,
)

MANAGE = "members.identity"
COUNTS = ("contacts", "known", "by_code", "lost", "welcomed")
_TASKS = Keyset((("made_at", "desc"), ("id", "desc")))
_TRANSFERS = Keyset((("created_at", "desc"), ("id", "desc")))


@dataclass(frozen=True, slots=True)
class BindingView:
    """``contacts`` who have them now, ``known`` of these whose member we know, ``lost`` who left; ``by_code`` came by the code."""

    id: int
    account_id: int
    account_name: str
    staff_id: int
    staff_name: str
    userid: str
    has_code: bool
    welcome: str
    bound_at: dt.datetime
    contacts: int = 0
    known: int = 0
    by_code: int = 0
    lost: int = 0
    welcomed: int = 0
    open_tasks: int = 0


@dataclass(frozen=True, slots=True)
class TaskView:
    id: int
    staff_name: str
    template: str
    template_name: str
    campaign: str
    state: str
    count: int
    delivered: int
    failed: int
    made_at: dt.datetime
    expires_at: dt.datetime
    ended_at: dt.datetime | None
    reminders: int


@dataclass(frozen=True, slots=True)
class TransferView:
    id: int
    person_id: int | None
    from_name: str
    to_name: str
    state: str
    created_at: dt.datetime
    ended_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ContactState:
    """One contact of a member: with whom, and whether it still holds."""

    staff_id: int
    staff_name: str
    state: str
    began_at: dt.datetime
    transfer: str = ""


def staff_accounts() -> list[tuple[int, str]]:
    """(id, name) of the accounts in use through which customers have one of us as a contact."""
    rows = ChannelAccount.objects.filter(channel="wecom", is_active=True)
    return list(rows.order_by("position", "id").values_list("id", "name"))


def bindings(viewer: Viewer) -> list[BindingView]:
    """Everybody bound, by name. Raises NotAllowed."""
    require(viewer, MANAGE)
    return _views(StaffBinding.objects.filter(ended_at=None).select_related("account", "staff"))


def own_binding(staff_id: int) -> BindingView | None:
    """The first binding of somebody, for themself; None when no account in use knows them."""
    rows = StaffBinding.objects.filter(staff_id=staff_id, ended_at=None, account__is_active=True)
    found = _views(rows.select_related("account", "staff"))
    return found[0] if found else None


def _views(rows: Iterable[StaffBinding]) -> list[BindingView]:
    found = list(rows)
    ids = [row.pk for row in found]
    linked = Q(state=StaffContact.State.LINKED)
    grouped = (
        StaffContact.objects.filter(binding_id__in=ids)
        .values_list("binding_id")
        .annotate(
            contacts=Count("id", filter=linked),
            known=Count("id", filter=linked & Q(person__isnull=False)),
            by_code=Count("id", filter=linked & Q(by_code=True)),
            lost=Count("id", filter=Q(state=StaffContact.State.LEFT)),
            welcomed=Count("id", filter=Q(welcome_state="sent")),
        )
        .order_by()
    )
    counts = {binding_id: dict(zip(COUNTS, numbers, strict=True)) for binding_id, *numbers in grouped}
    tasks = dict(
        StaffTask.objects.filter(binding_id__in=ids, state=StaffTask.State.OPEN)
        .values_list("binding_id")
        .annotate(n=Count("id"))
        .order_by()
    )
    views = [
        BindingView(
            id=row.pk,
            account_id=row.account_id,
            account_name=row.account.name,
            staff_id=row.staff_id,
            staff_name=row.staff.name,
            userid=row.userid,
            has_code=bool(row.way_picture),
            welcome=row.welcome,
            bound_at=row.bound_at,
            open_tasks=tasks.get(row.pk, 0),
            **counts.get(row.pk, {}),
        )
        for row in found
    ]
    return sorted(views, key=lambda view: (view.staff_name, view.id))


def staff_tasks(viewer: Viewer, cursor: str | None = None, limit: int = 20) -> Listing[TaskView]:
    """Tasks that wait or waited for one of us, newest first. Raises NotAllowed, BadCursor."""
    require(viewer, MANAGE)
    rows = StaffTask.objects.exclude(state=StaffTask.State.CALLING).select_related("binding__staff")
    page = _TASKS.page(rows, cursor, limit)
    names = _names(page.items)
    return Listing([_task_view(row, names) for row in page.items], page.next_cursor, page.previous_cursor)


def own_tasks(staff_id: int, limit: int = 10) -> list[TaskView]:
    """What waits for somebody's own confirmation at the vendor, the first to expire first."""
    rows = StaffTask.objects.filter(binding__staff_id=staff_id, state=StaffTask.State.OPEN)
    found = rows.select_related("binding__staff").order_by("expires_at", "id")[:limit]
    names = _names(found)
    return [_task_view(row, names) for row in found]


def _names(rows: Iterable[StaffTask]) -> dict[str, str]:
    codes = {row.template for row in rows}
    return dict(MessageTemplate.objects.filter(code__in=codes).values_list("code", "name"))


def _task_view(row: StaffTask, names: Mapping[str, str]) -> TaskView:
    return TaskView(
        row.pk,
        row.binding.staff.name,
        row.template,
        names.get(row.template, ""),
        row.campaign,
        row.state,
        row.count,
        row.delivered,
        row.failed,
        row.made_at,
        row.expires_at,
        row.ended_at,
        len(row.reminded),
    )


def contact_transfers(viewer: Viewer, cursor: str | None = None, limit: int = 20) -> Listing[TransferView]:
    """Contacts handed to colleagues, newest first. Raises NotAllowed, BadCursor."""
    require(viewer, MANAGE)
    rows = ContactTransfer.objects.select_related("contact__binding__staff", "to__staff")
    page = _TRANSFERS.page(rows, cursor, limit)
    shown = [
        TransferView(
            row.pk,
            row.contact.person_id,
            row.contact.binding.staff.name,
            row.to.staff.name,
            row.state,
            row.created_at,
            row.ended_at,
        )
        for row in page.items
    ]
    return Listing(shown, page.next_cursor, page.previous_cursor)


def contacts_of_person(
    viewer: Viewer, person_id: int, permission: str = "members.view"
) -> list[ContactState]:
    """With whom of us a member is in contact or was, the newest first. Raises NotFound, NotAllowed."""
    person = customers.visible_person(person_id, viewer, permission)
    rows = StaffContact.objects.filter(person_id__in=customers.family(person.id))
    found = list(rows.select_related("binding__staff").order_by("-told_at", "-id")[:10])
    moving = dict(
        ContactTransfer.objects.filter(contact__in=found).order_by("id").values_list("contact_id", "state")
    )
    return [
        ContactState(
            row.binding.staff_id, row.binding.staff.name, row.state, row.began_at, moving.get(row.pk, "")
        )
        for row in found
    ]
