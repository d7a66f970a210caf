"""Tags in the house: taken from the log once, let go by time, the same when derived anew; given and refused by hand."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from django.db import connection, transaction

from tests.insight.conftest import DAY, SYSTEM, Audience, buy, join
from tests.insight.test_tag_rules import BOUGHT, DEAR, LEFT, SHOPS, rule
from tests.people import NOW, Crew
from zhike.collection.events import BehaviourObserved, VisitorShared, VisitorStitched
from zhike.insight import operations, queries
from zhike.insight.handlers import tags
from zhike.insight.models import TagHeld, TagState, TagSubject, TagTimer, TagVersion
from zhike.kernel import events
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.events import drain
from zhike.kernel.events.consumer import run_timers
from zhike.kernel.events.rebuild import rebuild
from zhike.kernel.models import Event
from zhike.loyalty import operations as loyalty
from zhike.privacy import operations as privacy

pytestmark = [pytest.mark.feature("C046", "C045"), pytest.mark.django_db]
HOUR = dt.timedelta(hours=1)
Make = Callable[..., int]


@pytest.fixture
def make(audience: Audience) -> Make:
    """A tag whose rule is published; its id."""
    numbers = iter(range(1, 100))

    def _make(*conditions: dict[str, Any], actor: Viewer = SYSTEM, publish: bool = True, **given: Any) -> int:
        number = next(numbers)
        values: dict[str, Any] = {
            "code": f"t{number}", "name": f"标签{number}", "category": "taste", "rule": rule(*conditions) if conditions else None
        }  # fmt: skip
        tag_id = operations.save_tag(actor=actor, group_id=audience.malls.group, now=NOW, **values | given)
        if publish:
            operations.publish_tag(actor=actor, tag_id=tag_id, now=NOW)
            drain(tags)
        return tag_id

    return _make


def has(tag_id: int) -> set[int]:
    return set(TagHeld.objects.filter(tag_id=tag_id).values_list("person_id", flat=True))


def told(person_id: int) -> list[str]:
    rows = Event.objects.filter(subject=f"person/{person_id}", type__contains="insight.member_").order_by(
        "position"
    )
    return [row.type.rpartition(".")[2] for row in rows]


def ring(now: dt.datetime) -> None:
    while (due := operations.ring_tag_timers(actor=SYSTEM, now=now)) is not None and due <= now:
        pass


def view(
    person_id: int | None, at: dt.datetime, name: str = "product_viewed", visitor: int | None = None
) -> None:
    fact = BehaviourObserved(
        1, "track", name, name, "consent", at, person_id, visitor, {"category": "咖啡"}, {}
    )
    with transaction.atomic():
        events.publish(fact, now=at)


def test_a_published_rule_judges_what_was_before_and_what_comes(audience: Audience, make: Make) -> None:
    tag_id = make(BOUGHT)
    an = audience.persons[audience.an]
    assert has(tag_id) == {an, audience.persons[audience.e]}
    one = next(row for row in queries.tags_of(an).on if row.ref.id == tag_id)
    assert (one.source, one.figures, one.since) == ("rule", (3,), NOW - DAY)
    bai = audience.persons[audience.bai]
    for hour in (2, 1):
        buy(audience.malls, bai, audience.malls.cafe, 50_00, NOW - hour * HOUR)
    drain(tags)
    assert bai in has(tag_id)
    assert told(bai) == ["member_tagged"]


def test_time_alone_takes_a_tag_away_and_gives_one(audience: Audience, make: Make) -> None:
    often, left = make(BOUGHT), make(LEFT | {"value": 1})
    an = audience.persons[audience.an]
    view(an, NOW + HOUR)
    drain(tags)
    assert (an in has(often), an in has(left)) == (True, False)
    ring(NOW + HOUR + 2 * DAY - dt.timedelta(milliseconds=1))
    assert an not in has(left)
    ring(NOW + HOUR + 2 * DAY)
    assert an in has(left)
    ring(NOW + 25 * DAY)
    assert an not in has(often)
    assert told(an) == ["member_tagged", "member_tagged", "member_untagged", "member_untagged"]
    assert TagState.objects.filter(subject=an, tag_id=left).count() == 0


def test_a_tag_ends_with_its_time_to_live(audience: Audience, make: Make) -> None:
    tag_id = make(BOUGHT | {"value": 1}, ttl_days=3)
    an, e = audience.persons[audience.an], audience.persons[audience.e]
    assert has(tag_id) == {an, e}
    ring(NOW + DAY)
    assert has(tag_id) == {an}
    ring(NOW + 2 * DAY)
    assert has(tag_id) == set()


def rows() -> list[Any]:
    return [
        sorted(TagHeld.objects.values_list("tag_id", "person_id", "since", "version", "figures")),
        sorted(TagState.objects.values_list("tag_id", "subject", "clock")),
        [one.slots for one in TagState.objects.order_by("tag_id", "subject")],
        sorted(TagTimer.objects.values_list("tag_id", "person_id", "due")),
        sorted(TagSubject.objects.exclude(into=None).values_list("subject", "into")),
    ]


@pytest.mark.feature("C022")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [1, 2])
def test_derived_anew_the_rows_are_the_same(audience: Audience, make: Make, seed: int) -> None:
    """Random events in random batches with timers between, against `zhike rebuild`; nothing is told twice."""
    rng = Random(seed)
    for conditions in (
        (BOUGHT,),
        (LEFT,),
        (DEAR, SHOPS | {"value": 2}),
        (BOUGHT | {"measure": "sum", "of": "net_fen", "value": 10_000},),
    ):
        make(*conditions, publish=False)
    for ref in queries.tags(SYSTEM):
        operations.publish_tag(actor=SYSTEM, tag_id=ref.id, now=NOW - 30 * DAY)
    persons = [*audience.persons.values(), join(audience.malls, 6, "方").person_id]
    drain(tags)
    at = NOW
    for number in range(40):
        at += rng.random() * 20 * HOUR
        _random_event(rng, audience, persons, at, number)
        if rng.random() < 0.3:
            drain(tags)
        if rng.random() < 0.2:
            drain(tags)
            ring(at)
    drain(tags)
    ring(at)
    live, count = rows(), Event.objects.count()
    assert live[0]
    rebuild(tags, now=at)
    assert rows() == live
    assert Event.objects.count() == count


def _random_event(rng: Random, audience: Audience, persons: list[int], at: dt.datetime, number: int) -> None:
    person = rng.choice(persons)
    what = rng.random()
    if what < 0.4:
        shop = rng.choice([audience.malls.cafe, audience.malls.fashion, audience.malls.noodles])
        buy(audience.malls, person, shop, rng.randrange(10, 300) * 100, at, now=at)
    elif what < 0.7:
        view(person, at)
    elif what < 0.8:
        view(None, at, visitor=rng.choice([1, 2]))
    elif what < 0.9:
        visitor = rng.choice([1, 2])
        fact = rng.choice(
            [VisitorStitched(person, visitor, None), VisitorShared(person, persons[0], visitor)]
        )
        with transaction.atomic():
            events.publish(fact, now=at)
    else:
        decision = "granted" if rng.random() < 0.6 else "withdrawn"
        privacy_decision(person, decision, at)


def privacy_decision(person_id: int, decision: str, at: dt.datetime) -> None:
    from zhike.privacy.events import ConsentRecorded

    fact = ConsentRecorded(person_id, (("personalisation", "any", decision),), "2026-01", "test", at)
    with transaction.atomic():
        events.publish(fact, now=at)


@pytest.mark.django_db(transaction=True)
def test_sixteen_who_commit_at_once_all_count(audience: Audience, make: Make) -> None:
    """The reader runs all the while; afterwards every event has taken effect once."""
    tag_id = make(BOUGHT | {"event": "behaviour.product_viewed", "value": 64})
    an = audience.persons[audience.an]
    done = threading.Event()

    def write(number: int) -> None:
        for step in range(4):
            view(an, NOW + dt.timedelta(seconds=10 * number + step))
        connection.close()

    def read() -> None:
        while not done.is_set():
            drain(tags)
        connection.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    reader = threading.Thread(target=read)
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    drain(tags)
    assert TagHeld.objects.get(tag_id=tag_id, person_id=an).figures == [64]


@pytest.mark.django_db(transaction=True)
def test_timers_are_let_off_by_the_reader_of_the_log(audience: Audience, make: Make) -> None:
    tag_id = make(BOUGHT | {"value": 1})
    assert has(tag_id)
    assert run_timers(tags, NOW) is not None
    assert run_timers(tags, NOW + 60 * DAY) is None
    assert not has(tag_id)


# --- by hand -------------------------------------------------------------------------------------------------------


@pytest.mark.feature("C047")
def test_what_was_said_by_hand_holds_over_the_rule(audience: Audience, make: Make, crew: Crew) -> None:
    tag_id = make(BOUGHT)
    an, bai = audience.persons[audience.an], audience.persons[audience.bai]
    operations.mark_tag(actor=crew.sun, person_id=an, tag_id=tag_id, is_on=False, note="只是陪朋友", now=NOW)
    operations.mark_tag(actor=crew.sun, person_id=bai, tag_id=tag_id, is_on=True, now=NOW)
    operations.mark_tag(actor=crew.wang, person_id=bai, tag_id=tag_id, is_on=True, now=NOW)
    buy(audience.malls, an, audience.malls.cafe, 50_00, NOW)
    drain(tags)
    ring(NOW + 60 * DAY)
    found, other = queries.tags_of(an), queries.tags_of(bai)
    assert (found.on, [(one.by, one.note) for one in found.off]) == ((), [(crew.sun.label, "只是陪朋友")])
    assert [(one.source, one.by, one.since) for one in other.on] == [("staff", crew.sun.label, NOW)]
    assert told(an) == ["member_tagged", "member_untagged"]
    operations.unmark_tag(actor=crew.sun, person_id=bai, tag_id=tag_id, now=NOW)
    assert queries.tags_of(bai).on == ()


@pytest.mark.feature("C047")
def test_what_members_took_off_themselves_staff_do_not_give_back(
    audience: Audience, make: Make, crew: Crew
) -> None:
    from zhike.customers.queries import viewer_of_person

    tag_id, an = make(BOUGHT), audience.persons[audience.an]
    operations.mark_tag(actor=viewer_of_person(an), person_id=an, tag_id=tag_id, is_on=False, now=NOW)
    for act in (
        lambda: operations.mark_tag(actor=crew.sun, person_id=an, tag_id=tag_id, is_on=True, now=NOW),
        lambda: operations.unmark_tag(actor=crew.sun, person_id=an, tag_id=tag_id, now=NOW),
    ):
        with pytest.raises(operations.MemberSaidNo):
            act()
    operations.unmark_tag(actor=viewer_of_person(an), person_id=an, tag_id=tag_id, now=NOW)
    assert [one.source for one in queries.tags_of(an).on] == ["rule"]
    with pytest.raises(NotFound):
        operations.mark_tag(
            actor=viewer_of_person(an),
            person_id=audience.persons[audience.bai],
            tag_id=tag_id,
            is_on=True,
            now=NOW,
        )


@pytest.mark.feature("C047")
def test_stranger_colleague_and_owner(audience: Audience, make: Make, crew: Crew) -> None:
    crew.all()
    tag_id, an = make(kind="manual", publish=False), audience.persons[audience.an]
    count = Event.objects.count()
    with pytest.raises(NotFound):
        operations.mark_tag(actor=crew.qian, person_id=an, tag_id=tag_id, is_on=True, now=NOW)
    with pytest.raises(NotFound):
        operations.suggest_tag(actor=crew.qian, person_id=an, text="爱喝美式", now=NOW)
    for nobody in (crew.li, crew.wu, crew.nobody):
        with pytest.raises(NotAllowed):
            operations.mark_tag(
                actor=nobody, person_id=an, tag_id=tag_id, is_on=True, presented=True, now=NOW
            )
    for somebody in (crew.sun, crew.he):
        with pytest.raises(NotAllowed):
            make(BOUGHT, actor=somebody, publish=False)
    assert Event.objects.count() == count
    operations.mark_tag(actor=crew.he, person_id=an, tag_id=tag_id, is_on=True, now=NOW)
    assert [one.by for one in queries.tags_of(an).on] == [crew.he.label]
    assert queries.tag_counts(crew.wang)[tag_id] == 1
    assert queries.tag_counts(crew.qian).get(tag_id, 0) == 0


@pytest.mark.feature("C047", "C008")
def test_free_words_become_a_tag_when_somebody_says_so(audience: Audience, crew: Crew) -> None:
    an, bai = audience.persons[audience.an], audience.persons[audience.bai]
    for person in (an, bai, an):
        operations.suggest_tag(actor=crew.sun, person_id=person, text="  偏好 简约 ", now=NOW)
    group = queries.suggestion_groups(crew.chen)[0]
    assert (group.text, group.count) == ("偏好 简约", 2)
    tag_id = operations.take_suggestions(
        actor=crew.chen, wording=group.wording, group_id=audience.malls.group, code="plain", name="偏好简约", now=NOW + DAY
    )  # fmt: skip
    one = queries.tags_of(bai).on[0]
    assert (one.ref.id, one.by, one.since) == (tag_id, crew.sun.label, NOW)
    assert not queries.suggestion_groups(crew.chen)
    assert (
        operations.suggest_tag(
            actor=crew.sun, person_id=audience.persons[audience.chen], text="偏好简约", now=NOW
        )
        == 0
    )


@pytest.mark.feature("C047", "N5")
def test_merged_members_read_as_one_and_get_their_own_back(
    audience: Audience, make: Make, crew: Crew
) -> None:
    often, given = make(BOUGHT | {"value": 5}), make(kind="manual", publish=False)
    an, e = audience.persons[audience.an], audience.persons[audience.e]
    operations.mark_tag(actor=crew.lin, person_id=e, tag_id=given, is_on=True, now=NOW)
    assert has(often) == set()
    merged = loyalty.merge_persons(actor=crew.lin, survivor_id=an, merged_id=e, reason="同一人", now=NOW)
    if merged.state == "proposed":
        loyalty.agree_to_merge(actor=crew.admin, merge_id=merged.merge_id, now=NOW)
    drain(tags)
    assert has(often) == {an}
    assert {one.ref.id for one in queries.tags_of(an).on} == {often, given}
    assert queries.tags_of(an) == queries.tags_of(e)
    loyalty.unmerge_persons(actor=crew.lin, merge_id=merged.merge_id, reason="看错了", now=NOW + DAY)
    drain(tags)
    assert has(often) == set()
    assert {one.ref.id for one in queries.tags_of(e).on} == {given}
    assert queries.tags_of(an).on == ()


@pytest.mark.feature("C046", "N7")
def test_without_personalisation_no_tag_is_worked_out(audience: Audience, make: Make) -> None:
    tag_id, an = make(BOUGHT), audience.persons[audience.an]
    decision = privacy.Decision("personalisation", "any", "withdrawn")
    privacy.record_consents(
        actor=SYSTEM, person_id=an, decisions=[decision], policy_version="2026-01", method="app", evidence={"x": 1}, now=NOW
    )  # fmt: skip
    drain(tags)
    assert an not in has(tag_id)
    assert not TagState.objects.filter(subject=an).exists()
    buy(audience.malls, an, audience.malls.cafe, 50_00, NOW)
    drain(tags)
    assert not TagState.objects.filter(subject=an).exists()
    dong = audience.persons[audience.dong]
    for hour in (3, 2):
        buy(audience.malls, dong, audience.malls.cafe, 50_00, NOW - hour * HOUR)
    drain(tags)
    assert dong not in has(tag_id)  # a child of twelve


@pytest.mark.feature("C046", "N7")
def test_who_may_not_be_profiled_any_more_is_forgotten(audience: Audience, make: Make) -> None:
    from zhike.customers import operations as customers

    tag_id, e = make(BOUGHT), audience.persons[audience.e]
    assert e in has(tag_id)
    changes = {"birthday": dt.date(2015, 1, 1)}
    customers.update_profile(actor=SYSTEM, person_id=e, changes=changes, reason="test", now=NOW)
    assert operations.look_again(actor=SYSTEM, now=NOW) == 1
    ring(NOW)
    assert e not in has(tag_id)
    assert not TagState.objects.filter(subject=e).exists()


# --- rules change, segments ask ------------------------------------------------------------------------------------


@pytest.mark.feature("C059")
def test_who_would_move_is_shown_before_and_kept_after(audience: Audience, make: Make, crew: Crew) -> None:
    tag_id = make(BOUGHT)
    draft = rule(BOUGHT | {"value": 3})
    operations.save_tag(
        actor=crew.lin, group_id=audience.malls.group, code="", name="标签", category="taste", rule=draft, tag_id=tag_id, now=NOW
    )  # fmt: skip
    assert has(tag_id) == {audience.persons[audience.an], audience.persons[audience.e]}
    found = queries.tag(crew.lin, tag_id)
    assert found.has_changes
    assert found.draft is not None
    moves = queries.tag_moves(crew.lin, found.draft, None, tag_id, NOW)
    assert (moves.now, moves.then, moves.gained, moves.lost) == (2, 1, 0, 1)
    assert queries.tag_moves(crew.qian, found.draft, None, tag_id, NOW).lost == 1
    assert queries.tag_moves(crew.wang, found.draft, None, tag_id, NOW).lost == 0
    assert operations.publish_tag(actor=crew.lin, tag_id=tag_id, note="收紧", now=NOW) == 2
    assert operations.publish_tag(actor=crew.lin, tag_id=tag_id, now=NOW) == 2
    drain(tags)
    assert has(tag_id) == {audience.persons[audience.an]}
    versions = TagVersion.objects.filter(tag_id=tag_id).order_by("version")
    assert [(one.version, one.gained, one.lost) for one in versions] == [(1, 2, 0), (2, 0, 1)]
    assert told(audience.persons[audience.e]) == ["member_tagged", "member_untagged"]
    operations.retire_tag(actor=crew.lin, tag_id=tag_id, now=NOW)
    drain(tags)
    assert has(tag_id) == set()
    assert not TagTimer.objects.exists()


def test_a_bad_rule_is_refused_and_nothing_changed(audience: Audience, make: Make) -> None:
    with pytest.raises(queries.TagRuleInvalid, match="没有任何行为"):
        make(BOUGHT | {"op": "at_most"})
    with pytest.raises(queries.TagRuleInvalid, match="等待结束前"):
        make(LEFT, ttl_days=1)
    with pytest.raises(operations.TagInvalid):
        make(BOUGHT, category="nonsense")
    assert queries.tags(SYSTEM) == []


def test_segments_ask_for_tags(audience: Audience, make: Make, who: Callable[..., set[int]]) -> None:
    often, given = make(BOUGHT), make(kind="manual", publish=False)
    bai = audience.persons[audience.bai]
    operations.mark_tag(actor=SYSTEM, person_id=bai, tag_id=given, is_on=True, now=NOW - 10 * DAY)
    operations.mark_tag(
        actor=SYSTEM, person_id=audience.persons[audience.e], tag_id=often, is_on=False, now=NOW
    )
    assert who({"field": "tag", "op": "is", "value": [often]}) == {audience.an}
    assert who({"field": "tag", "op": "is", "value": [often, given]}) == {audience.an, audience.bai}
    assert who({"field": "tag", "op": "is", "value": [given], "window": {"days": 5}}) == set()
    assert who({"field": "tag", "op": "is", "value": [given], "window": {"days": 15}}) == {audience.bai}
    without = who({"field": "tag", "op": "is_not", "value": [often, given]})
    assert without == {audience.dong, audience.e}  # 陈 refused to be profiled


def test_counted_for_the_curve(audience: Audience, make: Make) -> None:
    tag_id = make(BOUGHT)
    assert operations.count_tags(actor=SYSTEM, now=NOW) == 1
    curve = queries.tag_history(SYSTEM, tag_id)
    assert len(curve) == 90
    assert [count for _day, count in curve[-4:]] == [
        0,
        1,
        2,
        2,
    ]  # 俄 since two days ago, 安 since yesterday, counted now
