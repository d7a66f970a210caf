"""The worker process: jobs from the queue, the readers of the event log, and what tells others, until told to stop."""

from __future__ import annotations

import asyncio

STOP_TIMEOUT_S = 10.0
WEBHOOK_SENDERS = 3
"""So that one endpoint that is slow to answer does not hold up the others."""


def run_worker(*, concurrency: int = 2) -> int:
    """Work until SIGINT or SIGTERM. Returns the exit code."""
    from procrastinate.contrib.django import app

    from zhike.config.consumers import consumers
    from zhike.kernel.events.runner import Runner
    from zhike.webhooks.sender import Sender

    senders = [Sender() for _ in range(WEBHOOK_SENDERS)]
    parts: list[Runner | Sender] = [Runner(consumers()), *senders]
    for part in parts:
        part.start()
    try:
        with app.replace_connector(app.connector.get_worker_connector()):  # type: ignore[attr-defined]
            asyncio.run(_work(concurrency))
    finally:
        for part in parts:
            part.stop()
        for part in parts:
            part.join(STOP_TIMEOUT_S)
    return 0


async def _work(concurrency: int) -> None:
    from procrastinate.contrib.django import app

    async with app.open_async():
        await app.run_worker_async(
            concurrency=concurrency,
            shutdown_graceful_timeout=STOP_TIMEOUT_S,
            delete_jobs="successful",
        )
