from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from tests.kernel.facts import NOON, LampLit
from zhike.kernel import health
from zhike.kernel.events import Consumer, drain, publish


@pytest.mark.django_db
def test_ready_when_database_tables_and_readers_are_fine() -> None:
    checks = health.readiness()
    assert [(check.name, check.ok) for check in checks] == [
        ("database", True),
        ("migrations", True),
        ("keys", True),
        ("event_log", True),
        ("event_lag", True),
    ]
    assert health.is_ready(checks)


@pytest.mark.django_db
def test_late_reader_is_told_but_does_not_stop_the_service() -> None:
    drain(Consumer("late", {LampLit: lambda event: None}))
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO kernel_event (id, source, type, subject, "time", recorded_at, data)'
            " VALUES (kernel_uuid7(), '/t', 'zhike.test.lamp_lit', 'lamp/1', %s, now() - interval '10 minutes', '{}')",
            [NOON],
        )
    lag = health.readiness()[-1]
    assert not lag.ok
    assert lag.detail.startswith("late 60")
    assert health.is_ready(health.readiness())


@pytest.mark.django_db
def test_missing_migration_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'kernel'")
    checks = health.readiness()
    assert [(check.name, check.ok) for check in checks] == [("database", True), ("migrations", False)]
    assert not health.is_ready(checks)


@pytest.mark.django_db
def test_unreachable_database_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        raise OperationalError("connection refused on host 10.0.0.1")

    monkeypatch.setattr(connection, "cursor", refuse)
    monkeypatch.setattr(connection, "close", lambda: None)
    checks = health.readiness()
    assert [(check.name, check.ok, check.detail) for check in checks] == [
        ("database", False, "OperationalError")
    ]
    assert not health.is_ready(checks)


@pytest.mark.django_db(transaction=True)
def test_consumer_that_has_read_everything_has_no_lag() -> None:
    reader = Consumer("reader", {LampLit: lambda event: None})
    with transaction.atomic():
        publish(LampLit(1), now=NOON)
    drain(reader)
    assert health.readiness()[-1].ok
