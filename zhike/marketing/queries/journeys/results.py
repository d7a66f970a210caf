"""What a journey did: who reached the goal and bought, against those who were held, each from their own entry on.

Definitions. Everybody's first entry counts, once. *Goal*: the goal's event happened in the window from the entry on; *bought*: at
least one sale in it. Both arms were drawn by a hash when they entered, and nobody was taken out of either afterwards. While the
journey runs the interval is one that holds at every look; once it has ended and its windows are over, the ordinary 95 % interval.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Sum

from zhike.kernel.access import Viewer
from zhike.marketing.models import Journey, JourneyCount, JourneyEntry, JourneyMeasure, JourneyStep
from zhike.marketing.queries.journeys.found import definition_of, journey_code, journey_row
from zhike.marketing.queries.reviews import (
    READER,
    ArmFigures,
    Cost,
    Funnel,
    Money,
    compared,
    extra_of,
    gain_of,
    margin_told,
    roi_of,
)
from zhike.marketing.queries.spending import points_fen
from zhike.marketing.rules import campaigns as rules
from zhike.marketing.rules import measuring
from zhike.marketing.rules.assignment import HOLDOUT
from zhike.marketing.rules.journeys.graph import Definition
from zhike.marketing.rules.measuring import Effect, Moments, Split
from zhike.messaging import queries as messaging
from zhike.offers import queries as coupons

WALK = "walk"


@dataclass(frozen=True, slots=True)
class Side:
    """What one arm did: ``people`` measured, of whom so many reached the goal."""

    figures: ArmFigures
    goals: int

    @property
    def goal_rate(self) -> float | None:
        return self.goals / self.figures.people if self.figures.people else None


@dataclass(frozen=True, slots=True)
class WayFigures:
    """One way of an A/B test: who went it, how many reached the goal, and how it compares with the first way."""

    node: str
    key: str
    people: int
    goals: int
    effect: Effect | None

    @property
    def rate(self) -> float | None:
        return self.goals / self.people if self.people else None


@dataclass(frozen=True, slots=True)
class JourneyResults:
    """``verdict``: no_holdout, not_measured, broken_split, up, down or open, by the goal (or purchases, without a goal)."""

    measured_at: dt.datetime | None
    method: str
    verdict: str
    walked: Side | None
    held: Side | None
    goal: Effect | None
    split: Split
    extra: Money | None
    cost: Cost
    gain: Money | None
    roi: tuple[float, float, float] | None
    extra_margin: Money | None
    covered: float
    funnel: Funnel
    ways: tuple[WayFigures, ...]
    global_held: int

    @property
    def is_told(self) -> bool:
        """Whether there is a comparison that may be believed."""
        return self.verdict in ("up", "down", "open")


def journey_results(viewer: Viewer, journey_id: int, now: dt.datetime) -> JourneyResults:
    """Raises NotFound."""
    return results_of(journey_row(viewer, journey_id), now)


def newest_of_journey(journey_id: int) -> JourneyMeasure | None:
    """What was measured last."""
    return JourneyMeasure.objects.filter(journey_id=journey_id).order_by("-day").first()


def results_of(row: Journey, now: dt.datetime) -> JourneyResults:
    """For a journey whose viewer was checked."""
    newest = newest_of_journey(row.pk)
    sums: Mapping[str, Any] = newest.sums if newest else {}
    definition = definition_of(row.live) if row.live else None
    method = "fixed" if definition and _is_over(row, definition, now) else "sequential"
    goal = compared(sums, "goal", method)[0].get(WALK)
    visit = compared(sums, "bought", method)[0].get(WALK)
    revenue = compared(sums, "revenue", method)[0].get(WALK)
    walked, held = _side(sums, WALK, visit, revenue), _side(sums, HOLDOUT, None, None)
    cost = _cost(row, now)
    margin = margin_told(sums, method, row.group_id)
    extra = extra_of(walked.figures if walked else None)
    holdout_bp = definition.holdout_bp if definition else 0
    split = _split(sums, holdout_bp)
    decisive = goal if definition and definition.goal else visit
    return JourneyResults(
        measured_at=newest.measured_at if newest else None,
        method=method,
        verdict=_verdict(holdout_bp, walked, held, split, decisive),
        walked=walked,
        held=held,
        goal=goal,
        split=split,
        extra=extra,
        cost=cost,
        gain=gain_of(margin.extra, cost),
        roi=roi_of(margin.extra, cost),
        extra_margin=margin.extra,
        covered=margin.covered,
        funnel=_funnel(row, walked, now),
        ways=_ways(row, definition),
        global_held=JourneyEntry.objects.filter(journey=row, arm=rules.GLOBAL).count(),
    )


def _is_over(row: Journey, definition: Definition, now: dt.datetime) -> bool:
    return row.ended_at is not None and now >= row.ended_at + dt.timedelta(days=definition.window_days)


def _side(sums: Mapping[str, Any], arm: str, visit: Effect | None, revenue: Effect | None) -> Side | None:
    if arm not in sums:
        return None
    bought, money, goal = (Moments(*sums[arm][name]) for name in ("bought", "revenue", "goal"))
    figures = ArmFigures(arm, bought.n, bought.n, 0, int(bought.y), int(money.y), 0, 0, visit, revenue)
    return Side(figures, int(goal.y))


def _split(sums: Mapping[str, Any], holdout_bp: int) -> Split:
    counts = {arm: one["assigned"] for arm, one in sums.items()}
    return measuring.split(counts, {WALK: float(10_000 - holdout_bp), HOLDOUT: float(holdout_bp)})


def _verdict(
    holdout_bp: int, walked: Side | None, held: Side | None, split: Split, effect: Effect | None
) -> str:
    if not holdout_bp:
        return "no_holdout"
    if walked is None or held is None or effect is None:
        return "not_measured"
    if split.is_broken:
        return "broken_split"
    return "up" if effect.low > 0 else "down" if effect.high < 0 else "open"


def _cost(row: Journey, now: dt.datetime) -> Cost:
    """Messages and points as given, coupons as used."""
    code = journey_code(row.pk)
    messages = 0
    if row.started_at is not None:
        wanted = messaging.Filter(row.started_at, now + dt.timedelta(days=1), campaign=code)
        messages = -(-messaging.sending(READER, wanted).funnel.cost // rules.FEN)
    points = 0
    batches: set[int] = set()
    versions = {one.version_id: definition_of(one.version) for one in _counted(row)}
    for one in _counted(row):
        node = versions[one.version_id].nodes.get(one.node)
        if node is not None and node.kind == "points" and one.outcome == "given":
            points += points_fen(int(node.params["points"]), now) * one.count
        if node is not None and node.kind == "coupon":
            batches.add(int(node.params["batch"]))
    used = coupons.uses_by_reference(sorted(batches), code) if batches else coupons.UsesByReference()
    by_party = rules.Spent(messages * rules.FEN, points, used.funding).by_party()
    return Cost(messages, points, sum((used.funding or {}).values()), by_party)


def _counted(row: Journey) -> list[JourneyCount]:
    return list(JourneyCount.objects.select_related("version").filter(version__journey=row).exclude(node=""))


def _funnel(row: Journey, walked: Side | None, now: dt.datetime) -> Funnel:
    if row.started_at is None:
        return Funnel()
    wanted = messaging.Filter(row.started_at, now + dt.timedelta(days=1), campaign=journey_code(row.pk))
    sent = messaging.sending(READER, wanted).funnel
    entered = JourneyCount.objects.filter(version__journey=row, node="", outcome="entered", reason=WALK)
    return Funnel(
        given=entered.aggregate(total=Sum("count"))["total"] or 0,
        sent=sent.people,
        delivered=sent.delivered,
        opened=sent.opened,
        bought=walked.figures.bought if walked else 0,
    )


def _ways(row: Journey, definition: Definition | None) -> tuple[WayFigures, ...]:
    """Of the live version's A/B tests: the goal's share by way, each against the first."""
    found: list[WayFigures] = []
    for node in definition.nodes.values() if definition else ():
        if node.kind != "ab":
            continue
        rows = JourneyStep.objects.filter(entry__version_id=row.live_id, node=node.key, entry__number=1)
        counted = {
            outcome: (people, goals)
            for outcome, people, goals in rows.values_list("outcome")
            .annotate(people=Count("entry_id"), goals=Count("entry_id", filter=~Q(entry__goal_at=None)))
            .order_by()
        }
        first = counted.get(node.outcomes[0], (0, 0)) if node.outcomes else (0, 0)
        for key in node.outcomes:
            people, goals = counted.get(key, (0, 0))
            effect = measuring.rates(goals, people, first[1], first[0]) if key != node.outcomes[0] else None
            found.append(WayFigures(node.key, key, people, goals, effect))
    return tuple(found)
