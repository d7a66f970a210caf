"""Work for the worker, once what asked for it is committed."""

from __future__ import annotations

from procrastinate.contrib.django import app

ERASE = "zhike.rights.jobs.erase_request"
QUEUE = "rights"


def erase(request_id: int) -> None:
    """Deferred on the transaction's own connection, so that a rollback leaves no job."""
    app.configure_task(ERASE, queue=QUEUE).defer(request_id=request_id)
