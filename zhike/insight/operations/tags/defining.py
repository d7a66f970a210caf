"""Tags are made, their rules drafted and published, and put away."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.insight.events import TagPublished, TagRetired, TagSaved
from zhike.insight.models import Tag, TagCount, TagMark, TagVersion
from zhike.insight.queries import audiences
from zhike.insight.queries.tagging import defined
from zhike.insight.queries.tagging.sentences import checked_rule
from zhike.insight.rules.tags.rule import stored
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch, system_viewer
from zhike.kernel.errors import Conflict, Invalid

EDIT = "segments.edit"
CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
ENGLISH = re.compile(r"[ -~]{0,60}")
NAME_MAX, NOTE_MAX = 40, 300
COUNTER = system_viewer("tags")


class TagInvalid(Invalid):
    code = "tag-invalid"
    title = _("It needs a name, and a code of small letters, digits and dashes.")


class TagCodeTaken(Conflict):
    code = "tag-code-taken"
    title = _("Another tag has this code.")


class TagIsRetired(Conflict):
    code = "tag-retired"
    title = _("This tag was put away.")


@transaction.atomic
def save_tag(
    *,
    actor: Viewer,
    group_id: int,
    code: str,
    name: str,
    category: str,
    kind: str = "rule",
    name_en: str = "",
    note: str = "",
    rule: Any = None,
    ttl_days: int | None = None,
    owner_id: int | None = None,
    tag_id: int | None = None,
    now: dt.datetime,
) -> int:
    """Make a tag or describe it anew; its id. It is looked after by ``owner_id``, else by who makes it.

    A rule is kept as a draft: nobody is judged by it until it is published. ``rule`` is a tree as docs/guides/tags.md
    shows it; manual tags have none and are live at once. ``name_en`` is what is shown where people read English.
    Raises TagInvalid, TagRuleInvalid, TagCodeTaken, TagNotFound, TagIsRetired, NotAllowed.
    """
    row = _to_save(actor, tag_id, group_id, code, kind, now)
    row.owner_id = owner_id or row.owner_id
    fields = _faults(row.code, name, name_en, note, category, kind)
    if fields:
        raise TagInvalid(fields=fields)
    before = {"name": row.name, "category": row.category, "ttl_days": row.ttl_days, "draft": row.draft}
    row.name, row.name_en, row.category, row.note = name.strip(), name_en.strip(), category, note.strip()
    row.changed_at = now
    if row.kind == Tag.Kind.RULE:
        tree = checked_rule(rule, ttl_days)
        row.draft, row.ttl_days = stored(tree), ttl_days
    is_new = row.pk is None
    row.save()
    after = {"name": row.name, "category": row.category, "ttl_days": row.ttl_days, "draft": row.draft}
    audit.record(
        actor=actor,
        action="tag.save",
        subject=("tag", row.pk),
        before=None if is_new else before,
        after=after,
        now=now,
    )
    events.publish(TagSaved(row.pk, row.code, row.kind), actor=actor, now=now)
    return row.pk


def _faults(code: str, name: str, name_en: str, note: str, category: str, kind: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    if not CODE.fullmatch(code):
        found["code"] = [_("Small letters, digits and dashes.")]
    if not 0 < len(name.strip()) <= NAME_MAX:
        found["name"] = [_("Between 1 and 40 characters.")]
    if not ENGLISH.fullmatch(name_en.strip()):
        found["name_en"] = [_("Plain Latin letters, at most 60.")]
    if len(note) > NOTE_MAX:
        found["note"] = [_("At most 300 characters.")]
    if category not in defined.CATEGORIES:
        found["category"] = [_("One of the categories.")]
    if kind not in Tag.Kind.values:
        found["kind"] = [_("A rule tag or a manual tag.")]
    return found


def _to_save(actor: Viewer, tag_id: int | None, group_id: int, code: str, kind: str, now: dt.datetime) -> Tag:
    if tag_id is not None:
        return _locked(actor, tag_id)
    require_touch(actor, EDIT)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('insight.tag'), %s)", [group_id])
    if Tag.objects.filter(group_id=group_id, code=code).exists():
        raise TagCodeTaken
    return Tag(
        group_id=group_id,
        code=code,
        kind=kind,
        state=Tag.State.LIVE if kind == Tag.Kind.MANUAL else Tag.State.DRAFT,
        owner_id=actor.id if actor.kind == "staff" else None,
        created_at=now,
        created_by=actor.label,
    )


def _locked(actor: Viewer, tag_id: int) -> Tag:
    """Raises TagNotFound, NotAllowed, TagIsRetired."""
    defined.tag(actor, tag_id)
    require_touch(actor, EDIT)
    row = Tag.objects.select_for_update().get(pk=tag_id)
    if row.state == Tag.State.RETIRED:
        raise TagIsRetired
    return row


@transaction.atomic
def publish_tag(*, actor: Viewer, tag_id: int, note: str = "", now: dt.datetime) -> int:
    """Judge everybody by the draft from here on; the version, the same one when nothing changed.

    The reader of the log takes it up in its turn: until then the version before decides. Raises TagNotFound,
    TagRuleInvalid, TagIsRetired, NotAllowed.
    """
    row = _locked(actor, tag_id)
    if row.kind != Tag.Kind.RULE or row.draft is None:
        return row.version
    checked_rule(row.draft, row.ttl_days)
    newest = TagVersion.objects.filter(tag=row, version=row.version).first()
    if newest and (newest.definition, newest.ttl_days) == (row.draft, row.ttl_days):
        return row.version
    row.version += 1
    row.state = Tag.State.LIVE
    row.changed_at = now
    row.save(update_fields=["version", "state", "changed_at"])
    TagVersion.objects.create(
        tag=row, version=row.version, definition=row.draft, ttl_days=row.ttl_days, note=note.strip()[:200],
        published_at=now, published_by=actor.label,
    )  # fmt: skip
    audit.record(
        actor=actor, action="tag.publish", subject=("tag", row.pk), reason=note.strip()[:200],
        before=newest.definition if newest else None, after={"version": row.version, "rule": row.draft}, now=now,
    )  # fmt: skip
    events.publish(TagPublished(row.pk, row.version), actor=actor, now=now)
    return row.version


@transaction.atomic
def retire_tag(*, actor: Viewer, tag_id: int, now: dt.datetime) -> None:
    """Put away: nobody has it any more, its versions stay. Raises TagNotFound, NotAllowed."""
    defined.tag(actor, tag_id)
    require_touch(actor, EDIT)
    row = Tag.objects.select_for_update().get(pk=tag_id)
    if row.state == Tag.State.RETIRED:
        return
    row.state, row.changed_at = Tag.State.RETIRED, now
    row.save(update_fields=["state", "changed_at"])
    TagMark.objects.filter(tag=row, ended_at=None).update(ended_at=now, ended_by=actor.label)
    audit.record(actor=actor, action="tag.retire", subject=("tag", row.pk), after={"code": row.code}, now=now)
    events.publish(TagRetired(row.pk), actor=actor, now=now)


@transaction.atomic
def count_tags(*, actor: Viewer, now: dt.datetime) -> int:
    """Keep how many have each tag today, for the curve; how many tags."""
    counts = defined.counts(COUNTER)
    day = now.astimezone(ZoneInfo(audiences.zone())).date()
    tags = list(Tag.objects.exclude(state=Tag.State.RETIRED).values_list("id", flat=True))
    for tag_id in tags:
        TagCount.objects.update_or_create(tag_id=tag_id, day=day, defaults={"counted": counts.get(tag_id, 0)})
    return len(tags)
