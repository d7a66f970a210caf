"""Lines: the doors besides our own through which customers write, and what became of our answers there."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Q
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string

from zhike.kernel import crypto
from zhike.kernel.access import Viewer, load_visible, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.reencryption import EncryptedColumn
from zhike.messaging import queries as messaging
from zhike.organization import queries as organization
from zhike.service.models import Carriage, Contact, Conversation, Heard, Line, Message
from zhike.service.ports import Door, Voice

MANAGE = "tickets.manage"
COLUMNS = {"mall": "mall_id"}
SECRET_FIELD = "service.line.secret"
ADDRESS_FIELD = "service.contact.address"
TITLE_FIELD = "service.contact.title"
THREAD_FIELD = "service.contact.thread"
FOLDED_FIELD = "service.message.folded"
RECENT = dt.timedelta(days=7)
SHOWN = 6


def encrypted_columns() -> list[EncryptedColumn]:
    """For the rotation of keys."""
    return [
        EncryptedColumn(SECRET_FIELD, "service_line", "secret"),
        EncryptedColumn(
            ADDRESS_FIELD, "service_contact", "address", index_column="index", index_of=address_index
        ),
        EncryptedColumn(TITLE_FIELD, "service_contact", "title"),
        EncryptedColumn(THREAD_FIELD, "service_contact", "thread"),
    ]


@dataclass(frozen=True, slots=True)
class LineFile:
    """A line for those who manage it; secrets are only said to be there. ``heard`` and ``failed`` are those of a week."""

    id: int
    mall_id: int
    mall: str
    channel: str
    voice: str
    name: str
    settings: Mapping[str, str]
    kept_secrets: tuple[str, ...]
    account_id: int | None
    is_active: bool
    has_bot: bool
    skill: str
    checked_at: dt.datetime | None
    due_at: dt.datetime | None
    fault: str
    heard: int
    ignored: int
    failed: int


@dataclass(frozen=True, slots=True)
class CarriageView:
    """What became of an answer of ours; ``code`` and ``text`` are the vendor's words where it did not arrive."""

    number: int
    status: str
    code: str
    text: str
    settled_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Folded:
    """What stood below the words of a message: quotes and signature."""

    number: int
    text: str
    written_at: dt.datetime


@dataclass(frozen=True, slots=True)
class OtherEnd:
    """The other end of a conversation that came through a line. ``closes_at``: until when it may be answered, None for ever."""

    channel: str
    line: str
    masked: str
    title: str
    is_proven: bool
    proof: Mapping[str, str]
    heard_at: dt.datetime
    closes_at: dt.datetime | None
    answers_left: int | None
    carriages: tuple[CarriageView, ...]
    folded: tuple[Folded, ...]


def voices() -> dict[str, Voice]:
    """The vendors through whom conversations go, by channel."""
    found: dict[str, Voice] = import_string(settings.SERVICE_VOICES)()
    return found


def voice(channel: str) -> Voice:
    """Raises NotFound."""
    found = voices().get(channel)
    if found is None:
        raise NotFound
    return found


def signing_secret() -> bytes:
    """For the names of our answers (``rules.lines``)."""
    return salted_hmac("zhike.service.lines", "", algorithm="sha256").digest()


def address_index(normal: str) -> bytes:
    return crypto.blind_index(normal, field=ADDRESS_FIELD)


def address_indexes(normal: str) -> list[bytes]:
    return crypto.blind_indexes(normal, field=ADDRESS_FIELD)


def address_of(row: Contact) -> str:
    return crypto.decrypt(bytes(row.address), field=ADDRESS_FIELD, row=row.pk)


def title_of(row: Contact) -> str:
    return crypto.decrypt(bytes(row.title), field=TITLE_FIELD, row=row.pk)


def thread_of(row: Contact) -> list[str]:
    """The names of its last messages, oldest first."""
    found: list[str] = json.loads(crypto.decrypt(bytes(row.thread), field=THREAD_FIELD, row=row.pk))
    return found


