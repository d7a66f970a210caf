"""The tags of one human being, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from zhike.customers import queries as customers
from zhike.insight.models import Tag, TagHeld, TagSuggestion, TagVersion
from zhike.insight.queries.tagging import marks
from zhike.insight.queries.tagging.defined import TagRef, _ref
from zhike.insight.rules.tags.rule import Group, parse


@dataclass(frozen=True, slots=True)
class TagOn:
    """A tag somebody has. ``source`` is rule, staff or member; a rule's tag has the rule and its ``figures``, in reading
    order, a given one who gave it (``by``) and what they noted."""

    ref: TagRef
    since: dt.datetime
    source: str
    rule: Group | None = None
    figures: tuple[int, ...] = ()
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class PersonTags:
    """``off`` are tags that somebody said the person has not, with who said so."""

    on: tuple[TagOn, ...]
    off: tuple[TagOn, ...]
    suggested: tuple[str, ...] = ()


def tags_of(person_id: int) -> PersonTags:
    """What a human being has, whichever of their ids is asked for. The caller has authorised the person."""
    root = customers.survivor_of(person_id)
    said = {tag_id: row for (_person, tag_id), row in marks.standing_marks([root]).items()}
    rows = TagHeld.objects.filter(person_id=root).exclude(tag_id__in=list(said)).select_related("tag")
    held = list(rows.exclude(tag__state=Tag.State.RETIRED))
    rules = _rules(held)
    on = [
        TagOn(_ref(row.tag), row.since, "rule", rules.get((row.tag_id, row.version)), tuple(row.figures))
        for row in held
    ]
    by_hand = [
        (row.is_on, TagOn(_ref(row.tag), row.marked_at, row.source, by=row.marked_by, note=row.note))
        for row in said.values()
    ]
    on += [one for is_on, one in by_hand if is_on]
    off = [one for is_on, one in by_hand if not is_on]
    waiting = TagSuggestion.objects.filter(
        person_id__in=customers.family(root), state=TagSuggestion.State.OPEN
    )
    newest = sorted(on, key=lambda one: one.since, reverse=True)
    return PersonTags(
        tuple(newest), tuple(off), tuple(waiting.order_by("-written_at").values_list("text", flat=True))
    )


def _rules(rows: Sequence[TagHeld]) -> dict[tuple[int, int], Group]:
    wanted = {(row.tag_id, row.version) for row in rows}
    found = TagVersion.objects.filter(tag_id__in=[tag_id for tag_id, _version in wanted])
    return {
        (one.tag_id, one.version): parse(one.definition)
        for one in found
        if (one.tag_id, one.version) in wanted
    }


def has_tag(root: int, tag_id: int) -> bool:
    """Whether the person that stands for others has it by now."""
    said = marks.marked([root]).get((root, tag_id))
    return TagHeld.objects.filter(person_id=root, tag_id=tag_id).exists() if said is None else said
