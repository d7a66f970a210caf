"""What points are worth, in the console: drafted with its cost, published, announced, withdrawn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.ui.console.conftest import HTMX
from tests.ui.console.world import SYSTEM, Desks, World
from zhike.kernel.access import Viewer
from zhike.loyalty import operations, queries
from zhike.loyalty.models import RateVersion

pytestmark = pytest.mark.feature("C088", "C089", "C090")
Enter = Callable[[Viewer], Client]
DAY = dt.timedelta(days=1)


def draft(**changes: Any) -> dict[str, Any]:
    return {
        "points": "100", "fen": "1.00", "step": "10", "minimum": "100", "maximum": "100000", "share": "50",
        "lines-TOTAL_FORMS": "1", "lines-INITIAL_FORMS": "0",
        "lines-0-name": "国庆", "lines-0-premium": "20", "lines-0-dates": "2027-10-01 2027-10-07\n2027-01-01",
        "effective_from": "", "note": "节日上浮",
    } | changes  # fmt: skip


def test_drafted_counted_published_and_shown(world: World, admin: Client) -> None:
    assert "还没有版本" in admin.get("/console/rates/").content.decode()
    preview = admin.post("/console/rates/new/preview/", draft(), headers=HTMX).content.decode()
    assert "任何情形下积分都不贬值" in preview
    assert "近 90 天" in preview
    assert not RateVersion.objects.exists()
    assert admin.post("/console/rates/new/", draft()).status_code == 302
    page = admin.get("/console/rates/").content.decode()
    assert "+20%" in page
    assert "版本 1" in page
    row = RateVersion.objects.get()
    assert row.definition["lines"][0]["dates"][1] == {"from": "2027-01-01", "to": "2027-01-01"}
    assert (row.definition["share_bp"], row.definition["step"]) == (5_000, 10)
    again = admin.get("/console/rates/new/").content.decode()
    assert "2027-10-01 2027-10-07" in again, "the next draft begins with what is there"


def test_a_cut_is_announced_with_evidence_and_can_be_withdrawn(world: World, admin: Client) -> None:
    preview = admin.post("/console/rates/new/preview/", draft(fen="0.80"), headers=HTMX).content.decode()
    assert "积分贬值 20%" in preview
    assert "生效时间过早" in preview
    refused = admin.post("/console/rates/new/", draft(fen="0.80"))
    assert (refused.status_code, RateVersion.objects.count()) == (422, 0)
    later = (world.now + 40 * DAY).strftime("%Y-%m-%dT%H:%M")
    assert (
        admin.post("/console/rates/new/", draft(fen="0.80", effective_from=later, keeps="on")).status_code
        == 302
    )
    row = RateVersion.objects.get()
    page = admin.get(f"/console/rates/{row.pk}/").content.decode()
    assert "正在告知会员" in page
    operations.give_rate_notices(actor=SYSTEM, program_id=row.program_id, now=world.now)
    page = admin.get(f"/console/rates/{row.pk}/").content.decode()
    assert "提醒记录" in page
    assert "保持原价值" in page
    admin.post(f"/console/rates/{row.pk}/withdraw/")
    [view] = queries.rate_versions(SYSTEM, row.program_id, world.now)
    assert view.state == "withdrawn"


def test_what_a_form_cannot_mean_is_said_beside_it(world: World, admin: Client) -> None:
    for wrong in (
        {"lines-0-premium": ""},
        {"lines-0-yuan": "1.20"},
        {"lines-0-dates": "2027-10-07 2027-10-01"},
        {"lines-0-dates": "下周"},
        {"fen": "0"},
        {"minimum": "200000"},
    ):
        assert admin.post("/console/rates/new/", draft(**wrong)).status_code == 422
    assert admin.post("/console/rates/new/preview/", draft(fen="0"), headers=HTMX).status_code == 422
    assert not RateVersion.objects.exists()


def test_who_only_looks_changes_nothing(world: World, desks: Desks, enter: Enter) -> None:
    looks = enter(desks.chen)
    assert looks.get("/console/rates/").status_code == 200
    assert looks.get("/console/rates/new/").status_code == 403
    assert looks.post("/console/rates/new/", draft()).status_code == 403
    assert looks.get("/console/rates/987654/").status_code == 404
