"""The ROI board: what campaigns and journeys cost and brought; by channel, audience, standing and line of business.

Definitions. *Extra* sales, margin and customers are those of people who were drawn, less the holdout's; those of several campaigns
add up, each with a holdout of its own. *Attributed* sales are what buyers were sent something before (last touch, 7 days); they
describe. *New customers*: bought in the window and never before; *cost of a new customer* (CAC) is the cost by one extra new customer,
told only where the whole interval lies above zero. *By channel*: the channel by which somebody would have been reached when the wave
opened, asked before they were drawn. A part's ROI is of those campaigns only that have a holdout: their extra margin less their cost,
over that cost; a campaign's points and coupons fall to channels by people. Campaigns count in the period in which they were launched,
journeys in every period in which they ran, each with all it did.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db.models import Q

from zhike.kernel.access import Viewer, require, visible
from zhike.marketing.models import Campaign, Journey
from zhike.marketing.queries.attribution import LONGEST, share_out
from zhike.marketing.queries.audiences import audience_names
from zhike.marketing.queries.cells import Part, Sums, cell_sums, extras, is_covered, part_of, values_of
from zhike.marketing.queries.found import COLUMNS, VIEW, code_of, may
from zhike.marketing.queries.journeys.found import definition_of, journey_code
from zhike.marketing.queries.journeys.results import newest_of_journey, results_of
from zhike.marketing.queries.margins import READER, margins_of
from zhike.marketing.queries.reviews import Cost, newest_measure, review_of
from zhike.marketing.rules import attribution, pooling
from zhike.marketing.rules.measuring import Effect
from zhike.marketing.rules.pooling import Stretch
from zhike.marketing.rules.standing import NEW, STANDINGS
from zhike.messaging import queries as messaging
from zhike.organization import queries as organization

ATTRIBUTION_DAYS = 7
LINES_MAX = 100
TOLD = ("up", "down", "open")
NO_COST = Cost(0, 0, 0, {})
Credits = Mapping[str, attribution.Credit]


@dataclass(frozen=True, slots=True)
class Acquired:
    """``people`` bought for the first time; ``extra`` only because of it, at ``unit`` fen each."""

    people: int = 0
    extra: Stretch | None = None
    unit: Stretch | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """A campaign or journey as it was measured. ``covered`` is the share of the sales whose margin is known; ``sums`` by arm."""

    kind: str
    id: int
    code: str
    name: str
    mall_id: int | None
    mall_name: str
    audience: str
    began_at: dt.datetime
    state: str
    verdict: str
    reached: int
    cost: Cost
    covered: float
    has_ended: bool
    method: str
    sums: Sums = field(repr=False)

    @property
    def is_told(self) -> bool:
        """Whether there is a comparison that may be believed."""
        return self.verdict in TOLD


@dataclass(frozen=True, slots=True)
class BoardLine:
    """What one added. ``is_part``: only at the mall asked for, because it is the whole group's; its cost is the group's and it has
    no ROI there. ``is_open``: the viewer may see the whole of it. ``attributed_fen`` None where the period is too long.
    """

    of: Ran
    people: int
    bought: int
    visit: Effect | None
    extra: Stretch | None
    margin: Stretch | None
    gain: Stretch | None
    roi: Stretch | None
    acquired: Acquired
    attributed_fen: int | None
    is_part: bool
    is_open: bool


@dataclass(frozen=True, slots=True)
class PartLine:
    """A channel, audience, standing or line of business over all lines. ``told`` of ``lines`` have a holdout: the extra is of those,
    and ``told_cost_fen`` theirs. ``rate_bp`` is the margin of a line of business today.
    """

    key: str
    name: str
    lines: int
    told: int
    people: int
    messages: int = 0
    cost_fen: int | None = None
    told_cost_fen: int | None = None
    attributed_fen: int | None = None
    visit: pooling.Relative | None = None
    extra: Stretch | None = None
    margin: Stretch | None = None
    roi: Stretch | None = None
    acquired: Acquired = Acquired()
    rate_bp: int | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """``total`` is everything together."""

    lines: tuple[BoardLine, ...]
    total: PartLine
    channels: tuple[PartLine, ...]
    audiences: tuple[PartLine, ...]
    standings: tuple[PartLine, ...]
    categories: tuple[PartLine, ...]


def board(
    viewer: Viewer,
    now: dt.datetime,
    limit: int = LINES_MAX,
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    mall_id: int | None = None,
) -> Board:
    """The newest campaigns launched and journeys that ran in [since, until); of a mall its own, and what those of the whole group
    did there. Raises NotAllowed.
    """
    require(viewer, VIEW)
    until = min(until or now, now)
    campaigns = _campaigns(viewer, since, until, mall_id, limit)
    journeys = _journeys(viewer, since, until, mall_id, limit)
    shared = None
    if since is not None and dt.timedelta(0) < until - since <= LONGEST:
        codes = [*(code_of(row.pk) for row in campaigns), *(journey_code(row.pk) for row in journeys)]
        shared = share_out(
            viewer, codes, since=since, until=until, window_days=ATTRIBUTION_DAYS, mall_id=mall_id
        )
    by_code = attribution.last_touch(shared.by_campaign) if shared else None
    by_channel = attribution.last_touch(shared.by_channel) if shared else None
    rans = [
        *(_ran_campaign(viewer, row, now) for row in campaigns),
        *(_ran_journey(viewer, row, now) for row in journeys),
    ]
    rans.sort(key=lambda one: (one.began_at, one.kind, one.id), reverse=True)
    lines = tuple(_line(viewer, ran, mall_id, by_code) for ran in rans)
    shown = [line.of for line in lines]
    return Board(
        lines=lines,
        total=_pooled("", "", shown, lambda ran: part_of(ran.sums, ran.method)),
        channels=_channels(shown, by_channel),
        audiences=_audiences(shown),
        standings=_standings(shown),
        categories=_categories(shown, now),
    )


def _campaigns(
    viewer: Viewer, since: dt.datetime | None, until: dt.datetime, mall_id: int | None, limit: int
) -> list[Campaign]:
    rows = Campaign.objects.filter(launched_at__lte=until)
    if since is not None:
        rows = rows.filter(launched_at__gte=since)
    shown = visible(rows, viewer, VIEW, COLUMNS)
    if mall_id is not None:
        shown = shown.filter(Q(mall_id=mall_id) | Q(mall_id=None))
        if may(viewer, VIEW, mall_id):
            shown = shown | rows.filter(mall__isnull=True)
    return list(shown.order_by("-launched_at", "-id")[:limit])


def _journeys(
    viewer: Viewer, since: dt.datetime | None, until: dt.datetime, mall_id: int | None, limit: int
) -> list[Journey]:
    rows = Journey.objects.select_related("live").filter(started_at__lte=until).exclude(live=None)
    if since is not None:
        rows = rows.filter(Q(ended_at=None) | Q(ended_at__gte=since))
    shown = visible(rows, viewer, VIEW, COLUMNS)
    if mall_id is not None:
        shown = shown.filter(Q(mall_id=mall_id) | Q(mall_id=None))
        if may(viewer, VIEW, mall_id):
            shown = shown | rows.filter(mall__isnull=True)
    return list(shown.order_by("-started_at", "-id")[:limit])


def _ran_campaign(viewer: Viewer, row: Campaign, now: dt.datetime) -> Ran:
    review, newest = review_of(row, now), newest_measure(row.pk)
    assert row.launched_at is not None
    return Ran(
        kind="campaign",
        id=row.pk,
        code=code_of(row.pk),
        name=row.name,
        mall_id=row.mall_id,
        mall_name=_mall_name(row.mall_id),
        audience=audience_names(viewer).get(row.segment, f"#{row.segment}"),
        began_at=row.launched_at,
        state=row.status,
        verdict=review.verdict,
        reached=review.funnel.sent,
        cost=review.cost,
        covered=review.covered,
        has_ended=row.status == Campaign.Status.DONE,
        method=review.method,
        sums=newest.sums if newest else {},
    )


def _ran_journey(viewer: Viewer, row: Journey, now: dt.datetime) -> Ran:
    found, newest = results_of(row, now), newest_of_journey(row.pk)
    assert row.started_at is not None and row.live is not None
    segment = definition_of(row.live).trigger.get("segment")
    return Ran(
        kind="journey",
        id=row.pk,
        code=journey_code(row.pk),
        name=row.name,
        mall_id=row.mall_id,
        mall_name=_mall_name(row.mall_id),
        audience=audience_names(viewer).get(int(segment), f"#{segment}") if segment else "",
        began_at=row.started_at,
        state=row.status,
        verdict=found.verdict,
        reached=found.funnel.sent,
        cost=found.cost,
        covered=found.covered,
        has_ended=found.method == "fixed",
        method=found.method,
        sums=newest.sums if newest else {},
    )


def _mall_name(mall_id: int | None) -> str:
    return organization.mall(mall_id).name if mall_id else ""


def _line(viewer: Viewer, ran: Ran, mall_id: int | None, credits: Credits | None) -> BoardLine:
    is_open = may(viewer, VIEW, ran.mall_id)
    is_part = ran.mall_id is None and mall_id is not None and not (is_open and _is_only_mall())
    sums = cell_sums(ran.sums, "mall", str(mall_id)) if is_part else ran.sums
    found = part_of(sums, ran.method)
    extra = margin = None
    if ran.is_told:
        extra = pooling.total(extras([found], "revenue"))
        margin = pooling.total(extras([found], "margin")) if is_covered(ran.sums) else None
    cost = ran.cost if is_open else NO_COST
    return BoardLine(
        of=replace(ran, cost=cost, sums=sums),
        people=found.people,
        bought=found.bought,
        visit=found.visit if ran.is_told else None,
        extra=extra,
        margin=margin,
        gain=None if is_part else _gain(margin, cost.total),
        roi=None if is_part else _roi(margin, cost.total),
        acquired=_acquired([ran] if not is_part else [], cost.total),
        attributed_fen=None if credits is None else round(credits.get(ran.code, attribution.Credit()).fen),
        is_part=is_part,
        is_open=is_open,
    )


def _is_only_mall() -> bool:
    """Then what is the group's is the mall's."""
    return len(organization.malls(READER)) < 2


def _gain(margin: Stretch | None, cost: int) -> Stretch | None:
    return Stretch(margin.middle - cost, margin.low - cost, margin.high - cost) if margin else None


def _roi(margin: Stretch | None, cost: int) -> Stretch | None:
    gain = _gain(margin, cost)
    return Stretch(gain.middle / cost, gain.low / cost, gain.high / cost) if gain and cost else None


def _acquired(rans: Sequence[Ran], cost: int) -> Acquired:
    """Whoever had never bought when they were met, and bought."""
    cells = [(ran, part_of(cell_sums(ran.sums, "standing", NEW), ran.method)) for ran in rans]
    extra = pooling.total(extras([part for ran, part in cells if ran.is_told], "visit"))
    return Acquired(sum(part.bought for _ran, part in cells), extra, pooling.unit_cost(cost, extra))


Pick = Callable[[Ran], Part]


def _pooled(key: str, name: str, rans: Sequence[Ran], pick: Pick, *, is_costed: bool = True) -> PartLine:
    """Lines together; the extra of those that have a holdout. ``is_costed``: their whole cost is this part's."""
    parts = [(ran, part) for ran in rans if (part := pick(ran)).people or not ran.sums]
    told = [(ran, part) for ran, part in parts if ran.is_told]
    extra = pooling.total(extras([part for _ran, part in told], "revenue"))
    is_known = all(is_covered(ran.sums) for ran, _part in told)
    margin = pooling.total(extras([part for _ran, part in told], "margin")) if is_known else None
    told_cost = sum(ran.cost.total for ran, _part in told)
    return PartLine(
        key=key,
        name=name,
        lines=len(parts),
        told=len(told),
        people=sum(part.people for _ran, part in parts),
        cost_fen=sum(ran.cost.total for ran, _part in parts) if is_costed else None,
        told_cost_fen=told_cost if is_costed else None,
        visit=pooling.relative([part.rates for _ran, part in told]),
        extra=extra,
        margin=margin,
        roi=_roi(margin, told_cost) if is_costed else None,
        acquired=_acquired([ran for ran, _part in told], told_cost) if is_costed else Acquired(),
    )


