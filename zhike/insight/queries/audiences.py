"""Segments: which there are, how many belong, who they are for a purpose they agreed to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.insight.models import Segment, SegmentCount, SegmentSnapshot, SegmentVersion
from zhike.insight.queries._audience import VIEW, Audience, Placed
from zhike.insight.rules.definition import Group, parse, references
from zhike.insight.rules.fields import CONSENTS
from zhike.kernel.access import Viewer, load_visible, require, visible
from zhike.kernel.errors import Invalid, NotFound, Problem
from zhike.kernel.fragments import Sql
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization

COLUMNS = {"mall": "mall_id"}
PREVIEW_MS = 8_000
SAMPLE = 12
OVERLAP_MAX = 4
SNAPSHOTS_SHOWN = 20


class SegmentNotFound(NotFound):
    code = "segment-not-found"
    title = _("There is no such segment.")


class PurposeUnknown(Invalid):
    code = "purpose-unknown"
    title = _("Say what for: a purpose, and a channel, that members can agree to.")


class TooSlow(Problem):
    status = 503
    code = "segment-too-slow"
    title = _("Counting takes too long to do it while you wait. It will be counted after saving.")


@dataclass(frozen=True, slots=True)
class SegmentRef:
    """``count`` is as of ``counted_at``; both None until it was first counted."""

    id: int
    code: str
    name: str
    count: int | None
    counted_at: dt.datetime | None
    mall_id: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SegmentView:
    ref: SegmentRef
    definition: Group
    version: int
    created_by: str
    changed_at: dt.datetime
    is_archived: bool


@dataclass(frozen=True, slots=True)
class VersionView:
    version: int
    definition: Group
    counted: int | None
    saved_at: dt.datetime
    saved_by: str


@dataclass(frozen=True, slots=True)
class SnapshotView:
    id: int
    label: str
    version: int
    counted: int
    taken_at: dt.datetime
    taken_by: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """``only`` counts the members that belong to exactly these segments (positions in the order asked for)."""

    segments: tuple[SegmentRef, ...]
    only: dict[tuple[int, ...], int]

    @property
    def together(self) -> int:
        """Members of at least one."""
        return sum(self.only.values())

    def both(self, positions: Sequence[int]) -> int:
        """Members of all of these, whatever else they belong to."""
        return sum(count for at, count in self.only.items() if set(positions) <= set(at))


def segments(viewer: Viewer, *, archived: bool = False) -> list[SegmentRef]:
    """Segments in the viewer's scope, by name; a group's own only for who holds segments.view everywhere."""
    require(viewer, VIEW)
    rows = visible(Segment.objects.filter(archived_at__isnull=not archived), viewer, VIEW, COLUMNS)
    return [_ref(row) for row in rows.order_by("name", "id")]


def segment(viewer: Viewer, segment_id: int) -> SegmentView:
    """One with its definition. Raises SegmentNotFound for a missing and for a hidden one."""
    row = _loaded(viewer, segment_id)
    return SegmentView(
        _ref(row),
        parse(row.definition),
        row.version,
        row.created_by,
        row.changed_at,
        row.archived_at is not None,
    )


def segment_versions(viewer: Viewer, segment_id: int) -> list[VersionView]:
    """What it was, newest first. Raises SegmentNotFound."""
    row = _loaded(viewer, segment_id)
    rows = SegmentVersion.objects.filter(segment=row).order_by("-version")[:SNAPSHOTS_SHOWN]
    return [
        VersionView(one.version, parse(one.definition), one.counted, one.saved_at, one.saved_by)
        for one in rows
    ]


def segment_history(viewer: Viewer, segment_id: int, days: int = 90) -> list[tuple[dt.date, int]]:
    """(day, how many) for the days it was counted on, oldest first. Raises SegmentNotFound."""
    row = _loaded(viewer, segment_id)
    rows = SegmentCount.objects.filter(segment=row).order_by("-day").values_list("day", "counted")
    return sorted(rows[:days])


def snapshots(viewer: Viewer, segment_id: int) -> list[SnapshotView]:
    """What was frozen, newest first. Raises SegmentNotFound."""
    row = _loaded(viewer, segment_id)
    rows = SegmentSnapshot.objects.filter(segment=row).order_by("-taken_at", "-id")[:SNAPSHOTS_SHOWN]
    return [
        SnapshotView(one.pk, one.label, one.version, one.counted, one.taken_at, one.taken_by) for one in rows
    ]


# --- who belongs ---------------------------------------------------------------------------------------------------


def segment_count(viewer: Viewer, segment_id: int, now: dt.datetime) -> int:
    """How many of the members in the viewer's scope belong now. Raises SegmentNotFound."""
    return _count(viewer, _placed(_loaded(viewer, segment_id)), now)


