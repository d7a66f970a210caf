"""Files are checked, loaded and undone by a worker; each job takes up where one that was killed left off."""

from __future__ import annotations

import uuid

from zhike.intake import operations
from zhike.kernel import clock
from zhike.kernel.access import Viewer, system_viewer
from zhike.kernel.errors import Problem
from zhike.kernel.jobs import job
from zhike.organization.queries import viewer_of_staff

QUEUE = "intake"


def _actor(staff_id: int | None) -> Viewer:
    return system_viewer("intake") if staff_id is None else viewer_of_staff(staff_id)


@job(queue=QUEUE)
def check_file(*, run_id: str, staff_id: int | None) -> None:
    """A refusal is kept with the run, for whoever asked; there is nobody here to tell."""
    try:
        operations.check(actor=_actor(staff_id), run_id=uuid.UUID(run_id), now=clock.now())
    except Problem:
        return


@job(queue=QUEUE)
def load_file(*, run_id: str, staff_id: int | None) -> None:
    try:
        operations.run(actor=_actor(staff_id), run_id=uuid.UUID(run_id), now=clock.now())
    except Problem:
        return


@job(queue=QUEUE)
def undo_file(*, run_id: str, staff_id: int | None) -> None:
    try:
        operations.undo(actor=_actor(staff_id), run_id=uuid.UUID(run_id), now=clock.now())
    except Problem:
        return


@job(queue=QUEUE)
def work_on_balances(*, run_id: str, staff_id: int | None) -> None:
    try:
        operations.work_on_move(actor=_actor(staff_id), move_id=uuid.UUID(run_id), now=clock.now())
    except Problem:
        return


@job(queue=QUEUE, cron="* * * * *")
def fetch_due(timestamp: int) -> int:
    """Every connector whose turn has come."""
    return operations.defer_due(actor=system_viewer("intake"), now=clock.now())


@job(queue=QUEUE)
def fetch_connector(*, connector_id: int) -> int:
    return operations.fetch(actor=system_viewer("intake"), connector_id=connector_id, now=clock.now())
