"""Missions: steps over what members do, a reward that comes once and goes back with the goods."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tests.engagement.conftest import new_member, plan_check_ins, themselves
from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM, Town, build_town, staff
from zhike.engagement import operations, queries
from zhike.engagement.handlers import missions as consumer
from zhike.engagement.models import Deed, Mission, MissionRun, MissionVersion
from zhike.engagement.rules import missions as rules
from zhike.kernel.errors import NotAllowed
from zhike.kernel.events import drain
from zhike.kernel.events.rebuild import rebuild
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.loyalty.models import Account, Transfer

pytestmark = pytest.mark.feature("C072")
DAY = dt.timedelta(days=1)
TWICE: dict[str, Any] = {
    "steps": [{"kind": "purchase", "goal": 2, "minimum_fen": 5_000}],
    "reward": {"points": 50},
    "wait_days": 0,
}


def publish(town: Town, at: dt.datetime = NOW, **changes: Any) -> int:
    extra = {name: changes.pop(name) for name in ("mission_id", "is_open", "name") if name in changes}
    return operations.save_mission(
        actor=SYSTEM, program_id=town.program_id, terms=TWICE | changes, now=at, **{"name": "逛两次", **extra}
    )


def buy(town: Town, member: Any, fen: int = 6_000, at: dt.datetime = NOW, **changes: Any) -> Any:
    bought = loyalty.take_receipt(
        actor=SYSTEM, receipt=town.receipt(fen, person_id=member.person_id, at=at, **changes), now=at
    )
    review(member, at)
    return bought


def give_back(member: Any, receipt_id: Any, at: dt.datetime) -> None:
    loyalty.return_lines(
        actor=SYSTEM, receipt_id=receipt_id, lines=[loyalty.ReturnLine(1, Decimal(1))], till="01",
        number=f"T{at:%d%H%M%S}{str(receipt_id)[-8:]}", business_date=at.date(), occurred_at=at, now=at,
    )  # fmt: skip
    review(member, at)


def review(member: Any, at: dt.datetime) -> int:
    return operations.review_missions(actor=SYSTEM, person_id=member.person_id, now=at)


def net(member: Any) -> int:
    account = Account.objects.get(member_id=member.member_id)
    return account.balance - account.debt


def run() -> MissionRun:
    return MissionRun.objects.order_by("-id")[0]


class TestReward:
    def test_comes_once_when_all_is_done(self, town: Town, zhang: Any) -> None:
        publish(town)
        buy(town, zhang)
        buy(town, zhang, 4_999)
        assert (run().status, run().counts, net(zhang)) == ("running", [1], 0)
        buy(town, zhang, at=NOW + DAY)
        assert (run().status, run().counts, net(zhang)) == ("rewarded", [2], 50)
        assert review(zhang, NOW + DAY) == 0
        buy(town, zhang, at=NOW + 2 * DAY)
        assert (MissionRun.objects.count(), net(zhang)) == (1, 50)
        entry = members.statement(SYSTEM, zhang.member_id).items[0]
        assert (entry.reason, entry.sentence) == ("mission", "完成任务“逛两次”：50 积分。")

    def test_waits_as_long_as_the_goods_may_come_back(self, town: Town, zhang: Any) -> None:
        loyalty.update_program(
            actor=SYSTEM, program_id=town.program_id, changes={"return_window_days": 7}, now=NOW
        )
        publish(town, wait_days=None)
        buy(town, zhang)
        sale = buy(town, zhang, at=NOW + DAY)
        assert (run().status, run().due_on) == ("waiting", (NOW + 8 * DAY).date())
        give_back(zhang, sale.receipt_id, NOW + 2 * DAY)
        assert (run().status, run().counts) == ("running", [1])
        buy(town, zhang, at=NOW + 3 * DAY)
        settle = partial(operations.settle_missions, actor=SYSTEM, program_id=town.program_id)
        assert [settle(now=NOW + 9 * DAY), net(zhang)] == [0, 0]
        assert [settle(now=NOW + 10 * DAY), settle(now=NOW + 10 * DAY), net(zhang)] == [1, 0, 50]

    def test_goes_back_with_the_goods_and_comes_again(self, town: Town, zhang: Any) -> None:
        publish(town)
        buy(town, zhang)
        sale = buy(town, zhang)
        loyalty.redeem_points(actor=SYSTEM, member_id=zhang.member_id, points=40, now=NOW)
        give_back(zhang, sale.receipt_id, NOW + DAY)
        assert (run().status, run().points, net(zhang)) == ("taken_back", 0, -40)
        give_back_again = review(zhang, NOW + 2 * DAY)
        assert (give_back_again, net(zhang)) == (0, -40)
        buy(town, zhang, at=NOW + 3 * DAY)
        assert (run().status, run().attempt, net(zhang)) == ("rewarded", 2, 10)
        assert Transfer.objects.filter(reason="mission").count() == 2
        assert not members.verify_ledger().findings

    def test_stays_where_the_policy_says_so(self, town: Town, zhang: Any) -> None:
        publish(town, on_return="keep")
        buy(town, zhang)
        sale = buy(town, zhang)
        give_back(zhang, sale.receipt_id, NOW + DAY)
        assert (run().status, run().counts, net(zhang)) == ("rewarded", [1], 50)
        buy(town, zhang, at=NOW + 2 * DAY)
        assert net(zhang) == 50

    def test_who_pays_and_how_long_it_lives(self, town: Town, zhang: Any) -> None:
        publish(town, funding={f"merchant:{town.shop}": 4_000, "mall": 6_000}, validity_days=30)
        buy(town, zhang)
        buy(town, zhang)
        paid = Transfer.objects.select_related("funding").get(reason="mission")
        assert paid.funding.split == {f"merchant:{town.shop}": 4_000, "mall": 6_000}
        [lot] = paid.lots
        assert lot[0] == (NOW + 30 * DAY).date().isoformat()

    def test_merging_two_memberships_brings_no_second_one_and_keeps_the_claim(
        self, town: Town, zhang: Any
    ) -> None:
        publish(town)
        li = new_member(town, "13900139000", "张三")
        buy(town, li)
        sale = buy(town, li)
        assert net(li) == 50
        loyalty.merge_persons(
            actor=SYSTEM, survivor_id=zhang.person_id, merged_id=li.person_id, reason="同一人", now=NOW
        )
        buy(town, zhang, at=NOW + DAY)
        buy(town, zhang, at=NOW + DAY)
        assert net(zhang) == 50
        for receipt_id in (sale.receipt_id, *self.sales(zhang)):
            give_back(zhang, receipt_id, NOW + 2 * DAY)
        assert net(zhang) == 0
        assert not members.verify_ledger().findings

    def sales(self, member: Any) -> list[Any]:
        from zhike.sales.models import Receipt

        rows = Receipt.objects.filter(person_id=member.person_id, kind="sale")
        return list(rows.values_list("id", flat=True))


class TestSteps:
    def test_places_distinct_and_order(self, town: Town, zhang: Any) -> None:
        plan_check_ins(town, points=[1])
        publish(
            town,
            in_order=True,
            steps=[
                {"kind": "check_in", "goal": 1, "malls": [town.mall_id]},
                {"kind": "purchase", "goal": 2, "distinct": "merchant"},
                {"kind": "spend", "goal": 20_000, "merchants": [town.cafe]},
            ],
        )
        buy(town, zhang)
        assert not MissionRun.objects.exists()
        operations.check_in(actor=SYSTEM, member_id=zhang.member_id, mall_id=town.mall_id, now=NOW + DAY)
        for at, shop in ((2, town.shop), (3, town.shop), (4, town.cafe)):
            buy(town, zhang, at=NOW + at * DAY, merchant_id=shop)
        assert (run().counts, run().status) == ([1, 2, 0], "running")
        buy(town, zhang, 15_000, at=NOW + 5 * DAY, merchant_id=town.cafe)
        assert run().counts == [1, 2, 15_000]
        buy(town, zhang, 15_000, at=NOW + 6 * DAY, merchant_id=town.cafe)
        assert (run().counts, run().status, net(zhang)) == ([1, 2, 20_000], "rewarded", 51)

    def test_deeds_are_told_once_and_can_be_withdrawn(self, town: Town, zhang: Any) -> None:
        publish(town, steps=[{"kind": "review", "goal": 2}])
        told = partial(
            operations.record_deed, actor=SYSTEM, member_id=zhang.member_id, kind="review", happened_at=NOW, now=NOW
        )  # fmt: skip
        assert told(reference="dp:1") == told(reference="dp:1")
        told(reference="dp:2", merchant_id=town.cafe)
        review(zhang, NOW)
        assert net(zhang) == 50
        li = new_member(town, "13900139000")
        with pytest.raises(operations.DeedOfAnother):
            told(reference="dp:1", member_id=li.member_id)
        for wrong in (
            {"kind": "nap"},
            {"reference": " "},
            {"happened_at": NOW - 36 * DAY},
            {"merchant_id": 99},
        ):
            with pytest.raises(operations.DeedUnusable):
                told(**{"reference": "dp:3"} | wrong)
        with pytest.raises(NotAllowed):
            told(reference="dp:4", actor=themselves(zhang))
        withdraw = partial(operations.withdraw_deed, actor=SYSTEM, kind="review", reason="删评", now=NOW)
        withdraw(reference="dp:2")
        withdraw(reference="dp:2")
        review(zhang, NOW)
        assert (net(zhang), run().status, Deed.objects.count()) == (0, "taken_back", 2)
        with pytest.raises(operations.DeedNotFound):
            withdraw(reference="dp:9")
        elsewhere = staff("engagement.take_part", level="mall", ids=[town.other_mall_id])
        with pytest.raises(NotAllowed):
            told(reference="dp:5", actor=elsewhere)

    def test_goods_returned_without_their_receipt_count_against_the_newest(self) -> None:
        day = NOW.date()
        deeds = [rules.Deed("purchase", str(no), NOW + no * DAY, day, fen=10_000) for no in range(3)]
        kept = rules.offset_loose(deeds, 14_000)
        assert [one.fen for one in kept] == [10_000, 6_000, 0]


class TestTime:
    def test_every_week_anew(self, town: Town, zhang: Any) -> None:
        publish(town, repeats="week")
        for at in (0, 1, 7, 8):
            buy(town, zhang, at=NOW + at * DAY)
        assert [
            str(day) for day in MissionRun.objects.order_by("period").values_list("period", flat=True)
        ] == [
            "2026-06-08",
            "2026-06-15",
        ]
        assert net(zhang) == 100

    def test_only_within_its_dates_and_after_it_was_published(self, town: Town, zhang: Any) -> None:
        publish(town, NOW + DAY, ends_on=(NOW + 3 * DAY).date())
        for at in (0, 2, 4):
            buy(town, zhang, at=NOW + at * DAY)
        assert run().counts == [1]
        buy(town, zhang, at=NOW + 3 * DAY)
        assert run().counts == [2]

    def test_accepted_first_and_within_days(self, town: Town, zhang: Any) -> None:
        mission_id = publish(town, starts="accept", days=3)
        buy(town, zhang)
        buy(town, zhang)
        assert not MissionRun.objects.exists()
        [own] = queries.own_missions(themselves(zhang), zhang.member_id, NOW)
        assert (own.state, own.steps[0].count) == ("open", 0)
        accept = partial(operations.accept_mission, mission_id=mission_id, now=NOW + DAY)
        own_run = accept(actor=themselves(zhang), member_id=zhang.member_id)
        assert accept(actor=SYSTEM, member_id=zhang.member_id) == own_run
        buy(town, zhang, at=NOW + 2 * DAY)
        [own] = queries.own_missions(themselves(zhang), zhang.member_id, NOW + 2 * DAY)
        assert (own.state, own.steps[0].count, own.until) == ("running", 1, NOW + 4 * DAY)
        buy(town, zhang, at=NOW + 5 * DAY)
        [own] = queries.own_missions(themselves(zhang), zhang.member_id, NOW + 5 * DAY)
        assert (own.state, net(zhang)) == ("over", 0)
        li = new_member(town, "13900139000")
        with pytest.raises(members.MemberNotFound):
            accept(actor=themselves(li), member_id=zhang.member_id)

    def test_newcomers_only(self, town: Town, zhang: Any) -> None:
        publish(town, NOW + DAY, starts="enrolment", days=10)
        li = new_member(town, "13900139000", at=NOW + 2 * DAY)
        for member in (zhang, li):
            for at in (3, 4):
                buy(town, member, at=NOW + at * DAY)
        assert (net(zhang), net(li)) == (0, 50)
        assert not queries.own_missions(SYSTEM, zhang.member_id, NOW + 4 * DAY)

    def test_who_has_begun_keeps_the_promise_and_who_has_not_gets_the_new_one(
        self, town: Town, zhang: Any
    ) -> None:
        mission_id = publish(town)
        buy(town, zhang)
        publish(town, mission_id=mission_id, reward={"points": 5})
        li = new_member(town, "13900139000")
        for member in (zhang, li, li):
            buy(town, member)
        assert (net(zhang), net(li)) == (50, 5)
        publish(town, mission_id=mission_id, reward={"points": 5}, name="新名字")
        assert (MissionVersion.objects.count(), Mission.objects.get().name) == (2, "新名字")
        publish(town, mission_id=mission_id, reward={"points": 5}, is_open=False, at=NOW + DAY)
        wang = new_member(town, "13700137000")
        buy(town, wang, at=NOW + 2 * DAY)
        assert not MissionRun.objects.filter(member_id=wang.member_id).exists()

    def test_some_tiers_only(self, town: Town, zhang: Any) -> None:
        mission_id = publish(town, tiers=[town.tiers["gold"]], starts="accept")
        assert not queries.own_missions(SYSTEM, zhang.member_id, NOW)
        with pytest.raises(operations.NotForThem):
            operations.accept_mission(actor=SYSTEM, member_id=zhang.member_id, mission_id=mission_id, now=NOW)


@pytest.mark.django_db(transaction=True)
class TestLog:
    def test_brings_it_about_once_and_can_be_read_again(self) -> None:
        town, at = build_town(), dt.datetime.now(dt.UTC)
        zhang = new_member(town)
        publish(town, at - DAY)
        drain(consumer)
        for _ in range(2):
            loyalty.take_receipt(
                actor=SYSTEM, receipt=town.receipt(6_000, person_id=zhang.person_id, at=at), now=at
            )
        drain(consumer)
        assert net(zhang) == 50
        rows = list(MissionRun.objects.values())
        transfers = Transfer.objects.count()
        MissionRun.objects.update(counts=[1])
        rebuild(consumer)
        assert list(MissionRun.objects.values()) == rows
        assert (Transfer.objects.count(), net(zhang)) == (transfers, 50)
        run_threads([lambda: review(zhang, at)] * 8)
        assert net(zhang) == 50

    def test_thirty_two_at_once_and_ten_rewards(self) -> None:
        town = build_town()
        people = [new_member(town, f"138001380{number:02}") for number in range(32)]
        publish(town, quota=10, steps=[{"kind": "purchase", "goal": 1}])
        for person in people:
            loyalty.take_receipt(
                actor=SYSTEM, receipt=town.receipt(6_000, person_id=person.person_id), now=NOW
            )
        run_threads([partial(review, person, NOW) for person in people])
        assert Transfer.objects.filter(reason="mission").count() == 10
        assert MissionRun.objects.filter(status="missed").count() == 22
        assert sum(net(person) for person in people) == 500


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"steps": []}, "steps"),
        ({"steps": [{"kind": "nap"}]}, "steps[0].kind"),
        ({"steps": [{"kind": "purchase", "goal": 0}]}, "steps.1"),
        ({"reward": {}}, "reward"),
        ({"starts": "enrolment"}, "days"),
        ({"starts": "accept", "repeats": "day"}, "repeats"),
        ({"starts_on": "2026-06-02", "ends_on": "2026-06-01"}, "ends_on"),
        ({"reward": {"batch_id": 4711}}, "batch_id"),
    ],
)
def test_what_cannot_be_so_is_refused_by_name(town: Town, wrong: dict[str, Any], path: str) -> None:
    with pytest.raises(operations.TermsUnusable) as refused:
        publish(town, **wrong)
    assert refused.value.params["path"] == path
    assert not Mission.objects.exists()


def test_only_who_may_edit_publishes_and_sees_results_of_their_own(town: Town, zhang: Any) -> None:
    with pytest.raises(NotAllowed):
        operations.save_mission(
            actor=staff("engagement.view"), program_id=town.program_id, name="x", terms=TWICE, now=NOW
        )
    mission_id = publish(town)
    buy(town, zhang)
    own = staff("engagement.view", level="mall", ids=[town.mall_id])
    elsewhere = staff("engagement.view", level="mall", ids=[town.other_mall_id])
    assert [row.begun for row in queries.missions(own, town.program_id)] == [1]
    assert [row.begun for row in queries.missions(elsewhere, town.program_id)] == [0]
    found = queries.mission(own, mission_id)
    assert (found.by_step, dict(found.statuses), len(found.versions)) == ([0], {"running": 1}, 1)
    assert len(queries.mission_runs(own, mission_id, NOW).items) == 1
    assert not queries.mission_runs(elsewhere, mission_id, NOW).items
    with pytest.raises(NotAllowed):
        queries.missions(staff("members.view"), town.program_id)
