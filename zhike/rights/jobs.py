"""Erasures whose time has come, downloads whose time is over, and the nightly purge; each can be killed and run again."""

from __future__ import annotations

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import job
from zhike.rights import operations, queries
from zhike.rights.operations._wake import QUEUE

ACTOR = system_viewer("rights")


@job(queue=QUEUE, retry=3)
def erase_request(*, request_id: int) -> None:
    """One erasure, or what is left of it."""
    operations.carry_out(actor=ACTOR, request_id=request_id, now=clock.now())


@job(queue=QUEUE, cron="*/10 * * * *")
def carry_out_due(timestamp: int) -> None:
    """Erasures that are due, that stopped half-way or were blocked; accesses that have ended."""
    now = clock.now()
    for request_id in queries.due_requests(now):
        operations.carry_out(actor=ACTOR, request_id=request_id, now=now)
    for request_id in queries.ended_downloads(now):
        operations.end_download(actor=ACTOR, request_id=request_id, now=now)


@job(queue=QUEUE, cron="37 18 * * *")
def purge_old_data(timestamp: int) -> None:
    """At 2:37 in the night of the malls."""
    operations.purge(actor=ACTOR, now=clock.now())
