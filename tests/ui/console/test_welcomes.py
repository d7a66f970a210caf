"""A welcome offer is published, looked at and filtered; the phone and the counter show it to whom it is for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.console.conftest import said
from tests.ui.console.world import Desks, World, enroll, sell
from zhike.engagement import operations
from zhike.engagement.models import WelcomeVersion
from zhike.kernel.access import Viewer, system_viewer

pytestmark = pytest.mark.feature("C061")
SYSTEM = system_viewer("tests")
FORM: dict[str, Any] = {
    "times": "1.5", "points": "66", "points_max": "", "batch_id": "", "coupon_on": "joining", "minimum_fen": "50",
    "days_to_buy": "30", "wait_days": "0", "per_device": "on", "quota": "500", "budget_points": "", "validity_days": "",
    "payer": "mall", "share": "100", "effective_from": "", "is_open": "on", "reason": "开业拉新",
}  # fmt: skip


def test_published_looked_at_and_filtered(
    world: World, desks: Desks, admin: Client, enter: Callable[[Viewer], Client]
) -> None:
    place = f"?mall={world.malls.star}"
    edit = f"/console/welcome/edit/{place}"
    assert "还没有新人礼" in said(admin.get(f"/console/welcome/{place}"))
    for wrong in ({"times": "1", "points": "0"}, {"minimum_fen": ""}, {"effective_from": "2020-01-01T10:00"}):
        assert admin.post(edit, FORM | wrong).status_code == 422
    assert not WelcomeVersion.objects.exists()
    assert admin.post(edit, FORM).status_code == 302
    assert WelcomeVersion.objects.get().terms["multiplier_bp"] == 15_000
    joined = WelcomeVersion.objects.get().effective_from + dt.timedelta(minutes=1)
    month = dt.timedelta(days=30)
    member = enroll(world.malls, "周七", "13700137001", world.malls.star, world.malls.cafe, joined + month)
    later = joined + dt.timedelta(minutes=1)
    sell(world.malls.star, world.malls.cafe, 8_000, later, member.person_id, later)
    operations.review_welcome(actor=SYSTEM, person_id=member.person_id, now=joined + dt.timedelta(minutes=2))
    page = said(admin.get(f"/console/welcome/{place}"))
    assert "积分 1.5 倍" in page and "开业拉新" in page and "周七" in page
    rows = admin.get(f"/console/welcome/{place}&status=lapsed", headers={"HX-Request": "true"})
    assert "周七" not in said(rows)
    assert 'value="1.5"' in said(admin.get(edit))
    assert "周七" not in said(enter(desks.qian).get(f"/console/welcome/{place}"))
    assert enter(desks.li).get(f"/console/welcome/{place}").status_code == 403
