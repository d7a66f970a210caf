"""A compliance report counts what was done in its period, is frozen, and names nobody."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import pytest

from tests.rights.conftest import NOW, SYSTEM, WORDS, Desk, build_desk, leave_traces
from zhike.customers import operations as customers
from zhike.kernel.errors import NotAllowed, NotFound
from zhike.kernel.models import AuditEntry
from zhike.messaging.models import OutboundMessage
from zhike.rights import operations, queries, rules
from zhike.rights.models import ComplianceReport, RightsRequest

pytestmark = [pytest.mark.feature("C031"), pytest.mark.django_db]

HALF = queries.Period(dt.date(2026, 1, 1), dt.date(2026, 3, 8))


@pytest.fixture
def desk() -> Desk:
    desk = build_desk()
    leave_traces(desk)
    return desk


def rows(report_id: int, section: str) -> dict[str, list[object]]:
    return {str(row[0]): row[1:] for row in queries.report(SYSTEM, report_id).sections[section]}


def test_what_happened_is_counted_where_it_belongs(desk: Desk) -> None:
    request_id = operations.ask(
        actor=desk.own, person_id=desk.person_id, kind="access", door="member_app", now=NOW
    )
    report_id = operations.make_report(actor=desk.lin, period=HALF, now=NOW)
    sections = queries.report(SYSTEM, report_id).sections
    assert set(sections) == set(rules.REPORT)
    assert all(len(row) == len(rules.REPORT[code]) for code, found in sections.items() for row in found)
    consents = {(row[0], row[1]): row[2:] for row in sections["consents"]}
    assert consents["personalisation", "2026-01"][0] >= 1
    assert rows(report_id, "requests")["access"][:1] == [1]
    assert any(row[0] == "behaviour" and row[2] == "consent" for row in sections["collection"])
    assert rows(report_id, "exceptions")["late_requests"] == [0]
    assert {row[0] for row in sections["retention"]} >= {"behaviour", "log_in_attempts"}
    RightsRequest.objects.filter(pk=request_id).update(due_on=dt.date(2026, 3, 1))
    later = operations.make_report(actor=desk.lin, period=HALF, now=NOW)
    assert rows(later, "exceptions")["late_requests"] == [1]
    assert rows(later, "requests")["access"][5:7] == [0, 1]
    assert queries.report(SYSTEM, later).row.findings == 1


def test_advertising_to_a_child_is_found(desk: Desk) -> None:
    customers.update_profile(
        actor=SYSTEM, person_id=desk.person_id, changes={"birthday": dt.date(2015, 5, 1)}, now=NOW
    )
    OutboundMessage.objects.create(
        person_id=desk.person_id, channel="sms", purpose="marketing", template="t", recipient=b"r", masked="139****",
        body=b"b", status="sent", created_at=NOW, due_at=NOW,
    )  # fmt: skip
    report_id = operations.make_report(actor=desk.lin, period=HALF, now=NOW)
    assert rows(report_id, "exceptions")["minors_marketed"] == [1]
    assert rows(report_id, "sensitive")["minors"] == [1]


def test_it_is_frozen_with_its_digest_and_names_nobody(desk: Desk) -> None:
    report_id = operations.make_report(actor=desk.lin, period=HALF, now=NOW)
    found = queries.report(desk.lin, report_id)
    assert found.is_whole and hashlib.sha256(found.document.encode()).hexdigest() == found.row.digest
    assert json.loads(found.document)["first"] == "2026-01-01"
    assert not any(word in found.document for word in (*WORDS, desk.card))
    entry = AuditEntry.objects.get(action="compliance.report")
    assert entry.after and entry.after["digest"] == found.row.digest
    ComplianceReport.objects.filter(pk=report_id).update(
        document=found.document.replace("2026-01-01", "2026-01-02")
    )
    assert not queries.report(desk.lin, report_id).is_whole


def test_who_may_and_which_periods(desk: Desk) -> None:
    for actor in (desk.wang, desk.qian, desk.sun):
        with pytest.raises(NotAllowed):
            operations.make_report(actor=actor, period=HALF, now=NOW)
        with pytest.raises(NotAllowed):
            queries.reports(actor)
    wrong = [("2026-03-01", "2026-02-01"), ("2024-01-01", "2026-01-01"), ("2026-03-01", "2026-03-09")]
    for first, last in wrong:
        period = queries.Period(dt.date.fromisoformat(first), dt.date.fromisoformat(last))
        with pytest.raises(operations.PeriodUnusable):
            operations.make_report(actor=desk.lin, period=period, now=NOW)
    assert not ComplianceReport.objects.exists()
    with pytest.raises(NotFound):
        queries.report(desk.lin, 10**9)


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        ("2026-07-01", "2026-01-01", "2026-06-30"),
        ("2026-12-31", "2026-01-01", "2026-06-30"),
        ("2027-01-01", "2026-07-01", "2026-12-31"),
        ("2027-06-30", "2026-07-01", "2026-12-31"),
    ],
)
def test_the_half_year_that_ended_last(today: str, first: str, last: str) -> None:
    half = queries.last_half_year(dt.date.fromisoformat(today))
    assert (half.first.isoformat(), half.last.isoformat()) == (first, last)