def segment_members(
    viewer: Viewer, segment_id: int, *, purpose: str, channel: str | None, now: dt.datetime
) -> Iterator[int]:
    """Ids of the members in scope who belong and agreed to the purpose on the channel, in order.

    The consent is part of the statement: a member without it is not read at all. Minors are in no marketing.
    Raises SegmentNotFound, PurposeUnknown.
    """
    placed = _placed(_loaded(viewer, segment_id))
    return iter(_member_ids(viewer, placed, purpose, channel, now))


def snapshot_members(
    viewer: Viewer, snapshot_id: int, *, purpose: str, channel: str | None, now: dt.datetime
) -> Iterator[int]:
    """As ``segment_members`` for who belonged then; scope and consent are those of now. Raises SegmentNotFound."""
    row = SegmentSnapshot.objects.filter(pk=snapshot_id).first()
    if row is None:
        raise SegmentNotFound
    _loaded(viewer, row.segment_id)
    from pyroaring import BitMap64

    frozen = BitMap64.deserialize(bytes(row.members))
    audience = audience_for(viewer, now)
    among = Sql("m.id = ANY(%s) AND ", (list(frozen),))
    return iter(_ids(audience.select(Sql("m.id"), among + _agreed(audience, purpose, channel))))


def segment_reach(viewer: Viewer, segment_id: int, now: dt.datetime) -> dict[str, int]:
    """How many belong ("all"), and how many of them may be told of offers, by channel. Raises SegmentNotFound."""
    placed = _placed(_loaded(viewer, segment_id))
    audience = audience_for(viewer, now)
    where = audience.condition(placed)
    channels = ("sms", "wechat", "email", "push", "phone")
    columns = Sql("count(*)")
    for channel in channels:
        columns += audience.consent("marketing", channel).inside(", count(*) FILTER (WHERE ", ")")
    row = _rows(audience.select(columns, where))[0]
    return dict(zip(("all", *channels), row, strict=True))


def segment_sample(
    viewer: Viewer, definition: Group, mall_id: int | None, now: dt.datetime, size: int = SAMPLE
) -> list[loyalty.MemberRow]:
    """Some members in scope who belong, masked, the same each time for one day; members' own consent to be members
    is asked for like any other."""
    audience = audience_for(viewer, now)
    where = (
        audience.condition(Placed(definition, mall_id)) + Sql(" AND ") + audience.consent("membership", None)
    )
    shuffled = Sql(" ORDER BY md5(m.id::text || %s) LIMIT %s", (now.date().isoformat(), size))
    return loyalty.member_rows(viewer, _ids(audience.select(Sql("m.id"), where) + shuffled))


def preview_count(viewer: Viewer, definition: Group, mall_id: int | None, now: dt.datetime) -> int:
    """How many of the members in scope a definition fits, that need not be saved. Raises TooSlow after 8 seconds."""
    require(viewer, VIEW)
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(PREVIEW_MS)])
            return _count(viewer, Placed(definition, mall_id), now)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") == "57014":
            raise TooSlow from error
        raise


