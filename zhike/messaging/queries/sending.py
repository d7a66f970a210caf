"""What became of messages, as far as a viewer may see: the funnel, refusals by reason, the messages behind each figure.

Definitions. *written*: messages asked for, each once however many channels were tried. *sent*: a vendor took it, or it lies in
the member's inbox; one that a colleague has to confirm at the vendor waits until it went. *delivered*: the vendor reported that
it arrived, or it lies in the inbox. *opened*: the member opened it in the inbox or tapped the
notification; other channels do not tell. *refused*, *failed*: it ended so on the last channel tried; the table of reasons counts
every channel tried.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet, Sum

from zhike.customers import queries as customers
from zhike.kernel import crypto
from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.messaging.models import (
    InboundMessage,
    OutboundMessage,
    OwnQuietHours,
    SendingPolicy,
    Spending,
    Suppression,
)
from zhike.messaging.queries.sent import BODY_FIELD, INBOUND_FIELD, TITLE_FIELD
from zhike.messaging.rules import gates
from zhike.organization import queries as organization

VIEW = "messages.view"
COLUMNS = {level: f"person__{column}" for level, column in customers.COLUMNS.items()}
REPLY_COLUMNS = COLUMNS
SENT = ("sent", "delivered")
STATUS_GROUPS = {"went": SENT, "stopped": ("refused", "expired"), "waiting": ("queued", "sending", "tasked")}
"""What a figure of the funnel counts, as a status to filter by."""
_NEWEST = Keyset((("created_at", "desc"), ("id", "desc")))
_NEWEST_REPLY = Keyset((("received_at", "desc"), ("id", "desc")))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which messages: written in [since, until), "" is any; ``is_final`` leaves out those that another channel took over."""

    since: dt.datetime
    until: dt.datetime
    channel: str = ""
    kind: str = ""
    campaign: str = ""
    template: str = ""
    status: str = ""
    gate: str = ""
    reason: str = ""
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Funnel:
    """``cost`` is in thousandths of a fen; ``people`` were reached, each counted once."""

    written: int = 0
    waiting: int = 0
    refused: int = 0
    sent: int = 0
    delivered: int = 0
    opened: int = 0
    failed: int = 0
    unknown: int = 0
    people: int = 0
    cost: int = 0


@dataclass(frozen=True, slots=True)
class RefusalCount:
    gate: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class SentMessage:
    id: int
    person_id: int | None
    masked: str
    channel: str
    kind: str
    template: str
    campaign: str
    status: str
    gate: str
    reason: str
    parts: int
    cost: int
    created_at: dt.datetime
    due_at: dt.datetime
    sent_at: dt.datetime | None
    delivered_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class PolicyView:
    """``spent_fen`` of this month's budget."""

    quiet_from: dt.time
    quiet_until: dt.time
    when_quiet: str
    skips_holidays: bool
    total_per_day: int
    total_per_month: int
    channel_per_day: Mapping[str, int]
    channel_per_month: Mapping[str, int]
    budget_fen: int | None
    spent_fen: int


@dataclass(frozen=True, slots=True)
class ReplyView:
    id: int
    masked: str
    person_id: int | None
    text: str
    is_refusal: bool
    received_at: dt.datetime


@dataclass(frozen=True, slots=True)
class InboxMessage:
    id: int
    title: str
    body: str
    kind: str
    created_at: dt.datetime
    read_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Sending:
    funnel: Funnel
    refusals: list[RefusalCount] = field(default_factory=list)


def _rows(viewer: Viewer, wanted: Filter) -> QuerySet[OutboundMessage]:
    require(viewer, VIEW)
    rows = visible(OutboundMessage.objects.all(), viewer, VIEW, COLUMNS)
    rows = rows.filter(created_at__gte=wanted.since, created_at__lt=wanted.until)
    if wanted.status:
        rows = rows.filter(status__in=STATUS_GROUPS.get(wanted.status, (wanted.status,)))
    for name in ("channel", "kind", "campaign", "template", "gate", "reason"):
        value = getattr(wanted, name)
        if value:
            rows = rows.filter(**{name: value})
    if wanted.is_final:
        rows = rows.filter(is_replaced=False)
    return rows


