"""The figures of the lake are those of the console, and follow what members agreed to."""

from __future__ import annotations

import pytest

from tests.history.conftest import rows
from tests.insight.conftest import DAY, SYSTEM, Audience, buy
from tests.people import NOW
from zhike.history import operations, queries
from zhike.history._lake.folder import Folder
from zhike.history.models import Figure, LakeRun
from zhike.insight import operations as insight
from zhike.insight import queries as standing
from zhike.kernel.access import system_viewer
from zhike.privacy import operations as privacy
from zhike.privacy.operations import Decision
from zhike.sales import queries as sales

pytestmark = [pytest.mark.feature("C017", "C022"), pytest.mark.django_db]
VIEWER = system_viewer("tests")


def test_groups_and_days_are_those_of_the_console(audience: Audience, lake: Folder) -> None:
    insight.refresh_standings(actor=SYSTEM, now=NOW)
    run = LakeRun.objects.get(pk=operations.export_history(actor=SYSTEM, now=NOW))
    assert run.state == "done" and run.checks and all(one["lake"] == one["database"] for one in run.checks)
    found = queries.figure(VIEWER, "rfm")
    shown = {
        one.code: (one.members, one.monetary_fen, one.frequency)
        for one in standing.rfm_rows(VIEWER)
        if one.members
    }
    assert {row[0]: tuple(row[1:]) for row in found.rows if row[0]} == shown
    days = sales.sales_by_day(VIEWER, None, (NOW - 90 * DAY).date(), NOW.date())
    daily = queries.figure(VIEWER, "daily")
    assert {row[0]: row[1] for row in daily.rows} == {
        day.isoformat(): one.receipts for day, one in days.items()
    }


def test_who_refused_or_is_a_child_is_in_no_figure_about_persons(audience: Audience, lake: Folder) -> None:
    for member in (audience.chen, audience.dong):
        buy(audience.malls, audience.persons[member], audience.malls.cafe, 10_00, NOW - 3 * DAY)
    operations.export_history(actor=SYSTEM, now=NOW)
    members = sum(row[2] for row in queries.figure(VIEWER, "cohort").rows if row[1] == 0)
    assert members == 3, "安, 白 and 俄"
    decisions = [Decision("personalisation", "any", "withdrawn")]
    privacy.record_consents(
        actor=SYSTEM, person_id=audience.persons[audience.an], decisions=decisions, policy_version="2026-01",
        method="counter", evidence={"screen": "x"}, now=NOW,
    )  # fmt: skip
    operations.export_history(actor=SYSTEM, now=NOW)
    assert sum(row[2] for row in queries.figure(VIEWER, "cohort").rows if row[1] == 0) == 2
    assert rows(lake, "SELECT count(*) FROM customers WHERE is_member AND is_profiled") == [(2,)]
    assert [one[0] for one in queries.retention(VIEWER)] == [
        "2025-12",
        "2026-03",
    ] or Figure.objects.count() == 10
