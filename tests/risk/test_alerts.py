"""What detectors find becomes one alert for each subject; people take, confirm and dismiss it."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM
from tests.risk.conftest import DAY, HOUR, SUN, WANG, Watched, keeper, watched
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.events.rebuild import rebuild
from zhike.kernel.models import AuditEntry, Event
from zhike.loyalty import operations as loyalty
from zhike.organization.operations import staff as organization
from zhike.risk import operations, queries
from zhike.risk.handlers import risk_deeds
from zhike.risk.models import Alert, Deed, Evidence

pytestmark = pytest.mark.feature("C080", "B16")


def test_a_cashier_who_swipes_her_own_card_is_found(mall: Watched) -> None:
    own = mall.member("收银员自己")
    bought = mall.swipe(own)
    for nth in range(6):
        mall.buy(mall.member(f"顾客{nth}"), cashier="C07")
    assert mall.judge() == 1
    found = mall.only()
    assert (found.row.detector, found.row.who, found.row.member_id) == ("cashier_self", "C07", None)
    assert found.row.merchant_name == "青禾服饰"
    assert found.row.sentence == "12笔消费只来自1位会员，占该收银员为会员录入的66%。"
    assert found.row.gain_points == 2_400
    assert {one.receipt for one in found.evidence} == {one.receipt_id for one in bought}
    assert all(one.left == 200 for one in found.evidence)
    assert [one.name for one in found.concerned] == ["收银员自己"]


def test_an_alert_grows_and_stays_one(mall: Watched) -> None:
    own = mall.member()
    mall.swipe(own, 8)
    assert mall.judge() == 1
    first = mall.only()
    assert mall.judge() == 0
    mall.now += DAY
    mall.swipe(own, 16)
    assert mall.judge() == 0
    grown = mall.only()
    assert grown.row.id == first.row.id
    assert len(grown.evidence) == 24
    assert grown.row.severity == 3 > first.row.severity
    assert grown.row.due_at < first.row.due_at
    assert Event.objects.filter(type="zhike.risk.alert_raised").count() == 1


def test_receipts_of_strangers_are_found(mall: Watched) -> None:
    claimer = mall.member("捡小票的")
    for nth in range(4):
        strange = mall.buy(None, 88_000, at=mall.now - 3 * DAY, number=f"LOST{nth}")
        assert strange.member_id is None
        loyalty.claim_receipt(
            actor=SYSTEM, member_id=claimer.member_id, merchant_id=mall.town.shop, number=f"LOST{nth}",
            business_date=(mall.now - 3 * DAY).date(), net_fen=88_000, now=mall.now + nth * HOUR,
        )  # fmt: skip
    mall.now += 5 * HOUR
    assert mall.judge() == 1
    found = mall.only().row
    assert (found.detector, found.member_id) == ("lent_receipts", claimer.member_id)


def spend_and_return(
    mall: Watched, farmer: loyalty.EnrolledMember, at: dt.datetime, fen: int = 50_000
) -> None:
    bought = mall.buy(farmer, fen, at=at)
    loyalty.redeem_points(actor=SYSTEM, member_id=farmer.member_id, points=500, now=at + HOUR)
    loyalty.return_lines(
        actor=SYSTEM, receipt_id=bought.receipt_id, lines=[loyalty.ReturnLine(1, None)], till="09",
        number=f"B{at:%d%H}", business_date=(at + 2 * HOUR).date(), occurred_at=at + 2 * HOUR, now=at + 2 * HOUR,
    )  # fmt: skip


def test_return_farming_is_found(mall: Watched) -> None:
    farmer = mall.member("退货套利")
    spend_and_return(mall, farmer, mall.now - 10 * DAY)
    mall.judge()
    assert mall.open() == []  # once is bad luck
    spend_and_return(mall, farmer, mall.now - DAY, 100_000)
    assert mall.judge() == 1
    assert mall.only().row.detector == "return_farming"


def test_points_spent_after_a_new_phone_are_found(mall: Watched) -> None:
    from zhike.customers import operations as customers

    victim = mall.member("被盗号")
    loyalty.adjust_points(
        actor=SYSTEM, member_id=victim.member_id, points=3_000, reason="迁移", now=mall.now - 9 * DAY
    )
    identifier = customers.NewIdentifier("phone", "13700137000", mall.now)
    customers.add_identifier(
        actor=SYSTEM, person_id=victim.person_id, identifier=identifier, now=mall.now - 2 * HOUR
    )
    loyalty.redeem_points(actor=SYSTEM, member_id=victim.member_id, points=2_500, now=mall.now)
    assert mall.judge() == 1
    found = mall.only().row
    assert (found.detector, found.severity) == ("takeover", 3)


def test_a_desk_that_enrols_for_coupons_is_not_a_file_that_does(mall: Watched) -> None:
    desk = keeper(31, "members.enroll")
    for nth in range(9):
        mall.member(f"羊毛{nth}", actor=desk, now=mall.now - 2 * DAY)
    assert mall.judge() == 0  # nobody took a coupon
    assert Deed.objects.filter(kind="joined", actor="staff:31").count() == 9


def test_who_may_see_and_who_decides(mall: Watched) -> None:
    own = mall.member()
    mall.swipe(own)
    mall.judge()
    alert_id = mall.only().row.id
    stranger = keeper(4, level="mall", ids=(mall.town.other_mall_id,))
    colleague = keeper(5, "risk.view", level="mall", ids=(mall.town.mall_id,))
    assert queries.alerts(stranger).items == []
    with pytest.raises(NotFound):
        queries.alert(stranger, alert_id)
    with pytest.raises(NotFound):
        operations.take_alert(actor=stranger, alert_id=alert_id, now=NOW)
    assert queries.alert(colleague, alert_id).row.id == alert_id
    with pytest.raises(NotAllowed):
        operations.decide_alert(actor=colleague, alert_id=alert_id, confirmed=True, reason="是", now=NOW)
    with pytest.raises(NotAllowed):
        queries.alerts(keeper(6, "members.view"))
    assert Alert.objects.get().state == "open"


def staff(mall: Watched, name: str) -> Viewer:
    made = organization.create_staff(
        actor=SYSTEM, group_id=mall.town.group_id, username=name, name=name, password=None, now=NOW
    )
    return keeper(made)


def test_one_looks_into_it_and_the_other_keeps_out(mall: Watched) -> None:
    mall.swipe(mall.member())
    mall.judge()
    alert_id = mall.only().row.id
    sun, wang = staff(mall, "sunjihe"), staff(mall, "wangjihe")
    operations.take_alert(actor=sun, alert_id=alert_id, now=NOW)
    operations.take_alert(actor=sun, alert_id=alert_id, now=NOW)
    with pytest.raises(operations.AlertTakenBefore):
        operations.take_alert(actor=wang, alert_id=alert_id, now=NOW)
    assert queries.alerts(sun, mine=True).items[0].assignee == "sunjihe"
    operations.give_back_alert(actor=sun, alert_id=alert_id, now=NOW)
    operations.take_alert(actor=wang, alert_id=alert_id, now=NOW)
    with pytest.raises(operations.ReasonMissing):
        operations.decide_alert(actor=wang, alert_id=alert_id, confirmed=True, reason=" ", now=NOW)
    operations.decide_alert(actor=wang, alert_id=alert_id, confirmed=True, reason="监控佐证", now=NOW)
    operations.decide_alert(actor=wang, alert_id=alert_id, confirmed=True, reason="监控佐证", now=NOW)
    with pytest.raises(operations.AlertDecidedBefore):
        operations.decide_alert(actor=wang, alert_id=alert_id, confirmed=False, reason="误报", now=NOW)
    assert AuditEntry.objects.filter(action="risk_alert.confirmed").count() == 1


def test_what_was_decided_comes_back_only_with_new_evidence(mall: Watched) -> None:
    own = mall.member()
    mall.swipe(own)
    mall.judge()
    operations.decide_alert(
        actor=SUN, alert_id=mall.only().row.id, confirmed=False, reason="团购熟客", now=NOW
    )
    mall.buy(mall.member("别人"), cashier="C07")
    assert mall.judge() == 0
    mall.buy(own, cashier="C07")
    assert mall.judge() == 1


def test_a_dismissal_teaches_until_its_day(mall: Watched) -> None:
    own = mall.member()
    mall.swipe(own)
    mall.judge()
    alert_id, until = mall.only().row.id, (NOW + 30 * DAY).date()
    with pytest.raises(operations.ExemptionUnusable):
        operations.decide_alert(
            actor=SUN, alert_id=alert_id, confirmed=False, reason="员工餐", exempt_until=until + 999 * DAY, now=NOW
        )  # fmt: skip
    assert Alert.objects.get().state == "open"
    operations.decide_alert(
        actor=SUN, alert_id=alert_id, confirmed=False, reason="员工餐", exempt_until=until, now=NOW
    )
    mall.buy(own, cashier="C07")
    assert mall.judge() == 0
    [exemption] = queries.exemptions(SUN)
    with pytest.raises(NotFound):
        operations.end_exemption(
            actor=keeper(8, level="mall", ids=(mall.town.other_mall_id,)), exemption_id=exemption.pk, now=NOW
        )
    operations.end_exemption(actor=SUN, exemption_id=exemption.pk, now=NOW)
    mall.buy(own, cashier="C07")
    assert mall.judge() == 1


def test_the_preview_counts_what_would_be_raised(mall: Watched) -> None:
    own = mall.member()
    mall.swipe(own, 10)
    mall.judge()
    [known] = [one for one in queries.detectors(SUN) if one.code == "cashier_self"]
    today = {one.name: one.value for one in known.params}
    same = queries.preview(SUN, "cashier_self", today, now=mall.now)
    assert (same.alerts, same.fresh, same.lines[0].who) == (1, 0, "C07")
    assert queries.preview(SUN, "cashier_self", today | {"receipts": 11}, now=mall.now).alerts == 0
    assert Event.objects.filter(type="zhike.risk.alert_raised").count() == 1
    for code in (one.code for one in queries.detectors(SUN)):
        defaults = {one.name: one.value for one in queries.detector(SUN, code).params}
        queries.preview(SUN, code, defaults, now=mall.now)


def test_parameters_have_versions(mall: Watched) -> None:
    about = {"actor": WANG, "program_id": mall.town.program_id, "detector": "cashier_self", "now": NOW}
    params = {"receipts": 20, "few": 3, "share": 30}
    assert operations.publish_detector(**about, params=params, is_on=True, note="误报多") == 1  # type: ignore[arg-type]
    assert operations.publish_detector(**about, params=params, is_on=True) == 1  # type: ignore[arg-type]
    with pytest.raises(operations.DetectorChanged):
        operations.publish_detector(**about, params=params, is_on=False, replaces=0)  # type: ignore[arg-type]
    with pytest.raises(operations.DetectorUnusable) as bad:
        operations.publish_detector(**about, params=params | {"share": 101}, is_on=True)  # type: ignore[arg-type]
    assert list(bad.value.fields) == ["share"]
    with pytest.raises(NotAllowed):
        operations.publish_detector(**about | {"actor": SUN}, params=params, is_on=True)  # type: ignore[arg-type]
    mall.swipe(mall.member(), 12)
    assert mall.judge() == 0
    operations.publish_detector(**about, params=params | {"receipts": 8}, is_on=False)  # type: ignore[arg-type]
    mall.buy(mall.members[0], cashier="C07")
    assert mall.judge() == 0
    operations.publish_detector(**about, params=params | {"receipts": 8}, is_on=True)  # type: ignore[arg-type]
    mall.buy(mall.members[0], cashier="C07")
    assert mall.judge() == 1
    assert [one.version for one in queries.detector(WANG, "cashier_self").versions] == [3, 2, 1]
    assert mall.only().version == 3


def test_merged_members_are_one_and_part_again(mall: Watched) -> None:
    """Two cards of one person are weighed together; whose evidence it is stays known."""
    first, second = mall.member("赵六"), mall.member("赵六")
    merged = loyalty.merge_persons(
        actor=SYSTEM, survivor_id=first.person_id, merged_id=second.person_id, reason="同一人", now=NOW
    )
    for nth in range(5):
        mall.buy(first if nth % 2 else second, at=mall.now + nth * dt.timedelta(minutes=5))
    mall.now += HOUR
    assert mall.judge() == 1
    assert mall.only().row.member_id == first.member_id
    assert len(queries.alerts_of_member(SUN, second.member_id)) == 1
    loyalty.unmerge_persons(actor=SYSTEM, merge_id=merged.merge_id, reason="不是", now=NOW)
    for side in (first, second):
        assert len(queries.alerts_of_member(SUN, side.member_id)) == 1
    assert mall.judge() == 0


def test_deeds_follow_from_the_log(mall: Watched) -> None:
    own = mall.member()
    mall.swipe(own, 3)
    mall.judge()
    before = sorted(Deed.objects.values_list("position", "kind", "person_id", "actor", "points", "fen"))
    Deed.objects.filter(kind="sale").update(points=7)
    rebuild(risk_deeds)
    after = sorted(Deed.objects.values_list("position", "kind", "person_id", "actor", "points", "fen"))
    assert after == before
    assert operations.drop_old_deeds(actor=SYSTEM, now=NOW + 400 * DAY) == len(before)


def test_the_board_adds_up(mall: Watched) -> None:
    for name in ("甲", "乙"):
        mall.swipe(mall.member(name), cashier=name)
    mall.judge()
    first, second = mall.open()
    operations.decide_alert(actor=SUN, alert_id=first.id, confirmed=True, reason="属实", now=NOW + 2 * HOUR)
    operations.decide_alert(actor=SUN, alert_id=second.id, confirmed=False, reason="误报", now=NOW + 4 * HOUR)
    board = queries.board(SUN, now=NOW + 5 * HOUR)
    assert (board.open, board.confirmed, board.dismissed, board.precision) == (0, 1, 1, 0.5)
    assert board.hours == 3.0
    assert sum(week[1] for week in board.weeks) == 2
    assert queries.board(keeper(3, level="mall", ids=(mall.town.other_mall_id,)), now=NOW).confirmed == 0


@pytest.mark.django_db(transaction=True)
def test_eight_judges_raise_one_alert() -> None:
    mall = watched()
    mall.swipe(mall.member())
    from zhike.kernel.events import drain

    drain(risk_deeds)
    raised = run_threads([partial(operations.judge_deeds, actor=SYSTEM, now=NOW)] * 8)
    assert sorted(raised) == [0] * 7 + [1]
    assert (Alert.objects.count(), Evidence.objects.count()) == (1, 12)
