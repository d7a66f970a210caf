"""A town of members who agreed to offers in the app, with wordings for campaigns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town
from tests.people import Malls, hire, publish_policy
from zhike.kernel.access import Viewer
from zhike.loyalty import operations as loyalty
from zhike.marketing import operations
from zhike.marketing.models import CampaignRecipient
from zhike.messaging import operations as messaging
from zhike.privacy import operations as privacy

OFFER = "${name}您好，会员日好礼等您来 ${link}"
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def write_wording(town: Town, code: str, *channels: str, body: str = OFFER, kind: str = "marketing") -> None:
    template_id = messaging.create_template(
        actor=SYSTEM, group_id=town.group_id, code=code, name=code, kind=kind, fallback=channels, now=NOW
    )
    for channel in channels:
        version_id = messaging.write_version(
            actor=SYSTEM, template_id=template_id, channel=channel, language="zh-hans",
            title="" if channel == "sms" else "会员日", body=body, now=NOW,
        )  # fmt: skip
        messaging.approve_version(actor=SYSTEM, version_id=version_id, now=NOW)


def populate(town: Town, count: int, *channels: str, first: int = 0) -> list[int]:
    """So many members who agreed to offers on these channels; their person ids."""
    people = [
        loyalty.NewMember(f"会员{number}", NOW - 90 * DAY, phone=f"+8613{number:09d}", mall_id=town.mall_id)
        for number in range(first, first + count)
    ]
    ids = loyalty.enroll_members(actor=SYSTEM, members=people, now=NOW - 90 * DAY)
    agree(town, ids, *channels)
    return ids


def agree(
    town: Town,
    person_ids: Sequence[int],
    *channels: str,
    decision: str = "granted",
    purpose: str = "marketing",
) -> None:
    decisions = tuple(privacy.Decision(purpose, channel, decision) for channel in channels)
    if decisions:
        privacy.record_consents_bulk(
            actor=SYSTEM,
            group_id=town.group_id,
            persons=[privacy.PersonDecisions(pk, decisions, "paper", {}) for pk in person_ids],
            policy_version="2026-01",
            now=NOW,
        )


def plan(**changes: Any) -> operations.Plan:
    values: dict[str, Any] = {
        "name": "会员日", "goal": "visit", "arms": (operations.ArmPlan("A", "offer"),), "holdout_bp": 2_000,
        "window_days": 7,
    }  # fmt: skip
    return operations.Plan(**{**values, **changes})


def ready(town: Town, **changes: Any) -> int:
    """A campaign that the marketer planned and the manager approved."""
    planned = plan(**changes)
    campaign_id = operations.plan_campaign(actor=SYSTEM, group_id=town.group_id, plan=planned, now=NOW)
    operations.submit_campaign(actor=SYSTEM, campaign_id=campaign_id, now=NOW)
    operations.approve_campaign(actor=BOSS, campaign_id=campaign_id, now=NOW)
    return campaign_id


def launched(town: Town, *, now: dt.datetime = NOW, **changes: Any) -> int:
    campaign_id = ready(town, **changes)
    operations.launch_campaign(actor=SYSTEM, campaign_id=campaign_id, now=now)
    advance(now)
    return campaign_id


def advance(now: dt.datetime = NOW) -> None:
    """What the worker does."""
    while operations.advance_campaigns(actor=SYSTEM, now=now).is_waiting:
        pass
    while messaging.send_due(actor=SYSTEM, now=now).total:
        pass


def buy(town: Town, person_ids: Sequence[int], fen: int, at: dt.datetime) -> None:
    receipts = [town.receipt(fen, person_id=pk, at=at) for pk in person_ids]
    loyalty.take_receipts(actor=SYSTEM, receipts=receipts, now=at)


def people_in(campaign_id: int, *arms: str) -> list[int]:
    rows = CampaignRecipient.objects.filter(campaign_id=campaign_id)
    if arms:
        rows = rows.filter(arm__in=arms)
    return list(rows.order_by("person_id").values_list("person_id", flat=True))


BOSS = Viewer("system", None, "boss")


@pytest.fixture
def town(db: None) -> Town:
    return a_town()


def a_town() -> Town:
    made = build_town()
    publish_policy(malls_of(made), now=NOW)
    write_wording(made, "offer", "inbox")
    return made


def malls_of(town: Town) -> Malls:
    return Malls(
        town.group_id, town.mall_id, town.other_mall_id, town.cafe, town.shop, town.shop, town.far_shop
    )


@pytest.fixture
def marketer(town: Town) -> Viewer:
    return hire(malls_of(town), "chen", "陈营销", ("marketer", "all", 0), now=NOW)


@pytest.fixture
def manager(town: Town) -> Viewer:
    return hire(malls_of(town), "lin", "林总", ("group_manager", "all", 0), now=NOW)


@pytest.fixture
def mall_manager(town: Town) -> Viewer:
    """Of 星河城."""
    return hire(malls_of(town), "wang", "王店总", ("mall_manager", "mall", town.mall_id), now=NOW)


@pytest.fixture
def stranger(town: Town) -> Viewer:
    """The manager of the other mall."""
    return hire(malls_of(town), "qian", "钱店总", ("mall_manager", "mall", town.other_mall_id), now=NOW)
