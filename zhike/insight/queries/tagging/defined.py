"""Tags there are, with how many have them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext_lazy as _

from zhike.insight.models import Tag, TagCount, TagSuggestion, TagVersion
from zhike.insight.queries._audience import VIEW
from zhike.insight.queries.tagging import _held_sql, _log
from zhike.insight.rules.tags.catalogue import milliseconds
from zhike.insight.rules.tags.judging import plan as made_ready
from zhike.insight.rules.tags.rule import DAY_MS, Group, parse, reach_ms
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.fragments import Sql
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization

CATEGORIES = ("taste", "visit", "value", "life", "service", "note")
GIVE = "tags.give"
SAMPLE = 12


class TagNotFound(NotFound):
    code = "tag-not-found"
    title = _("There is no such tag.")


@dataclass(frozen=True, slots=True)
class TagRef:
    id: int
    code: str
    name: str
    name_en: str
    category: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class TagView:
    """``draft`` is the rule as it is being written, ``rule`` the one in force; None without one.

    ``is_taken_up`` is False while the reader of the log has not come to the newest version yet.
    """

    ref: TagRef
    note: str
    rule: Group | None
    draft: Group | None
    ttl_days: int | None
    version: int
    is_taken_up: bool
    owner: str
    created_by: str
    changed_at: dt.datetime

    @property
    def has_changes(self) -> bool:
        """Whether the draft says something else than what is in force."""
        return self.draft is not None and self.draft != self.rule


@dataclass(frozen=True, slots=True)
class TagVersionView:
    version: int
    rule: Group
    ttl_days: int | None
    note: str
    gained: int | None
    lost: int | None
    published_at: dt.datetime
    published_by: str


@dataclass(frozen=True, slots=True)
class TagMoves:
    """Who would have a tag under a rule, against who has it: members in the viewer's scope."""

    now: int
    then: int
    gained: int
    lost: int


def tags(viewer: Viewer, *, retired: bool = False) -> list[TagRef]:
    """All tags, by category and name. Raises NotAllowed."""
    _require(viewer)
    states = [Tag.State.RETIRED] if retired else [Tag.State.DRAFT, Tag.State.LIVE]
    rows = Tag.objects.filter(state__in=states)
    return sorted(
        (_ref(row) for row in rows), key=lambda ref: (CATEGORIES.index(ref.category), ref.name, ref.id)
    )


def live_tags() -> dict[int, str]:
    """The names of all tags that may be given, by id."""
    rows = Tag.objects.filter(state=Tag.State.LIVE)
    return {row.pk: _ref(row).name for row in rows}


def tag(viewer: Viewer, tag_id: int) -> TagView:
    """One in full. Raises TagNotFound, NotAllowed."""
    _require(viewer)
    row = tag_row(tag_id)
    newest = TagVersion.objects.filter(tag=row, version=row.version).first()
    owner = organization.staff_member(row.owner_id).name if row.owner_id else ""
    return TagView(
        _ref(row), row.note, parse(newest.definition) if newest else None, parse(row.draft) if row.draft else None,
        row.ttl_days, row.version, row.applied_version == row.version, owner, row.created_by, row.changed_at,
    )  # fmt: skip


def tag_by_code(viewer: Viewer, code: str) -> TagRef:
    """Raises TagNotFound, NotAllowed."""
    _require(viewer)
    row = Tag.objects.filter(code=code).exclude(state=Tag.State.RETIRED).first()
    if row is None:
        raise TagNotFound
    return _ref(row)


def tag_ref(tag_id: int) -> TagRef | None:
    """A tag that is or ever was, for who writes it out."""
    row = Tag.objects.filter(pk=tag_id).first()
    return _ref(row) if row else None


def tag_row(tag_id: int) -> Tag:
    """For this context. Raises TagNotFound."""
    row = Tag.objects.filter(pk=tag_id).first()
    if row is None:
        raise TagNotFound
    return row


def tag_named(text: str) -> int | None:
    """The living tag of this name, in either language."""
    wanted = text.casefold()
    rows = Tag.objects.filter(state=Tag.State.LIVE).values_list("id", "name", "name_en")
    return next((pk for pk, *names in rows if wanted in (one.casefold() for one in names)), None)


def tag_versions(viewer: Viewer, tag_id: int) -> list[TagVersionView]:
    """What its rule was, newest first. Raises NotAllowed."""
    _require(viewer)
    rows = TagVersion.objects.filter(tag_id=tag_id).order_by("-version")[:20]
    return [
        TagVersionView(
            row.version, parse(row.definition), row.ttl_days, row.note, row.gained, row.lost, row.published_at,
            row.published_by,
        )
        for row in rows
    ]  # fmt: skip


