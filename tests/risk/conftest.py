"""A small mall in which some cheat, built through the operations and judged as the worker would."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.loyalty.conftest import BASE_RULE, NOW, SYSTEM, Town, build_town
from zhike.kernel.access import Grant, Viewer
from zhike.kernel.events import drain
from zhike.loyalty import operations as loyalty
from zhike.risk import operations, queries
from zhike.risk.handlers import risk_deeds

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def keeper(number: int, *permissions: str, level: str = "all", ids: tuple[int, ...] = ()) -> Viewer:
    held = frozenset(permissions or ("risk.view", "risk.handle", "coupons.issue"))
    return Viewer("staff", number, f"稽核{number}", (Grant(held, level, frozenset(ids)),))


SUN = keeper(1)
WANG = keeper(2, "risk.view", "risk.handle", "risk.approve", "risk.edit", "coupons.issue")


@dataclass
class Watched:
    town: Town
    now: dt.datetime = NOW
    members: list[loyalty.EnrolledMember] = field(default_factory=list)

    def member(self, name: str = "张三", **more: Any) -> loyalty.EnrolledMember:
        number = 13800138000 + len(self.members)
        about: dict[str, Any] = {
            "actor": SYSTEM, "name": name, "phone": str(number), "mall_id": self.town.mall_id, "source": "counter",
            "now": self.now - 40 * DAY,
        }  # fmt: skip
        one = loyalty.enroll_member(**about | more)
        self.members.append(one)
        return one

    def buy(self, member: loyalty.EnrolledMember | None, fen: int = 10_000, **more: Any) -> Any:
        at = more.pop("at", self.now)
        person_id = member.person_id if member else None
        receipt = self.town.receipt(fen, person_id=person_id, at=at, **more)
        return loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=at)

    def swipe(self, member: loyalty.EnrolledMember, times: int = 12, cashier: str = "C07") -> list[Any]:
        """The same cashier rings up the same member, twice a day."""
        start = self.now - times * DAY / 2
        return [self.buy(member, 20_000, cashier=cashier, at=start + nth * 12 * HOUR) for nth in range(times)]

    def judge(self) -> int:
        drain(risk_deeds)
        return operations.judge_deeds(actor=SYSTEM, now=self.now)

    def open(self, viewer: Viewer = SYSTEM) -> list[queries.AlertRow]:
        return list(queries.alerts(viewer).items)

    def only(self, viewer: Viewer = SYSTEM) -> queries.AlertView:
        [row] = self.open(viewer)
        return queries.alert(viewer, row.id)


def watched() -> Watched:
    town = build_town()
    loyalty.publish_rule_version(
        actor=SYSTEM, program_id=town.program_id, code="base", name="消费积分", definition=BASE_RULE,
        effective_from=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), now=NOW, backdated=True,
    )  # fmt: skip
    return Watched(town)


@pytest.fixture
def mall(db: None) -> Watched:
    return watched()
