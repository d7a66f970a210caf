"""Campaigns as lists, as one plan, as a board and as a month."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q

from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.paging import Keyset, Listing
from zhike.marketing.models import Campaign, CampaignRecipient, CampaignWave, MarketingPolicy
from zhike.marketing.queries.audiences import audience_names
from zhike.marketing.queries.found import (
    APPROVE,
    COLUMNS,
    EDIT,
    VIEW,
    campaign_row,
    code_of,
    may,
    plan_of,
    zone_of,
)
from zhike.marketing.queries.reviews import READER
from zhike.marketing.rules import campaigns as rules
from zhike.marketing.rules.campaigns import Plan
from zhike.marketing.rules.scenarios import SCENARIOS, Scenario
from zhike.messaging import queries as messaging
from zhike.organization import queries as organization

NEWEST = Keyset((("created_at", "desc"), ("id", "desc")))
STARTED = ("running", "paused", "stopped", "sent", "done", "cancelled")
PLANNED = ("draft", "submitted", "approved")


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A line of the list. ``state`` is the status, but ``waiting`` for one that was launched and has not begun."""

    id: int
    code: str
    name: str
    scenario: str
    mall_id: int | None
    mall_name: str
    audience: str
    state: str
    stop_reason: str
    holdout_bp: int
    rhythm: str
    starts_at: dt.datetime | None
    ends_on: dt.date | None
    window_ends_at: dt.datetime | None
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class WaveView:
    """``held`` would have been reached; ``refused`` would not, held or not; the global holdout is in none of them."""

    number: int
    is_rest: bool
    starts_at: dt.datetime
    filled_at: dt.datetime | None
    people: int
    held: int
    refused: int
    waiting: int
    given: int


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """One campaign in full. ``refusals``: gate, reason, how many, at the opening of its waves and later on the way."""

    row: CampaignRow
    plan: Plan
    zone: str
    version: int
    forecast: Mapping[str, Any] | None
    is_reckoning: bool
    waves: tuple[WaveView, ...]
    refusals: tuple[tuple[str, str, int], ...]
    lessons: str
    winner: str
    created_by: str
    approved_by: str
    approved_at: dt.datetime | None
    launched_at: dt.datetime | None
    ended_at: dt.datetime | None
    steps: frozenset[str]


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """``campaigns`` that send on the day; ``holiday`` its name, "" on others."""

    day: dt.date
    is_in_month: bool
    campaigns: tuple[CampaignRow, ...]
    holiday: str = ""


@dataclass(frozen=True, slots=True)
class PolicyView:
    """``margin_bp`` None: nobody knows what is left of a yuan where no other rate holds."""

    global_holdout_bp: int
    margin_bp: int | None
    withdrawn_max_bp: int | None = None
    complained_max_bp: int | None = None

    @property
    def withdrawn_max(self) -> float | None:
        return None if self.withdrawn_max_bp is None else self.withdrawn_max_bp / 10_000

    @property
    def complained_max(self) -> float | None:
        return None if self.complained_max_bp is None else self.complained_max_bp / 10_000


def campaigns_page(
    viewer: Viewer,
    *,
    now: dt.datetime,
    status: str = "",
    q: str = "",
    cursor: str | None = None,
    limit: int = 30,
) -> Listing[CampaignRow]:
    """Campaigns in scope, newest first; ``status`` may be "planned" or "started". Raises NotAllowed, BadCursor."""
    require(viewer, VIEW)
    rows = visible(Campaign.objects.all(), viewer, VIEW, COLUMNS)
    groups = {"planned": PLANNED, "started": STARTED}
    if status:
        rows = rows.filter(status__in=groups.get(status, (status,)))
    if q:
        rows = rows.filter(name__icontains=q[:80])
    page = NEWEST.page(rows, cursor, min(max(limit, 1), 200))
    return Listing(campaign_lines(viewer, page.items, now), page.next_cursor, page.previous_cursor)


def campaign(viewer: Viewer, campaign_id: int, now: dt.datetime) -> CampaignFile:
    """Raises NotFound."""
    row = campaign_row(viewer, campaign_id)
    return CampaignFile(
        row=campaign_lines(viewer, [row], now)[0],
        plan=plan_of(row),
        zone=zone_of(row),
        version=row.version,
        forecast=row.forecast,
        is_reckoning=_is_reckoning(row, now),
        waves=_waves(row),
        refusals=_refusals(row, now),
        lessons=row.lessons,
        winner=row.winner,
        created_by=row.created_by,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        launched_at=row.launched_at,
        ended_at=row.ended_at,
        steps=_steps(viewer, row),
    )


def _is_reckoning(row: Campaign, now: dt.datetime) -> bool:
    """For ten minutes at most: then the worker does not run, and the page says so by asking again."""
    if row.forecast_asked_at is None or now - row.forecast_asked_at > dt.timedelta(minutes=10):
        return False
    made = row.forecast["made_at"] if row.forecast else ""
    return not made or dt.datetime.fromisoformat(made) < row.forecast_asked_at


def _steps(viewer: Viewer, row: Campaign) -> frozenset[str]:
    """What this viewer may do with it now."""
    steps = set(rules.steps_from(row.status)) - {"stop", "send", "finish"}
    if row.status in rules.EDITABLE:
        steps.add("edit")
    if not may(viewer, EDIT, row.mall_id):
        return frozenset()
    if not may(viewer, APPROVE, row.mall_id) or viewer.audit_id in (row.created_by, row.edited_by):
        steps.discard("approve")
    if row.test_bp >= 10_000 or row.winner:
        steps.discard("roll_out")
    return frozenset(steps)


