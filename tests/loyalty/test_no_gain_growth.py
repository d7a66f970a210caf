"""The search for gain, of one who gathers growth value: whatever is bought, brought back, done, merged and parted, the growth
value is what the kept purchases, their days and the deeds that stand are worth, and the tier is what it reaches."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import threading
from random import Random
from typing import Any

import pytest
from django.db import connection

from tests.loyalty.conftest import BASE_RULE, NOW, SYSTEM, Town, build_town
from tests.loyalty.test_growth import ladder
from zhike.kernel.errors import Problem
from zhike.loyalty import operations, queries

DAY = dt.timedelta(days=1)
ACTS = int(os.environ.get("ZHIKE_SEARCH_SEQUENCES", "36"))
pytestmark = pytest.mark.feature("C066", "B24")


def founded() -> Town:
    town = build_town()
    ladder(town, "growth", (150, 400))
    operations.publish_rule_version(
        actor=SYSTEM, program_id=town.program_id, code="base", name="消费积分", definition=BASE_RULE, now=NOW,
        effective_from=NOW - 90 * DAY, backdated=True,
    )  # fmt: skip
    return town


def join(town: Town, number: int) -> Any:
    phone = f"1380013820{number}"
    return operations.enroll_member(
        actor=SYSTEM, name="张三", phone=phone, mall_id=town.mall_id, source="counter", now=NOW
    )


class Gatherer:
    """Two memberships of one person who tries everything; ``kept`` is what an honest bookkeeper knows of each."""

    def __init__(self, town: Town, seed: int) -> None:
        self.town, self.dice = town, Random(seed)
        self.members = [join(town, number) for number in (0, 1)]
        self.sales: list[list[Any]] = []
        """[member, receipt id, day, kept fen, line] of every line bought."""
        self.deeds: list[list[Any]] = []
        self.merge_id: int | None = None

    def buy(self) -> None:
        side, day = self.dice.randrange(2), NOW + self.dice.randrange(3) * DAY
        prices = [self.dice.randrange(1, 10_000) for _ in range(2)]
        receipt = self.town.receipt(prices, person_id=self.members[side].person_id, at=day)
        operations.take_receipt(actor=SYSTEM, receipt=receipt, now=day)
        for line_no, fen in enumerate(prices, 1):
            self.sales.append([side, receipt.id, day.date(), fen, line_no])

    def bring_back(self) -> None:
        open_ones = [sale for sale in self.sales if sale[3]]
        if open_ones:
            sale = self.dice.choice(open_ones)
            self.town.numbers += 1
            operations.return_lines(
                actor=SYSTEM, receipt_id=sale[1], lines=[operations.ReturnLine(sale[4])], till="09", number=f"T{self.town.numbers}",
                business_date=(NOW + 3 * DAY).date(), occurred_at=NOW + 3 * DAY, now=NOW + 3 * DAY,
            )  # fmt: skip
            sale[3] = 0

    def check_in(self) -> None:
        side, reference = self.dice.randrange(2), f"check_in:{len(self.deeds)}"
        operations.award_points(
            actor=SYSTEM, member_id=self.members[side].member_id, points=1, reason="check_in", reference=reference,
            explanation={}, now=NOW,
        )  # fmt: skip
        self.deeds.append([side, reference, True])

    def lose_a_deed(self) -> None:
        open_ones = [deed for deed in self.deeds if deed[2]]
        if open_ones:
            deed = self.dice.choice(open_ones)
            operations.take_back_award(
                actor=SYSTEM, member_id=self.members[deed[0]].member_id, reason="check_in", reference=deed[1],
                why="误发", now=NOW,
            )  # fmt: skip
            deed[2] = False

    def merge(self) -> None:
        if self.merge_id is None:
            one, other = (member.person_id for member in self.members)
            done = operations.merge_persons(
                actor=SYSTEM, survivor_id=one, merged_id=other, reason="同一人", now=NOW
            )
            self.merge_id = done.merge_id if done.state == "merged" else None

    def part(self) -> None:
        if self.merge_id is not None:
            operations.unmerge_persons(actor=SYSTEM, merge_id=self.merge_id, reason="两个人", now=NOW)
            self.merge_id = None

    def honest(self, sides: set[int]) -> int:
        days = {sale[2] for sale in self.sales if sale[0] in sides and sale[3]}
        kept: dict[Any, int] = {}
        for sale in self.sales:
            if sale[0] in sides:
                kept[sale[1]] = kept.get(sale[1], 0) + sale[3]
        spent = sum(fen // 100 for fen in kept.values())
        return spent + 10 * len(days) + 5 * sum(deed[2] for deed in self.deeds if deed[0] in sides)

    def check(self) -> None:
        now = NOW + 3 * DAY
        sides = [{0, 1}] if self.merge_id is not None else [{0}, {1}]
        for of in sides:
            member = self.members[min(of)]
            operations.count_toward_tier(
                actor=SYSTEM, member_id=member.member_id, reference="", now=now, lowers=True
            )
            file = queries.member_file(SYSTEM, member.member_id, now)
            assert file.growth == self.honest(of), (of, self.sales, self.deeds)
            reached = "gold" if file.growth >= 400 else "silver" if file.growth >= 150 else "basic"
            assert file.tier.code == reached


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [1, 2])
def test_growth_value_is_what_was_kept_whatever_was_tried(seed: int) -> None:
    one = Gatherer(founded(), seed)
    acts = [one.buy, one.buy, one.buy, one.bring_back, one.check_in, one.lose_a_deed, one.merge, one.part]
    for number in range(ACTS // 2):
        one.dice.choice(acts)()
        if number % 3 == 2:
            one.check()
    one.check()
    assert queries.verify_ledger().is_clean


@pytest.mark.django_db(transaction=True)
def test_thirty_two_at_once_give_each_occasion_once() -> None:
    town = founded()
    member = join(town, 0)
    receipts = [town.receipt(1_000, person_id=member.person_id) for _ in range(16)]
    failures: list[BaseException] = []
    barrier = threading.Barrier(32)

    def run(number: int) -> None:
        try:
            barrier.wait(30)
            with contextlib.suppress(Problem):
                if number < 16:
                    operations.take_receipt(actor=SYSTEM, receipt=receipts[number], now=NOW)
                else:
                    operations.count_toward_tier(
                        actor=SYSTEM, member_id=member.member_id, reference="", now=NOW
                    )
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    file = queries.member_file(SYSTEM, member.member_id, NOW)
    assert (file.growth, file.tier.code) == (170, "silver")
    assert queries.verify_ledger().is_clean
