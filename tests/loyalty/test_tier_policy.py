"""The terms of the tiers change in the open: in versions, from a day on, and only after members were told of what is worse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town, staff
from zhike.customers.queries import viewer_of_person
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import Event
from zhike.loyalty import operations, queries
from zhike.loyalty.models import Member, Tier, TierNotice, TierPolicyVersion
from zhike.messaging import operations as messaging
from zhike.messaging import queries as messages

DAY = dt.timedelta(days=1)
pytestmark = [pytest.mark.django_db, pytest.mark.feature("C078")]


def draft(town: Town, silver: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    """The terms of today with other words of silver and of all tiers."""
    policy = queries.plain_policy(queries.policy_now(town.program_id))
    policy["tiers"][1].update(silver or {})
    return policy | parts


def publish(town: Town, definition: dict[str, Any], begins: dt.datetime = NOW, **changes: Any) -> int:
    about = {"actor": SYSTEM, "program_id": town.program_id, "effective_from": begins, "now": NOW}
    return operations.publish_tier_policy(definition=definition, **{**about, **changes})


def begin(town: Town, at: dt.datetime) -> int:
    return operations.begin_tier_policies(actor=SYSTEM, program_id=town.program_id, now=at)


def tell(town: Town, at: dt.datetime) -> int:
    return operations.give_tier_policy_notices(actor=SYSTEM, program_id=town.program_id, now=at)


def threshold(town: Town) -> int:
    return Tier.objects.get(id=town.tiers["silver"]).threshold_fen


def states(town: Town) -> list[str]:
    return [one.state for one in queries.tier_policy_versions(SYSTEM, town.program_id)]


def test_what_is_better_begins_at_once(town: Town, zhang: Any) -> None:
    publish(town, draft(town, {"threshold_fen": 80_000}))
    assert (threshold(town), states(town)) == (80_000, ["in_force", "past"])
    now, first = queries.tier_policy_versions(SYSTEM, town.program_id)
    assert [(one.kind, one.tier and one.tier.code) for one in now.changes] == [("better", "silver")]
    assert "¥800" in now.changes[0].sentence
    assert (first.policy.tiers[1].threshold_fen, first.ended_at) == (100_000, NOW)
    assert not tell(town, NOW)


def test_what_is_worse_waits_for_its_notice_with_evidence(
    town: Town, zhang: Any, enroll: Callable[..., Any]
) -> None:
    frozen = enroll("13900139000", "李四")
    Member.objects.filter(id=frozen.member_id).update(status="frozen")
    worse = draft(town, {"threshold_fen": 120_000})
    with pytest.raises(operations.TierPolicyTooSoon):
        publish(town, worse, NOW + 29 * DAY)
    version_id = publish(town, worse, NOW + 30 * DAY, note="与商场成本匹配")
    assert (states(town)[0], threshold(town)) == ("notice", 100_000)
    assert begin(town, NOW + 40 * DAY) == 0, "nobody was told yet"
    assert (tell(town, NOW + 2 * DAY), tell(town, NOW + 3 * DAY)) == (1, 0)
    notice = TierNotice.objects.get()
    assert (notice.member_id, notice.tier_id, notice.told_at) == (
        zhang.member_id, town.tiers["basic"], NOW + 2 * DAY,
    )  # fmt: skip
    messaging.send_due(actor=SYSTEM, now=NOW + 2 * DAY)
    [message] = messages.inbox(viewer_of_person(zhang.person_id), zhang.person_id).items
    assert "自 2026-07-12 起" in message.body and "普卡" in message.body
    assert begin(town, NOW + 31 * DAY) == 0, (
        "thirty days after the last one was told, not after the publishing"
    )
    assert (begin(town, NOW + 32 * DAY), begin(town, NOW + 33 * DAY)) == (1, 0)
    assert (threshold(town), states(town)) == (120_000, ["in_force", "past"])
    told = queries.tier_notices(SYSTEM, version_id)
    assert [(one.name, one.tier) for one in told] == [("张三", "普卡")]
    mine = queries.member_tier_policies(viewer_of_person(zhang.person_id), zhang.member_id)
    assert [one.told_at for one in mine] == [NOW + 2 * DAY, None]
    types = Event.objects.filter(type__startswith="zhike.loyalty.tier_").order_by("position")
    assert [one.type.rpartition(".")[2] for one in types] == [
        "tier_policy_published", "tier_policy_published", "tier_notice_given",
    ]  # fmt: skip


WORSE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "keep": ({"keep_fen": None}, {}),
    "visits": ({"keep_visits": 12}, {}),
    "no visits": ({"keep_visits": None}, {}),
    "benefits": ({"benefits": "免费停车 1 小时"}, {}),
    "window": ({}, {"window": "calendar_year"}),
    "period": ({}, {"period": "quarter"}),
    "grace": ({}, {"grace_days": 10}),
    "fall": ({}, {"fall": "to_spend"}),
    "refunds": ({}, {"reverses_on_refund": True}),
    "text": ({}, {"text": "另行规定"}),
}


@pytest.fixture
def generous(town: Town) -> Town:
    begun = draft(
        town, {"keep_fen": 50_000, "keep_visits": 6, "benefits": "免费停车 2 小时"}, window="lifetime",
        period="anniversary", grace_days=30, fall="one_step", reverses_on_refund=False,
    )  # fmt: skip
    publish(town, begun, texts_only_add=True)
    return town


@pytest.mark.parametrize("name", WORSE)
def test_every_term_that_gets_worse_needs_its_notice(generous: Town, zhang: Any, name: str) -> None:
    silver, parts = WORSE[name]
    with pytest.raises(operations.TierPolicyTooSoon):
        publish(generous, draft(generous, silver, **parts))
    assert states(generous) == ["in_force", "past"]


def test_words_that_only_add_begin_at_once(generous: Town, zhang: Any) -> None:
    words = {"benefits": "免费停车 2 小时\n生日礼"}
    publish(generous, draft(generous, words, text="适用于全部门店"), texts_only_add=True)
    assert Tier.objects.get(id=generous.tiers["silver"]).benefits == words["benefits"]
    assert queries.policy_now(generous.program_id).text == "适用于全部门店"


def test_change_by_hand_is_a_version_and_never_worse(generous: Town, zhang: Any) -> None:
    def save(fen: int) -> None:
        operations.save_tier(
            actor=SYSTEM, program_id=generous.program_id, code="silver", name="银卡", rank=2, threshold_fen=fen,
            colour="silver", benefits="免费停车 2 小时", keep_fen=50_000, keep_visits=6, now=NOW,
        )  # fmt: skip

    with pytest.raises(operations.TierChangeNeedsNotice):
        save(100_001)
    with pytest.raises(operations.TierChangeNeedsNotice):
        operations.update_program(
            actor=SYSTEM, program_id=generous.program_id, changes={"tier_grace_days": 29}, now=NOW
        )
    save(90_000)
    assert states(generous) == ["in_force", "past", "past"]
    publish(generous, draft(generous, {"threshold_fen": 95_000}), NOW + 40 * DAY)
    with pytest.raises(operations.TierPolicyPending):
        save(80_000)
    with pytest.raises(operations.TierPolicyPending):
        operations.remove_tier(actor=SYSTEM, tier_id=generous.tiers["gold"], now=NOW)
    assert threshold(generous) == 90_000


def test_nobody_was_promised_anything_before_the_first_member(town: Town) -> None:
    operations.save_tier(
        actor=SYSTEM, program_id=town.program_id, code="silver", name="银卡", rank=2, threshold_fen=200_000,
        colour="silver", now=NOW,
    )  # fmt: skip
    assert not TierPolicyVersion.objects.exists()


def test_version_is_withdrawn_before_it_begins_the_last_one_first(town: Town, zhang: Any) -> None:
    first = publish(town, draft(town, {"threshold_fen": 120_000}), NOW + 40 * DAY)
    second = publish(town, draft(town, {"threshold_fen": 90_000}), NOW + 2 * DAY)
    with pytest.raises(operations.TierPolicyFollowed):
        operations.withdraw_tier_policy(actor=SYSTEM, version_id=first, now=NOW)
    for version_id in (second, second, first):
        operations.withdraw_tier_policy(actor=SYSTEM, version_id=version_id, now=NOW)
    assert states(town) == ["withdrawn", "withdrawn", "in_force"]
    assert (tell(town, NOW), begin(town, NOW + 90 * DAY), threshold(town)) == (0, 0, 100_000)
    third = publish(town, draft(town, {"threshold_fen": 90_000}))
    with pytest.raises(operations.TierPolicyInForce):
        operations.withdraw_tier_policy(actor=SYSTEM, version_id=third, now=NOW)


def test_worse_cannot_hide_behind_a_version_that_still_waits(town: Town, zhang: Any) -> None:
    """The one that waits may come later than planned: what follows it is compared with what is really in force."""
    worse = draft(town, {"threshold_fen": 120_000})
    publish(town, worse, NOW + 31 * DAY)
    with pytest.raises(operations.TierPolicyTooSoon):
        publish(town, worse | {"text": ""}, NOW + DAY)


@pytest.mark.parametrize(
    ("silver", "parts"),
    [
        ({"threshold_fen": 0}, {}), ({"threshold_fen": 500_000}, {}), ({"keep_fen": 100_001}, {}),
        ({"keep_visits": 0}, {}), ({"benefits": "\0"}, {}), ({"tier": -1}, {}), ({}, {"window": "week"}),
        ({}, {"grace_days": 91}), ({}, {"tiers": []}), ({}, {"period": None}), ({}, {"more": 1}),
    ],
)  # fmt: skip
def test_terms_that_cannot_be(town: Town, silver: dict[str, Any], parts: dict[str, Any]) -> None:
    with pytest.raises(operations.InvalidTierPolicy):
        publish(town, draft(town, silver, **parts))


def test_refused_and_nothing_changed(town: Town, zhang: Any) -> None:
    same, better = draft(town), draft(town, {"threshold_fen": 80_000})
    with pytest.raises(operations.TierPolicyUnchanged):
        publish(town, same)
    with pytest.raises(operations.TierPolicyInThePast):
        publish(town, better, NOW - DAY)
    for viewer in (staff("programme.view"), staff("programme.edit", level="mall", ids=[town.mall_id])):
        with pytest.raises(NotAllowed):
            publish(town, better, actor=viewer)
    with pytest.raises(NotAllowed):
        queries.tier_policy_versions(staff("members.view"), town.program_id)
    with pytest.raises(NotFound):
        operations.withdraw_tier_policy(actor=SYSTEM, version_id=0, now=NOW)
    assert not TierPolicyVersion.objects.exists()


def test_member_moves_by_the_new_terms_when_they_begin(town: Town, base_rule: int, zhang: Any) -> None:
    receipt = town.receipt(90_000, person_id=zhang.person_id)
    operations.take_receipt(actor=SYSTEM, receipt=receipt, now=NOW)
    publish(town, draft(town, {"threshold_fen": 80_000}), NOW + DAY)
    operations.review_tiers(actor=SYSTEM, program_id=town.program_id, now=NOW + 2 * DAY)
    assert queries.tier_standing(SYSTEM, zhang.member_id, NOW).tier.code == "basic"
    begin(town, NOW + 2 * DAY)
    operations.review_tiers(actor=SYSTEM, program_id=town.program_id, now=NOW + 2 * DAY)
    assert queries.tier_standing(SYSTEM, zhang.member_id, NOW + 2 * DAY).tier.code == "silver"
