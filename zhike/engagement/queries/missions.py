"""Missions as members see them, and as the console counts them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet, Sum

from zhike.customers import queries as customers
from zhike.engagement.models import Mission, MissionRun, MissionVersion
from zhike.engagement.queries.words import reward_text
from zhike.engagement.rules.missions import (
    FOR_EVER,
    MissionTerms,
    Step,
    days_of,
    parse_mission,
    period_of,
)
from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.clock import business_date, day_bounds
from zhike.kernel.errors import NotFound
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty import queries as members

VIEW = "engagement.view"
COLUMNS = {"mall": "member__mall_id", "merchant": "member__merchant_id"}
FAR = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
PAST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
ENDED_SHOWN = dt.timedelta(days=14)
Status = MissionRun.Status
_NEWEST = Keyset(order=(("changed_at", "desc"), ("id", "desc")))


def window_of(
    mission: Mission,
    terms: MissionTerms,
    period: dt.date,
    zone: str,
    enrolled_at: dt.datetime | None,
    started_at: dt.datetime | None,
) -> tuple[dt.datetime, dt.datetime]:
    """Between which moments [since, until) what a member does counts. ``started_at``: when they accepted it."""
    first, after = days_of(terms, period)
    since = day_bounds(first, zone)[0] if first else PAST
    until = day_bounds(after, zone)[0] if after else FAR
    since = max(since, mission.opened_at)
    own = {"accept": started_at, "enrolment": enrolled_at}.get(terms.starts)
    if own is not None:
        since = own if terms.starts == "accept" else max(since, own)
        if terms.days is not None:
            until = min(until, own + dt.timedelta(days=terms.days))
        if terms.starts == "enrolment" and own < mission.opened_at:
            until = since  # who was a member before is no newcomer
    return since, until


@dataclass(frozen=True, slots=True)
class StepView:
    """How far a member is on one step; ``goal`` and ``count`` are times, or fen where it is about spending."""

    step: Step
    count: int

    @property
    def is_done(self) -> bool:
        return self.count >= self.step.goal


@dataclass(frozen=True, slots=True)
class OwnMission:
    """A mission to one member. ``state``: open (accept it first), running, waiting, rewarded, taken_back, missed, over,
    sold_out. ``until`` is the deadline, None when there is none; ``left`` how many rewards are left."""

    mission_id: int
    name: str
    description: str
    terms: MissionTerms
    reward: str
    steps: Sequence[StepView]
    state: str
    until: dt.datetime | None
    due_on: dt.date | None
    points: int
    left: int | None


def own_missions(viewer: Viewer, member_id: int, now: dt.datetime) -> list[OwnMission]:
    """What a member can do, is doing and did in this period; what waits to be rewarded first. Raises MemberNotFound."""
    file = members.member_file(viewer, member_id, now)
    zone = members.program_zone(file.programme.id)
    family = members.family_of(member_id)
    today = business_date(now, zone)
    runs: dict[tuple[int, dt.date], MissionRun] = {}
    rows = MissionRun.objects.select_related("version").filter(member_id__in=family)
    for run in rows.order_by("attempt", "-id"):
        runs[run.mission_id, run.period] = run
    found = []
    for mission, version in _with_versions(Mission.objects.filter(program_id=file.programme.id)):
        period = period_of(parse_mission(version.terms).repeats, today)
        own = runs.get((mission.pk, period))
        terms = parse_mission((own.version if own else version).terms)
        if own is None and not _is_for(mission, terms, file, now):
            continue
        since, until = window_of(
            mission, terms, period, zone, file.enrolled_at, own.started_at if own else None
        )
        if own is None and not since <= now < until:
            continue
        ended = own.changed_at if own and own.status in (Status.REWARDED, Status.MISSED) else min(until, now)
        if now - ended > ENDED_SHOWN:
            continue
        found.append(_own(mission, terms, own, until, now))
    order = ("waiting", "running", "open", "rewarded", "taken_back", "missed", "sold_out", "over")
    return sorted(found, key=lambda one: (order.index(one.state), one.until or FAR, one.mission_id))


def _is_for(mission: Mission, terms: MissionTerms, file: members.MemberFile, now: dt.datetime) -> bool:
    if mission.closed_at is not None or (terms.tiers and file.tier.id not in terms.tiers):
        return False
    return terms.ends_on is None or terms.starts_on is None or terms.starts_on <= terms.ends_on


def _own(
    mission: Mission, terms: MissionTerms, run: MissionRun | None, until: dt.datetime, now: dt.datetime
) -> OwnMission:
    counts = run.counts if run and len(run.counts) == len(terms.steps) else [0] * len(terms.steps)
    left = None if terms.quota is None else max(0, terms.quota - _places_taken(mission.pk))
    state = run.status if run else ("open" if terms.starts == "accept" else "running")
    if state in ("running", "open", "taken_back") and now >= until:
        state = "over"
    elif state in ("running", "open") and left == 0:
        state = "sold_out"
    return OwnMission(
        mission.pk,
        mission.name,
        mission.description,
        terms,
        reward_text(terms.reward),
        [StepView(step, count) for step, count in zip(terms.steps, counts, strict=True)],
        str(state),
        until if until < FAR else None,
        run.due_on if run else None,
        run.points if run else 0,
        left,
    )


def _places_taken(mission_id: int) -> int:
    held = (Status.WAITING, Status.REWARDED)
    return MissionRun.objects.filter(mission_id=mission_id, status__in=held).count()


def has_missions(program_id: int) -> bool:
    return Mission.objects.filter(program_id=program_id, closed_at=None).exists()


@dataclass(frozen=True, slots=True)
class MissionRow:
    """One mission of the list with its figures over the viewer's members."""

    id: int
    name: str
    terms: MissionTerms
    reward: str
    is_open: bool
    version: int
    begun: int
    finished: int
    rewarded: int
    points: int


