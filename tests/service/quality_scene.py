"""A week of conversations that can be looked at: who said what, drawn with a seed, and reviews of it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from tests.people import NOW, Crew, Malls
from tests.service.conftest import SYSTEM
from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.service import operations as service
from zhike.service.models import Conversation, QualityPick

WEEK = dt.date(2026, 2, 23)
"""The last whole week before NOW, a Sunday; NOW lies in the week after it."""
MONDAY = dt.datetime(2026, 2, 23, 3, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def talk(
    agent: Viewer | None,
    person_id: int,
    mall_id: int,
    *texts: str,
    at: dt.datetime = MONDAY,
    waits: Sequence[int] = (30,),
) -> int:
    """A conversation by turns, the member first, closed at the end; its id."""
    member = customers.viewer_of_person(person_id)
    number = ""
    for place, text in enumerate(texts):
        if place % 2 == 0:
            number = service.write_as_member(
                actor=member, person_id=person_id, mall_id=mall_id, text=text, key=uuid.uuid4(), now=at
            )
        elif agent is not None:
            service.write_as_staff(actor=agent, number=number, text=text, now=at)
        at += waits[min(place, len(waits) - 1)] * SECOND
    service.close_conversation(actor=agent or member, number=number, now=at)
    return Conversation.objects.get(number=number).pk


@dataclass
class Scene:
    malls: Malls
    crew: Crew
    person: int
    draw: int = 0

    def plan(self, **changes: object) -> service.QualityPlan:
        values: dict[str, object] = {
            "percent": 100,
            "at_least": 0,
            "double_percent": 0,
            "reviewers": ((self.crew.wang.id or 0, 50), (self.crew.ops.id or 0, 10)),
        }
        return service.QualityPlan(**values | changes)  # type: ignore[arg-type]

    def publish(self, **changes: object) -> None:
        service.found_quality(actor=SYSTEM, group_id=self.malls.group, now=NOW)
        service.publish_quality_plan(
            actor=SYSTEM, mall_id=self.malls.star, plan=self.plan(**changes), now=NOW
        )

    def talk(
        self, *texts: str, agent: Viewer | None = None, at: dt.datetime = MONDAY, waits: Sequence[int] = (30,)
    ) -> int:
        texts = texts or ("积分怎么还没到账？", "您好，我帮您查一下。", "好的", "已经到账了，感谢您的咨询。")
        return talk(agent or self.crew.sun, self.person, self.malls.star, *texts, at=at, waits=waits)

    def drawn(self, seed: str = "seed", **changes: object) -> list[QualityPick]:
        self.publish(**changes)
        self.draw = service.draw_quality(
            actor=self.crew.wang, mall_id=self.malls.star, week=WEEK, now=NOW, seed=seed
        )
        return list(QualityPick.objects.filter(draw_id=self.draw).order_by("id"))

    def reviewer(self, pick: QualityPick, seat: str = "first") -> Viewer:
        people = {one.id: one for one in (self.crew.wang, self.crew.ops, self.crew.lin)}
        return people[getattr(pick, f"{seat}_id")]

    def answers(self, pick: QualityPick, **changes: str) -> dict[str, str]:
        return {one["code"]: "yes" for one in pick.checklist.items} | changes
