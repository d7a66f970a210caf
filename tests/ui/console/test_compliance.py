"""Compliance reports in the console and over the API."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable

import pytest
from django.test import Client
from openpyxl import load_workbook

from tests.ui.api.client import ApiClient
from tests.ui.api.conftest import make_key
from tests.ui.console.conftest import said
from tests.ui.console.world import Desks, World
from zhike.kernel.access import Viewer
from zhike.rights.models import ComplianceReport

pytestmark = pytest.mark.feature("C031")
HTMX = {"hx-request": "true"}


def test_a_report_is_made_read_and_taken_along(
    world: World, admin: Client, desks: Desks, enter: Callable[[Viewer], Client]
) -> None:
    assert "暂无报告" in said(admin.get("/console/rights/reports/"))
    address = "/console/rights/reports/new/"
    assert admin.get(address, headers=HTMX).status_code == 200
    day = (world.now + dt.timedelta(hours=8)).date()
    form = {"first": (day - dt.timedelta(days=90)).isoformat(), "last": day.isoformat(), "once": "c1"}
    assert admin.post(address, form | {"last": "2199-01-01"}, headers=HTMX).status_code == 422
    for _ in range(2):
        assert (
            admin.post(address, form, headers=HTMX).headers.get("HX-Redirect") == "/console/rights/reports/"
        )
    [made] = ComplianceReport.objects.all()
    assert made.document[:1] == "{" and str(made.first_on) in said(admin.get("/console/rights/reports/"))
    page = said(admin.get(f"/console/rights/reports/{made.pk}/"))
    assert (
        "例外情况" in page and "未成年人" in page and "内容未变" in page and bytes(made.digest).hex() in page
    )
    assert json.loads(admin.get(f"/console/rights/reports/{made.pk}/?export=json").content)["sections"]
    sheet = load_workbook(
        io.BytesIO(admin.get(f"/console/rights/reports/{made.pk}/?export=xlsx").content)
    ).active
    assert any("例外情况" in str(row[0]) for row in sheet.iter_rows(values_only=True))
    theirs = enter(desks.wang)
    assert theirs.get("/console/rights/reports/").status_code == 403
    assert theirs.post(address, form | {"once": "c2"}).status_code == 403


def test_over_the_api(world: World) -> None:
    key = ApiClient(make_key(["rights.view", "rights.handle"]))
    day = (world.now + dt.timedelta(hours=8)).date()
    body = {"first": (day - dt.timedelta(days=30)).isoformat(), "last": day.isoformat()}
    made = key.post("/api/v1/compliance-reports", body)
    assert made.status == 201
    found = key.get(f"/api/v1/compliance-reports/{made.json['id']}").json
    assert found["is_whole"] and set(found["columns"]) == set(found["sections"])
    assert key.get("/api/v1/compliance-reports").json["items"][0]["digest"] == found["digest"]
    assert key.post("/api/v1/compliance-reports", body | {"last": "2199-01-01"}).status == 422
