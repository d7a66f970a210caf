"""What all writes of tickets share: loading with permission, what is said, saving."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from django.utils.translation import gettext_lazy as _

from zhike.kernel.access import Viewer, load_visible, may_touch, require
from zhike.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from zhike.kernel.filetypes import content_type_of
from zhike.kernel.uploads import keep_upload
from zhike.organization import queries as organization
from zhike.service.models import Attachment, Entry, Ticket
from zhike.service.operations import _clocks
from zhike.service.queries import calendars as calendar_queries
from zhike.service.queries.after_sales import has_open_sheet
from zhike.service.queries.tickets import COLUMNS, levels_of
from zhike.service.rules import policies, tickets

HANDLE = "tickets.handle"
OPEN = "tickets.open"
ANSWER = "tickets.answer"


class WrongState(Conflict):
    code = "ticket-wrong-state"
    title = _("This cannot be done with the ticket as it stands now.")


class TextMissing(Invalid):
    code = "ticket-text-missing"
    title = _("Write between 1 and %(limit)s characters.")


class FileUnusable(Invalid):
    code = "ticket-file-unusable"
    title = _(
        "%(name)s: pictures (JPEG, PNG, WebP, GIF, HEIC), PDF and MP4 up to 10 MB, six files at a time."
    )


class GoodsUnderWay(Conflict):
    code = "ticket-goods-under-way"
    title = _("Goods of this ticket are still under way. Finish or withdraw the after-sales request first.")


@dataclass(frozen=True, slots=True)
class NewFile:
    """An upload as it came: what it is, its bytes say."""

    name: str
    content: bytes


def load(number: str, actor: Viewer, *permissions: str) -> Ticket:
    """The ticket, locked, if the actor has one of the permissions there. Raises NotFound, NotAllowed."""
    rows = Ticket.objects.select_for_update(of=("self",)).filter(merged_into=None)
    pk = Ticket.objects.filter(number=number).values_list("id", flat=True).first()
    if pk is None:
        raise NotFound
    for permission in permissions:
        if actor.may(permission):
            try:
                return load_visible(rows, pk, actor, permission, COLUMNS)
            except NotFound:
                continue
    load_visible(rows, pk, actor, "tickets.view", COLUMNS)
    raise NotAllowed


def reader_of(actor: Viewer, ticket: Ticket) -> tickets.Audience:
    if may_touch(actor, HANDLE, **levels_of(ticket)):
        return "staff"
    return "member" if actor.kind == "member" else "merchant"


def row_of(ticket: Ticket) -> policies.Row | None:
    """The promises that hold for a ticket, of the policy it was opened under."""
    if ticket.policy_version_id is None:
        return None
    policy = calendar_queries.policy_version(ticket.policy_version_id).policy
    return policy.row_for(ticket.type, ticket.severity)


def group_of(ticket: Ticket) -> int:
    return organization.mall(ticket.mall_id).group_id


def require_text(text: str) -> str:
    text = text.strip()
    if not 0 < len(text) <= tickets.TEXT_MAX:
        raise TextMissing(limit=tickets.TEXT_MAX)
    return text


def say(
    ticket: Ticket,
    actor: Viewer,
    kind: str,
    audience: tickets.Audience,
    text: str,
    now: dt.datetime,
    *,
    files: Sequence[NewFile] = (),
    **details: Any,
) -> Entry:
    """An entry on the ticket; ``kind`` is message, note, or the name of what happened."""
    entry = Entry.objects.create(
        ticket=ticket,
        kind=kind,
        audience=audience,
        author_kind=actor.kind,
        author=actor.label if actor.kind != "member" else "",
        author_id=actor.id,
        text=text,
        details=details,
        written_at=now,
    )
    for file in files:
        Attachment.objects.create(entry=entry, **store(file))
    return entry


def check_files(files: Sequence[NewFile]) -> None:
    """Raises FileUnusable."""
    for number, file in enumerate(files, start=1):
        kind = content_type_of(file.content[:64])
        if kind is None or number > tickets.FILES_MAX or len(file.content) > tickets.FILE_BYTES_MAX:
            raise FileUnusable(name=plain_name(file.name))


def plain_name(name: str) -> str:
    plain = PurePath(name.replace("\\", "/")).name
    return "".join(letter for letter in plain if letter.isprintable())[-120:] or "file"


def store(file: NewFile) -> dict[str, Any]:
    """Put a file below the uploads; what its row holds besides its owner."""
    return {
        "name": plain_name(file.name),
        "content_type": content_type_of(file.content[:64]) or "",
        "size": len(file.content),
        "digest": hashlib.sha256(file.content).digest(),
        "path": keep_upload("service", file.content),
    }


def move(ticket: Ticket, act: tickets.Act) -> None:
    """Raises WrongState."""
    status = tickets.after(ticket.status, act)  # type: ignore[arg-type]
    if status is None:
        raise WrongState
    ticket.status = status


def keep(ticket: Ticket, now: dt.datetime) -> None:
    """Write the ticket after a change."""
    ticket.changed_at = now
    _clocks.set_due(ticket)
    ticket.save()


def require_any(actor: Viewer, *permissions: str) -> None:
    if not any(actor.may(permission) for permission in permissions):
        require(actor, permissions[0])


def require_no_goods(ticket: Ticket) -> None:
    """Raises GoodsUnderWay while an after-sales sheet of the ticket is open."""
    if has_open_sheet(ticket.pk):
        raise GoodsUnderWay
