"""A campaign that annoys too many stops by itself, and not because of one early no."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.marketing.conftest import DAY, HOUR, launched, populate
from zhike.kernel.models import Event
from zhike.marketing import operations, queries
from zhike.marketing.models import Campaign, CampaignMeasure
from zhike.marketing.rules import guarding

pytestmark = pytest.mark.feature("C139")


def test_one_early_no_is_not_enough_and_a_flood_is() -> None:
    assert not guarding.is_exceeded(1, 1, 100)
    assert not guarding.is_exceeded(1, 10, 100)
    assert guarding.is_exceeded(6, 60, 100)
    assert not guarding.is_exceeded(10, 1_000, 100)
    assert guarding.is_exceeded(30, 1_000, 100)
    assert not guarding.is_exceeded(900, 1_000, None) and guarding.is_exceeded(1, 1_000, 0)
    assert not guarding.is_exceeded(0, 0, 100)


def test_looking_after_every_person_stops_a_good_campaign_one_time_in_twenty_at_most() -> None:
    rng, stopped, runs = random.Random(2026), 0, 300
    for _run in range(runs):
        said_no = 0
        for people in range(1, 401):
            if rng.random() < 0.02:
                said_no += 1
                if guarding.is_exceeded(said_no, people, 200):
                    stopped += 1
                    break
    assert stopped / runs <= 0.05


def test_it_stops_is_told_and_may_be_let_go_on(town: Town) -> None:
    policy: dict[str, Any] = {
        "group_id": town.group_id,
        "global_holdout_bp": 0,
        "margin_bp": None,
        "now": NOW,
    }
    operations.save_marketing_policy(actor=SYSTEM, withdrawn_max_bp=200, **policy)
    populate(town, 10, "push")
    last = NOW.date() + 5 * DAY
    campaign_id = launched(town, rhythm="daily", holdout_bp=0, starts_at=NOW, ends_on=last)
    later: dict[str, Any] = {"actor": SYSTEM, "now": NOW + HOUR}
    operations.measure_campaign(campaign_id=campaign_id, **later)
    assert operations.guard_campaigns(**later) == 0
    measured = CampaignMeasure.objects.get(campaign_id=campaign_id)
    measured.sums["A"] |= {"given": 60, "withdrawn": 1}
    measured.save()
    assert operations.guard_campaigns(**later) == 0
    measured.sums["A"] |= {"withdrawn": 9}
    measured.save()
    assert operations.guard_campaigns(**later) == 1
    assert operations.guard_campaigns(**later) == 0
    found = queries.campaign(SYSTEM, campaign_id, NOW + HOUR)
    assert (found.row.state, found.row.stop_reason) == ("stopped", "withdrawn")
    told = Event.objects.filter(type="zhike.marketing.campaign_changed").latest("position").data
    assert (told["change"], told["reason"]) == ("stop", "withdrawn")
    operations.resume_campaign(campaign_id=campaign_id, **later)
    assert operations.guard_campaigns(**later) == 0
    assert Campaign.objects.get().status == "running"
