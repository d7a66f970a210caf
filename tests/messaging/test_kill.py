"""kill -9 while a vendor is being called: nobody gets a message twice, nobody is forgotten."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading

import pytest

from tests.integrations.vendors import SYSTEM, aliyun, approve_at_vendor, open_account
from tests.people import build_malls
from zhike.kernel import clock
from zhike.messaging import operations
from zhike.messaging.models import Dispatch, OutboundMessage

COUNT = 6


@pytest.mark.feature("C128")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", ["before the vendor takes them", "after the vendor took them"])
def test_killed_in_the_middle_of_a_call(moment: str) -> None:
    build_malls()
    reached, released = threading.Event(), threading.Event()

    def hold(action: str) -> str:
        if action != "SendBatchSms" or released.is_set():
            return ""
        if moment.startswith("before"):
            reached.set()
            released.wait(30)
            return "drop_before"
        return "hang"

    with aliyun(fault=hold) as emulator:
        account_id = open_account(emulator.url)
        approve_at_vendor(emulator, account_id)
        for number in range(COUNT):
            operations.send_one_time_code(
                actor=SYSTEM, phone=f"1380013800{number}", purpose="log_in", language="", now=clock.now()
            )
        command = [sys.executable, "-m", "tests.messaging.killed_sender"]
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "zhike.config.settings"}
        process = subprocess.Popen(command, env=environment)
        if moment.startswith("before"):
            assert reached.wait(30)
        else:
            while len(emulator.operator.sent) < COUNT:
                assert process.poll() is None
                threading.Event().wait(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        released.set()
        assert set(OutboundMessage.objects.values_list("status", flat=True)) == {"sending"}
        OutboundMessage.objects.update(expires_at=clock.now() + dt.timedelta(hours=2))
        for minutes in (0, 3, 14, 15, 30):
            later = clock.now() + dt.timedelta(minutes=minutes)
            operations.look_up_lost(actor=SYSTEM, now=later)
            operations.send_due(actor=SYSTEM, now=later)
    assert len(emulator.operator.sent) == COUNT
    assert len({sms.phone for sms in emulator.operator.sent}) == COUNT
    assert set(OutboundMessage.objects.values_list("status", flat=True)) == {"sent"}
    assert not Dispatch.objects.exclude(state="done").exists()