def opened(row: Line) -> Door:
    """A line with its secrets, for the vendor's client only; those of its account with a vendor of messages go before its own."""
    secrets: dict[str, str] = json.loads(crypto.decrypt(bytes(row.secret), field=SECRET_FIELD, row=row.pk))
    plain: dict[str, str] = dict(row.settings)
    if row.account_id is not None:
        account = messaging.account_for_lines(row.account_id)
        plain |= account.settings
        secrets |= account.secrets
    return Door(row.pk, plain, secrets, row.mark)


def line_files(viewer: Viewer, now: dt.datetime) -> list[LineFile]:
    """Those of the malls that the viewer manages, by name. Raises NotAllowed."""
    rows = visible(Line.objects.all(), viewer, MANAGE, COLUMNS).order_by("mall_id", "name")
    return _views(list(rows), now)


def line_file(viewer: Viewer, line_id: int, now: dt.datetime) -> LineFile:
    """Raises NotFound, NotAllowed."""
    return _views([load_visible(Line.objects.all(), line_id, viewer, MANAGE, COLUMNS)], now)[0]


def line_of_account(account_id: int) -> int | None:
    """The line in use that an account with a vendor of messages speaks through."""
    return Line.objects.filter(account_id=account_id, is_active=True).values_list("id", flat=True).first()


def _views(rows: list[Line], now: dt.datetime) -> list[LineFile]:
    since = now - RECENT
    heard = _counted(
        Heard.objects.filter(line__in=rows, heard_at__gte=since).values("line_id"),
        taken=Q(what="message"),
        ignored=~Q(what="message"),
    )
    failed = _counted(
        Carriage.objects.filter(line__in=rows, settled_at__gte=since).values("line_id"),
        failed=Q(status__in=("failed", "bounced", "unsure")),
    )
    known = voices()
    return [
        LineFile(
            id=row.pk,
            mall_id=row.mall_id,
            mall=organization.mall(row.mall_id).name,
            channel=row.channel,
            voice=known[row.channel].name if row.channel in known else row.channel,
            name=row.name,
            settings=row.settings,
            kept_secrets=tuple(sorted(name for name, value in _own_secrets(row).items() if value)),
            account_id=row.account_id,
            is_active=row.is_active,
            has_bot=row.has_bot,
            skill=row.skill,
            checked_at=row.checked_at,
            due_at=row.due_at,
            fault=row.fault,
            heard=heard.get(row.pk, {}).get("taken", 0),
            ignored=heard.get(row.pk, {}).get("ignored", 0),
            failed=failed.get(row.pk, {}).get("failed", 0),
        )
        for row in rows
    ]


def _own_secrets(row: Line) -> dict[str, str]:
    found: dict[str, str] = json.loads(crypto.decrypt(bytes(row.secret), field=SECRET_FIELD, row=row.pk))
    return found


def _counted(rows: object, **wanted: Q) -> dict[int, dict[str, int]]:
    counts = rows.annotate(**{name: Count("id", filter=which) for name, which in wanted.items()})  # type: ignore[attr-defined]
    return {row["line_id"]: row for row in counts}


def contact_of(row: Conversation, now: dt.datetime) -> OtherEnd | None:
    """The other end of a conversation that the caller holds; None for a chat of our own."""
    found = Contact.objects.select_related("line").filter(conversation=row).first()
    speaker = voices().get(row.channel)
    if found is None or speaker is None:
        return None
    carriages = Carriage.objects.filter(conversation=row).order_by("-number")[:SHOWN]
    heard = Message.objects.filter(conversation=row, author_kind="member").order_by("-number")
    newest = heard.first()
    below = heard.filter(folded__isnull=False)[:SHOWN]
    limit = speaker.answers_max
    return OtherEnd(
        channel=row.channel,
        line=found.line.name,
        masked=found.masked,
        title=title_of(found),
        is_proven=found.is_proven,
        proof=newest.details.get("proof", {}) if newest else {},
        heard_at=found.heard_at,
        closes_at=found.heard_at + speaker.open_for if speaker.open_for else None,
        answers_left=None if limit is None else max(0, limit - found.answers),
        carriages=tuple(
            CarriageView(one.number, one.status, one.code, one.text, one.settled_at) for one in carriages
        ),
        folded=tuple(
            Folded(
                one.number,
                crypto.decrypt(bytes(one.folded or b""), field=FOLDED_FIELD, row=str(one.pk)),
                one.written_at,
            )
            for one in below
        ),
    )
