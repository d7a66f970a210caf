"""The page of the liability, its valuation and the journal that leaves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX, said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.loyalty import queries

pytestmark = pytest.mark.feature("B14")
Enter = Callable[[Viewer], Client]


def valuation(world: World, **changes: str) -> dict[str, str]:
    form = {"value_points": "100", "value_fen": "1.00", "redemption_percent": "60", "note": "首版"}
    form |= {"effective_on": f"{world.now:%Y-%m}", "expense": "=6601", "receivable": "1221"}
    return form | {"provision": "2801", "payable": "2241"} | changes


def test_from_points_to_postings(world: World, admin: Client) -> None:
    page = said(admin.get("/console/liability/"))
    assert "与账本逐分相符" in page
    assert "尚未设置积分计价" in page
    admin.post("/console/liability/valuation/", valuation(world), headers=HTMX)
    assert queries.provision_policies(SYSTEM, world.program_id)[0].redemption_bp == 6_000
    month = f"{queries.liability(SYSTEM, world.program_id, world.now).months[-1].month:%Y-%m}"
    assert "会计分录" in said(admin.get(f"/console/liability/?month={month}"))
    file = admin.post("/console/liability/journal/", {"month": month})
    text = b"".join(file.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert "'=6601" in text
    assert "\n=6601" not in text
    assert "积分分录已导出" in said(admin.get("/console/audit/"))


def test_a_valuation_of_the_past_is_refused_beside_the_form(world: World, admin: Client) -> None:
    admin.post("/console/liability/valuation/", valuation(world), headers=HTMX)
    past = f"{world.now - dt.timedelta(days=70):%Y-%m}"
    answer = admin.post("/console/liability/valuation/", valuation(world, effective_on=past), headers=HTMX)
    assert answer.status_code == 422
    assert len(queries.provision_policies(SYSTEM, world.program_id)) == 1


def test_months_nobody_knows(world: World, admin: Client) -> None:
    for month in ("", "1999-01", "x"):
        assert admin.post("/console/liability/journal/", {"month": month}).status_code == 404


def test_a_mall_manager_has_no_say(world: World, desks: Desks, enter: Enter) -> None:
    browser = enter(desks.wang)
    assert browser.post("/console/liability/valuation/", valuation(world)).status_code == 403
    assert browser.post("/console/liability/journal/", {"month": "2026-01"}).status_code == 403