def tag_history(viewer: Viewer, tag_id: int, days: int = 90) -> list[tuple[dt.date, int]]:
    """(day, how many had it in the whole group), oldest first. Raises NotAllowed."""
    require_touch(viewer, VIEW)
    return sorted(
        TagCount.objects.filter(tag_id=tag_id).order_by("-day").values_list("day", "counted")[:days]
    )


def counts(viewer: Viewer) -> dict[int, int]:
    """How many members in the viewer's scope have each tag. Raises NotAllowed."""
    require(viewer, VIEW)
    members = loyalty.members_sql(viewer).inside(
        " JOIN (", ") m ON m.person_id = t.person_id GROUP BY t.tag_id"
    )
    statement = _held_sql.everybody().inside("SELECT t.tag_id, count(*) FROM (", ") t") + members
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return dict(cursor.fetchall())


def tag_sample(viewer: Viewer, tag_id: int, day: dt.date, size: int = SAMPLE) -> list[loyalty.MemberRow]:
    """Some members in scope who have it, masked, the same ones all day. Raises NotAllowed."""
    require(viewer, VIEW)
    members = loyalty.members_sql(viewer).inside(" JOIN (", ") m ON m.person_id = t.person_id")
    statement = _held_sql.everybody().inside("SELECT m.id FROM (", ") t") + members
    statement += Sql(
        " WHERE t.tag_id = %s ORDER BY md5(m.id::text || %s) LIMIT %s", (tag_id, day.isoformat(), size)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        ids = [row[0] for row in cursor.fetchall()]
    return loyalty.member_rows(viewer, ids)


def tag_moves(
    viewer: Viewer, rule: Group, ttl_days: int | None, tag_id: int | None, now: dt.datetime
) -> TagMoves:
    """Who would have a tag by a rule that is not in force, and who would gain and lose it. Raises NotAllowed.

    The log is read as far back as the rule looks.
    """
    require(viewer, VIEW)
    trial = made_ready(tag_id or 0, 0, rule, None if ttl_days is None else ttl_days * DAY_MS)
    machine = _log.replay([trial], since=now - dt.timedelta(milliseconds=reach_ms(rule)))
    machine.judge_all(milliseconds(now))
    then = {person for _tag, person in machine.held}
    with connection.cursor() as cursor:
        cursor.execute("SELECT person_id FROM insight_tagheld WHERE tag_id = %s", [tag_id])
        before = {row[0] for row in cursor.fetchall()}
    both = _in_scope(viewer, then | before)
    then, before = then & both, before & both
    return TagMoves(len(before), len(then), len(then - before), len(before - then))


def _in_scope(viewer: Viewer, persons: set[int]) -> set[int]:
    members = loyalty.members_sql(viewer).inside(
        "SELECT m.person_id FROM (", ") m WHERE m.person_id = ANY(%s)"
    )
    with connection.cursor() as cursor:
        cursor.execute(members.text, (*members.params, sorted(persons)))
        return {row[0] for row in cursor.fetchall()}


@dataclass(frozen=True, slots=True)
class SuggestionGroup:
    """Open suggestions of one wording: how many members it was written of, by whom at last."""

    wording: str
    text: str
    count: int
    newest_at: dt.datetime
    newest_by: str


def suggestion_groups(viewer: Viewer) -> list[SuggestionGroup]:
    """Words that wait for somebody to decide, the most frequent first. Raises NotAllowed."""
    require_touch(viewer, VIEW)
    found: dict[str, list[TagSuggestion]] = {}
    for row in TagSuggestion.objects.filter(state=TagSuggestion.State.OPEN).order_by("-written_at", "-id")[
        :2_000
    ]:
        found.setdefault(row.wording, []).append(row)
    groups = [
        SuggestionGroup(wording, rows[0].text, len(rows), rows[0].written_at, rows[0].written_by)
        for wording, rows in found.items()
    ]
    return sorted(groups, key=lambda one: -one.count)


def _require(viewer: Viewer) -> None:
    """Definitions are seen by who works with segments, and by who may give tags."""
    if not viewer.may(VIEW) and not viewer.may(GIVE):
        raise NotAllowed


def _ref(row: Tag) -> TagRef:
    return TagRef(row.pk, row.code, row.name, row.name_en, row.category, row.kind, row.state)
