"""Journeys: people enter by their rules, walk the graph once, and whatever happens to them happens once."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from tests.loyalty.conftest import NOW, SYSTEM, Town
from tests.marketing.conftest import BOSS, DAY, HOUR, agree, buy, populate, write_wording
from tests.marketing.journeys import (
    BOUGHT,
    SALE,
    days,
    enter,
    entry,
    graph,
    hear,
    live,
    node,
    path,
    planned,
    publish,
    step,
)
from tests.offers.conftest import make_batch
from zhike.customers.models import Person
from zhike.insight import operations as insight
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as members
from zhike.loyalty.models import Transfer
from zhike.marketing import operations, queries
from zhike.marketing.models import Journey, JourneyCount, JourneyEntry, JourneyStep
from zhike.marketing.rules.assignment import is_held_out
from zhike.marketing.rules.journeys.walking import salt_of
from zhike.messaging.models import OutboundMessage
from zhike.offers.models import Coupon
from zhike.service.models import Ticket

pytestmark = [pytest.mark.django_db, pytest.mark.feature("C124")]


def test_delay_message_points_and_exit(town: Town) -> None:
    zhang, li = populate(town, 2, "push")
    write_plain(town)
    journey_id = live(
        town,
        graph(
            node("n1", "delay", days(3, "10:00"), next="n2"),
            node("n2", "message", {"template": "offer_plain"}, sent="n3", refused="n4"),
            node("n3", "points", {"points": 100}, given="n4", refused="n4"),
            node("n4", "exit"),
        ),
    )
    assert enter(journey_id, [zhang, li]) == {zhang: "walk", li: "walk"}
    assert enter(journey_id, [zhang]) == {zhang: "known"}
    assert step(NOW) == 2
    assert path(journey_id, zhang) == []
    due = entry(journey_id, zhang).due_at
    assert due is not None and NOW + 3 * DAY <= due < NOW + 4 * DAY
    assert due.astimezone(dt.timezone(8 * HOUR)).time() == dt.time(10)
    assert step(due - HOUR) == 0
    assert step(due) == 2
    assert step(due + HOUR) == 0
    assert path(journey_id, zhang) == [("n1", "next"), ("n2", "sent"), ("n3", "given"), ("n4", "")]
    assert (
        OutboundMessage.objects.filter(person_id=zhang, campaign=queries.journey_code(journey_id)).count()
        == 1
    )
    assert Transfer.objects.filter(reason="journey").count() == 2
    found = queries.journey(SYSTEM, journey_id, NOW)
    assert found.row.tally == queries.Tally(entered=2, left=2)
    assert found.figures["n2"].passed == {"sent": 2}
    facts = Event.objects.filter(subject=f"person/{zhang}", type__startswith="zhike.marketing.journey")
    assert [one.type.rpartition("_")[2] for one in facts.order_by("position")] == ["entered", "left"]


def write_plain(town: Town) -> bool:
    write_wording(town, "offer_plain", "inbox", body="${name}您好，会员日好礼等您来")
    return True


def test_refusals_go_the_other_way_and_are_counted(town: Town) -> None:
    write_plain(town)
    (agreed,) = populate(town, 1, "push")
    (silent,) = populate(town, 1, first=50)
    journey_id = live(
        town,
        graph(
            node("n1", "message", {"template": "offer_plain"}, sent="n3", refused="n2"),
            node("n2", "ticket", {"text": "打电话关怀", "type": "question"}, next="n3"),
            node("n3", "exit"),
        ),
    )
    enter(journey_id, [agreed, silent])
    step(NOW)
    assert path(journey_id, agreed) == [("n1", "sent"), ("n3", "")]
    assert path(journey_id, silent) == [("n1", "refused"), ("n2", "next"), ("n3", "")]
    assert queries.journey(SYSTEM, journey_id, NOW).figures["n1"].reasons == {"consent:no_consent": 1}
    assert Ticket.objects.get().person_id == silent
    entry_id = entry(journey_id, silent).pk
    told = queries.journey_path(SYSTEM, journey_id, entry_id)
    assert [one.reason for one in told.steps] == ["consent:no_consent", Ticket.objects.get().number, ""]


def test_waiting_for_a_purchase_or_its_end(town: Town) -> None:
    buyer, sleeper = populate(town, 2)
    journey_id = live(
        town,
        graph(
            node("n1", "wait", {**BOUGHT, "value": 5, "unit": "days"}, happened="n2", timeout="n3"),
            node("n2", "goal"),
            node("n3", "exit"),
        ),
    )
    hear()
    enter(journey_id, [buyer, sleeper])
    step(NOW)
    assert entry(journey_id, buyer).waits_for == SALE.event
    buy(town, [buyer], 12_000, NOW + DAY)
    hear()
    step(dt.datetime.now(dt.UTC))
    assert path(journey_id, buyer) == [("n1", "happened"), ("n2", "")]
    assert entry(journey_id, buyer).goal_at == NOW + DAY
    assert path(journey_id, sleeper) == [("n1", "timeout"), ("n3", "")]
    assert Counter(JourneyEntry.objects.values_list("ended_by", flat=True)) == {"goal": 1, "exit": 1}
    assert queries.journey(SYSTEM, journey_id, NOW).row.tally.goals == 1


def test_what_happened_while_somebody_came_is_found_at_the_end_of_the_wait(town: Town) -> None:
    (buyer,) = populate(town, 1)
    wait = node("n1", "wait", {**BOUGHT, "value": 5, "unit": "days"}, happened="n2", timeout="n2")
    journey_id = live(town, graph(wait, node("n2", "exit")))
    enter(journey_id, [buyer])
    step(NOW)
    buy(town, [buyer], 12_000, NOW + HOUR)  # and the reader of the log never told
    step(NOW + 6 * DAY)
    assert path(journey_id, buyer) == [("n1", "happened"), ("n2", "")]


def test_events_let_people_in_by_their_conditions(town: Town) -> None:
    big, small, child = populate(town, 3)
    Person.objects.filter(pk=child).update(birthday=NOW.date() - 15 * 365 * DAY)
    trigger = {"kind": "event", "event": SALE.event, "where": [["net_fen", "at_least", "20000"]]}
    hear()
    journey_id = live(town, graph(node("n1", "exit"), trigger=trigger))
    buy(town, [big, child], 30_000, NOW + HOUR)
    buy(town, [small], 10_000, NOW + HOUR)
    hear()
    assert list(JourneyEntry.objects.values_list("person_id", "cause")) == [(big, SALE.event)]
    hear()
    assert JourneyEntry.objects.filter(journey_id=journey_id).count() == 1


def test_goal_ends_the_walk_and_leaving_stops_it(town: Town) -> None:
    buyer, leaver = populate(town, 2, "push")
    definition = graph(
        node("n1", "delay", days(30), next="n2"),
        node("n2", "exit"),
        goal_ends=True,
        leave=operations_watch("zhike.loyalty.member_status_changed"),
    )
    journey_id = live(town, definition)
    hear()
    enter(journey_id, [buyer, leaver])
    step(NOW)
    buy(town, [buyer], 5_000, NOW + HOUR)
    member_id = entry(journey_id, leaver).member_id
    loyalty.set_member_status(
        actor=SYSTEM, member_id=member_id, status="frozen", reason="调查", now=NOW + HOUR
    )
    hear()
    assert entry(journey_id, buyer).ended_by == "goal"
    assert entry(journey_id, leaver).ended_by == "leave"
    assert not JourneyStep.objects.exists()
    assert queries.journey(SYSTEM, journey_id, NOW).row.tally.inside == 0


def operations_watch(event: str) -> queries.Watch:
    return queries.Watch(event)


def test_branches_splits_and_tests(town: Town) -> None:
    ids = populate(town, 40)
    buy(town, ids[:10], 9_000, NOW - DAY)
    bought = {
        "match": "all",
        "of": [{"field": "purchases", "op": "at_least", "value": 1, "window": {"days": 7}}],
    }
    ways = {"ways": [{"key": "A", "weight": 50}, {"key": "B", "weight": 50}]}
    journey_id = live(
        town,
        graph(
            node("n1", "branch", {"condition": bought}, yes="n2", no="n4"),
            node("n2", "ab", ways, A="n3", B="n4"),
            node("n3", "signal", {"name": "vip_way"}, next="n4"),
            node("n4", "exit"),
        ),
    )
    enter(journey_id, ids)
    step(NOW)
    assert {path(journey_id, pk)[0] for pk in ids[:10]} == {("n1", "yes")}
    assert {path(journey_id, pk)[0] for pk in ids[10:]} == {("n1", "no")}
    sides = {pk: path(journey_id, pk)[1][1] for pk in ids[:10]}
    assert set(sides.values()) == {"A", "B"}
    told = Event.objects.filter(type="zhike.marketing.journey_signalled")
    assert {one.data["person_id"] for one in told} == {pk for pk, side in sides.items() if side == "A"}
    again = live(town, graph(node("n1", "exit")))
    assert again != journey_id
    ways_of = queries.journey_results(SYSTEM, journey_id, NOW).ways
    assert sum(one.people for one in ways_of) == 10


@pytest.mark.parametrize(
    ("reentry", "after", "fate"),
    [("never", 90, "before"), ("after", 9, "before"), ("after", 11, "walk"), ("always", 1, "walk")],
)
def test_entering_again(town: Town, reentry: str, after: int, fate: str) -> None:
    (one,) = populate(town, 1)
    journey_id = live(town, graph(node("n1", "exit"), reentry=reentry, reentry_days=10))
    enter(journey_id, [one])
    assert enter(journey_id, [one], NOW + HOUR, "y") == {one: "inside"}
    step(NOW)
    assert enter(journey_id, [one], NOW + after * DAY, "z") == {one: fate}


def test_the_holdout_walks_nowhere_and_is_compared_with(town: Town) -> None:
    """As many on either side, for one test in a thousand would else meet a split that chance alone calls broken."""
    journey_id = live(town, graph(node("n1", "exit"), holdout_bp=5_000, window_days=7))
    pool = populate(town, 260)
    held = [pk for pk in pool if is_held_out(salt_of(journey_id), pk, 5_000)][:90]
    walkers = [pk for pk in pool if not is_held_out(salt_of(journey_id), pk, 5_000)][:90]
    fates = enter(journey_id, walkers + held)
    assert fates == dict.fromkeys(walkers, "walk") | dict.fromkeys(held, "holdout")
    step(NOW)
    hear()
    buy(town, walkers[:40] + held[:4], 10_000, NOW + DAY)
    buy(town, held, 10_000, NOW + 9 * DAY)
    hear()
    operations.measure_journey(actor=SYSTEM, journey_id=journey_id, now=NOW + 10 * DAY)
    found = queries.journey_results(SYSTEM, journey_id, NOW + 10 * DAY)
    assert found.verdict == "up"
    assert found.walked is not None and (found.walked.goals, found.walked.figures.bought) == (40, 40)
    assert found.held is not None and found.held.goals == 4
    assert found.goal is not None and found.goal.low > 0
    assert found.extra is not None and found.extra.low <= 36 * 10_000
    before = dict(JourneyCount.objects.values_list("outcome", "count").filter(outcome="goal", reason="walk"))
    assert before == {"goal": 40}


def test_coupons_until_they_run_out(town: Town) -> None:
    ids = populate(town, 12)
    batch_id = make_batch(town, code="GIFT", stock=7)
    journey_id = live(
        town,
        graph(
            node("n1", "coupon", {"batch": batch_id}, given="n3", refused="n2"),
            node("n2", "points", {"points": 50}, given="n3", refused="n3"),
            node("n3", "exit"),
        ),
    )
    enter(journey_id, ids)
    step(NOW)
    assert Coupon.objects.count() == 7
    assert Transfer.objects.filter(reason="journey").count() == 5
    figures = queries.journey(SYSTEM, journey_id, NOW).figures
    assert figures["n1"].passed == {"given": 7, "refused": 5}
    assert figures["n1"].reasons == {"coupons-sold-out": 5}


def test_people_finish_on_the_version_they_entered(town: Town) -> None:
    first, second = populate(town, 2)
    journey_id = live(town, graph(node("n1", "delay", days(2), next="n2"), node("n2", "exit")))
    enter(journey_id, [first])
    step(NOW)
    key = operations.edit_journey(
        actor=SYSTEM, journey_id=journey_id, edit=operations.AddNode("points", "n1", "next"), now=NOW
    )
    assert queries.journey(SYSTEM, journey_id, NOW).shown.number == 2
    publish(journey_id, NOW + HOUR)
    enter(journey_id, [second], NOW + HOUR, "y")
    step(NOW + HOUR)
    step(NOW + 3 * DAY)
    assert path(journey_id, first) == [("n1", "next"), ("n2", "")]
    assert path(journey_id, second) == [("n1", "next"), (key, "given"), ("n2", "")]
    assert [one.status for one in queries.journey(SYSTEM, journey_id, NOW).versions] == ["live", "retired"]


def test_pausing_closing_and_ending(town: Town) -> None:
    one, two, three = populate(town, 3)
    journey_id = live(town, graph(node("n1", "delay", days(1), next="n2"), node("n2", "exit")))
    enter(journey_id, [one])
    operations.pause_journey(actor=SYSTEM, journey_id=journey_id, now=NOW)
    assert enter(journey_id, [two], once="p") == {}
    assert step(NOW + 2 * DAY) == 0
    operations.resume_journey(actor=SYSTEM, journey_id=journey_id, now=NOW)
    enter(journey_id, [two], once="r")
    operations.close_journey(actor=SYSTEM, journey_id=journey_id, now=NOW)
    assert enter(journey_id, [three], once="c") == {}
    step(NOW)
    step(NOW + 2 * DAY)
    assert Journey.objects.get().status == "ended"
    assert JourneyEntry.objects.filter(state="done", ended_by="exit").count() == 2
    again = live(town, graph(node("n1", "delay", days(1), next="n2"), node("n2", "exit")))
    enter(again, [three])
    operations.end_journey(actor=SYSTEM, journey_id=again, now=NOW)
    step(NOW)
    assert entry(again, three).ended_by == "stop"
    with pytest.raises(operations.JourneyStepNotPossible):
        operations.resume_journey(actor=SYSTEM, journey_id=again, now=NOW)


@pytest.mark.feature("C127")
def test_whoever_comes_into_a_segment(town: Town) -> None:
    old, new = populate(town, 2)
    agree(town, [old, new], "any", purpose="membership")
    buy(town, [old], 5_000, NOW - DAY)
    segment_id = insight.save_segment(
        actor=SYSTEM, group_id=town.group_id, code="buyers", name="买过",
        definition={"match": "all", "of": [{"field": "purchases", "op": "at_least", "value": 1}]}, now=NOW,
    )  # fmt: skip

    def entered(who: str) -> list[int]:
        trigger = {"kind": "segment", "segment": segment_id, "who": who}
        live(town, graph(node("n1", "exit"), trigger=trigger))
        operations.look_for_people(actor=SYSTEM, now=NOW)
        return list(
            JourneyEntry.objects.filter(journey=Journey.objects.latest("id")).values_list(
                "person_id", flat=True
            )
        )

    assert entered("now") == [old]
    assert entered("both") == [old]
    assert entered("joining") == []
    buy(town, [new], 5_000, NOW + HOUR)
    assert operations.look_for_people(actor=SYSTEM, now=NOW + 2 * HOUR) == 2
    assert set(JourneyEntry.objects.filter(person_id=new).values_list("journey__name", flat=True)) == {"欢迎"}
    assert operations.look_for_people(actor=SYSTEM, now=NOW + 3 * HOUR) == 0


@pytest.mark.feature("C125", "C126")
def test_birthdays_and_points_that_expire(town: Town) -> None:
    child, other = populate(town, 2)
    born = (NOW + 7 * DAY).date()
    Person.objects.filter(pk=child).update(birthday=born.replace(year=1990), birthday_key=f"S{born:%m%d}")
    member_id = members.member_id_of_person(other)
    assert member_id is not None
    loyalty.adjust_points(
        actor=SYSTEM,
        member_id=member_id,
        points=500,
        reason="补",
        now=NOW,
        expires_on=(NOW + 20 * DAY).date(),
    )
    birthday = live(town, graph(node("n1", "exit"), trigger={"kind": "birthday", "days": 7, "at": "08:00"}))
    trigger = {"kind": "expiring", "days": 20, "minimum": 10, "at": "08:00"}
    expiring = live(town, graph(node("n1", "exit"), trigger=trigger))
    at = dt.datetime.combine(NOW.date(), dt.time(2), dt.UTC)
    assert operations.look_for_people(actor=SYSTEM, now=at.replace(hour=23) - DAY) == 0
    assert operations.look_for_people(actor=SYSTEM, now=at) == 2
    assert (entry(birthday, child).cause, entry(expiring, other).cause) == ("birthday", "expiring")
    assert operations.look_for_people(actor=SYSTEM, now=at + HOUR) == 0


def test_who_may(
    town: Town, marketer: Viewer, manager: Viewer, mall_manager: Viewer, stranger: Viewer
) -> None:
    one = populate(town, 1)[0]
    journey_id = operations.plan_journey(
        actor=marketer, group_id=town.group_id, name="本店", mall_id=town.mall_id, now=NOW
    )
    operations.submit_journey(actor=marketer, journey_id=journey_id, now=NOW)
    himself = Viewer(marketer.kind, marketer.id, marketer.label, manager.grants)
    with pytest.raises(operations.OwnJourneyApproval):
        operations.approve_journey(actor=himself, journey_id=journey_id, now=NOW)
    with pytest.raises(NotFound):
        operations.approve_journey(actor=stranger, journey_id=journey_id, now=NOW)
    with pytest.raises(NotFound):
        queries.journey(stranger, journey_id, NOW)
    with pytest.raises(operations.JourneyStepNotPossible):
        operations.edit_journey(
            actor=marketer, journey_id=journey_id, edit=operations.AddNode("points"), now=NOW
        )
    operations.approve_journey(actor=mall_manager, journey_id=journey_id, now=NOW)
    operations.launch_journey(actor=marketer, journey_id=journey_id, now=NOW)
    operations.launch_journey(actor=marketer, journey_id=journey_id, now=NOW)
    member_id = members.member_id_of_person(one)
    assert member_id is not None
    fate = operations.enter_member(
        actor=marketer, journey_id=journey_id, member_id=member_id, once="k", now=NOW
    )
    assert fate in ("walk", "holdout")
    assert (
        operations.enter_member(actor=marketer, journey_id=journey_id, member_id=member_id, once="k", now=NOW)
        == "known"
    )
    with pytest.raises(NotFound):
        operations.enter_member(actor=stranger, journey_id=journey_id, member_id=member_id, once="k", now=NOW)
    assert AuditEntry.objects.filter(action="journey.launch").count() == 1


@pytest.mark.feature("C123")
def test_ready_made_journeys_can_be_published_as_they_are(town: Town) -> None:
    (one,) = populate(town, 1, "push")
    member_id = members.member_id_of_person(one)
    assert member_id is not None
    for ready in queries.ready_journeys():
        journey_id = operations.take_journey_template(
            actor=SYSTEM, group_id=town.group_id, code=ready.code, now=NOW
        )
        found = queries.journey(SYSTEM, journey_id, NOW)
        assert found.faults == ()
        assert found.shown.definition.holdout_bp >= 1_000
        trial = operations.rehearse_journey(
            actor=SYSTEM, journey_id=journey_id, number=1, member_id=member_id, now=NOW
        )
        assert trial.steps[-1].node.kind in ("exit", "goal") and not trial.is_cut
        publish(journey_id)
    assert not JourneyEntry.objects.exists()
    assert not OutboundMessage.objects.exists()
    with pytest.raises(operations.UnknownJourneyTemplate):
        operations.take_journey_template(actor=SYSTEM, group_id=town.group_id, code="nonsense", now=NOW)


def test_a_broken_graph_is_not_handed_in(town: Town) -> None:
    journey_id = planned(
        town, graph(node("n1", "message", {"template": "gone"}, sent="n2"), node("n3", "exit"))
    )
    with pytest.raises(operations.JourneyUnusable) as refused:
        operations.submit_journey(actor=SYSTEM, journey_id=journey_id, now=NOW)
    assert len(refused.value.fields["graph"]) >= 3
    revision = queries.journey(SYSTEM, journey_id, NOW).shown.revision
    operations.edit_journey(
        actor=SYSTEM, journey_id=journey_id, edit=operations.RemoveNode("n1"), revision=revision, now=NOW
    )
    with pytest.raises(operations.JourneyChangedMeanwhile):
        operations.edit_journey(
            actor=SYSTEM, journey_id=journey_id, edit=operations.RemoveNode("n3"), revision=revision, now=NOW
        )
    operations.submit_journey(actor=SYSTEM, journey_id=journey_id, now=NOW)
    with pytest.raises(operations.JourneyReasonMissing):
        operations.send_back_journey(actor=BOSS, journey_id=journey_id, reason=" ", now=NOW)
    operations.send_back_journey(actor=BOSS, journey_id=journey_id, reason="改一下", now=NOW)
    assert queries.journey(SYSTEM, journey_id, NOW).shown.status == "draft"
