"""Stages and RFM groups: who stands where, who moved, who would move."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from tests.insight.conftest import DAY, SYSTEM, Audience, buy, join
from tests.people import NOW, Crew
from zhike.insight import operations, queries
from zhike.insight.handlers import standing
from zhike.insight.models import RfmRun, Standing
from zhike.insight.rules.standing import GROUPS, RfmPolicy, Thresholds, group_of, score, stage_of
from zhike.kernel.errors import Invalid, NotAllowed
from zhike.kernel.events import drain
from zhike.kernel.models import Event
from zhike.privacy import operations as privacy

pytestmark = [pytest.mark.feature("C051"), pytest.mark.django_db]


def refresh(now: dt.datetime = NOW) -> int:
    return operations.refresh_standings(actor=SYSTEM, now=now)


def stages() -> dict[int, str]:
    return dict(Standing.objects.values_list("member_id", "stage"))


def told(kind: str) -> list[tuple[str, str]]:
    rows = Event.objects.filter(type=f"zhike.insight.{kind}").order_by("position")
    return [(row.data["before"], row.data["after"]) for row in rows]


@pytest.mark.parametrize(
    ("first", "last", "stage"),
    [
        (None, None, "prospect"), (0, 0, "new"), (60, 0, "new"), (61, 0, "active"), (61, 90, "active"), (91, 91, "dormant"),
        (30, 30, "new"), (500, 180, "dormant"), (500, 181, "churned"),
    ],
)  # fmt: skip
def test_a_stage_follows_from_first_and_last_purchase(
    first: int | None, last: int | None, stage: str
) -> None:
    ago = [None if days is None else NOW - days * DAY for days in (first, last)]
    assert stage_of(ago[0], ago[1], NOW, Thresholds()) == stage


@pytest.mark.feature("C042")
def test_equal_values_score_alike() -> None:
    breaks = (2, 4, 6, 8)
    assert [score(value, breaks) for value in (1, 2, 5, 8, 9)] == [1, 2, 3, 5, 5]
    assert [score(value, breaks, falling=True) for value in (0, 2, 3, 8, 9)] == [5, 5, 4, 2, 1]
    assert group_of(5, 3, 4, 4) == "101"
    assert len(set(GROUPS)) == 8


def test_everybody_stands_somewhere(audience: Audience) -> None:
    assert refresh() == 0
    assert stages() == {
        audience.an: "active",
        audience.bai: "dormant",
        audience.e: "new",
    }  # 陈 refused, 冬 is a child
    grown = join(audience.malls, 6, "方")
    refresh()
    assert stages()[grown.member_id] == "prospect"
    assert told("lifecycle_changed") == []


def test_the_database_decides_as_the_rule_does(audience: Audience) -> None:
    for number, days in enumerate((1, 59, 61, 89, 91, 179, 181, 400), start=10):
        member = join(audience.malls, number, f"客{number}", joined_at=NOW - 390 * DAY)
        buy(audience.malls, member.person_id, audience.malls.cafe, 1_000 * number, NOW - days * DAY)
        if number % 2:
            buy(audience.malls, member.person_id, audience.malls.cafe, 500, NOW - 380 * DAY)
    refresh()
    policy, breaks = RfmPolicy(), queries.latest_breaks()
    from zhike.sales.models import Receipt

    for row in Standing.objects.all():
        times = sorted(Receipt.objects.filter(person_id=row.person_id).values_list("occurred_at", flat=True))
        first, last = (times[0], times[-1]) if times else (None, None)
        assert row.stage == stage_of(first, last, NOW, Thresholds()), (first, last)
        if row.rfm:
            assert last is not None
            scores = (
                score((NOW - last).days, breaks["recency"], falling=True),
                score(row.frequency, breaks["frequency"]),
                score(row.monetary_fen, breaks["monetary"]),
            )
            assert (row.recency_score, row.frequency_score, row.monetary_score) == scores
            assert row.rfm == group_of(*scores, policy.high_from)


def test_time_alone_moves_and_says_when(audience: Audience) -> None:
    refresh()
    assert refresh(NOW + 1 * DAY) == 0 or told("rfm_changed")
    refresh(NOW + 100 * DAY)
    assert sorted(told("lifecycle_changed")) == [
        ("active", "dormant"),
        ("dormant", "churned"),
        ("new", "dormant"),
    ]
    event = Event.objects.get(type="zhike.insight.lifecycle_changed", data__member_id=audience.an)
    assert event.time == NOW - 1 * DAY + 90 * DAY
    refresh(NOW + 100 * DAY)
    assert len(told("lifecycle_changed")) == 3


@pytest.mark.django_db(transaction=True)
def test_a_purchase_moves_at_once(audience: Audience) -> None:
    refresh()
    drain(standing)
    at = dt.datetime.now(dt.UTC)  # handlers go by when the log recorded it
    buy(audience.malls, audience.persons[audience.bai], audience.malls.cafe, 5_000, at, at)
    drain(standing)
    assert stages()[audience.bai] == "active"
    assert ("dormant", "active") in told("lifecycle_changed")
    row = Standing.objects.get(pk=audience.bai)
    assert row.stage_since == at


@pytest.mark.feature("N7")
def test_who_refuses_is_forgotten(audience: Audience) -> None:
    refresh()
    privacy.withdraw_consent(
        actor=SYSTEM, person_id=audience.persons[audience.an], purpose="personalisation", channel="any", method="app",
        now=NOW - dt.timedelta(minutes=1),
    )  # fmt: skip
    operations.refresh_standings(actor=SYSTEM, now=NOW, person_ids=[audience.persons[audience.an]])
    assert audience.an not in stages()
    assert audience.bai in stages()
    assert queries.standing_of(audience.an) is None
    assert queries.persona(SYSTEM, audience.persons[audience.an], NOW) is None


@pytest.mark.feature("C059")
def test_who_would_move_is_known_before(audience: Audience, crew: Crew) -> None:
    refresh()
    draft = Thresholds(new_days=1, dormant_days=140, churn_days=145)
    moves = queries.stage_moves(SYSTEM, None, draft, NOW)
    assert (moves.members, moves.moving) == (3, 2)
    assert set(moves.rows) == {("dormant", "churned", 1), ("new", "active", 1)}
    assert queries.stage_moves(crew.qian, None, draft, NOW).members == 1
    assert stages()[audience.bai] == "dormant"
    star_only = queries.stage_moves(SYSTEM, audience.malls.star, draft, NOW)
    assert star_only.rows == (("dormant", "churned", 1),)
    version = operations.publish_thresholds(
        actor=crew.wang, group_id=audience.malls.group, mall_id=audience.malls.star, thresholds=draft, now=NOW
    )
    assert version == 1
    assert stages() == {audience.an: "active", audience.bai: "churned", audience.e: "new"}
    assert told("lifecycle_changed") == [("dormant", "churned")]
    again = operations.publish_thresholds(
        actor=crew.wang, group_id=audience.malls.group, mall_id=audience.malls.star, thresholds=draft, now=NOW
    )
    assert again == 1


@pytest.mark.feature("C059")
def test_settings_are_checked_and_guarded(audience: Audience, crew: Crew) -> None:
    given = {"group_id": audience.malls.group, "now": NOW}
    for actor, mall_id in (
        (crew.qian, audience.malls.star),
        (crew.wang, None),
        (crew.wu, None),
        (crew.li, None),
    ):
        with pytest.raises(NotAllowed):
            operations.publish_thresholds(actor=actor, mall_id=mall_id, thresholds=Thresholds(), **given)
    for wrong in (Thresholds(new_days=0), Thresholds(dormant_days=180, churn_days=180)):
        with pytest.raises(Invalid):
            operations.publish_thresholds(actor=crew.lin, mall_id=None, thresholds=wrong, **given)
    for bad in (
        RfmPolicy(window_days=0),
        RfmPolicy(high_from=6),
        RfmPolicy(recency=(1, 2, 3)),
        RfmPolicy(monetary=(1, 1, 2, 3)),
    ):
        with pytest.raises(Invalid):
            operations.publish_rfm(actor=crew.lin, policy=bad, **given)
    with pytest.raises(NotAllowed):
        operations.publish_rfm(actor=crew.wang, policy=RfmPolicy(), **given)


@pytest.mark.feature("C042")
def test_rfm_by_fixed_breaks(audience: Audience, crew: Crew) -> None:
    policy = RfmPolicy(365, (7, 30, 90, 180), (1, 2, 3, 5), (10_000, 50_000, 100_000, 500_000), 4)
    moves = queries.rfm_moves(SYSTEM, policy, NOW)
    operations.publish_rfm(actor=crew.lin, group_id=audience.malls.group, policy=policy, now=NOW)
    found = {
        row.pk: (row.recency_score, row.frequency_score, row.monetary_score, row.rfm)
        for row in Standing.objects.all()
    }
    assert found == {
        audience.an: (5, 5, 3, "110"), audience.bai: (2, 2, 5, "001"), audience.e: (5, 3, 1, "100"),
    }  # fmt: skip
    assert moves.members == 0  # nobody stood anywhere before
    run = RfmRun.objects.get()
    assert (run.population, run.breaks["recency"], run.counts) == (
        3,
        [7, 30, 90, 180],
        {"110": 1, "001": 1, "100": 1},
    )
    rows = {row.code: row.members for row in queries.rfm_rows(crew.wang)}
    assert (rows["001"], rows["100"], len(rows)) == (1, 0, 8)
    assert queries.standing_runs(SYSTEM)[0].counts == run.counts
    wider = replace(policy, window_days=120)
    assert queries.rfm_moves(SYSTEM, wider, NOW).rows == (("001", "", 1),)


@pytest.mark.feature("C052")
def test_a_persona_says_what_where_and_when(audience: Audience, crew: Crew) -> None:
    found = queries.persona(SYSTEM, audience.persons[audience.an], NOW)
    assert found is not None
    assert (found.purchases, found.spent_fen) == (5, 62_000)
    assert [(one.name, one.purchases) for one in found.categories] == [("咖啡", 4), ("服饰", 1)]
    assert found.brands[0].name == "半山"
    assert {one.name: one.purchases for one in found.prices} == {"0": 4, "3": 1}
    assert sum(one.purchases for one in found.weekdays) == 5
    theirs = queries.persona(crew.qian, audience.persons[audience.e], NOW)
    assert theirs is not None and theirs.purchases == 1  # the café is not of 云港汇


@pytest.mark.feature("C052")
def test_a_segment_has_a_persona(audience: Audience, crew: Crew) -> None:
    refresh()
    everybody = operations.save_segment(
        actor=SYSTEM, group_id=audience.malls.group, code="all", name="全部", now=NOW,
        definition={"match": "all", "of": [{"field": "points", "op": "at_least", "value": 0}]},
    )  # fmt: skip
    likes, make = queries.segment_persona(SYSTEM, everybody, NOW)
    assert likes.purchases == 8
    assert make.sexes == {"female": 3, "male": 1}  # 陈 refused
    assert make.stages == {"active": 1, "dormant": 1, "new": 1}
    assert make.tiers == {"普卡": 4}


def test_stages_and_groups_are_conditions(audience: Audience, who: object) -> None:
    refresh()
    assert who({"field": "lifecycle", "op": "is", "value": ["dormant", "new"]}) == {audience.bai, audience.e}  # type: ignore[operator]
    high = Standing.objects.get(pk=audience.an).rfm
    assert audience.an in who({"field": "rfm", "op": "is", "value": [high]})  # type: ignore[operator]
    assert audience.chen not in who({"field": "lifecycle", "op": "is_not", "value": ["new"]})  # type: ignore[operator]
