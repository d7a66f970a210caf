"""Places: created, changed, loaded at once, and found on the hot path."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.people import NOW, Crew, Malls
from zhike.kernel.access import system_viewer
from zhike.kernel.errors import Invalid, NotAllowed, NotFound
from zhike.kernel.models import AuditEntry, Event
from zhike.organization import queries
from zhike.organization.models import Floor, Merchant
from zhike.organization.operations import loading, structure

ACTOR = system_viewer("tests")


def test_merchant_is_created_audited_and_told(crew: Crew, malls: Malls) -> None:
    floor = queries.floors(malls.star)[0]
    merchant_id = structure.create_merchant(
        actor=crew.wang, mall_id=malls.star, code="B002", name="兰亭书店", floor_id=floor.id, now=NOW
    )
    ref = queries.merchant_ref(merchant_id)
    assert ref is not None
    assert (ref.name, ref.mall_id, ref.group_id, ref.floor_id) == (
        "兰亭书店",
        malls.star,
        malls.group,
        floor.id,
    )
    assert ref.is_open
    assert ref.time_zone == "Asia/Shanghai"
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.subject_id, entry.actor) == (
        "merchant.create",
        str(merchant_id),
        crew.wang.audit_id,
    )
    event = Event.objects.latest("position")
    assert (event.type, event.subject) == ("zhike.organization.structure_added", f"merchant/{merchant_id}")


@pytest.mark.feature("C028")
def test_only_who_may_edit_the_organisation_adds_to_their_mall(crew: Crew, malls: Malls) -> None:
    for stranger in (crew.qian, crew.li, crew.chen, crew.wu, crew.nobody):
        with pytest.raises(NotAllowed):
            structure.create_merchant(actor=stranger, mall_id=malls.star, code="X1", name="某店", now=NOW)
        with pytest.raises(NotAllowed):
            structure.create_floor(actor=stranger, mall_id=malls.star, code="L9", name="九层", now=NOW)
    with pytest.raises(NotAllowed):
        structure.create_mall(actor=crew.wang, group_id=malls.group, code="NEW", name="新店", now=NOW)
    assert not Merchant.objects.filter(code="X1").exists()
    assert not Floor.objects.filter(code="L9").exists()


def test_code_is_unique_in_its_mall(crew: Crew, malls: Malls) -> None:
    with pytest.raises(structure.CodeTaken):
        structure.create_merchant(actor=crew.admin, mall_id=malls.star, code="C001", name="又一家", now=NOW)
    structure.create_merchant(actor=crew.admin, mall_id=malls.cloud, code="C001", name="半山分店", now=NOW)
    assert queries.merchant_by_code("C001", malls.cloud) is not None
    assert queries.merchant_by_code("C001") is None, "two malls use the code"
    assert queries.merchant_by_code("N001") is not None


def test_merchant_stays_inside_its_mall(crew: Crew, malls: Malls) -> None:
    elsewhere = queries.floors(malls.cloud)[0]
    with pytest.raises(Invalid):
        structure.create_merchant(
            actor=crew.admin, mall_id=malls.star, code="X1", name="某店", floor_id=elsewhere.id, now=NOW
        )
    with pytest.raises(Invalid):
        structure.update_merchant(
            actor=crew.admin, merchant_id=malls.cafe, changes={"floor_id": elsewhere.id}, now=NOW
        )


def test_places_nest(crew: Crew, malls: Malls) -> None:
    mall_id = structure.create_mall(
        actor=crew.admin, group_id=malls.group, code="HD", name="海岛天地", time_zone="Asia/Tokyo", now=NOW
    )
    floor_id = structure.create_floor(actor=crew.admin, mall_id=mall_id, code="L1", name="一层", now=NOW)
    zone_id = structure.create_zone(actor=crew.admin, floor_id=floor_id, code="A", name="A 区", now=NOW)
    unit_id = structure.create_unit(actor=crew.admin, zone_id=zone_id, code="101", now=NOW)
    brand_id = structure.create_brand(
        actor=crew.admin, group_id=malls.group, code="NEW", name="新牌", now=NOW
    )
    category_id = structure.create_trade_category(
        actor=crew.admin, group_id=malls.group, code="toys", name="玩具", now=NOW
    )
    merchant_id = structure.create_merchant(
        actor=crew.admin,
        mall_id=mall_id,
        code="T001",
        name="玩具屋",
        floor_id=floor_id,
        unit_id=unit_id,
        brand_id=brand_id,
        trade_category_id=category_id,
        now=NOW,
    )
    ref = queries.merchant_ref(merchant_id)
    assert ref is not None
    assert (ref.time_zone, ref.trade_category_code) == ("Asia/Tokyo", "toys")
    assert [place.code for place in queries.zones(floor_id)] == ["A"]
    assert [place.id for place in queries.units(zone_id)] == [unit_id]
    assert "toys" in {place.code for place in queries.trade_categories(malls.group)}
    assert "NEW" in {place.code for place in queries.brands(malls.group)}
    with pytest.raises(Invalid):
        structure.create_mall(
            actor=crew.admin, group_id=malls.group, code="MARS", name="火星", time_zone="Mars/One", now=NOW
        )


def test_merchant_changes_are_audited_with_before_and_after(crew: Crew, malls: Malls) -> None:
    structure.update_merchant(
        actor=crew.wang,
        merchant_id=malls.cafe,
        changes={"name": "半山咖啡馆", "status": "closed"},
        reason="改造",
        now=NOW,
    )
    ref = queries.merchant_ref(malls.cafe)
    assert ref is not None
    assert (ref.name, ref.is_open) == ("半山咖啡馆", False)
    entry = AuditEntry.objects.latest("id")
    assert entry.before == {"name": "半山咖啡", "status": "open"}
    assert (entry.after, entry.reason) == ({"name": "半山咖啡馆", "status": "closed"}, "改造")
    count = AuditEntry.objects.count()
    structure.update_merchant(actor=crew.wang, merchant_id=malls.cafe, changes={"status": "closed"}, now=NOW)
    assert AuditEntry.objects.count() == count, "nothing changed"


def test_merchant_of_another_mall_is_not_there(crew: Crew, malls: Malls) -> None:
    with pytest.raises(NotFound):
        structure.update_merchant(
            actor=crew.qian, merchant_id=malls.cafe, changes={"name": "抢来的"}, now=NOW
        )
    with pytest.raises(structure.FieldNotEditable):
        structure.update_merchant(actor=crew.wang, merchant_id=malls.cafe, changes={"mall_id": 1}, now=NOW)
    with pytest.raises(Invalid):
        structure.update_merchant(
            actor=crew.wang, merchant_id=malls.cafe, changes={"status": "gone"}, now=NOW
        )
    assert Merchant.objects.get(pk=malls.cafe).name == "半山咖啡"


def test_viewers_see_the_places_of_their_scope(crew: Crew, malls: Malls) -> None:
    assert [mall.code for mall in queries.malls(crew.admin)] == ["XHC", "YGH"]
    assert [mall.code for mall in queries.malls(crew.wang)] == ["XHC"]
    assert [mall.code for mall in queries.malls(crew.he)] == ["XHC"], "through the one merchant"
    assert queries.malls(crew.li) == []
    assert [mall.code for mall in queries.malls(crew.li, "receipts.record")] == ["XHC"]
    assert [m.code for m in queries.merchants(crew.qian)] == ["N001"]
    assert [m.code for m in queries.merchants(crew.admin, malls.star)] == ["C001", "F001", "J001"]
    assert [m.id for m in queries.merchants(crew.li, permission="receipts.record")] == [malls.cafe]
    assert queries.default_group().code == "ZK"
    assert queries.mall(malls.star).name == "星河城"
    with pytest.raises(NotFound):
        queries.mall(10**9)


def _spec(name: str = "半山咖啡") -> loading.OrganizationSpec:
    mall = loading.MallSpec(
        "M1",
        "一号店",
        floors=(loading.FloorSpec("L1", "一层"),),
        merchants=(loading.MerchantSpec("A", name, "L1"),),
    )
    return loading.OrganizationSpec("G1", "集团", malls=(mall,))


def test_loading_twice_adds_nothing_and_renames(db: None) -> None:
    first = loading.load_organization(actor=ACTOR, spec=_spec(), now=NOW)
    assert first.added == {"group": 1, "mall": 1, "floor": 1, "merchant": 1}
    events = Event.objects.count()
    second = loading.load_organization(actor=ACTOR, spec=_spec("云上咖啡"), now=NOW)
    assert not second.added
    assert second.merchant_ids == first.merchant_ids
    assert Event.objects.count() == events
    ref = queries.merchant_by_code("A", first.mall_ids["M1"])
    assert ref is not None
    assert ref.name == "云上咖啡"


def test_loading_refuses_what_the_spec_does_not_define(db: None) -> None:
    spec = _spec()
    mall = dataclasses.replace(spec.malls[0], merchants=(loading.MerchantSpec("A", "某店", "L7"),))
    with pytest.raises(KeyError):
        loading.load_organization(actor=ACTOR, spec=dataclasses.replace(spec, malls=(mall,)), now=NOW)
    assert not Merchant.objects.exists()


@pytest.mark.feature("C028")
def test_only_the_whole_group_is_loaded(crew: Crew) -> None:
    for actor in (crew.wang, crew.li, crew.nobody):
        with pytest.raises(NotAllowed):
            loading.load_organization(actor=actor, spec=_spec(), now=NOW)


def test_directory_costs_no_query_and_notices_what_is_new(
    malls: Malls, django_assert_num_queries: Any
) -> None:
    queries.merchant_ref(malls.cafe)
    with django_assert_num_queries(0):
        assert queries.merchant_ref(malls.cafe)
        assert queries.merchant_by_code("F001", malls.star)
    with django_assert_num_queries(1):
        assert queries.merchant_ref(10**9) is None
        assert queries.merchant_ref(10**9) is None, "asked again at most once a second"
    new = Merchant.objects.create(mall_id=malls.star, code="NEW", name="新店")
    assert queries.merchant_ref(new.pk) is not None
