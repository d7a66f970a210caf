"""Families of the made mall that share their points."""

from __future__ import annotations

import datetime as dt
from random import Random

from django.db import transaction

from zhike.kernel.access import Viewer
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.simulator.loading import Loader

FAMILIES = (("幸福一家人", 3), ("老周家", 2), ("三口之家", 3), ("合租小分队", 2))
LEAST = 800


def seed_households(actor: Viewer, loader: Loader, now: dt.datetime, seed: int) -> None:
    """Once; done before, it does nothing."""
    program_id = loader.world.program_id
    if queries.household_figures(program_id).households:
        return
    rng = Random(f"households/{seed}")
    rich = sorted(member_id for member_id, balance in loader.holdings.values() if balance >= LEAST)
    wanted = sum(size for _name, size in FAMILIES)
    people = rng.sample(rich, min(wanted, len(rich)))
    with transaction.atomic():
        for name, size in FAMILIES:
            family, people = people[:size], people[size:]
            if len(family) == size:
                _live(actor, name, family, now - dt.timedelta(days=rng.randint(5, 25)), rng)


def _live(actor: Viewer, name: str, family: list[int], began: dt.datetime, rng: Random) -> None:
    """They join, put points in, and spend some; the last one of three is a child with limits."""
    owner, *others = family
    numbers = {one: queries.member_file(actor, one, began).number for one in others}
    try:
        with transaction.atomic():
            household_id = loyalty.found_household(actor=actor, member_id=owner, name=name, now=began)
            for place, other in enumerate(others):
                is_child = place == 1
                loyalty.invite_into_household(
                    actor=actor, member_id=owner, number=numbers[other], role="child" if is_child else "adult",
                    day_limit=100 if is_child else None, month_limit=300 if is_child else None, now=began,
                )  # fmt: skip
                loyalty.answer_household_invitation(
                    actor=actor, member_id=other, household_id=household_id, accept=True, now=began
                )
            for one in (owner, others[0]):
                loyalty.put_into_pool(
                    actor=actor,
                    member_id=one,
                    points=rng.randint(3, 7) * 100,
                    now=began + dt.timedelta(hours=2),
                )
            for day in range(1, 4):
                spender = rng.choice(family)
                points = 100 if spender not in family[:2] else rng.choice((100, 100, 200))
                at = began + dt.timedelta(days=day)
                loyalty.spend_from_pool(actor=actor, member_id=spender, points=points, now=at)
    except Problem:
        return
