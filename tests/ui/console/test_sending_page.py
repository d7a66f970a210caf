"""The page “发送”: figures, refusals by reason, the messages behind them, the policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.messaging.test_sending import Town, ask, town, write  # noqa: F401
from tests.people import meet
from tests.ui.console.world import Desks, build_desks
from zhike.kernel import clock
from zhike.kernel.access import Viewer, system_viewer
from zhike.messaging import operations, queries

Enter = Callable[[Viewer], Client]


@pytest.fixture
def desks(town: Town) -> Desks:  # noqa: F811
    return build_desks(town.malls, clock.now())


@pytest.mark.feature("C136", "B19")
def test_figures_lead_to_the_messages_behind_them(town: Town, desks: Desks, enter: Enter) -> None:  # noqa: F811
    silent = meet(town.malls, "王五", "13700137000")
    now = clock.now()
    ask(town.zhang, silent, now=now)
    operations.send_due(actor=system_viewer("postman"), now=now)
    client = enter(desks.chen)
    page = client.get("/console/sending/").content.decode()
    assert "未同意在该渠道接收营销信息" in page
    behind = client.get("/console/sending/messages/?gate=consent&reason=no_consent").content.decode()
    assert behind.count("<tr>") == 2
    assert "13700137000" not in behind
    assert client.get("/console/sending/messages/?gate=minor").content.decode().count("<tr>") == 0
    fragment = client.get("/console/sending/?channel=sms", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert enter(desks.li).get("/console/sending/").status_code == 403
    other_mall = enter(desks.qian).get("/console/sending/").content.decode()
    assert "未同意在该渠道" not in other_mall


@pytest.mark.feature("B19")
def test_policy_is_changed_by_who_may(town: Town, desks: Desks, enter: Enter) -> None:  # noqa: F811
    form: dict[str, Any] = {
        "quiet_from": "20:30", "quiet_until": "09:00", "when_quiet": "drop", "total_per_day": 1,
        "total_per_month": 5, "budget_yuan": 100,
    } | {f"{channel}_{span}": 0 for channel in queries.CHANNELS for span in ("day", "month")}  # fmt: skip
    assert enter(desks.chen).post("/console/sending/policy/", form).status_code == 403
    client = enter(desks.admin)
    assert client.get("/console/sending/policy/").status_code == 200
    late = client.post("/console/sending/policy/", form | {"quiet_from": "23:00"})
    assert "18:00" in late.content.decode()
    assert client.post("/console/sending/policy/", form).status_code == 302
    policy = queries.policy(desks.admin, clock.now())
    assert (policy.quiet_from.hour, policy.budget_fen, policy.total_per_month) == (20, 10_000, 5)
