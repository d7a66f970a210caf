"""Segments made, changed, counted, frozen, exported, put away."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.insight.events import SegmentArchived, SegmentExported, SegmentFrozen, SegmentSaved
from zhike.insight.models import Segment, SegmentCount, SegmentSnapshot, SegmentVersion
from zhike.insight.queries import audiences as queries
from zhike.insight.queries.sentences import fault_sentence
from zhike.insight.rules.definition import BadDefinition, Group, cycle, parse, references, stored
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch, system_viewer
from zhike.kernel.errors import Conflict, Invalid
from zhike.organization import queries as organization

EDIT, EXPORT = "segments.edit", "segments.export"
CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
NAME_MAX, NOTE_MAX, REASON_MAX = 80, 300, 200
COUNTER = system_viewer("segments")


class SegmentInvalid(Invalid):
    code = "segment-invalid"
    title = _("It needs a name, and a code of small letters, digits and dashes.")


class DefinitionInvalid(Invalid):
    code = "definition-invalid"
    title = _("The conditions cannot be used: %(what)s")


class SegmentCodeTaken(Conflict):
    code = "segment-code-taken"
    title = _("Another segment has this code.")


class SegmentCycle(Conflict):
    code = "segment-cycle"
    title = _("A segment cannot be made of itself, not even through others.")


class SegmentInUse(Conflict):
    code = "segment-in-use"
    title = _("Other segments are made of it: %(names)s.")


class ReasonMissing(Invalid):
    code = "reason-missing"
    title = _("Say what for.")


@transaction.atomic
def save_segment(
    *,
    actor: Viewer,
    group_id: int,
    code: str,
    name: str,
    definition: Any,
    mall_id: int | None = None,
    note: str = "",
    segment_id: int | None = None,
    now: dt.datetime,
) -> int:
    """Make a segment or give it a new definition; its id. Without ``segment_id`` a known code is refused.

    ``mall_id`` is fixed when it is made: the segment's members and receipts are that mall's; None is the whole group's.
    The definition is a tree as docs/guides/segments.md shows it. The count is taken at once, for the whole place.
    Raises SegmentInvalid, DefinitionInvalid, SegmentCodeTaken, SegmentCycle, SegmentNotFound, NotAllowed.
    """
    row = _to_save(actor, segment_id, group_id, code, mall_id, now)
    if not CODE.fullmatch(row.code) or not 0 < len(name.strip()) <= NAME_MAX or len(note) > NOTE_MAX:
        raise SegmentInvalid
    tree = _checked(definition)
    _require_references(actor, row, tree)
    before = {"name": row.name, "version": row.version} if row.version else None
    form = stored(tree)
    is_changed = row.definition != form
    row.name, row.note, row.definition, row.changed_at = name.strip(), note.strip(), form, now
    row.version += is_changed
    row.save()
    if is_changed:
        _count(row, now)
        SegmentVersion.objects.create(
            segment=row,
            version=row.version,
            definition=form,
            counted=row.counted,
            saved_at=now,
            saved_by=actor.label,
        )
    after = {"name": row.name, "code": row.code, "version": row.version}
    audit.record(
        actor=actor, action="segment.save", subject=("segment", row.pk), before=before, after=after, now=now
    )
    events.publish(SegmentSaved(row.pk, row.version, row.mall_id), actor=actor, now=now)
    return row.pk


def _to_save(
    actor: Viewer, segment_id: int | None, group_id: int, code: str, mall_id: int | None, now: dt.datetime
) -> Segment:
    """The row, locked, or a new one; every living segment of the group is locked, so that no two make a cycle."""
    list(Segment.objects.select_for_update().filter(group_id=group_id).order_by("id").values_list("id"))
    if segment_id is not None:
        return _locked(actor, segment_id, EDIT)
    require_touch(actor, EDIT, mall=mall_id)
    if mall_id is not None and organization.mall(mall_id).group_id != group_id:
        raise SegmentInvalid
    if Segment.objects.filter(group_id=group_id, code=code).exists():
        raise SegmentCodeTaken
    return Segment(
        group_id=group_id,
        mall_id=mall_id,
        code=code,
        version=0,
        created_by=actor.label,
        created_at=now,
        definition={},
    )


def _locked(actor: Viewer, segment_id: int, permission: str) -> Segment:
    """Raises SegmentNotFound when it is not there or hidden, NotAllowed when it may be seen only."""
    queries.segment(actor, segment_id)
    row = Segment.objects.select_for_update().get(pk=segment_id)
    require_touch(actor, permission, mall=row.mall_id)
    return row


def _checked(definition: Any) -> Group:
    try:
        return parse(definition)
    except BadDefinition as fault:
        raise DefinitionInvalid(what=fault_sentence(fault)) from fault


def _require_references(actor: Viewer, row: Segment, tree: Group) -> None:
    """What it is made of must be visible to who saves it, stand at its place or above, and not lead back to it."""
    wanted = references(tree)
    known = {one.id: one.mall_id for one in queries.segments(actor)}
    if any(one not in known or known[one] not in (None, row.mall_id) for one in wanted):
        raise DefinitionInvalid(what=_("it names a segment that is not there, or of another place."))
    if not row.version:
        return
    others = Segment.objects.filter(group_id=row.group_id).exclude(pk=row.pk)
    tree_of = {pk: references(parse(given)) for pk, given in others.values_list("id", "definition")}
    if cycle(row.pk, {**tree_of, row.pk: wanted}):
        raise SegmentCycle


def _count(row: Segment, now: dt.datetime, counted: int | None = None) -> None:
    """For the whole place, whoever asks: scope is for who reads."""
    row.counted = queries.segment_count(COUNTER, row.pk, now) if counted is None else counted
    row.counted_at = now
    row.save(update_fields=["counted", "counted_at"])
    day = now.astimezone(ZoneInfo(queries.zone())).date()
    SegmentCount.objects.update_or_create(segment=row, day=day, defaults={"counted": row.counted})


def count_segments(*, actor: Viewer, now: dt.datetime) -> int:
    """Count every living segment anew, each in a transaction of its own; how many."""
    ids = list(Segment.objects.filter(archived_at=None).order_by("id").values_list("id", flat=True))
    for segment_id in ids:
        with transaction.atomic():
            row = Segment.objects.select_for_update(skip_locked=True).filter(pk=segment_id).first()
            if row is not None:
                _count(row, now)
    return len(ids)


@transaction.atomic
def freeze_segment(*, actor: Viewer, segment_id: int, label: str, now: dt.datetime) -> int:
    """Keep who belongs now as a snapshot; its id. Raises SegmentNotFound, SegmentInvalid, NotAllowed."""
    from pyroaring import BitMap64

    row = _locked(actor, segment_id, EDIT)
    if not 0 < len(label.strip()) <= NAME_MAX:
        raise SegmentInvalid(fields={"label": [_("Give it a name of at most 80 characters.")]})
    ids = queries.fitting(COUNTER, parse(row.definition), row.mall_id, now)
    bitmap = BitMap64(ids)
    _count(row, now, len(ids))
    snapshot = SegmentSnapshot.objects.create(
        segment=row,
        version=row.version,
        label=label.strip(),
        counted=len(ids),
        members=bitmap.serialize(),
        taken_at=now,
        taken_by=actor.label,
    )
    audit.record(
        actor=actor,
        action="segment.freeze",
        subject=("segment", row.pk),
        after={"snapshot": snapshot.pk, "count": len(ids)},
        now=now,
    )
    events.publish(SegmentFrozen(row.pk, snapshot.pk, len(ids)), actor=actor, now=now)
    return snapshot.pk


@transaction.atomic
def begin_export(
    *, actor: Viewer, segment_id: int, purpose: str, channel: str | None, reason: str, now: dt.datetime
) -> list[int]:
    """The members to be written into a file: those in scope who belong and agreed to the purpose. Kept in the audit.

    Raises SegmentNotFound, PurposeUnknown, ReasonMissing, NotAllowed.
    """
    row = _locked(actor, segment_id, EXPORT)
    if not 0 < len(reason.strip()) <= REASON_MAX:
        raise ReasonMissing(fields={"reason": [_("Say what for, in at most 200 characters.")]})
    ids = list(queries.segment_members(actor, row.pk, purpose=purpose, channel=channel, now=now))
    audit.record(
        actor=actor,
        action="segment.export",
        subject=("segment", row.pk),
        after={"purpose": purpose, "channel": channel or "any", "count": len(ids), "version": row.version},
        reason=reason.strip(),
        now=now,
    )
    fact = SegmentExported(row.pk, purpose, channel or "any", len(ids))
    events.publish(fact, actor=actor, now=now)
    return ids


@transaction.atomic
def archive_segment(*, actor: Viewer, segment_id: int, now: dt.datetime) -> None:
    """Put away; its versions and snapshots stay. Raises SegmentNotFound, SegmentInUse, NotAllowed."""
    row = _locked(actor, segment_id, EDIT)
    if row.archived_at is not None:
        return
    if names := queries.is_used_by(row.pk):
        raise SegmentInUse(names=", ".join(names))
    row.archived_at = now
    row.save(update_fields=["archived_at"])
    audit.record(
        actor=actor, action="segment.archive", subject=("segment", row.pk), after={"code": row.code}, now=now
    )
    events.publish(SegmentArchived(row.pk), actor=actor, now=now)