def sending(viewer: Viewer, wanted: Filter) -> Sending:
    """The funnel and the refusals by reason, most frequent first. Raises NotAllowed."""
    rows = _rows(viewer, wanted)
    found = rows.aggregate(
        written=Count("id", filter=Q(first=None)),
        waiting=Count("id", filter=Q(status__in=STATUS_GROUPS["waiting"])),
        refused=Count("id", filter=Q(status__in=("refused", "expired"), is_replaced=False)),
        sent=Count("id", filter=Q(status__in=SENT)),
        delivered=Count("id", filter=Q(status="delivered")),
        opened=Count("id", filter=Q(read_at__isnull=False)),
        failed=Count("id", filter=Q(status="failed", is_replaced=False)),
        unknown=Count("id", filter=Q(status="unknown")),
        people=Count("person_id", filter=Q(status__in=SENT), distinct=True),
        cost=Sum("cost", filter=Q(status__in=(*SENT, "sending", "tasked", "unknown", "failed"))),
    )
    return Sending(Funnel(**found | {"cost": found["cost"] or 0}), _refusals(rows))


def sending_refusals(viewer: Viewer, wanted: Filter) -> list[RefusalCount]:
    """The refusals alone. Raises NotAllowed."""
    return _refusals(_rows(viewer, wanted))


@dataclass(frozen=True, slots=True)
class Touch:
    """A message that went to somebody under a campaign's name; ``cost`` in thousandths of a fen."""

    person_id: int
    campaign: str
    channel: str
    sent_at: dt.datetime
    cost: int


def touches(campaigns: Sequence[str], since: dt.datetime, until: dt.datetime) -> list[Touch]:
    """What was sent under these names in [since, until), by person and moment; the caller has authorised the campaigns."""
    rows = OutboundMessage.objects.filter(
        campaign__in=campaigns, status__in=SENT, person__isnull=False, sent_at__gte=since, sent_at__lt=until
    )
    columns = ("person_id", "campaign", "channel", "sent_at", "cost")
    return [Touch(*row) for row in rows.order_by("person_id", "sent_at", "id").values_list(*columns)]


@dataclass(frozen=True, slots=True)
class SentUnder:
    """What went out under a name by a channel; ``cost`` in thousandths of a fen."""

    campaign: str
    channel: str
    messages: int
    people: int
    cost: int


def sent_under(campaigns: Sequence[str]) -> list[SentUnder]:
    """By name and channel, of all time; the caller has authorised the campaigns."""
    rows = OutboundMessage.objects.filter(campaign__in=campaigns, status__in=SENT).values_list(
        "campaign", "channel"
    )
    sums = rows.annotate(Count("id"), Count("person_id", distinct=True), Sum("cost"))
    return [SentUnder(*row) for row in sums.order_by("campaign", "channel")]


def _refusals(rows: QuerySet[OutboundMessage]) -> list[RefusalCount]:
    refused = rows.filter(status__in=("refused", "expired")).values_list("gate", "reason")
    counted = refused.annotate(count=Count("id")).order_by("-count", "gate", "reason")
    return [RefusalCount(*row) for row in counted]


def messages(
    viewer: Viewer, wanted: Filter, cursor: str | None = None, limit: int = 50
) -> Listing[SentMessage]:
    """The messages behind a figure, newest first, without what they say. Raises NotAllowed, BadCursor."""
    page = _NEWEST.page(_rows(viewer, wanted), cursor, limit)
    return Listing([_sent_view(row) for row in page.items], page.next_cursor, page.previous_cursor)


def _sent_view(row: OutboundMessage) -> SentMessage:
    names = SentMessage.__dataclass_fields__
    return SentMessage(**{name: getattr(row, name) for name in names})


def policy(viewer: Viewer, now: dt.datetime) -> PolicyView:
    """When and how often we write, as it holds now. Raises NotAllowed."""
    require(viewer, VIEW)
    row = SendingPolicy.objects.order_by("id").first()
    month = now.date().replace(day=1)
    spent = Spending.objects.filter(month=month).order_by("id").first()
    spent_fen = (spent.cost if spent else 0) // 1_000
    if row is None:
        first = gates.Policy()
        return PolicyView(
            first.quiet_from,
            first.quiet_until,
            first.when_quiet,
            False,
            first.total_per_day,
            first.total_per_month,
            {"sms": 1},
            {"sms": 4},
            None,
            spent_fen,
        )
    names = list(PolicyView.__dataclass_fields__)[:-1]
    return PolicyView(**{name: getattr(row, name) for name in names}, spent_fen=spent_fen)


