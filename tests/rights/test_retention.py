"""Old data go by the policy in force, in batches that can stop anywhere, and the report says what went and why."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import DatabaseError, connection, transaction

from tests.rights.conftest import NOW, SYSTEM, Desk
from zhike.collection.events import BehaviourObserved
from zhike.intake.models import ImportRun, QuarantinedRow
from zhike.kernel import events
from zhike.kernel.errors import NotAllowed
from zhike.kernel.models import Event
from zhike.loyalty.queries import verify_ledger
from zhike.messaging.models import OutboundMessage
from zhike.organization.models import LogInAttempt
from zhike.rights import operations, queries
from zhike.rights.models import RetentionLine
from zhike.rights.operations import retention

pytestmark = [pytest.mark.feature("C032"), pytest.mark.django_db]


def attempts(count: int, days_old: int) -> None:
    LogInAttempt.objects.bulk_create(
        LogInAttempt(account=b"x", attempted_at=NOW - dt.timedelta(days=days_old)) for _ in range(count)
    )


def test_what_is_too_old_goes_and_the_report_says_why(desk: Desk) -> None:
    attempts(7, days_old=200)
    attempts(3, days_old=20)
    old = {
        "channel": "sms",
        "purpose": "service",
        "template": "t",
        "masked": "139****",
        "status": "sent",
        "due_at": NOW,
    }
    for days in (400, 10):
        OutboundMessage.objects.create(
            recipient=b"r", body=b"b", created_at=NOW - dt.timedelta(days=days), cost=55, **old
        )
    rows = operations.purge(actor=SYSTEM, now=NOW)
    assert (rows["log_in_attempts"], rows["message_texts"]) == (7, 1)
    assert LogInAttempt.objects.count() == 3
    emptied, kept = OutboundMessage.objects.order_by("created_at")
    assert (bytes(emptied.body), emptied.cost, bytes(kept.body)) == (b"", 55, b"b"), "what it cost stays"
    [run] = queries.runs(desk.lin)
    told = {line.code: (line.rows, line.days, line.version) for line in run.lines}
    assert told["log_in_attempts"] == (7, 180, 0)
    assert run.finished_at == NOW
    assert Event.objects.get(type="zhike.rights.data_purged").data["rows"]["log_in_attempts"] == 7
    assert verify_ledger().is_clean


def test_behaviour_is_emptied_in_the_log_and_stays_countable(desk: Desk) -> None:
    for days in (800, 5):
        fact = BehaviourObserved(
            1,
            "page",
            "page_viewed",
            "Home",
            "consent",
            NOW,
            desk.person_id,
            None,
            {"path": "/x"},
            {"ip": "1.2.3.4"},
        )
        events.publish(fact, now=NOW - dt.timedelta(days=days))
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE kernel_event DISABLE TRIGGER USER")
            cursor.execute(
                "UPDATE kernel_event SET recorded_at = %s WHERE position = (SELECT max(position) FROM kernel_event)",
                [NOW - dt.timedelta(days=days)],
            )
            cursor.execute("ALTER TABLE kernel_event ENABLE TRIGGER USER")
    assert operations.purge(actor=SYSTEM, now=NOW)["behaviour"] == 1
    assert operations.purge(actor=SYSTEM, now=NOW + dt.timedelta(days=1))["behaviour"] == 0
    rows = Event.objects.filter(type=BehaviourObserved.type).order_by("recorded_at")
    assert [event.data["properties"] for event in rows] == [{}, {"path": "/x"}]


@pytest.mark.parametrize(
    ("redacting", "change"),
    [
        ("", "UPDATE kernel_event SET data = '{}'"),
        ("on", "UPDATE kernel_event SET subject = 'person/0'"),
        ("on", "UPDATE kernel_audit SET actor = 'nobody'"),
        ("on", "DELETE FROM kernel_event"),
    ],
)
def test_the_log_lets_words_be_taken_out_and_nothing_else(desk: Desk, redacting: str, change: str) -> None:
    sql = f"SELECT set_config('zhike.redacting', '{redacting}', true); {change}"
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_open_rows_stay_however_old(desk: Desk) -> None:
    run = ImportRun.objects.create(
        id="018f0000-0000-7000-8000-000000000001", mall_id=desk.world.malls.star, file_name="a.csv", path="x", size=1,
        digest="0", created_at=NOW - dt.timedelta(days=900), actor="system:tests",
    )  # fmt: skip
    for number, status in enumerate(("open", "discarded"), 2):
        QuarantinedRow.objects.create(run=run, row_no=number, cells=["x"], reason="bad-date", status=status)
    assert operations.purge(actor=SYSTEM, now=NOW)["quarantined_rows"] == 1
    assert QuarantinedRow.objects.get().status == "open"


def test_a_purge_that_was_killed_goes_on_and_counts_each_row_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts(25, days_old=365)
    real, calls = retention._purge_batch, []

    def batch(run_id: int, code: str, size: int, now: dt.datetime) -> bool:
        if code == "log_in_attempts":
            calls.append(code)
            if len(calls) == 2:
                raise KeyboardInterrupt
        return real(run_id, code, size, now)

    monkeypatch.setattr(retention, "_purge_batch", batch)
    with pytest.raises(KeyboardInterrupt):
        operations.purge(actor=SYSTEM, now=NOW, batch=10)
    assert LogInAttempt.objects.count() == 15
    rows = operations.purge(actor=SYSTEM, now=NOW + dt.timedelta(hours=1), batch=10)
    assert (rows["log_in_attempts"], LogInAttempt.objects.count()) == (25, 0)
    assert RetentionLine.objects.get(code="log_in_attempts").rows == 25
    assert operations.purge(actor=SYSTEM, now=NOW)["log_in_attempts"] == 25, "the night's run is done"


def test_policies_have_versions_and_a_floor(desk: Desk) -> None:
    with pytest.raises(operations.DaysOutOfRange):
        operations.publish_retention(actor=desk.lin, code="log_in_attempts", days=30, now=NOW)
    with pytest.raises(NotAllowed):
        operations.publish_retention(actor=desk.sun, code="log_in_attempts", days=200, now=NOW)
    with pytest.raises(NotAllowed):
        operations.publish_retention(actor=desk.wang, code="log_in_attempts", days=200, now=NOW)
    assert operations.publish_retention(actor=desk.lin, code="log_in_attempts", days=200, now=NOW) == 1
    assert operations.publish_retention(actor=desk.lin, code="log_in_attempts", days=200, now=NOW) == 1
    assert operations.publish_retention(actor=desk.lin, code="log_in_attempts", days=400, now=NOW) == 2
    attempts(2, days_old=300)
    assert operations.purge(actor=SYSTEM, now=NOW)["log_in_attempts"] == 0
    [line] = [one for one in queries.classes(desk.lin) if one.code == "log_in_attempts"]
    assert (line.days, line.version, line.days_default) == (400, 2, 180)
