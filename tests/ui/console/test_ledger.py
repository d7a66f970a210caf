"""The proof's page: signed days to keep, keys to write down, the ledger to take away."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.conftest import said
from tests.ui.console.world import SYSTEM, Desks, World
from tools import verify_ledger as auditor
from zhike.kernel.access import Viewer
from zhike.loyalty import operations, queries

pytestmark = pytest.mark.feature("N1")
Enter = Callable[[Viewer], Client]


def test_a_signed_day_is_shown_and_kept(world: World, admin: Client) -> None:
    assert "还没有签名的日期" in said(admin.get("/console/ledger/"))
    day = operations.sign_day(actor=SYSTEM, now=world.now)
    page = said(admin.get("/console/ledger/"))
    assert queries.public_keys(SYSTEM)["k1"] in page
    assert "吻合" in page
    kept = admin.get(f"/console/ledger/digests/{day}/")
    file = json.loads(kept.content)
    assert json.loads(file["document"])["day"] == day.isoformat()
    assert kept["Content-Disposition"] == f'attachment; filename="ledger-{day}.json"'
    for unknown in (day + dt.timedelta(days=1), "yesterday"):
        assert admin.get(f"/console/ledger/digests/{unknown}/").status_code == 404


def test_the_export_can_be_checked_and_is_audited(world: World, admin: Client, tmp_path) -> None:  # type: ignore[no-untyped-def]
    answer = admin.post("/console/ledger/export/")
    path = tmp_path / "ledger.zip"
    path.write_bytes(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    ledger = auditor.verify(path)
    assert ledger.findings == []
    assert ledger.counts["loyalty_transfer"] > 0
    assert "积分账本已导出" in said(admin.get("/console/audit/"))


def test_others_neither_see_nor_take_it(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.wang)
    assert browser.post("/console/ledger/export/").status_code == 403
    assert browser.get("/console/ledger/digests/2026-01-01/").status_code == 403
