"""Descriptive reports in the console: page, chart, file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.insight.leavers import newcomers
from tests.ui.console.conftest import said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.insight import operations
from zhike.kernel.access import Viewer
from zhike.kernel.models import AuditEntry

pytestmark = pytest.mark.feature("C057")


def test_a_report_is_shown_and_filed(
    world: World, admin: Client, desks: Desks, enter: Callable[[Viewer], Client]
) -> None:
    newcomers(world.malls, 12, "R1", world.now)
    operations.refresh_standings(actor=SYSTEM, now=world.now)
    page = said(admin.get("/console/reports/"))
    assert "潜在" in page and "12" in page and "不予显示" in page
    crossed = "/console/reports/?by=tier&also=sex&measure=mean"
    assert "等级" in said(admin.get(crossed))
    assert admin.get("/console/reports/?by=x&also=y&segment=999").status_code == 404
    assert admin.post(crossed, {"reason": "", "kind": "csv", "once": "r1"}).status_code == 422
    file: Any = admin.post(crossed, {"reason": "年报", "kind": "csv", "once": "r1"})
    lines = b"".join(file.streaming_content).decode("utf-8-sig").splitlines()
    assert len(lines) > 1 and "人均消费" in lines[0]
    sheet = admin.post("/console/reports/", {"reason": "年报", "kind": "xlsx", "once": "r2"})
    assert sheet.content.startswith(b"PK")
    assert AuditEntry.objects.filter(action="report.export", reason="年报").count() == 2
    assert enter(desks.wang).get("/console/reports/").status_code == 200
    assert enter(desks.li).get("/console/reports/").status_code == 403
