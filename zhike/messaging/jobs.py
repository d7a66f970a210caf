"""Sending what waits, asking after what was lost, housekeeping."""

from __future__ import annotations

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import CARETAKER_QUEUE, job
from zhike.messaging import operations

ROUNDS_MAX = 40
"""How many batches one run sends before it lets others have the worker; the rest is taken up by the next run."""


@job(queue=CARETAKER_QUEUE)
def send_waiting(*, lane: str = "messages") -> int:
    """Everything that is due; in the lane "codes" only codes. How many messages were decided on."""
    actor = system_viewer("postman")
    total = 0
    for _round in range(ROUNDS_MAX):
        done = operations.send_due(actor=actor, now=clock.now(), only_codes=lane == "codes")
        total += done.total
        if not done.total:
            break
    return total


@job(queue=CARETAKER_QUEUE, cron="* * * * *")
def send_postponed(timestamp: int) -> int:
    """Whatever became due meanwhile: postponed messages, and those that a worker left behind."""
    return send_waiting()


@job(queue=CARETAKER_QUEUE, cron="* * * * *")
def look_up_lost(timestamp: int) -> int:
    """Calls to vendors whose answers never came."""
    return operations.look_up_lost(actor=system_viewer("postman"), now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="*/5 * * * *")
def ask_for_reports(timestamp: int) -> int:
    """Receipts that vendors never pushed."""
    return operations.ask_for_reports(actor=system_viewer("postman"), now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="11 4 * * *")
def forget_old_codes(timestamp: int) -> int:
    """One-time codes that nobody can use any more."""
    return operations.forget_old_codes(actor=system_viewer("caretaker"), now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="23 * * * *")
def find_contact_owners(timestamp: int) -> int:
    """Whose contacts they are that nobody knows yet: at once, and every hour."""
    return operations.find_contact_owners(actor=system_viewer("postman"), now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="* * * * *")
def look_at_tasks(timestamp: int) -> int:
    """What became of messages that one of us has to confirm."""
    return operations.look_at_tasks(actor=system_viewer("postman"), now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="*/15 * * * *")
def call_transfers(timestamp: int) -> int:
    """Contacts that shall go to a colleague, and what became of those that were to."""
    actor, now = system_viewer("postman"), clock.now()
    called = operations.call_transfers(actor=actor, now=now)
    return called + operations.look_at_transfers(actor=actor, now=now)
