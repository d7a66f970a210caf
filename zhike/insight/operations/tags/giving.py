"""Tags given and refused by hand, by staff and by members themselves; free words that may become a tag."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.insight.events import MemberTagged, MemberUntagged, TagSuggested, TagSuggestionsDecided
from zhike.insight.models import Tag, TagMark, TagSuggestion
from zhike.insight.operations.tags.defining import EDIT, TagInvalid, TagIsRetired, save_tag
from zhike.insight.queries.tagging import defined, held, marks
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound

GIVE = "tags.give"
TEXT_MAX, NOTE_MAX = 60, 200


class MemberSaidNo(Conflict):
    code = "tag-refused-by-member"
    title = _("The member took this tag off themselves; only they can have it back.")


class SuggestionUnusable(Invalid):
    code = "tag-suggestion-unusable"
    title = _("Write between 1 and 60 characters.")


class SuggestionNotFound(NotFound):
    code = "tag-suggestion-not-found"
    title = _("There is no such suggestion any more.")


@transaction.atomic
def mark_tag(
    *,
    actor: Viewer,
    person_id: int,
    tag_id: int,
    is_on: bool,
    note: str = "",
    presented: bool = False,
    now: dt.datetime,
) -> None:
    """Say by hand that a person has a tag, or has it not. No rule says otherwise from here on.

    ``presented``: the door has seen the person stand there with card, code or phone, so scope is not asked.
    Said again it stays as it is. What members took off themselves only they give back. Raises NotFound, TagNotFound,
    TagIsRetired, MemberSaidNo, NotAllowed.
    """
    root = _held_person(actor, person_id, presented=presented)
    tag = defined.tag_row(tag_id)
    if tag.state == Tag.State.RETIRED or (is_on and tag.state == Tag.State.DRAFT):
        raise TagIsRetired
    source = "member" if actor.kind == "member" else "staff"
    standing = marks.standing_marks([root]).get((root, tag_id))
    if standing is not None:
        if standing.source == "member" and source != "member":
            raise MemberSaidNo
        if standing.is_on == is_on and standing.source == source:
            return
    had = held.has_tag(root, tag_id)
    _end(root, tag_id, actor, now)
    TagMark.objects.create(
        person_id=root, tag=tag, is_on=is_on, source=source, note=note.strip()[:NOTE_MAX], marked_at=now,
        marked_by=actor.label, author=actor.audit_id,
    )  # fmt: skip
    _tell(actor, root, tag_id, source, had, is_on, now)
    audit.record(
        actor=actor, action="tag.mark", subject=("person", root), after={"tag": tag.code, "is_on": is_on},
        reason=note.strip()[:NOTE_MAX], now=now,
    )  # fmt: skip


@transaction.atomic
def unmark_tag(*, actor: Viewer, person_id: int, tag_id: int, now: dt.datetime) -> None:
    """Take back what was said by hand: from here on the rule decides again, if there is one.

    Raises NotFound, TagNotFound, MemberSaidNo, NotAllowed.
    """
    root = _held_person(actor, person_id)
    tag = defined.tag_row(tag_id)
    standing = marks.standing_marks([root]).get((root, tag_id))
    if standing is None:
        return
    if standing.source == "member" and actor.kind != "member":
        raise MemberSaidNo
    had = held.has_tag(root, tag_id)
    _end(root, tag_id, actor, now)
    source = "member" if actor.kind == "member" else "staff"
    _tell(actor, root, tag_id, source, had, held.has_tag(root, tag_id), now)
    audit.record(
        actor=actor, action="tag.unmark", subject=("person", root), before={"tag": tag.code}, now=now
    )


def _held_person(actor: Viewer, person_id: int, *, presented: bool = False) -> int:
    """Who stands for the person, locked so that two who mark do so one after the other. Raises NotFound, NotAllowed."""
    if presented:
        require(actor, GIVE)
    else:
        customers.require_visible(person_id, actor, GIVE)
    root = customers.survivor_of(person_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('insight.tag_mark'), %s)", [root % 2**31])
    return root


def _end(root: int, tag_id: int, actor: Viewer, now: dt.datetime) -> None:
    rows = TagMark.objects.filter(person_id__in=customers.family(root), tag_id=tag_id, ended_at=None)
    rows.update(ended_at=now, ended_by=actor.label)


def _tell(actor: Viewer, root: int, tag_id: int, source: str, had: bool, has: bool, now: dt.datetime) -> None:
    if had != has:
        fact = (MemberTagged if has else MemberUntagged)(root, tag_id, source, now)
        events.publish(fact, actor=actor, now=now)


# --- free words ----------------------------------------------------------------------------------------------------


@transaction.atomic
def suggest_tag(
    *, actor: Viewer, person_id: int, text: str, presented: bool = False, now: dt.datetime
) -> int:
    """Keep what staff wrote of a person in their own words; the suggestion's id.

    Words that are a tag's name are that tag at once (then 0 is returned). The same words of the same person are one
    suggestion. Raises SuggestionUnusable, NotFound, MemberSaidNo, NotAllowed.
    """
    words = " ".join(text.split())
    if not 0 < len(words) <= TEXT_MAX:
        raise SuggestionUnusable
    root = _held_person(actor, person_id, presented=presented)
    known = defined.tag_named(words)
    if known is not None:
        mark_tag(actor=actor, person_id=root, tag_id=known, is_on=True, presented=presented, now=now)
        return 0
    row, is_new = TagSuggestion.objects.get_or_create(
        person_id=root,
        wording=words.casefold(),
        state=TagSuggestion.State.OPEN,
        defaults={"text": words, "written_at": now, "written_by": actor.label, "author": actor.audit_id},
    )
    if is_new:
        audit.record(
            actor=actor, action="tag.suggest", subject=("person", root), after={"suggestion": row.pk}, now=now
        )
        events.publish(TagSuggested(root, row.pk), actor=actor, now=now)
    return row.pk


@transaction.atomic
def take_suggestions(
    *,
    actor: Viewer,
    wording: str,
    group_id: int,
    tag_id: int | None = None,
    code: str = "",
    name: str = "",
    category: str = "note",
    now: dt.datetime,
) -> int:
    """Make open suggestions of one wording a tag (a new manual one, or one that is there); the tag's id.

    Everybody of whom it was written in the actor's scope has it from here on, with who wrote it and when. Who said no
    themselves stays without. Raises SuggestionNotFound, TagInvalid, TagCodeTaken, TagNotFound, NotAllowed.
    """  # fmt: skip
    require_touch(actor, EDIT)
    rows = list(_open(wording))
    if not rows:
        raise SuggestionNotFound
    if tag_id is None:
        tag_id = save_tag(
            actor=actor,
            group_id=group_id,
            code=code,
            name=name or rows[0].text,
            category=category,
            kind="manual",
            now=now,
        )
    tag = defined.tag_row(tag_id)
    if tag.state != Tag.State.LIVE:
        raise TagIsRetired
    for row in rows:
        _give(row, tag, actor, now)
    _decide([row.pk for row in rows], TagSuggestion.State.TAKEN, tag.pk, actor, now)
    return tag.pk


def _give(row: TagSuggestion, tag: Tag, actor: Viewer, now: dt.datetime) -> None:
    root = customers.survivor_of(row.person_id)
    if (root, tag.pk) in marks.standing_marks([root]):
        return
    had = held.has_tag(root, tag.pk)
    TagMark.objects.create(
        person_id=root, tag=tag, is_on=True, source="staff", note="", marked_at=row.written_at,
        marked_by=row.written_by, author=row.author,
    )  # fmt: skip
    _tell(actor, root, tag.pk, "staff", had, True, now)


@transaction.atomic
def decline_suggestions(*, actor: Viewer, wording: str, now: dt.datetime) -> int:
    """These words become no tag; how many suggestions. Raises SuggestionNotFound, NotAllowed."""
    require_touch(actor, EDIT)
    ids = [row.pk for row in _open(wording)]
    if not ids:
        raise SuggestionNotFound
    _decide(ids, TagSuggestion.State.DECLINED, None, actor, now)
    return len(ids)


def _open(wording: str) -> list[TagSuggestion]:
    rows = TagSuggestion.objects.select_for_update().filter(wording=wording, state=TagSuggestion.State.OPEN)
    return list(rows.order_by("id"))


def _decide(ids: list[int], state: str, tag_id: int | None, actor: Viewer, now: dt.datetime) -> None:
    TagSuggestion.objects.filter(pk__in=ids).update(
        state=state, tag_id=tag_id, decided_at=now, decided_by=actor.label
    )
    audit.record(
        actor=actor, action=f"tag.suggestion_{state}", subject=("tag_suggestion", ids[0]),
        after={"count": len(ids), "tag": tag_id}, now=now,
    )  # fmt: skip
    events.publish(TagSuggestionsDecided(tuple(ids), tag_id), actor=actor, now=now)


__all__ = [
    "MemberSaidNo", "SuggestionNotFound", "SuggestionUnusable", "TagInvalid", "decline_suggestions", "mark_tag",
    "suggest_tag", "take_suggestions", "unmark_tag",
]  # fmt: skip