def _waves(row: Campaign) -> tuple[WaveView, ...]:
    counted: dict[int, Counter[str]] = defaultdict(Counter)
    rows = CampaignRecipient.objects.filter(campaign=row).exclude(arm=rules.GLOBAL)
    states = rows.values_list("wave_id", "state", "gate").annotate(count=Count("person_id"))
    for wave_id, state, gate, count in states.order_by():
        counted[wave_id]["skipped" if gate else state] += count
    return tuple(
        WaveView(
            wave.number,
            wave.is_rest,
            wave.starts_at,
            wave.filled_at,
            people=counted[wave.pk].total(),
            held=counted[wave.pk]["held"],
            refused=counted[wave.pk]["skipped"],
            waiting=counted[wave.pk]["waiting"],
            given=counted[wave.pk]["given"],
        )
        for wave in CampaignWave.objects.filter(campaign=row).order_by("number")
    )


def _refusals(row: Campaign, now: dt.datetime) -> tuple[tuple[str, str, int], ...]:
    if row.launched_at is None:
        return ()
    found: dict[tuple[str, str], int] = defaultdict(int)
    first = CampaignRecipient.objects.filter(campaign=row).exclude(gate="").exclude(arm=rules.GLOBAL)
    for gate, reason, count in (
        first.values_list("gate", "reason").annotate(count=Count("person_id")).order_by()
    ):
        found[gate, reason] += count
    later = messaging.Filter(
        row.launched_at, now + dt.timedelta(days=1), campaign=code_of(row.pk), is_final=True
    )
    for one in messaging.sending_refusals(READER, later):
        found[one.gate, one.reason] += one.count
    return tuple(sorted(((*key, count) for key, count in found.items()), key=lambda one: (-one[2], one[:2])))


def calendar(viewer: Viewer, year: int, month: int, now: dt.datetime) -> list[list[CalendarDay]]:
    """The weeks of a month, Monday first, with the campaigns that send on each day. Raises NotAllowed."""
    import calendar as calendars

    require(viewer, VIEW)
    weeks = calendars.Calendar().monthdatescalendar(year, month)
    first, last = weeks[0][0], weeks[-1][-1]
    begin = dt.datetime.combine(first, dt.time(), dt.UTC) - dt.timedelta(days=1)
    end = dt.datetime.combine(last, dt.time(), dt.UTC) + dt.timedelta(days=2)
    rows = visible(Campaign.objects.exclude(status="cancelled"), viewer, VIEW, COLUMNS).filter(
        starts_at__lt=end, starts_at__isnull=False
    )
    shown = rows.filter(Q(starts_at__gte=begin) | Q(rhythm="daily", ends_on__gte=first)).order_by(
        "starts_at", "id"
    )
    by_day: dict[dt.date, list[CampaignRow]] = defaultdict(list)
    found = list(shown[:500])
    for row, line in zip(found, campaign_lines(viewer, found, now), strict=True):
        assert row.starts_at is not None
        begins = row.starts_at.astimezone(ZoneInfo(zone_of(row))).date()
        ends = row.ends_on if row.rhythm == "daily" and row.ends_on else begins
        day = max(begins, first)
        while day <= min(ends, last):
            by_day[day].append(line)
            day += dt.timedelta(days=1)
    holidays = _holidays(first.year, last.year)
    return [
        [CalendarDay(day, day.month == month, tuple(by_day[day]), holidays.get(day, "")) for day in week]
        for week in weeks
    ]


def _holidays(*years: int) -> Mapping[dt.date, str]:
    import holidays

    return dict(holidays.country_holidays("CN", years=list(years), language="zh_CN").items())


def marketing_policy(group_id: int) -> PolicyView:
    """What holds for all campaigns of a group."""
    row = MarketingPolicy.objects.filter(group_id=group_id).first()
    if row is None:
        return PolicyView(0, None)
    return PolicyView(row.global_holdout_bp, row.margin_bp, row.withdrawn_max_bp, row.complained_max_bp)


def scenarios() -> tuple[Scenario, ...]:
    """The ready-made campaigns."""
    return SCENARIOS


def campaign_lines(viewer: Viewer, rows: Sequence[Campaign], now: dt.datetime) -> list[CampaignRow]:
    """Lines of a list; three queries however many there are."""
    names = audience_names(viewer)
    malls = {mall.id: mall.name for mall in organization.malls(READER)}
    ends: dict[int, dt.datetime] = {}
    waves = CampaignWave.objects.filter(campaign__in=rows).order_by("starts_at")
    for campaign_id, starts_at in waves.values_list("campaign_id", "starts_at"):
        ends[campaign_id] = starts_at
    return [
        CampaignRow(
            row.pk,
            code_of(row.pk),
            row.name,
            row.scenario,
            row.mall_id,
            malls.get(row.mall_id or 0, ""),
            names.get(row.segment, f"#{row.segment}"),
            "waiting"
            if row.status == "running" and row.starts_at is not None and row.starts_at > now
            else row.status,
            row.stop_reason,
            row.holdout_bp,
            row.rhythm,
            row.starts_at,
            row.ends_on,
            ends[row.pk] + dt.timedelta(days=row.window_days) if row.pk in ends else None,
            row.created_at,
        )
        for row in rows
    ]