def _cut(cut: str, value: str) -> Pick:
    return lambda ran: part_of(cell_sums(ran.sums, cut, value), ran.method)


def _channels(rans: Sequence[Ran], credits: Credits | None) -> tuple[PartLine, ...]:
    sent = messaging.sent_under([ran.code for ran in rans])
    found = []
    for channel in sorted({one.channel for one in sent} | _all_values(rans, "channel")):
        mine = [one for one in sent if one.channel == channel]
        pooled = _pooled(channel, channel, rans, _cut("channel", channel), is_costed=False)
        by_code = {one.campaign: -(-one.cost // 1_000) for one in mine}
        told = [ran for ran in rans if ran.is_told and cell_sums(ran.sums, "channel", channel)]
        cost = sum(by_code.get(ran.code, 0) + _benefits(ran, channel) for ran in told)
        found.append(
            replace(
                pooled,
                lines=len(by_code),
                messages=sum(one.messages for one in mine),
                people=sum(one.people for one in mine),
                cost_fen=sum(by_code.values()),
                told_cost_fen=cost,
                roi=_roi(pooled.margin, cost),
                attributed_fen=None
                if credits is None
                else round(credits.get(channel, attribution.Credit()).fen),
            )
        )
    return tuple(sorted(found, key=lambda one: -one.messages))


def _benefits(ran: Ran, channel: str) -> int:
    """A channel's part of what points and coupons cost, by people."""
    whole = part_of(ran.sums, ran.method).people
    mine = part_of(cell_sums(ran.sums, "channel", channel), ran.method).people
    return round((ran.cost.points + ran.cost.coupons) * mine / whole) if whole else 0


def _audiences(rans: Sequence[Ran]) -> tuple[PartLine, ...]:
    by_audience: dict[str, list[Ran]] = defaultdict(list)
    for ran in rans:
        if ran.audience:
            by_audience[ran.audience].append(ran)
    return tuple(
        _pooled(name, name, mine, lambda ran: part_of(ran.sums, ran.method))
        for name, mine in by_audience.items()
    )


def _standings(rans: Sequence[Ran]) -> tuple[PartLine, ...]:
    lines = (_pooled(one, one, rans, _cut("standing", one), is_costed=False) for one in STANDINGS)
    return tuple(one for one in lines if one.people)


def _categories(rans: Sequence[Ran], now: dt.datetime) -> tuple[PartLine, ...]:
    """Where the extra sales were made, and what is left of them; margin only where the line of business has a rate today."""
    group = organization.default_group()
    names = {str(one.id): one.name for one in organization.trade_categories(group.id)}
    margins, today = margins_of(group.id), now.date()
    found = []
    for value in _all_values(rans, "category"):
        pooled = _pooled(value, names.get(value, ""), rans, _cut("category", value), is_costed=False)
        rate = margins.rate(None, int(value) or None, today)
        found.append(replace(pooled, rate_bp=rate, margin=pooled.margin if rate is not None else None))
    return tuple(sorted(found, key=lambda one: -(one.extra.middle if one.extra else 0)))


def _all_values(rans: Iterable[Ran], cut: str) -> set[str]:
    return {value for ran in rans for value in values_of(ran.sums, cut)}
