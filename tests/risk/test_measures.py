"""What an alert leads to: freezes, withdrawals, void coupons; by two people above the limit, and undone."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.kernel.threads import run_threads
from tests.loyalty.conftest import NOW, SYSTEM
from tests.offers.conftest import make_batch
from tests.risk.conftest import SUN, WANG, Watched, keeper, watched
from zhike.customers.queries import viewer_of_person
from zhike.kernel.errors import NotAllowed, NotFound, Problem
from zhike.kernel.models import Event
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as loyalty_queries
from zhike.offers import operations as offers
from zhike.offers.models import Coupon
from zhike.risk import operations, queries
from zhike.risk.models import Measure, Objection

pytestmark = pytest.mark.feature("C080", "B16")


@pytest.fixture
def caught(mall: Watched) -> queries.AlertView:
    mall.swipe(mall.member("收银员自己"))
    mall.judge()
    return mall.only()


def take(alert: queries.AlertView, kind: str = "freeze", **more: Any) -> int:
    more = {"actor": SUN, "reason": "刷自己的卡"} | more
    return operations.take_measure(alert_id=alert.row.id, kind=kind, now=NOW, **more)


def receipts(alert: queries.AlertView) -> list[str]:
    return [str(one.receipt) for one in alert.evidence]


def balance(mall: Watched) -> int:
    return loyalty_queries.balance_of(mall.members[0].member_id)


def test_a_freeze_stops_spending_and_is_lifted(mall: Watched, caught: queries.AlertView) -> None:
    member_id = mall.members[0].member_id
    with pytest.raises(operations.NobodyToFreeze):
        take(caught)
    other = mall.member("不相干")
    with pytest.raises(operations.MeasureUnusable):
        take(caught, member_id=other.member_id)
    frozen = take(caught, member_id=member_id)
    with pytest.raises(operations.FrozenAlready):
        take(caught, member_id=member_id)
    assert Measure.objects.get(id=frozen).points == 2_400
    with pytest.raises(loyalty.SpendingStopped):
        loyalty.redeem_points(actor=SYSTEM, member_id=member_id, points=10, now=NOW)
    with pytest.raises(operations.MeasuresStand):
        operations.decide_alert(actor=SUN, alert_id=caught.row.id, confirmed=False, reason="误报", now=NOW)
    operations.undo_measure(actor=SUN, measure_id=frozen, reason="误报", now=NOW)
    with pytest.raises(operations.NothingToUndo):
        operations.undo_measure(actor=SUN, measure_id=frozen, reason="误报", now=NOW)
    loyalty.redeem_points(actor=SYSTEM, member_id=member_id, points=10, now=NOW)
    operations.decide_alert(actor=SUN, alert_id=caught.row.id, confirmed=False, reason="误报", now=NOW)
    assert [one.state for one in queries.alert(SUN, caught.row.id).measures] == ["undone"]


def test_named_receipts_lose_what_they_gave_and_get_it_back(mall: Watched, caught: queries.AlertView) -> None:
    chosen = receipts(caught)[:5]
    with pytest.raises(operations.MeasureUnusable):
        take(caught, "withdraw", items=[*chosen, "01a20392-2e57-722b-82e7-1008169c3f87"])
    with pytest.raises(operations.MeasureUnusable):
        take(caught, "withdraw", items=[])
    done = take(caught, "withdraw", items=chosen)
    assert balance(mall) == 1_400
    with pytest.raises(loyalty.NothingToWithdraw):
        take(caught, "withdraw", items=chosen)
    view = queries.alert(SUN, caught.row.id)
    assert sum(one.withdrawn for one in view.evidence) == view.measures[0].points == 1_000
    operations.undo_measure(actor=SUN, measure_id=done, reason="申诉成立", now=NOW)
    assert balance(mall) == 2_400
    assert loyalty_queries.verify_ledger().findings == []


def test_above_the_limit_a_second_person_decides(mall: Watched, caught: queries.AlertView) -> None:
    operations.set_second_person_limit(actor=WANG, program_id=mall.town.program_id, points=1_000, now=NOW)
    with pytest.raises(NotAllowed):
        operations.set_second_person_limit(actor=SUN, program_id=mall.town.program_id, points=9, now=NOW)
    waits = take(caught, "withdraw", items=receipts(caught), actor=WANG)
    assert balance(mall) == 2_400
    with pytest.raises(operations.SecondPersonNeeded):
        operations.decide_measure(actor=WANG, measure_id=waits, approve=True, now=NOW)
    with pytest.raises(NotAllowed):
        operations.decide_measure(actor=SUN, measure_id=waits, approve=True, now=NOW)
    lin = keeper(3, "risk.handle", "risk.approve")
    operations.decide_measure(actor=lin, measure_id=waits, approve=True, now=NOW)
    operations.decide_measure(actor=lin, measure_id=waits, approve=True, now=NOW)
    assert balance(mall) == 0
    with pytest.raises(operations.MeasureDecided):
        operations.decide_measure(actor=lin, measure_id=waits, approve=False, now=NOW)
    assert Event.objects.filter(type="zhike.risk.measure_taken").count() == 1
    refused = take(queries.alert(SYSTEM, caught.row.id), member_id=mall.members[0].member_id)
    assert Measure.objects.get(id=refused).state == "done"


def test_a_refused_measure_changes_nothing(mall: Watched, caught: queries.AlertView) -> None:
    operations.set_second_person_limit(actor=WANG, program_id=mall.town.program_id, points=0, now=NOW)
    waits = take(caught, "withdraw", items=receipts(caught))
    operations.decide_measure(actor=WANG, measure_id=waits, approve=False, note="证据不足", now=NOW)
    assert balance(mall) == 2_400
    assert Measure.objects.get(id=waits).state == "refused"


def test_a_member_objects_and_somebody_else_answers(mall: Watched, caught: queries.AlertView) -> None:
    member = mall.members[0]
    frozen = take(caught, member_id=member.member_id)
    me, stranger = viewer_of_person(member.person_id), viewer_of_person(mall.member("路人").person_id)
    with pytest.raises(NotFound):
        operations.raise_objection(actor=stranger, measure_id=frozen, text="凭什么", now=NOW)
    with pytest.raises(operations.ObjectionUnusable):
        operations.raise_objection(actor=me, measure_id=frozen, text=" ", now=NOW)
    objection = operations.raise_objection(actor=me, measure_id=frozen, text="都是我自己买的", now=NOW)
    with pytest.raises(operations.ObjectionOpen):
        operations.raise_objection(actor=me, measure_id=frozen, text="再说一次", now=NOW)
    [told] = queries.freezes_of_person(member.person_id)
    assert told.objection is not None
    assert told.objection.text == "都是我自己买的"
    answer: dict[str, Any] = {
        "objection_id": objection,
        "upheld": True,
        "answer": "核实无误，已解除。",
        "now": NOW,
    }
    with pytest.raises(operations.SecondPersonNeeded):
        operations.answer_objection(actor=SUN, **answer)
    operations.answer_objection(actor=WANG, **answer)
    operations.answer_objection(actor=WANG, **answer)
    assert queries.freezes_of_person(member.person_id) == []
    assert Objection.objects.get().is_upheld
    loyalty.redeem_points(actor=SYSTEM, member_id=member.member_id, points=10, now=NOW)


def test_coupons_are_made_void_and_count_again(mall: Watched, caught: queries.AlertView) -> None:
    member = mall.members[0]
    batch = make_batch(mall.town)
    coupon = offers.give_coupon(actor=SYSTEM, batch_id=batch, member_id=member.member_id, now=NOW).coupon_id
    others = offers.give_coupon(
        actor=SYSTEM, batch_id=batch, member_id=mall.member("不相干").member_id, now=NOW
    ).coupon_id
    with pytest.raises(operations.MeasureUnusable):
        take(caught, "void", items=[str(others)])
    done = take(caught, "void", items=[str(coupon)])
    assert Coupon.objects.get(id=coupon).status == "void"
    with pytest.raises(operations.MeasureUnusable):  # there is nothing left to void
        take(caught, "void", items=[str(coupon)])
    with pytest.raises(NotAllowed):
        offers.reinstate_coupon(actor=keeper(7, "risk.handle"), coupon_id=coupon, reason="误", now=NOW)
    operations.undo_measure(actor=SUN, measure_id=done, reason="误伤", now=NOW)
    assert Coupon.objects.get(id=coupon).status == "issued"
    offers.reinstate_coupon(actor=SUN, coupon_id=coupon, reason="误伤", now=NOW)
    assert Event.objects.filter(type="zhike.offers.coupon_reinstated").count() == 1


def test_strangers_take_no_measures(mall: Watched, caught: queries.AlertView) -> None:
    stranger = keeper(9, level="mall", ids=(mall.town.other_mall_id,))
    member_id = mall.members[0].member_id
    with pytest.raises(NotFound):
        take(caught, member_id=member_id, actor=stranger)
    frozen = take(caught, member_id=member_id)
    with pytest.raises(NotFound):
        operations.undo_measure(actor=stranger, measure_id=frozen, reason="放了他", now=NOW)
    assert Measure.objects.get().state == "done"


@pytest.mark.django_db(transaction=True)
def test_32_withdraw_and_freeze_at_once_and_each_happens_once() -> None:
    mall = watched()
    mall.swipe(mall.member(), 8)
    mall.judge()
    alert = mall.only()
    member_id = mall.members[0].member_id

    def act(number: int) -> str:
        try:
            if number % 2:
                take(alert, member_id=member_id)
            else:
                take(alert, "withdraw", items=receipts(alert))
        except Problem as problem:
            return problem.code
        return "done"

    outcomes = run_threads([partial(act, number) for number in range(32)])
    assert outcomes.count("done") == 2
    assert set(outcomes) == {"done", "frozen-already", "nothing-to-withdraw"}
    assert balance(mall) == 0
    assert loyalty_queries.verify_ledger().findings == []