@dataclass(frozen=True, slots=True)
class VersionView:
    version: int
    terms: MissionTerms
    published_at: dt.datetime
    published_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunView:
    """A member on the mission; ``done`` of ``steps`` steps are reached."""

    member_id: int
    name: str
    period: dt.date | None
    version: int
    status: str
    done: int
    steps: int
    points: int
    coupon_id: int | None
    missed: str
    due_on: dt.date | None
    changed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class MissionView:
    """A mission in full. ``by_step``: members who reached the first, second … step; ``statuses``: runs by state."""

    row: MissionRow
    description: str
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    versions: Sequence[VersionView]
    statuses: Mapping[str, int]
    by_step: Sequence[int]
    coupons: int


def missions(viewer: Viewer, program_id: int) -> list[MissionRow]:
    """Open ones first, the newest first. Raises NotAllowed."""
    require(viewer, VIEW)
    pairs = _with_versions(Mission.objects.filter(program_id=program_id))
    figures = _figures(viewer, [mission.pk for mission, _version in pairs])
    rows = [_row(mission, version, figures) for mission, version in pairs]
    return sorted(rows, key=lambda row: (not row.is_open, -row.id))


def mission(viewer: Viewer, mission_id: int) -> MissionView:
    """Raises NotFound, NotAllowed."""
    require(viewer, VIEW)
    found = _with_versions(Mission.objects.filter(id=mission_id))
    if not found:
        raise NotFound
    [(mission, version)] = found
    runs = _visible(viewer).filter(mission=mission)
    row = _row(mission, version, _figures(viewer, [mission_id]))
    versions = MissionVersion.objects.filter(mission=mission).order_by("-version")
    return MissionView(
        row,
        mission.description,
        mission.opened_at,
        mission.closed_at,
        [
            VersionView(one.version, parse_mission(one.terms), one.published_at, one.published_by, one.reason)
            for one in versions
        ],
        dict(runs.values_list("status").annotate(count=Count("id")).order_by()),
        _by_step(runs, version, row.terms),
        runs.filter(coupon__isnull=False).count(),
    )


def mission_runs(
    viewer: Viewer, mission_id: int, now: dt.datetime, cursor: str | None = None, limit: int = 20
) -> Listing[RunView]:
    """Who is on a mission, whoever moved last first; *over* is who ran out of time. Raises NotAllowed, BadCursor."""
    require(viewer, VIEW)
    rows = _visible(viewer).filter(mission_id=mission_id).select_related("version", "mission")
    page = _NEWEST.page(rows, cursor, limit)
    persons = members.person_ids_of([run.member_id for run in page.items])
    names = customers.summaries(list(persons.values()))
    shown = []
    for run in page.items:
        terms = parse_mission(run.version.terms)
        goals = [step.goal for step in terms.steps]
        person = names.get(persons.get(run.member_id, 0))
        shown.append(
            RunView(
                run.member_id,
                person.name if person else "",
                None if run.period == FOR_EVER else run.period,
                run.version.version,
                _status_now(run, terms, now),
                sum(count >= goal for count, goal in zip(run.counts, goals, strict=False)),
                len(goals),
                run.points,
                run.coupon_id,
                run.missed,
                run.due_on,
                run.changed_at,
            )
        )
    return Listing(shown, page.next_cursor, page.previous_cursor)


def _status_now(run: MissionRun, terms: MissionTerms, now: dt.datetime) -> str:
    """Its status; *over* when nothing can count any more and it is not done."""
    zone = members.program_zone(run.mission.program_id)
    _since, until = window_of(run.mission, terms, run.period, zone, None, run.started_at)
    is_over = now >= until and run.status in (Status.RUNNING, Status.TAKEN_BACK)
    return "over" if is_over else str(run.status)


def _with_versions(rows: QuerySet[Mission]) -> list[tuple[Mission, MissionVersion]]:
    newest = MissionVersion.objects.filter(mission__in=rows, version=F("mission__version"))
    return [(one.mission, one) for one in newest.select_related("mission").order_by("mission_id")]


def _figures(viewer: Viewer, mission_ids: Sequence[int]) -> dict[int, tuple[int, int, int, int]]:
    rows = _visible(viewer).filter(mission_id__in=mission_ids).values_list("mission_id").order_by()
    sums = rows.annotate(
        begun=Count("id"),
        finished=Count("id", filter=Q(finished_at__isnull=False)),
        rewarded=Count("id", filter=Q(status=Status.REWARDED)),
        points=Sum("points", filter=Q(status=Status.REWARDED)),
    )
    return {row[0]: (row[1], row[2], row[3], row[4] or 0) for row in sums}


def _row(
    mission: Mission, version: MissionVersion, figures: Mapping[int, tuple[int, int, int, int]]
) -> MissionRow:
    terms = parse_mission(version.terms)
    return MissionRow(
        mission.pk,
        mission.name,
        terms,
        reward_text(terms.reward),
        mission.closed_at is None,
        mission.version,
        *figures.get(mission.pk, (0, 0, 0, 0)),
    )


def _by_step(runs: QuerySet[MissionRun], version: MissionVersion, terms: MissionTerms) -> list[int]:
    """Of the newest version's runs: how many reached each step."""
    goals = [step.goal for step in terms.steps]
    reached = [0] * len(goals)
    for counts in runs.filter(version=version).values_list("counts", flat=True).iterator(chunk_size=5_000):
        for place, (count, goal) in enumerate(zip(counts, goals, strict=False)):
            reached[place] += count >= goal
    return reached


def _visible(viewer: Viewer) -> QuerySet[MissionRun]:
    return visible(MissionRun.objects.all(), viewer, VIEW, COLUMNS)
