"""Background jobs: a thin helper over procrastinate, and the kernel's own periodic work.

A job runs at least once, so it is idempotent. It is deferred on Django's connection: a transaction that is rolled back
leaves no job. The modules that declare jobs are listed in the settings (PROCRASTINATE_IMPORT_PATHS).

    @job(queue="messages", retry=5)
    def send_delivery(*, delivery_id: int) -> None: ...

    send_delivery.defer(delivery_id=12)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from zhike.kernel import clock, idempotency, ratelimit
from zhike.kernel.events.log import ensure_partitions

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)

DEFAULT_QUEUE = "default"
CARETAKER_QUEUE = "caretaker"
STALLED_AFTER_S = 30
FINISHED_JOBS_KEPT_HOURS = 7 * 24


class Job(Protocol[P, R_co]):
    """A declared job: call it to run it here, `defer` it to run it in a worker."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    def defer(self, **kwargs: Any) -> int: ...

    def configure(self, **options: Any) -> Any: ...


def job(
    *,
    queue: str = DEFAULT_QUEUE,
    retry: int = 0,
    lock: str | None = None,
    queueing_lock: str | None = None,
    cron: str | None = None,
) -> Callable[[Callable[P, R_co]], Job[P, R_co]]:
    """Declare a job. `retry` is how often a failed run is repeated, after 3, 9, 27 … seconds.

    `lock` lets only one run at a time, `queueing_lock` lets only one wait. A job with `cron` ("*/5 * * * *", in UTC)
    takes the scheduled moment as its only argument, `timestamp: int`, and never waits twice.
    """
    strategy = RetryStrategy(max_attempts=retry, exponential_wait=3) if retry else False

    def declare(function: Callable[P, R_co]) -> Job[P, R_co]:
        name = f"{function.__module__}.{function.__qualname__}"
        waiting = queueing_lock or (name if cron else None)
        task = app.task(name=name, queue=queue, retry=strategy, lock=lock, queueing_lock=waiting)(function)
        if cron:
            app.periodic(cron=cron)(cast(Any, task))
        return cast("Job[P, R_co]", task)

    return declare


async def _retry_stalled_jobs(timestamp: int) -> None:
    """Give the jobs of workers that died back to the living."""
    for stalled in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
        await app.job_manager.retry_job(stalled)


retry_stalled_jobs = job(queue=CARETAKER_QUEUE, cron="* * * * *")(_retry_stalled_jobs)


@job(queue=CARETAKER_QUEUE, cron="17 * * * *")
def prepare_partitions(timestamp: int) -> int:
    """Have the log's partitions of the coming months ready long before they are needed."""
    return ensure_partitions(clock.now())


@job(queue=CARETAKER_QUEUE, cron="23 * * * *")
def prune(timestamp: int) -> None:
    """Forget what is only kept for a while: idempotency answers and rate windows."""
    now = clock.now()
    idempotency.prune(now=now)
    ratelimit.prune(now=now)


async def _remove_finished_jobs(timestamp: int) -> None:
    await app.job_manager.delete_old_jobs(nb_hours=FINISHED_JOBS_KEPT_HOURS)


remove_finished_jobs = job(queue=CARETAKER_QUEUE, cron="41 3 * * *")(_remove_finished_jobs)