def replies(viewer: Viewer, cursor: str | None = None, limit: int = 20) -> Listing[ReplyView]:
    """What people wrote back, newest first. Raises NotAllowed, BadCursor."""
    require(viewer, VIEW)
    rows = visible(InboundMessage.objects.all(), viewer, VIEW, REPLY_COLUMNS)
    page = _NEWEST_REPLY.page(rows, cursor, limit)
    shown = [
        ReplyView(
            row.pk,
            row.masked,
            row.person_id,
            crypto.decrypt(bytes(row.body), field=INBOUND_FIELD, row=row.pk),
            row.is_refusal,
            row.received_at,
        )
        for row in page.items
    ]
    return Listing(shown, page.next_cursor, page.previous_cursor)


def suppressed_count() -> int:
    """How many addresses get no more offers."""
    return Suppression.objects.filter(lifted_at=None).count()


# --- a member's own ------------------------------------------------------------------------------------------------


def inbox(
    viewer: Viewer, person_id: int, cursor: str | None = None, limit: int = 20
) -> Listing[InboxMessage]:
    """What lies in a member's inbox, newest first. Raises NotFound, BadCursor."""
    customers.visible_person(person_id, viewer)
    page = _NEWEST.page(_in_inbox(person_id), cursor, limit)
    return Listing([_inbox_view(row) for row in page.items], page.next_cursor, page.previous_cursor)


def inbox_message(viewer: Viewer, person_id: int, message_id: int) -> InboxMessage:
    """Raises NotFound."""
    customers.visible_person(person_id, viewer)
    row = _in_inbox(person_id).filter(pk=message_id).first()
    if row is None:
        raise NotFound
    return _inbox_view(row)


def unread_count(person_id: int) -> int:
    """How many messages of the inbox were not opened yet."""
    return _in_inbox(person_id).filter(read_at=None).count()


def own_quiet_hours(person_id: int) -> tuple[dt.time, dt.time] | None:
    """The hours in which a member wants no offers."""
    row = (
        OwnQuietHours.objects.filter(person_id__in=customers.family(person_id))
        .order_by("-updated_at")
        .first()
    )
    return (row.quiet_from, row.quiet_until) if row else None


def quiet_until(person_id: int, local: dt.datetime) -> dt.datetime | None:
    """When the quiet hours end that it is in now, those of the house or the member's own; None outside of both.

    ``local`` is the moment in the member's zone. For whoever turns to a member by another way than a message.
    """
    row = SendingPolicy.objects.order_by("id").first()
    first = gates.Policy()
    windows = [(row.quiet_from, row.quiet_until) if row else (first.quiet_from, first.quiet_until)]
    if (own := own_quiet_hours(person_id)) is not None:
        windows.append(own)
    until = gates.end_of_quiet(local, windows, frozenset())
    return None if until == local else until


def is_suppressed(person_id: int, channel: str) -> bool:
    """Whether the person's address on a channel said stop."""
    from zhike.messaging.queries.sent import address_indexes

    card = customers.contact_cards([person_id]).get(person_id)
    address = {"sms": card.phone, "email": card.email}.get(channel, "") if card else ""
    return (
        bool(address)
        and Suppression.objects.filter(address__in=address_indexes(address), lifted_at=None).exists()
    )


def _in_inbox(person_id: int) -> QuerySet[OutboundMessage]:
    return OutboundMessage.objects.filter(
        person_id__in=customers.family(person_id), channel="inbox", status=OutboundMessage.Status.DELIVERED
    )


def _inbox_view(row: OutboundMessage) -> InboxMessage:
    title = (
        crypto.decrypt(bytes(row.title), field=TITLE_FIELD, row=row.pk)
        if row.title is not None
        else organization.default_group().name
    )
    body = crypto.decrypt(bytes(row.body), field=BODY_FIELD, row=row.pk)
    return InboxMessage(row.pk, title, body, row.kind, row.created_at, row.read_at)


def message_statuses(message_ids: Sequence[int]) -> dict[int, str]:
    """What became of messages, by id; for a context that wrote them."""
    return dict(OutboundMessage.objects.filter(pk__in=message_ids).values_list("id", "status"))
