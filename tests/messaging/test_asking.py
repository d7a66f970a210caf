"""Receipts that a vendor never pushed are asked for: when, of whom, and what follows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.integrations.test_aliyun_sms import _until
from tests.integrations.vendors import SYSTEM, aliyun, approve_at_vendor, open_account, tencent
from tests.people import build_malls
from zhike.kernel import clock
from zhike.messaging import operations
from zhike.messaging.models import DeliveryReport, OutboundMessage

pytestmark = [pytest.mark.feature("C128", "C136"), pytest.mark.django_db]
HALF_HOUR = dt.timedelta(minutes=30)


@pytest.mark.parametrize(("vendor", "play"), [("aliyun_sms", aliyun), ("tencent_sms", tencent)])
def test_receipt_that_was_never_pushed_is_asked_for(vendor: str, play: Any) -> None:
    build_malls()
    now = clock.now()
    with play() as emulator:
        account_id = open_account(emulator.url, vendor)
        approve_at_vendor(emulator, account_id)
        for phone in ("+8613800138000", "+8613000000000"):
            operations.send_one_time_code(actor=SYSTEM, phone=phone, purpose="log_in", language="", now=now)
        operations.send_due(actor=SYSTEM, now=now)
        assert set(OutboundMessage.objects.values_list("status", flat=True)) == {"sent"}
        _until(lambda: all(sms.status not in ("", 0, 1) for sms in emulator.operator.sent))
        assert operations.ask_for_reports(actor=SYSTEM, now=now + HALF_HOUR - dt.timedelta(seconds=1)) == 0
        assert operations.ask_for_reports(actor=SYSTEM, now=now + HALF_HOUR) == 2
        assert operations.ask_for_reports(actor=SYSTEM, now=now + dt.timedelta(days=1)) == 0
    told = OutboundMessage.objects.order_by("id").values_list("status", flat=True)
    assert list(told) == ["delivered", "failed"]
    assert DeliveryReport.objects.count() == 2


def test_vendor_that_does_not_answer_is_asked_again_twelve_hours_later_and_no_longer_than_three_days() -> (
    None
):
    build_malls()
    now = clock.now()
    with aliyun() as emulator:
        account_id = open_account(emulator.url)
        approve_at_vendor(emulator, account_id)
        operations.send_one_time_code(
            actor=SYSTEM, phone="+8613800138000", purpose="log_in", language="", now=now
        )
        operations.send_due(actor=SYSTEM, now=now)
        _until(lambda: all(sms.status not in ("", 0, 1) for sms in emulator.operator.sent))
        emulator.operator.fault = lambda action: "throttle"
        for hours, found in ((1, 0), (2, 0), (13, 1)):
            if hours == 13:
                emulator.operator.fault = lambda action: ""
            at = now + dt.timedelta(hours=hours)
            assert operations.ask_for_reports(actor=SYSTEM, now=at) == found, hours
        OutboundMessage.objects.update(status="sent", asked_at=None)
        assert operations.ask_for_reports(actor=SYSTEM, now=now + dt.timedelta(days=3)) == 0
