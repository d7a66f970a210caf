"""Reasons to turn to a member: found once, by the rules of the mall, and ended once."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from tests.people import NOW, Crew, Malls, hire
from tests.ui.counter.world import SYSTEM, World
from zhike.clienteling import operations, queries
from zhike.clienteling.models import Contact, FollowUp
from zhike.clienteling.rules import reminders
from zhike.customers import operations as customer_operations
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty.operations import activity
from zhike.privacy import operations as privacy
from zhike.service import operations as service

pytestmark = [pytest.mark.feature("C200"), pytest.mark.django_db]
TODAY = dt.date(2026, 3, 8)
TERMS = reminders.Terms()


def days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)


def found(known: reminders.Known, today: dt.date = TODAY) -> list[tuple[str, str]]:
    return [(one.kind, one.key) for one in reminders.reasons(known, TERMS, today)]


def test_a_reason_is_the_same_on_every_day_it_holds() -> None:
    birthday = reminders.Known(1, birthday_on=TODAY + days(5))
    assert found(birthday) == found(birthday, TODAY + days(5)) == [("birthday", "2026-03-13")]
    assert found(birthday, TODAY - days(3)) == found(birthday, TODAY + days(6)) == []
    first = reminders.Known(1, first_bought_on=TODAY - days(7), last_bought_on=TODAY - days(7), purchases=1)
    assert found(first) == found(first, TODAY + days(3)) == [("first_purchase", "1")]
    assert found(first, TODAY - days(1)) == found(first, TODAY + days(4)) == []
    quiet = reminders.Known(1, last_bought_on=TODAY - days(61), purchases=3)
    assert found(quiet) == [("quiet", "2026-01-06")]
    assert found(reminders.Known(1, last_bought_on=TODAY - days(61), purchases=2)) == []
    points = reminders.Known(1, points_ending=500, points_end_on=TODAY + days(14))
    assert found(points) == [("points", "2026-03-22")]
    assert found(reminders.Known(1, points_ending=499, points_end_on=TODAY + days(14))) == []
    coupon = reminders.Known(1, coupon_id=9, coupon_name="满减", coupon_last_on=TODAY + days(5))
    assert found(coupon) == [("coupon", "9")]


def test_a_rule_at_zero_is_off_and_odd_values_are_named() -> None:
    off = reminders.terms_of(dict.fromkeys(("birthday_days_before", "coupon_days_before", "quiet_days"), 0))
    known = reminders.Known(1, birthday_on=TODAY, coupon_last_on=TODAY, last_bought_on=TODAY, purchases=9)
    assert list(reminders.reasons(known, off, TODAY)) == []
    assert reminders.faults(asdict(TERMS)) == []
    assert reminders.faults({**asdict(TERMS), "quiet_days": True, "points_min": 0, "other": 1}) == [
        "quiet_days",
        "points_min",
        "other",
    ]


def bought_long_ago(world: World) -> None:
    for ago in (100, 80, 60):
        world.buy(20_000, member=world.zhang, at=NOW - days(ago))
    activity.recount_activity(actor=activity.ACTOR, person_id=world.zhang.person_id)


def test_found_once_shown_to_whom_they_are_and_settled_by_a_purchase(
    world: World, zhou: Viewer, crew: Crew
) -> None:
    bought_long_ago(world)
    find = {"actor": SYSTEM, "mall_id": world.malls.star}
    assert operations.find_follow_ups(**find, now=NOW) == 1
    assert operations.find_follow_ups(**find, now=NOW + days(1)) == 0
    mine = queries.day(zhou, NOW)
    assert [(one.kind, one.name, one.is_late) for one in mine.items] == [("quiet", "张三丰", False)]
    assert (mine.due, mine.late, mine.ahead, mine.done) == (1, 0, 0, 0)
    other = hire(world.malls, "wu2", "吴导购", ("sales_associate", "merchant", world.malls.fashion))
    assert queries.day(other, NOW).items == ()
    assert queries.day(crew.qian, NOW).items == ()
    assert len(queries.day(crew.wang, NOW).items) == 1
    with pytest.raises(NotAllowed):
        queries.day(crew.li, NOW)
    world.buy(9_900, member=world.zhang, at=NOW)
    activity.recount_activity(actor=activity.ACTOR, person_id=world.zhang.person_id)
    operations.find_follow_ups(**find, now=NOW + dt.timedelta(hours=1))
    assert FollowUp.objects.get().state == "settled"
    told = Event.objects.filter(type__startswith="zhike.clienteling").order_by("position")
    types = list(told.values_list("type", flat=True))
    assert types == ["zhike.clienteling.follow_up_opened", "zhike.clienteling.follow_up_ended"]


def test_the_search_costs_the_same_for_many(world: World, zhou: Viewer) -> None:
    operations.find_follow_ups(actor=SYSTEM, mall_id=world.malls.star, now=NOW)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        operations.find_follow_ups(actor=SYSTEM, mall_id=world.malls.star, now=NOW)
    assert len(captured) <= 18


@pytest.fixture
def quiet(world: World, zhou: Viewer) -> int:
    bought_long_ago(world)
    operations.find_follow_ups(actor=SYSTEM, mall_id=world.malls.star, now=NOW)
    return FollowUp.objects.get().pk


def test_done_with_a_contact_once(world: World, zhou: Viewer, crew: Crew, quiet: int) -> None:
    person_id = world.zhang.person_id
    done = {"follow_up_id": quiet, "outcome": "visit", "channel": "sms", "note": "周末来看新款", "now": NOW}
    other = hire(world.malls, "wu2", "吴导购", ("sales_associate", "merchant", world.malls.fashion))
    for stranger in (crew.qian, other):
        with pytest.raises(NotFound):
            operations.finish_follow_up(actor=stranger, **done)
    with pytest.raises(operations.FollowUpInvalid):
        operations.finish_follow_up(actor=zhou, **{**done, "outcome": "fine"})
    assert not Contact.objects.exists()
    operations.finish_follow_up(actor=zhou, **done)
    with pytest.raises(operations.FollowUpEndedAlready):
        operations.finish_follow_up(actor=zhou, **done)
    [contact] = queries.contacts_of(zhou, person_id)
    assert (contact.channel, contact.note, contact.by) == ("sms", "周末来看新款", "周导购")
    assert "周末" not in str(Contact.objects.values_list("note", flat=True).get())
    assert (
        Event.objects.filter(type="zhike.clienteling.contact_recorded", subject=f"person/{person_id}").count()
        == 1
    )
    own = next(row for row in queries.own_ranking(zhou, 30, NOW) if row.staff_id == zhou.id)
    assert (own.done, own.in_time, own.missed, own.contacts, own.in_time_share) == (1, 1, 0, 1, 1.0)


def test_put_off_skipped_and_lapsed(world: World, zhou: Viewer, quiet: int) -> None:
    with pytest.raises(operations.FollowUpInvalid):
        operations.snooze_follow_up(actor=zhou, follow_up_id=quiet, until=TODAY, now=NOW)
    operations.snooze_follow_up(actor=zhou, follow_up_id=quiet, until=TODAY + days(2), now=NOW)
    assert (queries.day(zhou, NOW).due, queries.day(zhou, NOW).ahead) == (0, 1)
    assert [one.shown_on for one in queries.day(zhou, NOW, ahead=True).items] == [TODAY + days(2)]
    own = operations.add_follow_up(
        actor=zhou, person_id=world.zhang.person_id, text="答应回电", due_on=TODAY, now=NOW
    )
    again = operations.add_follow_up(
        actor=zhou, person_id=world.zhang.person_id, text=" 答应回电 ", due_on=TODAY, now=NOW
    )
    assert own == again
    operations.skip_follow_up(actor=zhou, follow_up_id=own, reason="known", now=NOW)
    assert queries.ended(zhou, NOW)[0].outcome == "known"
    operations.find_follow_ups(actor=SYSTEM, mall_id=world.malls.star, now=NOW + days(30))
    assert FollowUp.objects.get(pk=quiet).state == "lapsed"


def test_no_way_is_offered_to_who_refused_or_wants_quiet(world: World, zhou: Viewer, quiet: int) -> None:
    person_id = world.zhang.person_id
    closed = {one.channel: one.closed for one in queries.ways(zhou, person_id, NOW)}
    assert closed == {"call": "not_asked", "wecom": "refused", "sms": "", "in_person": ""}
    night = NOW.replace(hour=14)  # ten in the evening at the mall
    assert {one.closed for one in queries.ways(zhou, person_id, night)} == {
        "not_asked",
        "refused",
        "quiet",
        "",
    }
    with pytest.raises(operations.WayClosed):
        operations.begin_call(actor=zhou, person_id=person_id, now=NOW)
    with pytest.raises(operations.WayClosed):
        operations.record_contact(actor=zhou, person_id=person_id, channel="wecom", result="sent", now=NOW)
    with pytest.raises(operations.WayClosed):
        operations.finish_follow_up(
            actor=zhou, follow_up_id=quiet, outcome="reached", channel="sms", now=night
        )
    assert not Contact.objects.exists() and FollowUp.objects.get().state == "open"
    operations.record_contact(
        actor=zhou, person_id=person_id, channel="wecom", result="talked", began_by_member=True, now=NOW
    )
    operations.record_contact(actor=zhou, person_id=person_id, channel="sms", result="asked_not_to", now=NOW)
    assert {one.channel: one.closed for one in queries.ways(zhou, person_id, NOW)}["sms"] == "refused"


def test_a_member_who_agreed_or_waits_for_us_may_be_called(world: World, zhou: Viewer) -> None:
    person_id = world.zhang.person_id
    number = service_ticket(world)
    operations.remind_of_ticket(
        actor=SYSTEM, person_id=person_id, number=number, mall_id=world.malls.star, opened_at=NOW, now=NOW
    )
    [ticket] = queries.day(zhou, NOW).items
    assert ticket.kind == "ticket" and ticket.facts == {"number": number}
    assert (
        operations.begin_call(actor=zhou, person_id=person_id, follow_up_id=ticket.id, now=NOW)
        == "+8613800138000"
    )
    operations.settle_ticket(actor=SYSTEM, number=number, now=NOW)
    assert queries.day(zhou, NOW).items == ()
    with pytest.raises(operations.WayClosed):
        operations.begin_call(actor=zhou, person_id=person_id, now=NOW)
    privacy.record_consents(
        actor=SYSTEM, person_id=person_id, decisions=[privacy.Decision("marketing", "phone", "granted")],
        policy_version="2026-01", method="counter", evidence={}, now=NOW,
    )  # fmt: skip
    assert operations.begin_call(actor=zhou, person_id=person_id, now=NOW) == "+8613800138000"


def service_ticket(world: World) -> str:
    service.found_service(actor=SYSTEM, group_id=world.malls.group, time_zone="Asia/Shanghai", now=NOW)
    return service.open_ticket(
        actor=SYSTEM, type="complaint", severity="normal", text="拉链坏了", channel="counter", mall_id=world.malls.star,
        merchant_id=None, person_id=world.zhang.person_id, now=NOW,
    )  # fmt: skip


def test_rules_of_a_mall_are_published_in_versions(world: World, crew: Crew) -> None:
    terms = {**asdict(TERMS), "quiet_days": 90}
    publish = {"mall_id": world.malls.star, "terms": terms, "now": NOW}
    with pytest.raises(NotAllowed):
        operations.publish_reminders(actor=crew.qian, **publish)
    with pytest.raises(operations.ReminderPolicyInvalid):
        operations.publish_reminders(
            actor=crew.wang, mall_id=world.malls.star, terms={"quiet_days": 1}, now=NOW
        )
    assert operations.publish_reminders(actor=crew.wang, **publish) == 1
    assert operations.publish_reminders(actor=crew.wang, **publish) == 1
    assert queries.reminder_policy(world.malls.star).terms.quiet_days == 90
    assert queries.reminder_policy(world.malls.cloud).version == 0


@pytest.mark.django_db(transaction=True)
def test_two_thumbs_at_once_end_it_once(world: World, zhou: Viewer, quiet: int) -> None:
    def finish(_turn: int) -> str:
        try:
            operations.finish_follow_up(
                actor=zhou, follow_up_id=quiet, outcome="reached", channel="sms", now=NOW
            )
        except operations.FollowUpEndedAlready:
            return "late"
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(finish, range(16))) == ["done"] + ["late"] * 15
    assert Contact.objects.count() == 1


def test_new_members_by_a_code_are_theirs(world: World, zhou: Viewer, malls: Malls) -> None:
    code = queries.invitation_code(zhou.id or 0)
    assert queries.associate_by_code(code) == zhou.id
    assert queries.associate_by_code(code[:-1] + "x") is None
    assert queries.associate_by_code("1") is None and queries.associate_by_code("x" * 500) is None
    customer_operations.assign_associate(
        actor=SYSTEM, person_id=world.li.person_id, staff_id=zhou.id, now=NOW
    )
    assert queries.find_member(zhou, "9000").rows[0].name == "李小龙"
    assert [row.name for row in queries.find_member(zhou, "zsf").rows] == ["张三丰"]
    assert queries.find_member(zhou, "  ").rows == ()


def test_two_who_are_one_have_one_card(world: World, zhou: Viewer) -> None:
    """What was written of either is read of both; nothing of the merged one is rewritten, so undoing parts them again."""
    person_id = world.zhang.person_id
    customer_operations.assign_associate(
        actor=SYSTEM, person_id=world.li.person_id, staff_id=zhou.id, now=NOW
    )
    for one, text in ((person_id, "喜欢素色"), (world.li.person_id, "女儿上小学")):
        operations.write_note(actor=zhou, person_id=one, text=text, now=NOW)
    own = operations.add_follow_up(
        actor=zhou, person_id=world.li.person_id, text="回电", due_on=TODAY, now=NOW
    )
    merged = loyalty.merge_persons(
        actor=SYSTEM, survivor_id=person_id, merged_id=world.li.person_id, reason="本人出示证件", now=NOW
    )
    assert len(queries.notes_of(zhou, person_id)) == len(queries.notes_of(zhou, world.li.person_id)) == 2
    line = queries.follow_up(zhou, own, NOW)
    assert (line.name, line.member_id) == ("张三丰", world.zhang.member_id)
    assert [one.id for one in queries.follow_ups_of(zhou, person_id, NOW)] == [own]
    loyalty.unmerge_persons(actor=SYSTEM, merge_id=merged.merge_id, reason="认错了", now=NOW)
    assert [one.text for one in queries.notes_of(zhou, person_id)] == ["喜欢素色"]
    assert queries.follow_up(zhou, own, NOW).name == "李小龙"
