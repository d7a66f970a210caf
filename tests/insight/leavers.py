"""Members whose leaving was planted: who only bought at a discount stops sooner or later, the others hardly ever.

How often and how lately somebody bought does not tell the two apart before it is too late, so BG/NBD cannot know what trees can.
Rows are written at once, beside the operations: it is history, not behaviour, that these tests are about.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from random import Random

from tests.people import NOW, Malls
from zhike.customers.models import Person
from zhike.kernel.access import system_viewer
from zhike.loyalty import operations as loyalty
from zhike.loyalty.models import Account, Member
from zhike.sales.models import Receipt

SYSTEM = system_viewer("tests")
DAY = dt.timedelta(days=1)
DAYS = 200


@dataclass(frozen=True)
class Crowd:
    """Member ids, their persons, and who bought at a discount only."""

    members: list[int]
    person_of: dict[int, int]
    hunters: set[int]


def crowd(malls: Malls, size: int, seed: int = 1, *, leave: float = 0.55, now: dt.datetime = NOW) -> Crowd:
    """So many members with 200 days of receipts; every 45 days a hunter leaves with the chance ``leave``."""
    rng = Random(f"leavers/{seed}")
    members = newcomers(malls, size, f"L{seed}", now)
    hunters, receipts = set(), []
    for member in members:
        is_hunter = rng.random() < 0.5
        if is_hunter:
            hunters.add(member.pk)
        receipts += _history(malls, member, rng, is_hunter, leave, now)
    Receipt.objects.bulk_create(receipts, batch_size=5_000)
    return Crowd([one.pk for one in members], {one.pk: one.person_id for one in members}, hunters)


def newcomers(malls: Malls, size: int, prefix: str, now: dt.datetime = NOW) -> list[Member]:
    """So many members who enrolled 300 days ago, with accounts, without receipts."""
    programme, tier = _programme(malls, now)
    persons = Person.objects.bulk_create(
        [
            Person(group_id=malls.group, name=f"客{one}", created_at=now - 300 * DAY, source="tests")
            for one in range(size)
        ]
    )
    members = Member.objects.bulk_create(
        [
            Member(
                program_id=programme, person=person, number=f"{prefix}{at:07d}", tier_id=tier, mall_id=malls.star,
                tier_since=now - 300 * DAY, enrolled_at=now - 300 * DAY, enrolled_by="tests", source="tests",
            )
            for at, person in enumerate(persons)
        ]
    )  # fmt: skip
    Account.objects.bulk_create([Account(program_id=programme, member=one) for one in members])
    return members


def _history(
    malls: Malls, member: Member, rng: Random, is_hunter: bool, leave: float, now: dt.datetime
) -> list[Receipt]:
    rate = rng.gammavariate(2, 1 / 24)
    ago, gone_from = DAYS - rng.uniform(0, 40), 0.0
    while is_hunter and gone_from < DAYS and rng.random() > leave:
        gone_from += 45
    stops = DAYS - 40 - gone_from if is_hunter else 0.0
    found: list[Receipt] = []
    while ago > max(stops, 0.05):
        at = now - ago * DAY
        gross = rng.randrange(3_000, 40_000)
        discount = int(gross * rng.uniform(0.2, 0.4)) if is_hunter else 0
        found.append(
            Receipt(
                id=uuid.UUID(int=rng.getrandbits(128)), mall_id=malls.star, kind="sale", till="01",
                merchant_id=rng.choice((malls.cafe, malls.fashion)), person_id=member.person_id,
                number=f"L{member.pk}-{len(found)}", business_date=(at + dt.timedelta(hours=8)).date(), occurred_at=at,
                gross_fen=gross, discount_fen=discount, net_fen=gross - discount, source="api", recorded_at=at,
                recorded_by="tests",
            )
        )  # fmt: skip
        ago -= rng.expovariate(rate)
    return found


def _programme(malls: Malls, now: dt.datetime) -> tuple[int, int]:
    from zhike.loyalty.models import Tier

    known = Tier.objects.order_by("id").first()
    if known is not None:
        return known.program_id, known.pk
    programme = loyalty.create_program(
        actor=SYSTEM, group_id=malls.group, code="main", name="知客会员", now=now - 400 * DAY
    )
    tier = loyalty.save_tier(
        actor=SYSTEM, program_id=programme, code="basic", name="普卡", rank=0, threshold_fen=0, colour="slate",
        benefits="", now=now - 400 * DAY,
    )  # fmt: skip
    return programme, tier
