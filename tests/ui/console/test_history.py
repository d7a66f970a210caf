"""The columnar history in the console and over the API."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.test import Client
from openpyxl import load_workbook

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import make_key
from tests.ui.console.conftest import said
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.history import operations
from zhike.history.models import LakeRun
from zhike.kernel.access import Viewer
from zhike.kernel.models import AuditEntry
from zhike.ui.cli.history import history

pytestmark = pytest.mark.feature("C017", "C022")


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, settings: Any) -> None:
    settings.HISTORY_DIR = tmp_path / "history"


def test_tables_runs_and_figures(
    world: World, admin: Client, desks: Desks, enter: Callable[[Viewer], Client]
) -> None:
    assert "尚未运行" in said(admin.get("/console/history/"))
    assert "暂无数据" in said(admin.get("/console/history/figures/"))
    run_id = operations.export_history(actor=SYSTEM, now=world.now)
    page = said(admin.get("/console/history/"))
    assert "小票明细" in page and "双边核对" in page and "不一致" not in page.split("运行")[0]
    run = said(admin.get(f"/console/history/runs/{run_id}/"))
    assert "增量更新" in run and "每日小票" in run
    assert admin.get(f"/console/history/runs/{run_id + 1}/").status_code == 404
    figures = said(admin.get("/console/history/figures/"))
    assert "复购留存" in figures and "从浏览到下单" in figures
    for code in ("cohort", "funnel", "daily", "sessions", "rfm"):
        answer = admin.get(f"/console/history/figures/?export={code}")
        rows = list(load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True))
        assert rows and rows[0][0], code
    assert admin.get("/console/history/figures/?export=other").status_code == 404
    LakeRun.objects.filter(pk=run_id).update(state="differs", fault="orders, rfm")
    assert "历史库与数据库不一致" in said(admin.get("/console/history/"))
    assert admin.post("/console/history/export/").status_code == 302
    assert AuditEntry.objects.filter(action="history.ask").exists()
    theirs = enter(desks.wang)
    assert theirs.get("/console/history/").status_code == 403
    assert theirs.post("/console/history/export/").status_code == 403


def test_over_the_api_and_the_command_line(world: World) -> None:
    key = ApiClient(make_key(["segments.view", "segments.edit"]))
    assert key.get("/api/v1/history").json["state"] == ""
    assert key.get("/api/v1/history/figures/cohort").status == 404
    assert key.post("/api/v1/history/exports", {}).status == 201
    from unittest import mock

    with mock.patch("zhike.config.startup.with_django", lambda one: one):
        done = CliRunner().invoke(history, ["export"])
        assert (done.exit_code, "figures agree" in done.output) == (0, True), done.output
        assert CliRunner().invoke(history, ["verify"]).exit_code == 0
        assert CliRunner().invoke(history, ["rebuild"]).exit_code == 0
    found = key.get("/api/v1/history").json
    assert found["state"] == "done" and all(not one["differing_days"] for one in found["tables"])
    figure = key.get("/api/v1/history/figures/daily").json
    assert figure["columns"][0] == "day" and figure["rows"]
    assert key.get("/api/v1/history/figures/other").status == 422
