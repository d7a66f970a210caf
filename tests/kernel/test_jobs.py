"""Jobs: deferred with the transaction, found by the worker, given back when their worker died."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Job as StoredJob

from tests.kernel.facts import NOON
from zhike.kernel import jobs
from zhike.kernel.idempotency import Outcome, run_once
from zhike.kernel.jobs import job
from zhike.kernel.models import IdempotencyRecord

ran: list[int] = []


@job(queue="test", retry=2)
def remember(*, number: int) -> None:
    ran.append(number)


@job(queue="test", cron="0 0 29 2 *")
def tick(timestamp: int) -> None:
    ran.append(timestamp)


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


@pytest.fixture
def queue(transactional_db: None) -> Iterator[None]:
    """An empty queue; its tables are not Django's to empty."""
    yield
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE procrastinate_jobs, procrastinate_workers, procrastinate_periodic_defers CASCADE"
        )


def work(*queues: str) -> None:
    """Run what waits in the queues, as a worker would, and end."""

    async def until_idle() -> None:
        async with worker_app.open_async():
            await worker_app.run_worker_async(
                queues=list(queues), wait=False, install_signal_handlers=False, listen_notify=False
            )

    with app.replace_connector(app.connector.get_worker_connector()) as worker_app:  # type: ignore[attr-defined]
        asyncio.run(until_idle())


@pytest.mark.usefixtures("queue")
def test_job_runs_in_the_worker_after_the_commit() -> None:
    with transaction.atomic():
        remember.defer(number=7)
    assert ran == []
    work("test")
    assert ran == [7]


@pytest.mark.usefixtures("queue")
def test_rolled_back_transaction_leaves_no_job() -> None:
    with transaction.atomic():
        remember.defer(number=7)
        transaction.set_rollback(True)
    work("test")
    assert ran == []
    assert not ProcrastinateJob.objects.filter(queue_name="test").exists()


def test_job_can_be_called_in_place() -> None:
    remember(number=8)
    assert ran == [8]


def test_retries_wait_longer_each_time_and_end() -> None:
    def waits_s(attempts: int) -> float | None:
        failed = StoredJob(
            id=1,
            queue="test",
            lock=None,
            queueing_lock=None,
            task_name="remember",
            attempts=attempts,
            task_kwargs={},
        )
        decision = app.tasks[name_of(remember)].get_retry_exception(exception=ValueError(), job=failed)
        if decision is None:
            return None
        at = decision.retry_decision.retry_at
        assert at
        return round((at - dt.datetime.now(dt.UTC)).total_seconds())

    assert [waits_s(attempts) for attempts in range(3)] == [3, 9, None]


def name_of(declared: Any) -> str:
    return str(declared.name)


def test_periodic_jobs_are_registered_and_wait_once() -> None:
    crons = {task.task.name: task.cron for task in app.periodic_registry.periodic_tasks.values()}
    assert crons[name_of(tick)] == "0 0 29 2 *"
    assert crons[name_of(jobs.retry_stalled_jobs)] == "* * * * *"
    assert crons[name_of(jobs.prepare_partitions)] == "17 * * * *"
    assert app.tasks[name_of(tick)].queueing_lock == name_of(tick)


@pytest.mark.usefixtures("queue")
def test_job_of_a_dead_worker_is_run_again() -> None:
    remember.defer(number=9)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        )
        dead = cursor.fetchone()[0]
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s, attempts = 1", [dead])
    work("test")
    assert ran == []
    app.configure_task(name_of(jobs.retry_stalled_jobs), queueing_lock="by hand").defer(timestamp=0)
    work("caretaker")
    work("test")
    assert ran == [9]


@pytest.mark.django_db
def test_caretakers_prepare_and_prune() -> None:
    run_once(
        scope="s",
        key="k",
        request_hash=b"",
        now=NOON - dt.timedelta(days=4000),
        execute=lambda: Outcome(200, {}),
    )
    jobs.prune(timestamp=0)
    assert not IdempotencyRecord.objects.exists()
    assert jobs.prepare_partitions(timestamp=0) == 0
