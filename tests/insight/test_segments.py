"""Segments: who belongs, who may be written to, who may see it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.insight.conftest import DAY, SYSTEM, Audience
from tests.people import NOW, Crew, Malls
from zhike.collection import events as collection
from zhike.insight import operations, queries
from zhike.insight.models import Segment
from zhike.kernel import events
from zhike.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.privacy import operations as privacy

pytestmark = [pytest.mark.feature("C049"), pytest.mark.django_db]
Who = Callable[..., set[int]]
Save = Callable[..., int]


def leaf(field: str, op: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value, **more}


FEMALE = leaf("sex", "is", ["female"])


CONDITIONS = [
        (FEMALE, "an chen dong e"),
        (leaf("sex", "is_not", ["female"]), "bai"),
        (leaf("age", "between", [30, 40]), "an e"),
        (leaf("age", "at_most", 12), "dong"),
        (leaf("age", "at_least", 65), "bai"),
        (leaf("age", "at_least", 0), "an bai dong e"),
        (leaf("birthday_month", "is", ["this"]), "bai dong"),
        (leaf("birthday_month", "is", ["5"]), "an e"),
        (leaf("birthday_month", "is_not", ["5"]), "bai chen dong"),
        (leaf("identifier", "is", ["phone"]), "an bai chen dong e"),
        (leaf("identifier", "is", ["email", "plate"]), ""),
        (leaf("enrolled", "within", 10), "chen"),
        (leaf("enrolled", "longer_ago", 199), "an bai dong e"),
        (leaf("points", "at_least", 0), "an bai chen dong e"),
        (leaf("expiring_points", "at_most", 0), "an bai chen dong e"),
        (leaf("purchases", "at_least", 2, window={"days": 30}), "an e"),
        (leaf("purchases", "at_most", 0, window={"days": 30}), "bai chen dong"),
        (leaf("purchases", "between", [0, 1]), "bai chen dong"),
        (leaf("purchases", "between", [5, 5]), "an"),
        (leaf("purchases", "at_least", 1, window={"first": "2026-02-15", "last": "2026-03-03"}), "an"),
        (leaf("spend", "at_least", 620_00), "an bai"),
        (leaf("spend", "at_most", 65_00), "chen dong e"),
        (leaf("average", "at_most", 40_00), "e"),
        (leaf("shops", "between", [2, 2]), "an e"),
        (leaf("last_purchase", "within", 3), "an e"),
        (leaf("last_purchase", "longer_ago", 90), "bai"),
        (leaf("first_purchase", "within", 30), "e"),
        (leaf("purchases", "at_least", 1, where={"minimum_fen": 1_000_00}), "bai"),
        (leaf("purchases", "at_least", 2, where={"weekdays": [2]}), ""),
        (leaf("consent", "is", ["marketing.sms"]), "an dong e"),
        (leaf("consent", "is", ["marketing.email"]), "bai"),
        (leaf("consent", "is_not", ["marketing.sms", "marketing.any"]), "chen"),
]  # fmt: skip


def test_a_condition_fits_whom_it_says(audience: Audience, who: Who) -> None:
    for condition, names in CONDITIONS:
        assert who(condition) == {getattr(audience, name) for name in names.split()}, condition


def test_ids_narrow_receipts(audience: Audience, who: Who) -> None:
    malls = audience.malls
    assert who(leaf("purchases", "at_least", 1, where={"merchants": [malls.cafe]})) == {
        audience.an,
        audience.e,
    }
    assert who(leaf("purchases", "at_least", 1, where={"malls": [malls.cloud]})) == {audience.e}
    assert who(leaf("tier", "is", [audience.tier])) == audience.all
    assert who(leaf("mall", "is_not", [malls.star])) == {audience.e}
    assert who(leaf("merchant", "is", [malls.noodles])) == {audience.e}


def test_a_trade_category_holds_those_below_it(audience: Audience, who: Who) -> None:
    from zhike.organization import queries as organization

    food = next(one.id for one in organization.trade_categories(audience.malls.group) if one.code == "food")
    assert who(leaf("purchases", "at_least", 4, where={"trade_categories": [food]})) == {audience.an}


def test_all_any_none_nest(audience: Audience, who: Who) -> None:
    rich, fresh = leaf("spend", "at_least", 1_000_00), leaf("enrolled", "within", 30)
    assert who(rich, fresh, match="any") == {audience.bai, audience.chen}
    assert who(rich, fresh, match="none") == {audience.an, audience.dong, audience.e}
    assert who(FEMALE, {"match": "none", "of": [fresh, leaf("age", "at_most", 17)]}) == {
        audience.an,
        audience.e,
    }


def observe(
    audience: Audience,
    member: int | None,
    name: str,
    days: int,
    visitor: int | None = None,
    **properties: Any,
) -> None:
    person = audience.persons[member] if member else None
    fact = collection.BehaviourObserved(
        1, "track", name, name, "consent", NOW - days * DAY, person, visitor, properties, {}
    )
    events.publish(fact, now=NOW)


def test_behaviour_counts_in_its_window(audience: Audience, who: Who) -> None:
    for days in (1, 2, 40):
        observe(audience, audience.an, "product_viewed", days, category="tea", price_fen=5_000)
    observe(audience, audience.e, "product_viewed", 1, category="shoes", price_fen=90_000)
    viewed = {"names": ["product_viewed"]}
    assert who(leaf("behaviour", "at_least", 2, window={"days": 30}, where=viewed)) == {audience.an}
    dear = viewed | {"properties": [{"key": "price_fen", "op": "at_least", "value": "60000"}]}
    assert who(leaf("behaviour", "at_least", 1, where=dear)) == {audience.e}
    tea = viewed | {"properties": [{"key": "category", "op": "equals", "value": "tea"}]}
    assert who(leaf("behaviour", "at_least", 3, where=tea)) == {audience.an}
    other = viewed | {"properties": [{"key": "category", "op": "contains", "value": "SHO"}]}
    assert who(leaf("behaviour", "at_least", 1, where=other)) == {audience.e}


def test_who_refused_personalisation_is_in_no_profiling_segment(audience: Audience, who: Who) -> None:
    none_seen = leaf("behaviour", "at_most", 0)
    assert who(none_seen) == audience.all - {audience.chen}
    assert who(none_seen, FEMALE, match="any") == audience.all - {audience.chen}


@pytest.mark.feature("N7")
def test_nobody_is_given_out_for_what_they_did_not_agree_to(audience: Audience, save: Save) -> None:
    everybody = save(leaf("points", "at_least", 0))
    frozen = operations.freeze_segment(actor=SYSTEM, segment_id=everybody, label="三月", now=NOW)
    agreed: dict[tuple[str, str | None], str] = {
        ("membership", None): "an bai chen dong e",
        ("marketing", "sms"): "an e",  # 白 refused SMS, 冬 is a child
        ("marketing", "email"): "bai",
        ("marketing", None): "bai",
        ("personalisation", None): "an",
        ("sharing", None): "",
    }
    for (purpose, channel), names in agreed.items():
        wanted = {getattr(audience, name) for name in names.split()}
        assert (
            set(queries.segment_members(SYSTEM, everybody, purpose=purpose, channel=channel, now=NOW))
            == wanted
        )
        assert (
            set(queries.snapshot_members(SYSTEM, frozen, purpose=purpose, channel=channel, now=NOW)) == wanted
        )


@pytest.mark.feature("N7")
def test_a_withdrawal_counts_at_once(audience: Audience, save: Save) -> None:
    everybody = save(leaf("points", "at_least", 0))
    privacy.withdraw_consent(
        actor=SYSTEM, person_id=audience.persons[audience.an], purpose="marketing", channel="sms", method="app",
        now=NOW - DAY,
    )  # fmt: skip
    assert set(queries.segment_members(SYSTEM, everybody, purpose="marketing", channel="sms", now=NOW)) == {
        audience.e
    }
    reach = queries.segment_reach(SYSTEM, everybody, NOW)
    assert (reach["all"], reach["sms"], reach["email"]) == (5, 1, 1)
    with pytest.raises(queries.PurposeUnknown):
        queries.segment_members(SYSTEM, everybody, purpose="marketing", channel="fax", now=NOW)
    with pytest.raises(queries.PurposeUnknown):
        queries.segment_members(SYSTEM, everybody, purpose="curiosity", channel=None, now=NOW)


@pytest.mark.feature("N7")
def test_restricted_and_frozen_members_belong_nowhere(audience: Audience, who: Who) -> None:
    from zhike.customers.models import Person
    from zhike.loyalty import operations as loyalty

    loyalty.set_member_status(actor=SYSTEM, member_id=audience.e, status="frozen", reason="试验", now=NOW)
    Person.objects.filter(pk=audience.persons[audience.bai]).update(status="restricted")
    assert who(leaf("points", "at_least", 0)) == {audience.an, audience.chen, audience.dong}


def test_each_sees_members_and_receipts_of_their_own_scope(audience: Audience, crew: Crew, who: Who) -> None:
    buyers = leaf("purchases", "at_least", 1)
    assert who(buyers, viewer=crew.chen) == {audience.an, audience.bai, audience.e}
    assert who(buyers, viewer=crew.wang) == {audience.an, audience.bai}
    assert who(leaf("points", "at_least", 0), viewer=crew.qian) == {audience.e}
    assert who(leaf("purchases", "between", [1, 1]), viewer=crew.qian) == {audience.e}  # not the café's
    assert who(buyers, viewer=crew.nobody) == set()


def test_a_mall_s_segment_is_of_its_members_and_receipts(audience: Audience, save: Save, who: Who) -> None:
    once = leaf("purchases", "between", [1, 1])
    assert who(once, mall_id=audience.malls.cloud) == {audience.e}
    assert who(once, mall_id=audience.malls.star) == {audience.bai}


@pytest.mark.feature("C049")
def test_saved_counted_seen(audience: Audience, crew: Crew, save: Save) -> None:
    star = audience.malls.star
    ours = save(FEMALE, code="ladies", name="星河女士", mall_id=star, actor=crew.wang)
    groups = save(FEMALE, code="all-ladies", name="全部女士", actor=crew.lin)
    assert [(one.code, one.count) for one in queries.segments(crew.wang)] == [("ladies", 3)]
    assert [one.code for one in queries.segments(crew.lin)] == ["all-ladies", "ladies"]
    assert queries.segments(crew.qian) == []
    assert queries.segment_count(crew.wang, ours, NOW) == 3
    with pytest.raises(NotFound):
        queries.segment_count(crew.wang, groups, NOW)
    with pytest.raises(NotFound):
        queries.segment(crew.qian, ours)
    with pytest.raises(NotAllowed):
        queries.segments(crew.li)
    assert AuditEntry.objects.filter(action="segment.save").count() == 2
    assert Event.objects.filter(type="zhike.insight.segment_saved", subject=f"segment/{ours}").exists()


def test_only_who_may_saves(audience: Audience, crew: Crew, save: Save) -> None:
    star = audience.malls.star
    for actor, mall_id in ((crew.wang, None), (crew.qian, star), (crew.wu, None), (crew.li, star)):
        with pytest.raises(NotAllowed):
            save(FEMALE, actor=actor, mall_id=mall_id)
    ours = save(FEMALE, actor=crew.wang, mall_id=star)
    with pytest.raises(NotFound):
        save(FEMALE, actor=crew.qian, segment_id=ours)
    with pytest.raises(NotAllowed):
        save(FEMALE, actor=crew.wu, segment_id=ours)
    assert Segment.objects.count() == 1


def test_versions_are_kept(audience: Audience, save: Save) -> None:
    one = save(FEMALE, code="a", name="女士")
    save(FEMALE, name="女士们", segment_id=one)
    save(leaf("sex", "is", ["male"]), name="先生", segment_id=one)
    versions = queries.segment_versions(SYSTEM, one)
    assert [(each.version, each.counted) for each in versions] == [(2, 1), (1, 4)]
    assert queries.segment(SYSTEM, one).ref.name == "先生"
    assert queries.segment_history(SYSTEM, one) == [(dt.date(2026, 3, 8), 1)]
    with pytest.raises(Conflict):
        save(FEMALE, code="a")


def test_segments_are_made_of_segments_but_not_of_themselves(
    audience: Audience, crew: Crew, save: Save
) -> None:
    ladies = save(FEMALE, code="ladies")
    buyers = save(leaf("purchases", "at_least", 1), leaf("segment", "is", [ladies]), code="buyers")
    others = save(leaf("segment", "is_not", [buyers]), code="others")
    assert queries.segment_count(SYSTEM, buyers, NOW) == 2
    assert queries.segment_count(SYSTEM, others, NOW) == 3
    for target in (ladies, buyers, others):
        with pytest.raises(operations.SegmentCycle):
            save(leaf("segment", "is", [others]), segment_id=target)
    with pytest.raises(operations.SegmentInUse):
        operations.archive_segment(actor=SYSTEM, segment_id=buyers, now=NOW)
    operations.archive_segment(actor=SYSTEM, segment_id=others, now=NOW)
    assert {one.code for one in queries.segments(SYSTEM)} == {"ladies", "buyers"}
    with pytest.raises(operations.DefinitionInvalid):  # the group's own is not there for a mall's manager
        save(leaf("segment", "is", [ladies]), actor=crew.wang, mall_id=audience.malls.star)


NO_DEFINITIONS: list[Any] = [
        None, [], "all", {}, {"match": "all", "of": []}, {"match": "both", "of": [FEMALE]}, FEMALE,
        {"match": "all", "of": [leaf("sex", "is", [])]}, {"match": "all", "of": [leaf("sex", "is", ["x"])]},
        {"match": "all", "of": [leaf("sex", "at_least", 1)]}, {"match": "all", "of": [leaf("height", "at_least", 1)]},
        {"match": "all", "of": [leaf("age", "between", [40, 30])]}, {"match": "all", "of": [leaf("age", "at_least", -1)]},
        {"match": "all", "of": [leaf("age", "at_least", "1; DROP TABLE x")]},
        {"match": "all", "of": [leaf("age", "at_least", 20, window={"days": 3})]},
        {"match": "all", "of": [leaf("spend", "at_least", 1, window={"days": 0})]},
        {"match": "all", "of": [leaf("spend", "at_least", 1, window={"first": "2026-03-09", "last": "2026-03-08"})]},
        {"match": "all", "of": [leaf("spend", "at_least", 1, where={"names": ["x"]})]},
        {"match": "all", "of": [leaf("behaviour", "at_least", 1, where={"properties": [{"key": "a", "op": "at_least", "value": "b"}]})]},
        {"match": "all", "of": [FEMALE] * 41}, {"match": "all", "of": [{"match": "any", "of": [{"match": "any", "of": [
            {"match": "any", "of": [{"match": "any", "of": [FEMALE]}]}]}]}]},
]  # fmt: skip


def test_what_is_no_definition_is_refused(malls: Malls) -> None:
    for definition in NO_DEFINITIONS:
        with pytest.raises(operations.DefinitionInvalid) as refusal:
            operations.save_segment(
                actor=SYSTEM, group_id=malls.group, code="x", name="x", definition=definition, now=NOW
            )
        assert str(refusal.value.sentence)
    assert not Segment.objects.exists()


def test_a_definition_is_read_as_it_was_written(audience: Audience) -> None:
    given = {"match": "any", "of": [
        FEMALE, leaf("age", "between", [20, 30]), leaf("last_purchase", "within", 9), leaf("last_purchase", "longer_ago", 9),
        leaf("spend", "at_most", 5, window={"days": 3}, where={"merchants": [3], "weekdays": [1], "minimum_fen": 7}),
        {"match": "none", "of": [leaf("behaviour", "at_least", 2, window={"first": "2026-01-01"}, where={
            "names": ["a"], "properties": [{"key": "k", "op": "equals", "value": "v"}]})]},
    ]}  # fmt: skip
    assert queries.stored(queries.parse(given)) == given
    assert queries.stored(queries.parse(json.loads(json.dumps(given)))) == given


def test_frozen_stays_frozen(audience: Audience, save: Save, crew: Crew) -> None:
    fresh = save(leaf("enrolled", "within", 30), mall_id=audience.malls.star)
    operations.freeze_segment(actor=crew.wang, segment_id=fresh, label="三月新客", now=NOW)
    later = NOW + 60 * DAY
    assert queries.segment_count(SYSTEM, fresh, later) == 0
    shot = queries.snapshots(crew.wang, fresh)[0]
    assert (shot.label, shot.counted, shot.taken_by) == ("三月新客", 1, crew.wang.label)
    given = {"purpose": "membership", "channel": None, "now": later}
    assert list(queries.snapshot_members(crew.wang, shot.id, **given)) == [audience.chen]
    with pytest.raises(NotFound):
        queries.snapshot_members(crew.qian, shot.id, **given)
    with pytest.raises(Invalid):
        operations.freeze_segment(actor=crew.wang, segment_id=fresh, label=" ", now=NOW)


def test_overlap_counts_every_part(audience: Audience, save: Save) -> None:
    ladies, buyers, fresh = (
        save(FEMALE),
        save(leaf("purchases", "at_least", 1)),
        save(leaf("enrolled", "within", 30)),
    )
    found = queries.overlap(SYSTEM, [ladies, buyers, fresh], NOW)
    assert found.only == {(0,): 1, (1,): 1, (2,): 0, (0, 1): 2, (0, 2): 1, (1, 2): 0, (0, 1, 2): 0}
    assert (found.together, found.both((0,)), found.both((0, 1))) == (5, 4, 2)
    for wrong in ([ladies], [ladies, ladies], [ladies, buyers, fresh, ladies, buyers]):
        with pytest.raises(Invalid):
            queries.overlap(SYSTEM, wrong, NOW)


def test_an_export_has_a_purpose_and_is_kept(audience: Audience, save: Save, crew: Crew) -> None:
    everybody = save(leaf("points", "at_least", 0), mall_id=audience.malls.star)
    given: dict[str, Any] = {"segment_id": everybody, "purpose": "marketing", "channel": "sms", "now": NOW}
    ids = operations.begin_export(actor=crew.wang, reason="短信活动", **given)
    assert ids == [audience.an]
    entry = AuditEntry.objects.get(action="segment.export")
    assert (entry.reason, entry.after) == (
        "短信活动",
        {"purpose": "marketing", "channel": "sms", "count": 1, "version": 1},
    )
    for actor, reason, refusal in (
        (crew.wang, " ", Invalid),
        (crew.chen, "x", NotAllowed),
        (crew.qian, "x", NotFound),
    ):
        with pytest.raises(refusal):
            operations.begin_export(actor=actor, reason=reason, **given)
    assert AuditEntry.objects.filter(action="segment.export").count() == 1


def test_counted_every_hour(audience: Audience, save: Save) -> None:
    fresh = save(leaf("enrolled", "within", 30))
    operations.count_segments(actor=SYSTEM, now=NOW + 60 * DAY)
    assert queries.segment(SYSTEM, fresh).ref.count == 0
    assert [count for _, count in queries.segment_history(SYSTEM, fresh)] == [1, 0]


def test_a_sample_is_masked(audience: Audience, crew: Crew) -> None:
    tree = queries.parse({"match": "all", "of": [FEMALE]})
    rows = queries.segment_sample(crew.wang, tree, None, NOW)
    assert {row.member_id for row in rows} == {audience.an, audience.chen, audience.dong}
    assert all("****" in row.phone_masked for row in rows)
    assert queries.preview_count(crew.wang, tree, None, NOW) == 3
