"""Journeys of the made mall: two that run, with people at different steps, and one that is over.

They are entered and stepped at moments of the past by the very engine, so what members bought in the history ends their waits and
reaches their goals. Whoever walked the finished one and did not buy buys with a known chance: its effect is planted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from random import Random

from zhike.insight import queries as insight
from zhike.kernel.access import Viewer, system_viewer
from zhike.loyalty import operations as loyalty
from zhike.marketing import operations, queries
from zhike.messaging import operations as messaging
from zhike.sales import queries as records
from zhike.simulator.campaigns import BOSS, receipt_of
from zhike.simulator.founding import World
from zhike.simulator.rhythm import morning

WALKER = system_viewer("journey")
DAY = dt.timedelta(days=1)
PEOPLE = 90
PLANTED_CHANCE = 0.25
NEWCOMERS = {"match": "all", "of": [{"field": "enrolled", "op": "within", "value": 60}]}
RARE = {
    "match": "all",
    "of": [{"field": "purchases", "op": "between", "value": [1, 3], "window": {"days": 180}}],
}


def sleepers(days: int) -> dict[str, object]:
    """Who has not bought for so long and agreed to offers in the app."""
    return {
        "match": "all",
        "of": [
            {"field": "last_purchase", "op": "longer_ago", "value": days},
            {"field": "consent", "op": "is", "value": ["marketing.push"]},
        ],
    }


def seed_journeys(actor: Viewer, world: World, now: dt.datetime, seed: int) -> None:
    """Plan, approve, enter and step them as of their days; done before, nothing."""
    if queries.journeys_page(actor, limit=1).items:
        return
    _Seeder(actor, world, now, Random(f"journeys/{seed}")).seed()


class _Seeder:
    def __init__(self, actor: Viewer, world: World, now: dt.datetime, rng: Random) -> None:
        self.actor, self.world, self.now, self.rng = actor, world, now, rng

    def seed(self) -> None:
        finished = self._live("repeat", self._ago(75))
        self._enter(finished, [RARE], (74,), 2 * PEOPLE)
        self._step(44, 43)
        self._plant(finished)
        operations.close_journey(actor=self.actor, journey_id=finished, now=self._ago(29))
        self._step(28)
        welcome = self._live("welcome", self._ago(22))
        wake_up = self._live("wake_up", self._ago(14))
        self._enter(welcome, [NEWCOMERS], (20, 9, 2))
        self._enter(wake_up, [sleepers(30), sleepers(4)], (13, 6, 1))
        self._step(17, 5, 0)
        self._draft()
        while messaging.send_due(actor=self.actor, now=self.now).total:
            pass
        for journey_id in (finished, welcome, wake_up):
            operations.measure_journey(actor=WALKER, journey_id=journey_id, now=self.now)

    def _ago(self, days: int) -> dt.datetime:
        """Messages of journeys wait where it is night, so whatever was done on a day before was done in its morning."""
        return morning(self.now, days) if days else self.now

    def _live(self, code: str, at: dt.datetime) -> int:
        journey_id = operations.take_journey_template(
            actor=self.actor, group_id=self.world.group_id, code=code, now=at - DAY
        )
        operations.submit_journey(actor=self.actor, journey_id=journey_id, now=at - DAY)
        operations.approve_journey(actor=BOSS, journey_id=journey_id, now=at - DAY)
        operations.launch_journey(actor=self.actor, journey_id=journey_id, now=at)
        return journey_id

    def _enter(
        self,
        journey_id: int,
        who: Sequence[Mapping[str, object]],
        days_ago: Sequence[int],
        people: int = PEOPLE,
    ) -> None:
        """A share of those who fit, on each of these days; a young mall has none of the first kind, and takes the next."""
        definition = queries.journey(self.actor, journey_id, self.now).shown.definition
        cause = str(definition.trigger.get("event", "api"))
        fitting = (insight.members_fitting(self.actor, insight.parse(one), self.now) for one in who)
        members = sorted(next((found for found in fitting if len(found) >= PEOPLE // 2), ()))
        self.rng.shuffle(members)
        for place, ago in enumerate(days_ago):
            chosen = members[place * people : (place + 1) * people]
            wishes = [
                operations.Wish(f"seed:{member_id}", cause, member_id=member_id) for member_id in chosen
            ]
            operations.enter_journey(actor=WALKER, journey_id=journey_id, wishes=wishes, now=self._ago(ago))
            self._step(ago)

    def _step(self, *days_ago: int) -> None:
        for ago in days_ago:
            operations.step_journeys(actor=WALKER, now=self._ago(ago))

    def _plant(self, journey_id: int) -> None:
        """Some of the walkers who bought nothing after their message do."""
        since, until = self._ago(42), self._ago(31)
        people = queries.journey_people(self.actor, journey_id, limit=200).items
        walkers = [one.person_id for one in people if one.arm == "walk"]
        bought = records.purchases_of(walkers, since, until)
        extra = [pk for pk in walkers if not bought.get(pk, (0, 0))[0] and self.rng.random() < PLANTED_CHANCE]
        moments = sorted((since + (until - since) * self.rng.random(), pk) for pk in extra)
        receipts = [
            receipt_of(self.world, self.rng, f"J{number:05d}", pk, at)
            for number, (at, pk) in enumerate(moments, start=1)
        ]
        if receipts:
            loyalty.take_receipts(actor=self.actor, receipts=receipts, now=until)

    def _draft(self) -> None:
        """One that waits for somebody to look it over."""
        operations.take_journey_template(
            actor=self.actor, group_id=self.world.group_id, code="birthday", now=self._ago(2)
        )
