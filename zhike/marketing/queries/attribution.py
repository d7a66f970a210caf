"""What went before purchases, by three rules, beside what a holdout proves."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.errors import Invalid
from zhike.kernel.statements import fetch_rows
from zhike.marketing.models import Campaign, Journey
from zhike.marketing.queries.found import COLUMNS, VIEW, code_of
from zhike.marketing.queries.journeys.found import journey_code
from zhike.marketing.queries.journeys.results import JourneyResults, results_of
from zhike.marketing.queries.reviews import Review, review_of
from zhike.marketing.rules import attribution as rules
from zhike.marketing.rules.attribution import Credit, Path
from zhike.messaging import queries as messaging
from zhike.sales import queries as sales

LONGEST = dt.timedelta(days=100)
CAMPAIGNS_MAX = 100
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class AttributionRow:
    """One campaign, journey or channel: people sent something, messages, what those cost (fen), and its share of the purchases by
    each rule.

    ``review`` is the campaign's or journey's own, with the incremental result; None for channels.
    """

    key: str
    name: str
    campaign_id: int | None
    people: int
    messages: int
    cost_fen: int
    last: Credit
    position: Credit
    driven: Credit
    review: Review | JourneyResults | None = None
    journey_id: int | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """``campaigns`` holds journeys too. ``paths`` with a purchase, ``lost`` without; ``fen`` of all attributed purchases.

    Every rule shares out the same total.
    """

    campaigns: tuple[AttributionRow, ...]
    channels: tuple[AttributionRow, ...]
    paths: int
    lost: int
    fen: int


def attribution(
    viewer: Viewer,
    *,
    since: dt.datetime,
    until: dt.datetime,
    window_days: int,
    mall_id: int | None = None,
    now: dt.datetime,
) -> Attribution:
    """Purchases in [since, until), at most 100 days, in the viewer's scope, shared out among the messages of campaigns and journeys
    that their buyers were really sent at most ``window_days`` before; of the newest 100 of each, and of a mall its own, those of the
    whole group, and its own receipts. Raises NotAllowed, Invalid.
    """
    require(viewer, VIEW)
    if not dt.timedelta(0) < until - since <= LONGEST or window_days not in rules.WINDOW_DAYS:
        raise Invalid
    campaigns = {
        code_of(row.pk): row
        for row in _begun(Campaign.objects.filter(launched_at__lt=until), viewer, mall_id, "launched_at")
    }
    journeys = {
        journey_code(row.pk): row
        for row in _begun(Journey.objects.filter(started_at__lt=until), viewer, mall_id, "started_at")
    }
    shared = share_out(
        viewer, [*campaigns, *journeys], since=since, until=until, window_days=window_days, mall_id=mall_id
    )
    names = {code: row.name for code, row in campaigns.items()}
    names |= {code: row.name for code, row in journeys.items()}
    rows = [
        replace(one, campaign_id=campaigns[one.key].pk, review=review_of(campaigns[one.key], now))
        if one.key in campaigns
        else replace(one, journey_id=journeys[one.key].pk, review=results_of(journeys[one.key], now))
        for one in _rows(shared.touches, shared.by_campaign, "campaign", names)
    ]
    converted = [path for path in shared.by_campaign if path.fen is not None]
    return Attribution(
        campaigns=tuple(rows),
        channels=tuple(_rows(shared.touches, shared.by_channel, "channel", {})),
        paths=len(converted),
        lost=len(shared.by_campaign) - len(converted),
        fen=sum(path.fen or 0 for path in converted),
    )


def _begun(rows: QuerySet[M], viewer: Viewer, mall_id: int | None, began: str) -> QuerySet[M]:
    """The newest in scope; of a mall its own and those of the whole group."""
    found = visible(rows, viewer, VIEW, COLUMNS)
    if mall_id is not None:
        found = found.filter(Q(mall_id=mall_id) | Q(mall_id=None))
    return found.order_by(f"-{began}", "-id")[:CAMPAIGNS_MAX]


@dataclass(frozen=True, slots=True)
class Shared:
    """What was sent, and the paths to purchases by campaign or journey and by channel."""

    touches: Sequence[messaging.Touch]
    by_campaign: Sequence[Path]
    by_channel: Sequence[Path]


def share_out(
    viewer: Viewer,
    codes: Sequence[str],
    *,
    since: dt.datetime,
    until: dt.datetime,
    window_days: int,
    mall_id: int | None,
) -> Shared:
    """The paths of messages under these names, whose campaigns and journeys the caller has authorised."""
    window = dt.timedelta(days=window_days)
    touches = messaging.touches(codes, since - window, until)
    bought = _purchases(viewer, sorted({one.person_id for one in touches}), since, until, mall_id)
    return Shared(
        touches,
        _paths(touches, bought, window, "campaign", since),
        _paths(touches, bought, window, "channel", since),
    )


def _purchases(
    viewer: Viewer, person_ids: Sequence[int], since: dt.datetime, until: dt.datetime, mall_id: int | None
) -> Mapping[int, list[tuple[dt.datetime, int]]]:
    scope = sales.receipts_sql(viewer, VIEW)
    found: dict[int, list[tuple[dt.datetime, int]]] = defaultdict(list)
    rows = fetch_rows(
        f"SELECT person_id, occurred_at, net_fen FROM ({scope.text}) r WHERE kind = 'sale' AND person_id = ANY(%s)"
        " AND occurred_at >= %s AND occurred_at < %s AND (%s::bigint IS NULL OR mall_id = %s) ORDER BY occurred_at, id",
        [*scope.params, list(person_ids), since, until, mall_id, mall_id],
    )
    for person_id, at, fen in rows:
        found[person_id].append((at, fen))
    return found


def _paths(
    touches: Sequence[messaging.Touch],
    bought: Mapping[int, list[tuple[dt.datetime, int]]],
    window: dt.timedelta,
    name: str,
    since: dt.datetime,
) -> list[Path]:
    """Touches from before the period only lead to a purchase in it; without one they belong to the period before."""
    by_person: dict[int, list[tuple[dt.datetime, str]]] = defaultdict(list)
    for one in touches:
        by_person[one.person_id].append((one.sent_at, getattr(one, name)))
    found = []
    for person_id, told in by_person.items():
        purchases = bought.get(person_id, [])
        mine = told if purchases else [one for one in told if one[0] >= since]
        found.extend(rules.paths_of(mine, purchases, window))
    return found


def _rows(
    touches: Sequence[messaging.Touch],
    paths: Sequence[Path],
    name: str,
    names: Mapping[str, str],
) -> list[AttributionRow]:
    people: dict[str, set[int]] = defaultdict(set)
    messages: dict[str, int] = defaultdict(int)
    cost: dict[str, int] = defaultdict(int)
    for one in touches:
        key = getattr(one, name)
        people[key].add(one.person_id)
        messages[key] += 1
        cost[key] += one.cost
    last, position, driven = rules.last_touch(paths), rules.position(paths), rules.removal(paths)
    none = Credit()
    return [
        AttributionRow(
            key, names.get(key, key), None, len(people[key]), messages[key], -(-cost[key] // 1_000),
            last.get(key, none), position.get(key, none), driven.get(key, none),
        )
        for key in sorted(people, key=lambda key: -last.get(key, none).fen)
    ]  # fmt: skip
