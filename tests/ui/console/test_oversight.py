"""The pages of oversight: the queue, one alert with its measures, the board, the detectors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.ui.console.conftest import said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.kernel.events import drain
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries as loyalty_queries
from zhike.risk import operations, queries
from zhike.risk.handlers import risk_deeds
from zhike.risk.models import Alert, DetectorVersion, Measure, Objection
from zhike.sales import operations as sales

pytestmark = pytest.mark.feature("C080", "B16")
Enter = Callable[[Viewer], Client]


@pytest.fixture
def alert(world: World) -> Alert:
    """A cashier who swiped one card nine times."""
    member = loyalty.enroll_member(
        actor=SYSTEM,
        name="孟小芳",
        phone="13912345678",
        mall_id=world.malls.star,
        source="counter",
        now=world.now,
    )
    for nth in range(9):
        at = world.now - dt.timedelta(days=9 - nth)
        receipt = sales.NewReceipt(
            merchant_id=world.malls.cafe, mall_id=world.malls.star, kind="sale", till="9", number=f"OV{nth}",
            business_date=at.date(), occurred_at=at, cashier="C07", person_id=member.person_id,
            lines=(sales.NewLine(1, "S", "手冲咖啡", Decimal(1), 30_000, 30_000),),
            tenders=(sales.NewTender("cash", 30_000),),
        )  # fmt: skip
        loyalty.take_receipt(actor=SYSTEM, receipt=receipt, now=at)
    drain(risk_deeds)
    operations.judge_deeds(actor=SYSTEM, now=world.now)
    return Alert.objects.get(detector="cashier_self")


def url(name: str, *args: Any) -> str:
    return reverse(f"console:{name}", args=args)


def test_an_alert_goes_through_the_queue(alert: Alert, admin: Client) -> None:
    page = said(admin.get(url("oversight")))
    assert "收银员反复为少数会员积分" in page
    assert "9笔消费只来自1位会员" in page
    admin.post(url("take_risk_alert", alert.pk))
    assert "核查中" in said(admin.get(url("oversight") + "?mine=1", headers={"HX-Request": "true"}))
    admin.post(url("give_back_risk_alert", alert.pk))
    assert said(admin.get(url("confirm_risk_alert", alert.pk)))
    admin.post(url("confirm_risk_alert", alert.pk), {"reason": "监控佐证", "once": "a1"})
    assert Alert.objects.get().state == "confirmed"
    shown = said(admin.get(url("risk_alert", alert.pk)))
    assert "监控佐证" in shown
    assert "监控佐证" not in said(admin.get(url("oversight") + "?state=dismissed"))
    assert "100" in said(admin.get(url("risk_board")))


def test_measures_from_the_page(alert: Alert, admin: Client, enter: Enter, desks: Desks) -> None:
    found = queries.alert(SYSTEM, alert.pk)
    member_id = found.concerned[0].member_id
    assert "孟小芳" in said(admin.get(url("risk_freeze", alert.pk)))
    admin.post(url("risk_freeze", alert.pk), {"member": member_id, "reason": "先冻结", "once": "f1"})
    admin.post(url("risk_freeze", alert.pk), {"member": member_id, "reason": "先冻结", "once": "f1"})
    frozen = Measure.objects.get(kind="freeze")
    assert "积分已冻结" in said(admin.get(url("member", member_id)))
    items = ",".join(str(one.receipt) for one in found.evidence[:2])
    dialog = said(admin.get(url("risk_withdraw", alert.pk) + f"?items={found.evidence[0].receipt}"))
    assert str(found.evidence[0].receipt) in dialog
    admin.post(url("risk_withdraw", alert.pk), {"items": items, "reason": "自刷", "once": "w1"})
    before = loyalty_queries.balance_of(member_id)
    gone = Measure.objects.get(kind="withdraw")
    admin.post(url("risk_object", alert.pk, gone.pk), {"text": "不对", "once": "o0"})
    admin.post(url("undo_risk_measure", alert.pk, gone.pk), {"reason": "查错了", "once": "u1"})
    assert loyalty_queries.balance_of(member_id) > before
    admin.post(url("risk_object", alert.pk, frozen.pk), {"text": "都是自己买的", "once": "o1"})
    objection = Objection.objects.get(measure=frozen)
    assert "都是自己买的" in said(admin.get(url("risk_alert", alert.pk)))
    assert said(admin.get(url("risk_answer", alert.pk, objection.pk)))
    refused = admin.post(
        url("risk_answer", alert.pk, objection.pk), {"upheld": "yes", "answer": "对不起", "once": "n1"}
    )
    assert "须由另一人决定" in said(refused)
    other = enter(desks.wang)
    other.post(
        url("risk_answer", alert.pk, objection.pk), {"upheld": "yes", "answer": "对不起", "once": "n2"}
    )
    assert Measure.objects.get(pk=frozen.pk).state == "undone"
    admin.post(
        url("dismiss_risk_alert", alert.pk),
        {
            "reason": "误会",
            "exempt_until": (alert.opened_at + dt.timedelta(days=9)).date().isoformat(),
            "once": "d1",
        },
    )
    page = said(admin.get(url("risk_alert", alert.pk)))
    assert "豁免至" in page
    exemption = queries.alert(SYSTEM, alert.pk).exemption_id
    admin.post(url("end_risk_exemption", alert.pk, exemption))
    assert queries.alert(SYSTEM, alert.pk).exempt_until is None


def test_a_second_person_decides(alert: Alert, admin: Client, enter: Enter, desks: Desks) -> None:
    admin.post(url("risk_limit"), {"points": "10", "once": "l1"})
    items = ",".join(str(one.receipt) for one in queries.alert(SYSTEM, alert.pk).evidence)
    admin.post(url("risk_withdraw", alert.pk), {"items": items, "reason": "自刷", "once": "w1"})
    waits = Measure.objects.get()
    assert waits.state == "asked"
    other = enter(desks.wang)
    assert "待复核" in said(other.get(url("risk_alert", alert.pk)))
    other.post(url("decide_risk_measure", alert.pk, waits.pk, "approve"))
    assert Measure.objects.get().state == "done"


def test_numbers_are_tried_and_put_in_force(alert: Alert, admin: Client) -> None:
    assert "单人一次最多追回" in said(admin.get(url("risk_detectors")))
    address = url("risk_detector", "cashier_self")
    fields = {
        "p_receipts": "5",
        "p_few": "3",
        "p_share": "30",
        "is_on": "on",
        "replaces": "0",
        "note": "收紧",
    }
    tried = said(admin.post(address, fields | {"try": "1"}))
    assert "最近30天会产生1条预警" in tried
    assert not DetectorVersion.objects.exists()
    assert admin.post(address, fields | {"p_share": "900", "try": "1"}).status_code == 422
    admin.post(address, fields | {"publish": "1"})
    assert DetectorVersion.objects.get().params["receipts"] == 5
    assert "收紧" in said(admin.get(address))
    assert admin.get(url("risk_detector", "nonsense")).status_code == 404


def test_strangers_see_nothing(alert: Alert, enter: Enter, desks: Desks) -> None:
    assert enter(desks.qian).get(url("risk_alert", alert.pk)).status_code == 404
    assert enter(desks.li).get(url("oversight")).status_code == 403