def overlap(viewer: Viewer, segment_ids: Sequence[int], now: dt.datetime) -> Overlap:
    """Who belongs to which of two to four segments, in one statement. Raises SegmentNotFound, Invalid."""
    if not 2 <= len(set(segment_ids)) == len(segment_ids) <= OVERLAP_MAX:
        raise Invalid(fields={"segments": [_("Choose two to four different segments.")]})
    rows = [_loaded(viewer, segment_id) for segment_id in segment_ids]
    audience = audience_for(viewer, now)
    conditions = [audience.condition(_placed(row)) for row in rows]
    bits = [condition.inside("", f"::int * {1 << at}") for at, condition in enumerate(conditions)]
    mask = bits[0]
    for bit in bits[1:]:
        mask += Sql(" + ") + bit
    any_of = conditions[0]
    for condition in conditions[1:]:
        any_of += Sql(" OR ") + condition
    counted = dict(_rows(audience.select(mask + Sql(", count(*)"), any_of) + Sql(" GROUP BY 1")))
    sets = [at for size in range(1, len(rows) + 1) for at in combinations(range(len(rows)), size)]
    only = {at: int(counted.get(sum(1 << one for one in at), 0)) for at in sets}
    return Overlap(tuple(_ref(row) for row in rows), only)


def fitting(viewer: Viewer, definition: Group, mall_id: int | None, now: dt.datetime) -> list[int]:
    """Whoever in scope a definition fits, whatever they agreed to: for counting and freezing inside this context."""
    audience = audience_for(viewer, now)
    return _ids(audience.select(Sql("m.id"), audience.condition(Placed(definition, mall_id))))


def members_fitting(
    viewer: Viewer, definition: Group, now: dt.datetime, *, among: Sequence[int] | None = None
) -> set[int]:
    """Members in scope, of those ``among`` if given, that a definition fits: for decisions about people who are chosen already.

    What they agreed to is asked where something is sent. Who refused personalisation fits no profiling condition.
    """
    audience = audience_for(viewer, now)
    where = audience.condition(Placed(definition, None))
    if among is not None:
        where = Sql("m.id = ANY(%s) AND ", (list(among),)) + where
    return set(_ids(audience.select(Sql("m.id"), where)))


def is_used_by(segment_id: int) -> list[str]:
    """Names of the living segments that are made of this one."""
    rows = Segment.objects.filter(archived_at=None).exclude(pk=segment_id).order_by("name")
    return [row.name for row in rows if segment_id in references(parse(row.definition))]


# --- inside --------------------------------------------------------------------------------------------------------


def _loaded(viewer: Viewer, segment_id: int) -> Segment:
    try:
        return load_visible(Segment.objects.all(), segment_id, viewer, VIEW, COLUMNS)
    except NotFound as error:
        raise SegmentNotFound from error


def _placed(row: Segment) -> Placed:
    return Placed(parse(row.definition), row.mall_id)


def _lookup(segment_id: int) -> Placed | None:
    """Checked when it was saved: whoever named it could see it."""
    row = Segment.objects.filter(pk=segment_id, archived_at=None).first()
    return _placed(row) if row else None


def audience_for(viewer: Viewer, now: dt.datetime) -> Audience:
    return Audience(viewer, now, zone(), _lookup)


def zone() -> str:
    """The days of segments are those of the first mall; there is hardly a group in two zones."""
    mall_id = organization.first_mall_id()
    return organization.mall(mall_id).time_zone if mall_id else "Asia/Shanghai"


def _agreed(audience: Audience, purpose: str, channel: str | None) -> Sql:
    if f"{purpose}.{channel or 'any'}" not in CONSENTS:
        raise PurposeUnknown
    return audience.consent(purpose, channel)


def _member_ids(
    viewer: Viewer, placed: Placed, purpose: str, channel: str | None, now: dt.datetime
) -> list[int]:
    audience = audience_for(viewer, now)
    where = audience.condition(placed) + Sql(" AND ") + _agreed(audience, purpose, channel)
    return _ids(audience.select(Sql("m.id"), where) + Sql(" ORDER BY m.id"))


def _count(viewer: Viewer, placed: Placed, now: dt.datetime) -> int:
    audience = audience_for(viewer, now)
    return int(_rows(audience.select(Sql("count(*)"), audience.condition(placed)))[0][0])


def _ids(statement: Sql) -> list[int]:
    return [row[0] for row in _rows(statement)]


def _rows(statement: Sql) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _ref(row: Segment) -> SegmentRef:
    return SegmentRef(row.pk, row.code, row.name, row.counted, row.counted_at, row.mall_id, row.note)
