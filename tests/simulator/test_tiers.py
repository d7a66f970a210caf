"""The seed of tiers: periods are open, some are lent, one exception is agreed on and one waits; and once."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, build_town
from zhike.loyalty import operations, queries
from zhike.loyalty.models import Member, TierGrant
from zhike.simulator.tiers import seed_tiers


@pytest.mark.feature("C068", "C069", "C070")
@pytest.mark.django_db
@pytest.mark.parametrize("hour", [4, 17])
def test_tiers_are_lent_asked_for_and_held(hour: int) -> None:
    town = build_town()
    for number in range(6):
        joined = NOW - dt.timedelta(days=90)
        member = operations.enroll_member(
            actor=SYSTEM,
            name=f"会员{number}",
            phone=f"1380013800{number}",
            mall_id=town.mall_id,
            source="counter",
            now=joined,
        )
        receipt = town.receipt(100_000, person_id=member.person_id, at=joined)
        operations.take_receipt(actor=SYSTEM, receipt=receipt, now=joined)
    now = NOW.replace(hour=hour)
    loader: Any = SimpleNamespace(world=SimpleNamespace(program_id=town.program_id))
    for _ in range(2):
        seed_tiers(SYSTEM, loader, now)
    states = sorted(one.state for one in queries.tier_exceptions(SYSTEM, now))
    assert states == ["asked", "running"]
    assert TierGrant.objects.filter(source="campaign").count() == 3
    assert Member.objects.filter(earned_tier__code="silver", tier__code="gold").count() == 4
    assert not Member.objects.filter(tier__code="silver", tier_until=None).exists()
    found = queries.tier_policy_versions(SYSTEM, town.program_id)
    assert [(one.state, one.told) for one in found] == [
        ("planned", 0), ("withdrawn", 0), ("in_force", 0), ("past", 0), ("past", 0),
    ]  # fmt: skip
