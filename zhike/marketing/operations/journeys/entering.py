"""People enter a journey: once for one cause, by its re-entry rule, and to the holdout or the walk by a hash."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import events
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.statements import fetch_rows
from zhike.marketing.events import JourneyEntered
from zhike.marketing.models import Journey, JourneyEntry, JourneyVersion, MarketingPolicy
from zhike.marketing.operations import _wake
from zhike.marketing.operations.journeys._counting import add_counts
from zhike.marketing.queries.found import EDIT
from zhike.marketing.queries.journeys.found import (
    Candidate,
    candidates,
    definition_of,
    journey_row,
    launcher_of_journey,
    zone_of_journey,
)
from zhike.marketing.rules import assignment
from zhike.marketing.rules.assignment import HOLDOUT
from zhike.marketing.rules.campaigns import GLOBAL
from zhike.marketing.rules.journeys.graph import Definition
from zhike.marketing.rules.journeys.walking import is_of_age, may_enter, salt_of

WALK = "walk"


class JourneyNotRunning(Conflict):
    code = "journey-not-running"
    title = _("Nobody can enter this journey now: it is not running.")


class EntryKeyMissing(Invalid):
    code = "journey-entry-key"
    title = _("Say a key of 1 to 60 characters by which this entry is known.")


@dataclass(frozen=True, slots=True)
class Wish:
    """One person, by member or person, who is to enter; ``once`` names the cause, which enters them once."""

    once: str
    cause: str
    member_id: int = 0
    person_id: int = 0


@dataclass(frozen=True, slots=True)
class Entered:
    """``fates`` by person: walk, holdout or global for those who came in; known, inside, before, minor for those who did not."""

    fates: Mapping[int, str]

    @property
    def count(self) -> int:
        return sum(fate in (WALK, HOLDOUT, GLOBAL) for fate in self.fates.values())


@transaction.atomic
def enter_journey(*, actor: Viewer, journey_id: int, wishes: Sequence[Wish], now: dt.datetime) -> Entered:
    """Take people in who are active members in the launcher's scope and of the journey's mall, by its rules; set-based.

    The journey is held, so that entries of the same person follow one another. Minors never enter. Not running: nobody.
    """
    row = Journey.objects.select_for_update(of=("self",)).filter(pk=journey_id).first()
    if row is None or row.status != Journey.Status.RUNNING or row.live_id is None or not wishes:
        return Entered({})
    version = JourneyVersion.objects.get(pk=row.live_id)
    definition = definition_of(version)
    found = _known(row, wishes)
    wished = {(wish.member_id, wish.person_id): wish for wish in wishes}
    by_member = {wish.member_id: wish for wish in wishes if wish.member_id}
    by_person = {wish.person_id: wish for wish in wished.values() if wish.person_id}
    past = _past(row.pk, [one.person_id for one in found])
    used = _used(row.pk, [wish.once for wish in wishes])
    today = now.astimezone(ZoneInfo(zone_of_journey(row))).date()
    fates: dict[int, str] = {}
    chosen: list[tuple[Candidate, Wish, int, str]] = []
    draw = _Draw.of(row, definition, today)
    for one in found:
        wish = by_member.get(one.member_id) or by_person[one.person_id]
        last = past.get(one.person_id)
        fate = _refusal(definition, last, wish.once in used, one, today, now)
        if not fate:
            fate = draw.arm(one.person_id)
            chosen.append((one, wish, last.number + 1 if last else 1, fate))
        fates[one.person_id] = fate
    _write(actor, row, version, definition, chosen, now)
    return Entered(fates)


def enter_member(*, actor: Viewer, journey_id: int, member_id: int, once: str, now: dt.datetime) -> str:
    """Let one member enter by hand or by a program, once for a key; what became of it, as ``Entered`` says.

    Raises NotFound for a journey or a member out of scope, EntryKeyMissing, JourneyNotRunning, NotAllowed.
    """
    require(actor, EDIT)
    row = journey_row(actor, journey_id, EDIT)
    if not 0 < len(once) <= 60:
        raise EntryKeyMissing
    seen = candidates(actor, member_ids=[member_id])
    if not seen:
        raise NotFound
    if row.status != Journey.Status.RUNNING:
        raise JourneyNotRunning
    wish = Wish(
        once=f"api:{once}:{member_id}"[:80], cause=f"{actor.kind}:{actor.label}"[:120], member_id=member_id
    )
    entered = enter_journey(actor=actor, journey_id=journey_id, wishes=[wish], now=now)
    return entered.fates.get(seen[0].person_id, "outside")


@dataclass(frozen=True, slots=True)
class _Draw:
    """How people fall to the walk and the holdouts."""

    salt: str
    holdout_bp: int
    global_salt: str
    global_bp: int

    @classmethod
    def of(cls, row: Journey, definition: Definition, today: dt.date) -> _Draw:
        policy = MarketingPolicy.objects.filter(group_id=row.group_id).first()
        quarter = assignment.global_salt(row.group_id, today.year, (today.month + 2) // 3)
        return cls(salt_of(row.pk), definition.holdout_bp, quarter, policy.global_holdout_bp if policy else 0)

    def arm(self, person_id: int) -> str:
        if assignment.is_held_out(self.global_salt, person_id, self.global_bp):
            return GLOBAL
        return HOLDOUT if assignment.is_held_out(self.salt, person_id, self.holdout_bp) else WALK


@dataclass(frozen=True, slots=True)
class _Last:
    number: int
    is_inside: bool
    entered_at: dt.datetime


def _known(row: Journey, wishes: Sequence[Wish]) -> list[Candidate]:
    member_ids = [wish.member_id for wish in wishes if wish.member_id]
    person_ids = [wish.person_id for wish in wishes if wish.person_id]
    found = candidates(launcher_of_journey(row), member_ids=member_ids, person_ids=person_ids)
    by_person: dict[int, Candidate] = {}
    for one in found:
        if row.mall_id is None or one.mall_id == row.mall_id:
            by_person.setdefault(one.person_id, one)
    return sorted(by_person.values(), key=lambda one: one.person_id)


def _past(journey_id: int, person_ids: Sequence[int]) -> dict[int, _Last]:
    rows = fetch_rows(
        """SELECT DISTINCT ON (person_id) person_id, number, state = 'active', entered_at FROM marketing_journeyentry
        WHERE journey_id = %s AND person_id = ANY(%s) ORDER BY person_id, number DESC""",
        [journey_id, list(person_ids)],
    )
    return {person_id: _Last(number, inside, at) for person_id, number, inside, at in rows}


def _used(journey_id: int, keys: Sequence[str]) -> set[str]:
    rows = JourneyEntry.objects.filter(journey_id=journey_id, once__in=keys)
    return set(rows.values_list("once", flat=True))


def _refusal(
    definition: Definition,
    last: _Last | None,
    is_used: bool,
    one: Candidate,
    today: dt.date,
    now: dt.datetime,
) -> str:
    if is_used:
        return "known"
    if not is_of_age(one.birthday, today):
        return "minor"
    inside = last is not None and last.is_inside
    if may_enter(definition, inside, last.entered_at if last else None, now):
        return ""
    return "inside" if inside else "before"


def _write(
    actor: Viewer,
    row: Journey,
    version: JourneyVersion,
    definition: Definition,
    chosen: Sequence[tuple[Candidate, Wish, int, str]],
    now: dt.datetime,
) -> None:
    if not chosen:
        return
    people, wishes, numbers, arms = zip(*chosen, strict=True)
    written = fetch_rows(
        """INSERT INTO marketing_journeyentry (journey_id, version_id, person_id, member_id, number, arm, state, node, since,
            is_resting, due_at, waits_for, signal, visit, once, cause, entered_at, ended_by)
        SELECT %s, %s, w.person_id, w.member_id, w.number, w.arm, CASE w.arm WHEN 'walk' THEN 'active' ELSE 'held' END,
            CASE w.arm WHEN 'walk' THEN %s ELSE '' END, %s, false, CASE w.arm WHEN 'walk' THEN %s::timestamptz END, '', false, 0,
            w.once, w.cause, %s, ''
        FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::text[], %s::text[], %s::text[])
            AS w(person_id, member_id, number, arm, once, cause)
        ORDER BY w.person_id RETURNING id, person_id, member_id, number, arm, cause""",
        [
            row.pk, version.pk, definition.first, now, now, now, [one.person_id for one in people],
            [one.member_id for one in people], list(numbers), list(arms), [one.once for one in wishes],
            [one.cause for one in wishes],
        ],
    )  # fmt: skip
    facts = [
        JourneyEntered(row.pk, person_id, member_id, entry_id, version.number, number, arm, cause)
        for entry_id, person_id, member_id, number, arm, cause in written
    ]
    events.publish_many(facts, actor=actor, now=now)
    add_counts(version.pk, Counter(("", "entered", arm) for arm in arms))
    if WALK in arms:
        transaction.on_commit(_wake.journeys)
