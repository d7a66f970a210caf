"""A campaign from its plan to its review, by people with different rights."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.marketing.conftest import (
    BOSS,
    DAY,
    HOUR,
    a_town,
    advance,
    agree,
    buy,
    launched,
    people_in,
    plan,
    populate,
    ready,
    write_wording,
)
from tests.offers.conftest import make_batch
from zhike.insight import operations as insight
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import AuditEntry
from zhike.loyalty import queries as loyalty
from zhike.marketing import operations, queries
from zhike.marketing.models import Campaign, CampaignRecipient
from zhike.messaging.models import OutboundMessage
from zhike.offers.models import Coupon


@pytest.mark.feature("C133")
def test_somebody_else_approves_and_strangers_see_nothing(
    town: Town, marketer: Viewer, manager: Viewer, mall_manager: Viewer, stranger: Viewer
) -> None:
    mine = plan(mall_id=town.mall_id, budget={"mall": 100_000})
    campaign_id = operations.plan_campaign(actor=manager, group_id=town.group_id, plan=mine, now=NOW)
    operations.submit_campaign(actor=manager, campaign_id=campaign_id, now=NOW)
    with pytest.raises(operations.OwnApproval):
        operations.approve_campaign(actor=manager, campaign_id=campaign_id, now=NOW)
    with pytest.raises(NotFound):
        operations.approve_campaign(actor=marketer, campaign_id=campaign_id, now=NOW)
    with pytest.raises(NotFound):
        operations.approve_campaign(actor=stranger, campaign_id=campaign_id, now=NOW)
    with pytest.raises(NotFound):
        queries.campaign(stranger, campaign_id, NOW)
    assert queries.campaigns_page(stranger, now=NOW).items == []
    with pytest.raises(operations.ReasonMissing):
        operations.send_back_campaign(actor=mall_manager, campaign_id=campaign_id, reason=" ", now=NOW)
    operations.send_back_campaign(actor=mall_manager, campaign_id=campaign_id, reason="预算太高", now=NOW)
    operations.edit_campaign(
        actor=marketer, campaign_id=campaign_id, plan=plan(mall_id=town.mall_id), version=1, now=NOW
    )
    with pytest.raises(operations.ChangedMeanwhile):
        operations.edit_campaign(actor=marketer, campaign_id=campaign_id, plan=mine, version=1, now=NOW)
    operations.submit_campaign(actor=marketer, campaign_id=campaign_id, now=NOW)
    with pytest.raises(operations.StepNotPossible):
        operations.edit_campaign(actor=marketer, campaign_id=campaign_id, plan=mine, now=NOW)
    assert "approve" in queries.campaign(mall_manager, campaign_id, NOW).steps
    operations.approve_campaign(actor=mall_manager, campaign_id=campaign_id, now=NOW)
    assert queries.campaign(marketer, campaign_id, NOW).row.state == "approved"
    actions = list(
        AuditEntry.objects.filter(subject_kind="campaign").order_by("id").values_list("action", flat=True)
    )
    assert [action.split(".")[1] for action in actions] == [
        "plan", "submit", "send_back", "edit", "submit", "approve",
    ]  # fmt: skip
    with pytest.raises(NotAllowed):
        operations.plan_campaign(actor=mall_manager, group_id=town.group_id, plan=plan(), now=NOW)


@pytest.mark.feature("C133")
def test_a_plan_that_cannot_be_is_refused_by_field(town: Town) -> None:
    write_wording(town, "unknown_value", "inbox", body="您有 ${points} 积分")
    for changes, field in (
        ({"name": " "}, "name"),
        ({"holdout_bp": 9_000}, "holdout_bp"),
        ({"budget": {"bank": 1}}, "budget"),
        ({"rhythm": "daily"}, "ends_on"),
        ({"test_bp": 2_000}, "test_bp"),
        ({"arms": (operations.ArmPlan("A", "nothing"),)}, "arms"),
        ({"arms": (operations.ArmPlan("A", "unknown_value"),)}, "arms"),
    ):
        with pytest.raises(operations.PlanUnusable) as refusal:
            operations.plan_campaign(actor=SYSTEM, group_id=town.group_id, plan=plan(**changes), now=NOW)
        assert field in refusal.value.fields
    assert not Campaign.objects.exists()


@pytest.mark.feature("N11", "C134")
def test_the_planner_says_what_will_happen_and_it_does(town: Town) -> None:
    agreed = populate(town, 120, "push")
    silent = populate(town, 30, first=500)
    agree(town, silent[:10], "push")
    agree(town, silent[:10], "push", decision="withdrawn")
    campaign_id = ready(town)
    told = operations.forecast_campaign(actor=SYSTEM, campaign_id=campaign_id, now=NOW)
    assert told["people"] == 150
    assert told["reached"] + told["held"] + sum(count for *_, count in told["refused"]) == 150
    assert OutboundMessage.objects.count() == 0
    operations.launch_campaign(actor=SYSTEM, campaign_id=campaign_id, now=NOW)
    advance()
    [wave] = queries.campaign(SYSTEM, campaign_id, NOW).waves
    assert (wave.given, wave.waiting, wave.people) == (told["reached"], 0, 150)
    delivered = OutboundMessage.objects.filter(status="delivered")
    assert delivered.count() == told["reached"] == told["by_arm"]["A"] == told["by_channel"]["inbox"]
    held = set(people_in(campaign_id, "holdout"))
    assert told["held"] == len(held & set(agreed))
    assert not held & set(delivered.values_list("person_id", flat=True))
    refused = {
        (gate, reason): count for gate, reason, count in queries.campaign(SYSTEM, campaign_id, NOW).refusals
    }
    assert refused == {(gate, reason): count for gate, reason, count in told["refused"]}
    assert set(refused) == {("consent", "no_consent")}


@pytest.mark.feature("C134", "C128")
def test_everything_comes_once_however_often_the_worker_runs(town: Town) -> None:
    populate(town, 60, "push")
    batch = make_batch(town, code="GIFT")
    arms = (operations.ArmPlan("A", "offer", batch_id=batch, points=50),)
    campaign_id = launched(town, arms=arms, budget={"mall": 1_000_000})
    advance()
    advance(NOW + HOUR)
    given = len(people_in(campaign_id, "A"))
    assert 30 < given < 60
    assert OutboundMessage.objects.count() == given
    assert Coupon.objects.filter(batch_id=batch, reference=queries.code_of(campaign_id)).count() == given
    member_ids = list(CampaignRecipient.objects.filter(arm="A").values_list("member_id", flat=True))
    files = [loyalty.member_file(SYSTEM, member_id, NOW) for member_id in member_ids]
    assert {file.balance for file in files} == {50}
    assert queries.campaign(SYSTEM, campaign_id, NOW).row.state == "sent"


@pytest.mark.feature("C148")
def test_the_budget_stops_it_and_more_budget_takes_it_on(town: Town) -> None:
    populate(town, 50, "push")
    arms = (operations.ArmPlan("A", "offer", points=100),)
    fen = queries.points_fen(100, NOW)
    assert fen > 0
    campaign_id = launched(town, arms=arms, holdout_bp=0, budget={"mall": fen * 20 + fen // 2})
    file = queries.campaign(SYSTEM, campaign_id, NOW)
    assert (file.row.state, file.row.stop_reason, file.waves[0].given) == ("stopped", "budget", 20)
    assert queries.review(SYSTEM, campaign_id, NOW).cost.by_party["mall"] == fen * 20
    operations.resume_campaign(actor=BOSS, campaign_id=campaign_id, budget={"mall": fen * 100}, now=NOW)
    advance()
    assert queries.campaign(SYSTEM, campaign_id, NOW).waves[0].given == 50


@pytest.mark.feature("C148")
@pytest.mark.django_db(transaction=True)
def test_thirty_two_workers_never_spend_more_than_the_budget() -> None:
    town = a_town()
    populate(town, 60, "push")
    fen = queries.points_fen(10, NOW)
    arms = (operations.ArmPlan("A", "offer", points=10),)
    campaign_id = ready(town, arms=arms, holdout_bp=0, budget={"mall": fen * 25})
    operations.launch_campaign(actor=SYSTEM, campaign_id=campaign_id, now=NOW)
    run_threads([lambda: operations.advance_campaigns(actor=SYSTEM, now=NOW)] * 32)
    assert CampaignRecipient.objects.filter(state="given").count() == 25
    assert CampaignRecipient.objects.count() == 60
    assert OutboundMessage.objects.count() == 25


@pytest.mark.feature("C134")
def test_paused_nobody_gets_anything_and_cancelled_never(
    town: Town, marketer: Viewer, stranger: Viewer
) -> None:
    populate(town, 40, "push")
    campaign_id = ready(town, starts_at=NOW + HOUR)
    operations.launch_campaign(actor=marketer, campaign_id=campaign_id, now=NOW)
    advance()
    assert queries.campaign(SYSTEM, campaign_id, NOW).row.state == "waiting"
    with pytest.raises(NotFound):
        operations.pause_campaign(actor=stranger, campaign_id=campaign_id, now=NOW)
    operations.pause_campaign(actor=marketer, campaign_id=campaign_id, now=NOW)
    advance(NOW + 2 * HOUR)
    assert not CampaignRecipient.objects.exists()
    operations.resume_campaign(actor=marketer, campaign_id=campaign_id, now=NOW + 2 * HOUR)
    advance(NOW + 2 * HOUR)
    assert CampaignRecipient.objects.count() == 40
    with pytest.raises(operations.StepNotPossible):
        operations.pause_campaign(actor=marketer, campaign_id=campaign_id, now=NOW)
    other = ready(town, name="另一个")
    operations.cancel_campaign(actor=marketer, campaign_id=other, reason="改期", now=NOW)
    with pytest.raises(operations.StepNotPossible):
        operations.launch_campaign(actor=marketer, campaign_id=other, now=NOW)


@pytest.mark.feature("N8", "C135", "C136", "C138")
def test_the_review_compares_with_the_holdout_and_ends_fixed(town: Town) -> None:
    populate(town, 1_200, "push")
    campaign_id = launched(town, holdout_bp=4_000)
    treated, held = people_in(campaign_id, "A"), people_in(campaign_id, "holdout")
    buy(town, treated[: len(treated) // 4], 10_000, NOW + DAY)
    buy(town, held[: len(held) // 10], 10_000, NOW + DAY)
    buy(town, held, 50_000, NOW + 8 * DAY)
    operations.measure_campaign(actor=SYSTEM, campaign_id=campaign_id, now=NOW + 2 * DAY)
    found = queries.review(SYSTEM, campaign_id, NOW + 2 * DAY)
    assert (found.method, found.verdict) == ("sequential", "up")
    running = found.together.visit
    advance(NOW + 8 * DAY)
    found = queries.review(SYSTEM, campaign_id, NOW + 8 * DAY)
    assert (found.method, found.verdict, found.split.is_broken) == ("fixed", "up", False)
    effect = found.together.visit
    assert effect.low < 0.15 < effect.high
    assert running.low < effect.low and effect.high < running.high
    assert found.holdout.bought == len(held) // 10
    assert found.extra.fen == pytest.approx(len(treated) * 1_500, rel=0.02)
    assert found.funnel.sent == found.funnel.given == len(treated)
    assert found.funnel.bought == len(treated) // 4
    assert len(queries.trend(SYSTEM, campaign_id)) == 2
    assert queries.campaign(SYSTEM, campaign_id, NOW + 8 * DAY).row.state == "done"


@pytest.mark.feature("N8")
def test_without_a_holdout_nothing_is_called_a_lift(town: Town) -> None:
    populate(town, 40, "push")
    campaign_id = launched(town, holdout_bp=0)
    buy(town, people_in(campaign_id), 10_000, NOW + DAY)
    operations.measure_campaign(actor=SYSTEM, campaign_id=campaign_id, now=NOW + 2 * DAY)
    found = queries.review(SYSTEM, campaign_id, NOW + 2 * DAY)
    assert found.verdict == "no_holdout"
    assert (found.together.visit, found.extra, found.gain, found.roi) == (None, None, None, None)


@pytest.mark.feature("B17")
def test_the_global_holdout_gets_no_campaign_in_a_quarter_and_others_in_the_next(
    town: Town, marketer: Viewer
) -> None:
    with pytest.raises(NotAllowed):
        operations.save_marketing_policy(
            actor=marketer, group_id=town.group_id, global_holdout_bp=2_000, margin_bp=3_000, now=NOW
        )
    populate(town, 200, "push")
    operations.save_marketing_policy(
        actor=SYSTEM, group_id=town.group_id, global_holdout_bp=2_000, margin_bp=3_000, now=NOW
    )
    first, second = launched(town), launched(town, name="第二个")
    held = people_in(first, "global")
    assert 20 < len(held) < 60
    assert held == people_in(second, "global")
    later = NOW + 40 * DAY
    third = launched(town, name="下一季", now=later)
    assert people_in(third, "global") != held
    assert queries.review(SYSTEM, first, NOW).global_held == len(held)


@pytest.mark.feature("C139")
def test_arms_are_tried_on_a_part_and_the_winner_goes_to_the_rest(town: Town) -> None:
    populate(town, 600, "push")
    write_wording(town, "offer_b", "inbox")
    arms = (operations.ArmPlan("A", "offer"), operations.ArmPlan("B", "offer_b"))
    campaign_id = launched(town, arms=arms, test_bp=4_000, holdout_bp=1_000)
    tested = len(people_in(campaign_id))
    assert 180 < tested < 300
    buy(town, people_in(campaign_id, "B")[::2], 8_000, NOW + HOUR)
    operations.measure_campaign(actor=SYSTEM, campaign_id=campaign_id, now=NOW + DAY)
    assert queries.review(SYSTEM, campaign_id, NOW + DAY).best == "B"
    with pytest.raises(operations.UnknownArm):
        operations.roll_out_winner(actor=SYSTEM, campaign_id=campaign_id, arm="C", now=NOW + DAY)
    operations.roll_out_winner(actor=SYSTEM, campaign_id=campaign_id, arm="B", now=NOW + DAY)
    with pytest.raises(operations.TestNotOver):
        operations.roll_out_winner(actor=SYSTEM, campaign_id=campaign_id, arm="B", now=NOW + DAY)
    before = set(people_in(campaign_id, "A"))
    advance(NOW + DAY)
    assert len(people_in(campaign_id)) == 600
    assert set(people_in(campaign_id, "A")) == before
    assert not queries.review(SYSTEM, campaign_id, NOW + DAY).split.is_broken


@pytest.mark.feature("C134")
def test_a_daily_campaign_takes_each_person_once(town: Town) -> None:
    populate(town, 30, "push")
    campaign_id = launched(
        town, rhythm="daily", starts_at=NOW, ends_on=NOW.date() + dt.timedelta(days=5), holdout_bp=0
    )
    assert len(people_in(campaign_id)) == 30
    populate(town, 10, "push", first=800)
    advance(NOW + HOUR)
    assert len(people_in(campaign_id)) == 30
    advance(NOW + DAY + HOUR)
    assert len(people_in(campaign_id)) == 40
    assert [wave.people for wave in queries.campaign(SYSTEM, campaign_id, NOW + 2 * DAY).waves] == [30, 10]
    assert OutboundMessage.objects.count() == 40
    advance(NOW + 7 * DAY)
    assert queries.campaign(SYSTEM, campaign_id, NOW + 7 * DAY).row.state == "sent"


@pytest.mark.feature("C136")
def test_a_link_counts_once_and_a_strange_one_is_refused(town: Town) -> None:
    populate(town, 20, "push")
    campaign_id = launched(town, holdout_bp=0)
    person_id = people_in(campaign_id)[0]
    token = queries.link_of(campaign_id, person_id).rstrip("/").rsplit("/", 1)[1]
    assert token in str(queries.link_of(campaign_id, person_id))
    for _time in range(2):
        assert operations.record_click(actor=SYSTEM, token=token, now=NOW + HOUR) == person_id
    assert queries.review(SYSTEM, campaign_id, NOW + HOUR).funnel.clicked == 1
    for strange in ("", "a.b.c", f"{campaign_id:x}.{person_id + 1:x}.{token[-10:]}", "1.2"):
        with pytest.raises(NotFound):
            operations.record_click(actor=SYSTEM, token=strange, now=NOW)


@pytest.mark.feature("C123")
def test_every_scenario_is_one_click_and_can_be_edited(town: Town, marketer: Viewer) -> None:
    for scene in queries.scenarios():
        campaign_id = operations.plan_scenario(
            actor=marketer, group_id=town.group_id, code=scene.code, now=NOW
        )
        file = queries.campaign(marketer, campaign_id, NOW)
        assert file.plan.scenario == scene.code and file.plan.holdout_bp > 0
        assert file.plan.starts_at is not None and file.plan.starts_at > NOW
        assert "edit" in file.steps
    assert operations.plan_scenario(actor=marketer, group_id=town.group_id, code="birthday", now=NOW)
    with pytest.raises(operations.UnknownScenario):
        operations.plan_scenario(actor=marketer, group_id=town.group_id, code="nothing", now=NOW)


@pytest.mark.feature("C133", "C134")
def test_a_segment_is_the_audience_and_a_campaign_stops_when_it_is_gone(town: Town, marketer: Viewer) -> None:
    ids = populate(town, 40, "push")
    agree(town, ids, "any", purpose="membership")
    buy(town, ids[:15], 20_000, NOW - DAY)
    recent = {"match": "all", "of": [{"field": "last_purchase", "op": "within", "value": 7}]}
    segment_id = insight.save_segment(
        actor=SYSTEM, group_id=town.group_id, code="active", name="近期到店", definition=recent, now=NOW
    )
    assert [one.name for one in queries.audiences(marketer)] == ["全部会员", "近期到店"]
    campaign_id = launched(town, segment=segment_id, holdout_bp=0)
    assert people_in(campaign_id) == ids[:15]
    assert queries.campaign(marketer, campaign_id, NOW).row.audience == "近期到店"
    later = ready(town, segment=segment_id, starts_at=NOW + HOUR)
    operations.launch_campaign(actor=SYSTEM, campaign_id=later, now=NOW)
    Campaign.objects.filter(pk=later).update(segment=999_999)
    advance(NOW + 2 * HOUR)
    row = queries.campaign(marketer, later, NOW + 2 * HOUR).row
    assert (row.state, row.stop_reason) == ("stopped", "segment-not-found")
