"""Missions are published, accepted, followed as the log tells what members do, rewarded, and taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from zhike.engagement.events import (
    MissionAccepted,
    MissionFinished,
    MissionPublished,
    MissionRewarded,
    MissionTakenBack,
)
from zhike.engagement.models import Mission, MissionRun, MissionVersion
from zhike.engagement.operations._giving import (
    GIVER,
    NotRunning,
    give,
    participant,
    require_batches,
    unusable,
)
from zhike.engagement.queries.deeds import deeds_since
from zhike.engagement.queries.missions import window_of
from zhike.engagement.rules.missions import (
    FOR_EVER,
    Deed,
    MissionTerms,
    Progress,
    parse_mission,
    period_of,
    progress,
)
from zhike.engagement.rules.terms import TermsError
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.clock import business_date
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.offers import operations as offers

REASON = "mission"
LOOK_BACK = dt.timedelta(days=35)
"""What arrives later than this (a receipt claimed, a file imported) begins no mission of its own day any more."""
REMEMBERED = dt.timedelta(days=400)
"""Returns are looked after for so long."""
Status = MissionRun.Status
HOLDS_A_PLACE = (Status.WAITING, Status.REWARDED)


class MissionNotFound(NotFound):
    code = "mission-not-found"
    title = _("There is no such mission.")


class MissionNameMissing(Invalid):
    code = "mission-name-missing"
    title = _("A mission needs a name of at most 60 characters.")


class NotForThem(Conflict):
    code = "mission-not-for-them"
    title = _("This mission is not for this member.")


@transaction.atomic
def save_mission(
    *,
    actor: Viewer,
    program_id: int,
    name: str,
    terms: Mapping[str, Any],
    now: dt.datetime,
    mission_id: int | None = None,
    description: str = "",
    is_open: bool = True,
    reason: str = "",
) -> int:
    """Publish a mission, or a new version of one; its id. Who has begun goes on by the version they began with.

    Closing it lets nobody begin; raises MissionNotFound, MissionNameMissing, TermsUnusable (naming the path), NotAllowed.
    """
    require_touch(actor, "engagement.edit")
    try:
        parsed = parse_mission(terms)
    except TermsError as error:
        raise unusable(error) from error
    name = name.strip()
    if not 0 < len(name) <= 60:
        raise MissionNameMissing
    require_batches([parsed.reward], now)
    stored = msgspec.to_builtins(parsed)
    mission = _to_publish(mission_id, program_id, now)
    mission.name, mission.description = name, description.strip()[:300]
    mission.closed_at = None if is_open else (mission.closed_at or now)
    if mission.version == 0 or _terms_of(mission) != stored:
        mission.version += 1
        mission.save()
        MissionVersion.objects.create(
            mission=mission,
            version=mission.version,
            terms=stored,
            published_at=now,
            published_by=actor.audit_id,
            reason=reason[:300],
        )
    else:
        mission.save()
    audit.record(
        actor=actor,
        action="mission.save",
        subject=("mission", mission.pk),
        after={"name": name, "version": mission.version, "terms": stored, "is_open": is_open},
        reason=reason,
        now=now,
    )
    events.publish(MissionPublished(program_id, mission.pk, mission.version, is_open), actor=actor, now=now)
    return mission.pk


def _to_publish(mission_id: int | None, program_id: int, now: dt.datetime) -> Mission:
    if mission_id is None:
        return Mission(program_id=program_id, version=0, opened_at=now)
    found = (
        Mission.objects.select_for_update(of=("self",)).filter(id=mission_id, program_id=program_id).first()
    )
    if found is None:
        raise MissionNotFound
    return found


def _terms_of(mission: Mission) -> Any:
    rows = MissionVersion.objects.filter(mission=mission, version=mission.version)
    return rows.values_list("terms", flat=True).first()


@transaction.atomic
def accept_mission(*, actor: Viewer, member_id: int, mission_id: int, now: dt.datetime) -> int:
    """A member takes on a mission that begins when it is accepted; its run. Twice is once.

    Raises MissionNotFound, NotRunning, NotForThem, MemberNotFound, MemberFrozen, NotAllowed.
    """
    found = participant(actor, member_id, None if actor.kind == "member" else _mall_of(member_id))
    mission = Mission.objects.filter(id=mission_id, program_id=found.program_id).first()
    if mission is None:
        raise MissionNotFound
    member_id = members.owner_id_of(member_id)
    family = members.family_of(member_id)
    known = MissionRun.objects.filter(member_id__in=family, mission=mission, period=FOR_EVER).first()
    if known is not None:
        return known.pk
    version = MissionVersion.objects.get(mission=mission, version=mission.version)
    terms = parse_mission(version.terms)
    zone = members.program_zone(found.program_id)
    since, until = window_of(mission, terms, FOR_EVER, zone, None, now)
    if mission.closed_at is not None or terms.starts != "accept" or not since <= now < until:
        raise NotRunning
    if not _may(terms, member_id):
        raise NotForThem
    run, is_new = MissionRun.objects.get_or_create(
        mission=mission,
        member_id=member_id,
        period=FOR_EVER,
        defaults={"version": version, "counts": [0] * len(terms.steps), "started_at": now, "changed_at": now},
    )
    if is_new:
        fact = MissionAccepted(member_id, found.person_id, mission.pk, mission.name)
        events.publish(fact, actor=actor, now=now)
    return run.pk


def _mall_of(member_id: int) -> int | None:
    return members.membership(member_id).mall_id


def _may(terms: MissionTerms, member_id: int) -> bool:
    return not terms.tiers or members.tier_id_of(member_id) in terms.tiers


@dataclass(frozen=True, slots=True)
class _Player:
    """A member as missions see them: everything they did lately, and when they joined."""

    member_id: int
    person_id: int
    program_id: int
    zone: str
    enrolled_at: dt.datetime
    family: Sequence[int]
    deeds: Sequence[Deed]


@transaction.atomic
def review_missions(*, actor: Viewer, person_id: int, now: dt.datetime) -> int:
    """Look again how far a person is on every mission, after they did or returned something; how many runs changed.

    What they did is read anew each time, so it may run in any order, at any time, and as often as one likes.
    """
    member_id = members.member_id_of_person(person_id)
    if member_id is None:
        return 0
    found = members.membership(members.owner_id_of(member_id))
    missions = list(Mission.objects.filter(program_id=found.program_id).order_by("id"))
    if not missions or found.status != "active":
        return 0
    family = members.family_of(found.member_id)
    runs = MissionRun.objects.filter(member_id__in=family, started_at__gt=now - REMEMBERED)
    begun = min(runs.values_list("started_at", flat=True), default=now)
    zone = members.program_zone(found.program_id)
    since = min(begun, now - LOOK_BACK) - dt.timedelta(days=32)  # a month's run begins before its first deed
    player = _Player(
        found.member_id,
        found.person_id,
        found.program_id,
        zone,
        found.enrolled_at,
        family,
        deeds_since(found.person_id, found.program_id, since),
    )
    known = {(run.mission_id, run.period) for run in runs.only("mission_id", "period")}
    versions = _current(missions)
    changed = 0
    for mission in missions:
        terms = parse_mission(versions[mission.pk].terms)
        periods = {period for mission_id, period in known if mission_id == mission.pk}
        if mission.closed_at is None or mission.closed_at > now - LOOK_BACK:
            periods |= _periods(terms, player.deeds, now - LOOK_BACK)
        for period in sorted(periods):
            changed += _review(actor, player, mission, versions[mission.pk], terms, period, now)
    return changed


def _current(missions: Iterable[Mission]) -> dict[int, MissionVersion]:
    newest = MissionVersion.objects.filter(
        mission__in=[one.pk for one in missions], version=F("mission__version")
    )
    return {version.mission_id: version for version in newest}


def _periods(terms: MissionTerms, deeds: Sequence[Deed], since: dt.datetime) -> set[dt.date]:
    """Periods that something was done in lately, which a mission could begin by."""
    if terms.starts == "accept":
        return set()
    counted = [deed for deed in deeds if deed.at >= since and any(step.takes(deed) for step in terms.steps)]
    return {period_of(terms.repeats, deed.day) for deed in counted}


def _review(
    actor: Viewer,
    player: _Player,
    mission: Mission,
    version: MissionVersion,
    terms: MissionTerms,
    period: dt.date,
    now: dt.datetime,
) -> bool:
    run = _locked(player, mission, period)
    if run is None:
        if terms.starts == "accept" or not _may(terms, player.member_id):
            return False
        since, until = window_of(mission, terms, period, player.zone, player.enrolled_at, None)
        until = min(until, mission.closed_at or until)
        if not progress(terms, since, until, player.deeds).has_begun:
            return False
        row = MissionRun(
            mission=mission, member_id=player.member_id, period=period, version=version, started_at=now, changed_at=now
        )  # fmt: skip
        MissionRun.objects.bulk_create([row], ignore_conflicts=True)
        run = _locked(player, mission, period)
        assert run is not None
    if run.version_id != version.pk:
        terms = parse_mission(run.version.terms)
    since, until = window_of(mission, terms, period, player.zone, player.enrolled_at, run.started_at)
    return _move(actor, player, run, terms, progress(terms, since, until, player.deeds), now)


def _locked(player: _Player, mission: Mission, period: dt.date) -> MissionRun | None:
    """The run, held; of several (somebody was merged) the one that was rewarded first."""
    rows = (
        MissionRun.objects.select_for_update(of=("self",))
        .select_related("version", "mission")
        .filter(member_id__in=player.family, mission=mission, period=period)
        .order_by("id")
    )
    return max(rows, key=lambda run: (run.attempt > 0, run.finished_at is not None, -run.pk), default=None)


def _move(
    actor: Viewer, player: _Player, run: MissionRun, terms: MissionTerms, found: Progress, now: dt.datetime
) -> bool:
    """Keep how far it is, and draw the consequence."""
    counts = list(found.counts)
    before = (run.counts, run.status, run.finished_at, run.due_on)
    run.counts = counts
    is_done = found.finished_at is not None
    if run.status == Status.REWARDED:
        if not is_done and terms.on_return == "take_back":
            _take_back(actor, player, run, now)
    elif is_done:
        run.finished_at, run.due_on = found.finished_at, found.due_on
        if run.status != Status.WAITING:
            _finish(actor, player, run, terms, now)
        _reward_if_due(actor, player, run, terms, now)
    elif run.status in (Status.WAITING, Status.MISSED):
        run.status, run.finished_at, run.due_on = Status.RUNNING, None, None
    if before == (run.counts, run.status, run.finished_at, run.due_on):
        return False
    if before[0]:  # not when it is only derived again
        run.changed_at = now
    run.save()
    return True


def _finish(actor: Viewer, player: _Player, run: MissionRun, terms: MissionTerms, now: dt.datetime) -> None:
    """All steps are done: take one of the places, if they are counted."""
    if terms.quota is not None:
        Mission.objects.select_for_update(of=("self",)).get(id=run.mission_id)
        taken = MissionRun.objects.filter(mission_id=run.mission_id, status__in=HOLDS_A_PLACE).exclude(
            pk=run.pk
        )
        if taken.count() >= terms.quota:
            run.status = Status.MISSED
            return
    run.status = Status.WAITING
    assert run.due_on is not None
    fact = MissionFinished(
        player.member_id, player.person_id, run.mission_id, run.mission.name, run.period, run.due_on
    )
    events.publish(fact, actor=actor, now=now)


def _reward_if_due(
    actor: Viewer, player: _Player, run: MissionRun, terms: MissionTerms, now: dt.datetime
) -> None:
    today = business_date(now, player.zone)
    if run.status != Status.WAITING or run.due_on is None or run.due_on > today:
        return
    run.attempt += 1
    reward = terms.reward
    if run.coupon_id is not None:  # an earlier one was used and could not be taken back
        reward = msgspec.structs.replace(reward, batch_id=None)
    given = give(
        player.member_id,
        [reward],
        terms,
        reason=REASON,
        reference=f"mission:{run.pk}:{run.attempt}",
        explanation={"name": run.mission.name, "mission": run.mission_id},
        today=today,
        now=now,
    )
    run.status, run.points, run.missed = Status.REWARDED, given.points, given.missed
    run.coupon_id = given.coupon_id or run.coupon_id
    batch_id = reward.batch_id if given.coupon_id else None
    fact = MissionRewarded(
        player.member_id,
        player.person_id,
        run.mission_id,
        run.mission.name,
        run.period,
        given.points,
        batch_id,
    )
    events.publish(fact, actor=actor, now=now)


def _take_back(actor: Viewer, player: _Player, run: MissionRun, now: dt.datetime) -> None:
    """Points go back (into debt when they are spent), a coupon that is not used is void; it can be done again."""
    points = loyalty.take_back_award(
        actor=GIVER,
        member_id=player.member_id,
        reason=REASON,
        reference=f"mission:{run.pk}:{run.attempt}",
        why="returned",
        now=now,
    )
    if run.coupon_id is not None:
        try:
            with transaction.atomic():
                offers.void_coupon(actor=GIVER, coupon_id=run.coupon_id, reason=REASON, now=now)
            run.coupon_id = None
        except offers.NotVoidable:
            pass
    run.status, run.points, run.finished_at, run.due_on = Status.TAKEN_BACK, 0, None, None
    fact = MissionTakenBack(
        player.member_id, player.person_id, run.mission_id, run.mission.name, run.period, points
    )
    events.publish(fact, actor=actor, now=now)


def settle_missions(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Reward everybody whose waiting time is over; how many runs were due. Each member is a transaction of its own, so it
    can be stopped anywhere and run again. Raises NotAllowed."""
    require_touch(actor, "engagement.edit")
    today = members.program_today(program_id, now)
    due = MissionRun.objects.filter(mission__program_id=program_id, status=Status.WAITING, due_on__lte=today)
    waiting = sorted(set(due.values_list("member_id", flat=True)))
    for person_id in members.person_ids_of(waiting).values():
        review_missions(actor=actor, person_id=person_id, now=now)
    return len(waiting)


def forget_progress() -> None:
    """Before the log is read again from its beginning: how far everybody is, but not what was given."""
    MissionRun.objects.update(counts=[])
