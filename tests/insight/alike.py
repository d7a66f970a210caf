"""Members of three kinds, planted: families at weekends, women of fashion who spend much, who only buys at a discount at noon."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from random import Random

from tests.insight.leavers import DAY, SYSTEM, newcomers
from tests.people import NOW, Malls
from zhike.organization.operations import structure as organization
from zhike.sales.models import Receipt

KINDS = ("family", "fashion", "discount")


@dataclass(frozen=True)
class Planted:
    """Member ids with the number of their kind, and with their persons."""

    kind_of: dict[int, int]
    person_of: dict[int, int]


def planted(malls: Malls, size: int, seed: int = 1, *, now: dt.datetime = NOW) -> Planted:
    """So many members with a year of receipts, written at once beside the operations."""
    rng = Random(f"alike/{seed}")
    kids = _toy_shop(malls, now)
    members = newcomers(malls, size, f"A{seed}", now)
    receipts: list[Receipt] = []
    kind_of = {}
    for at, member in enumerate(members):
        kind_of[member.pk] = kind = at % len(KINDS)
        for number in range(rng.randint(4, 12)):
            merchant = rng.choices(
                (kids, malls.fashion, malls.cafe), ((7, 1, 2), (1, 7, 2), (1, 2, 7))[kind]
            )[0]
            receipts.append(_receipt(malls, member.pk, member.person_id, number, merchant, kind, rng, now))
    Receipt.objects.bulk_create(receipts, batch_size=5_000)
    return Planted(kind_of, {one.pk: one.person_id for one in members})


def _toy_shop(malls: Malls, now: dt.datetime) -> int:
    category = organization.create_trade_category(
        actor=SYSTEM, group_id=malls.group, code="kids", name="儿童", now=now - 400 * DAY
    )
    return organization.create_merchant(
        actor=SYSTEM, mall_id=malls.star, code="K001", name="童梦乐园", trade_category_id=category,
        now=now - 400 * DAY,
    )  # fmt: skip


def _receipt(
    malls: Malls,
    member_id: int,
    person_id: int,
    number: int,
    merchant: int,
    kind: int,
    rng: Random,
    now: dt.datetime,
) -> Receipt:
    day = (now - rng.uniform(2, 240) * DAY).replace(minute=10, second=0, microsecond=0)
    if kind == 0 and rng.random() < 0.8:
        day -= ((day.weekday() - rng.choice((5, 6))) % 7) * DAY
    at = day.replace(hour=rng.choice(((6, 7, 8), (9, 10, 11), (3, 4, 5))[kind]))
    gross = rng.randrange(*((8_000, 30_000), (60_000, 200_000), (5_000, 20_000))[kind])
    discount = int(gross * rng.uniform(0.25, 0.4)) if kind == 2 else 0
    return Receipt(
        id=uuid.UUID(int=rng.getrandbits(128)), mall_id=malls.star, kind="sale", till="01", merchant_id=merchant,
        person_id=person_id, number=f"A{member_id}-{number}", business_date=(at + dt.timedelta(hours=8)).date(),
        occurred_at=at, gross_fen=gross, discount_fen=discount, net_fen=gross - discount, source="api", recorded_at=at,
        recorded_by="tests",
    )  # fmt: skip
