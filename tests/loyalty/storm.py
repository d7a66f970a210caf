"""Random business on one ledger, by many hands at once, for as long as whoever starts it likes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, connection

from tests.loyalty.conftest import BASE_RULE, NOW, SYSTEM, Town, build_town
from tests.loyalty.test_returns import bring_back
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty

THREADS = 8
BATCH = 40


@dataclass
class Crowd:
    """A town, its members, and what they did so far that can be undone."""

    town: Town
    members: list[loyalty.EnrolledMember]
    sold: list[Any] = field(default_factory=list)
    spent: list[Any] = field(default_factory=list)
    held: list[Any] = field(default_factory=list)


def build_crowd(size: int, *, daily: int = 5_000) -> Crowd:
    """So many members who may earn ``daily`` points a day."""
    town = build_town()
    loyalty.publish_rule_version(
        actor=SYSTEM, program_id=town.program_id, code="base", name="消费积分",
        definition=BASE_RULE | {"caps": {"member_day": daily}}, effective_from=NOW.replace(month=1), now=NOW,
        backdated=True,
    )  # fmt: skip
    members = [
        loyalty.enroll_member(
            actor=SYSTEM, name="张三", phone=f"138000{n:05d}", mall_id=town.mall_id, source="counter", now=NOW
        )
        for n in range(size)
    ]
    return Crowd(town, members)


def act(crowd: Crowd, rng: random.Random, tag: str) -> int:
    """One random thing somebody does; how many operations on the ledger that was. Refusals are part of life."""
    kinds: tuple[tuple[float, Callable[[Crowd, random.Random, str], int]], ...] = (
        (0.34, _buy), (0.5, _spend), (0.62, _return), (0.7, _reverse), (0.82, _hold), (0.95, _batch), (1.0, _correct),
    )  # fmt: skip
    roll = rng.random()
    return next(one for upto, one in kinds if roll < upto)(crowd, rng, tag)


def _buy(crowd: Crowd, rng: random.Random, tag: str) -> int:
    receipt = crowd.town.receipt(
        rng.randrange(100, 90_000), person_id=rng.choice(crowd.members).person_id, number=tag
    )
    crowd.sold.append(loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW).receipt_id)
    return 1


def _spend(crowd: Crowd, rng: random.Random, tag: str) -> int:
    member_id, points = rng.choice(crowd.members).member_id, rng.randrange(1, 400)
    done = loyalty.redeem_points(actor=SYSTEM, member_id=member_id, points=points, now=NOW)
    crowd.spent.append(done.redemption_id)
    return 1


def _return(crowd: Crowd, rng: random.Random, tag: str) -> int:
    if crowd.sold:
        bring_back(rng.choice(crowd.sold), loyalty.ReturnLine(1), number=f"T{tag}")
    return 1


def _reverse(crowd: Crowd, rng: random.Random, tag: str) -> int:
    if crowd.spent:
        points = rng.randrange(1, 200)
        loyalty.reverse_redemption(
            actor=SYSTEM, redemption_id=rng.choice(crowd.spent), points=points, now=NOW
        )
    return 1


def _hold(crowd: Crowd, rng: random.Random, tag: str) -> int:
    if len(crowd.held) < 20:
        member_id, points = rng.choice(crowd.members).member_id, rng.randrange(1, 300)
        held = loyalty.hold_points(actor=SYSTEM, member_id=member_id, points=points, now=NOW)
        crowd.held.append(held.hold_id)
        return 1
    end = rng.choice((loyalty.confirm_hold, loyalty.release_hold))
    end(actor=SYSTEM, hold_id=crowd.held.pop(rng.randrange(5)), now=NOW)
    return 1


def _batch(crowd: Crowd, rng: random.Random, tag: str) -> int:
    receipts = [
        crowd.town.receipt(
            rng.randrange(100, 50_000), person_id=rng.choice(crowd.members).person_id, number=f"{tag}-{no}"
        )
        for no in range(BATCH)
    ]
    loyalty.take_receipts(actor=SYSTEM, receipts=receipts, now=NOW)
    return BATCH


def _correct(crowd: Crowd, rng: random.Random, tag: str) -> int:
    points = rng.randrange(-100, 200) or 1
    loyalty.adjust_points(
        actor=SYSTEM, member_id=rng.choice(crowd.members).member_id, points=points, reason="测试", now=NOW
    )
    return 1


def rage(
    crowd: Crowd, seed: int, goes_on: Callable[[int], bool], told: Callable[[int], None] | None = None
) -> tuple[int, int]:
    """Eight threads act until ``goes_on`` (asked with the acts of a thread) says no; (operations, acts cut off).

    An act that lost its connection to the database is one that was cut off: it happened, or it did not. ``told`` hears of
    the operations of each act. Raises the first unexpected error.
    """
    counts: list[list[int]] = [[0, 0] for _ in range(THREADS)]
    unexpected: list[BaseException] = []

    def clerk(number: int) -> None:
        rng = random.Random(f"{seed}-{number}")
        step = 0
        try:
            while goes_on(step) and not unexpected:
                step += 1
                count = 1
                try:
                    count = act(crowd, rng, f"{seed}-{number}-{step}")
                except Problem:
                    pass
                except (psycopg.Error, DatabaseError, InterfaceError):
                    counts[number][1] += 1
                    connection.close()
                    time.sleep(0.01)  # the server may be on its way up again
                    continue
                counts[number][0] += count
                if told:
                    told(count)
        except BaseException as error:
            unexpected.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=clerk, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if unexpected:
        raise unexpected[0]
    return sum(done for done, _ in counts), sum(cut for _, cut in counts)


def known_crowd() -> Crowd:
    """The crowd that another process built, as the database has it."""
    from zhike.loyalty.models import Member
    from zhike.organization.models import Group, Mall, Merchant

    mall = Mall.objects.get(code="xhc")
    shops = {(one.mall_id, one.code): one.pk for one in Merchant.objects.only("id", "mall_id", "code")}
    other = Mall.objects.get(code="ygh")
    members = list(Member.objects.order_by("id"))
    town = Town(
        Group.objects.get().pk, mall.pk, other.pk, shops[mall.pk, "M1"], shops[mall.pk, "M2"], shops[other.pk, "M1"],
        members[0].program_id, {},
    )  # fmt: skip
    return Crowd(town, [loyalty.EnrolledMember(one.pk, one.person_id, one.number) for one in members])
