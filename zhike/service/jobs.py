"""The service context's periodic work."""

from __future__ import annotations

from zhike.kernel import clock
from zhike.kernel.access import system_viewer
from zhike.kernel.jobs import CARETAKER_QUEUE, job
from zhike.service import operations

ACTOR = system_viewer("deadlines")
SURVEYS = system_viewer("surveys")
LINES = system_viewer("lines")


@job(queue=CARETAKER_QUEUE, cron="* * * * * */5")
def call_deadlines(timestamp: int) -> None:
    """Every five seconds: call what has become due, and write to whoever is to know."""
    operations.sweep_deadlines(actor=ACTOR, now=clock.now())
    operations.tell_alerts(actor=ACTOR, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="* * * * * */5")
def sweep_inbox(timestamp: int) -> None:
    """Every five seconds: wake, share out, end."""
    operations.sweep_inbox(actor=system_viewer("inbox"), now=clock.now())


@job(cron="* * * * * */20", lock="lines")
def listen_to_lines(timestamp: int) -> None:
    """Every twenty seconds: read what customers wrote to our mailboxes, and fetch the files they sent."""
    operations.listen_to_lines(actor=LINES, now=clock.now())
    operations.fetch_media(actor=LINES, now=clock.now())


@job(cron="* * * * * */5", lock="carry-answers")
def carry_answers(timestamp: int) -> None:
    """Every five seconds: hand our answers to the vendors through whom customers wrote."""
    operations.carry_answers(actor=LINES, now=clock.now())


@job(queue=CARETAKER_QUEUE, cron="* * * * *")
def send_surveys(timestamp: int) -> None:
    """Every minute: ask and remind who is due."""
    operations.send_invitations(actor=SURVEYS, now=clock.now())


@job(cron="* * * * *", lock="train-bot")
def train_bot(timestamp: int) -> None:
    """Every minute: learn, when there is something new to learn from."""
    operations.train_bot(actor=system_viewer("training"), now=clock.now())


@job(cron="* * * * *", lock="listening")
def read_comments(timestamp: int) -> None:
    """Every minute: learn to read comments when there is something new to learn from, and read what is not read yet."""
    actor = system_viewer("listening")
    operations.train_verbatims(actor=actor, now=clock.now())
    while operations.read_verbatims(actor=actor, now=clock.now()):
        pass


@job(cron="20 * * * *", lock="quality")
def sample_quality(timestamp: int) -> None:
    """Every hour: draw the weeks that are over, and take what has become a reason to look since."""
    operations.sample_quality(actor=system_viewer("quality"), now=clock.now())
