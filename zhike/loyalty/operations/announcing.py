"""What versions of promises share: numbered, withdrawn before they begin, and announced with evidence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connection, transaction
from django.db.models import Max, Model

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import NotFound
from zhike.kernel.events import Fact
from zhike.kernel.ids import stamp
from zhike.loyalty.models import Program
from zhike.loyalty.models.versions import AnnouncedVersion
from zhike.loyalty.queries.snapshots import starts_at

Batch = TypeVar("Batch")
EDIT = "programme.edit"
BATCH = 5_000
EARLY = dt.timedelta(minutes=1)


def locked_program(actor: Viewer, program_id: int) -> Program:
    """The programme, held until the transaction ends. Raises NotFound, NotAllowed."""
    require_touch(actor, EDIT)
    program = Program.objects.select_for_update(of=("self",)).filter(id=program_id).first()
    if program is None:
        raise NotFound
    return program


def is_in_the_past(effective_from: dt.datetime, now: dt.datetime) -> bool:
    """With a minute for whoever fills in a form."""
    return effective_from < now - EARLY


def next_number(versions: type[AnnouncedVersion], program_id: int) -> int:
    """The number of the programme's next version; the caller holds the programme."""
    rows = versions._default_manager.filter(program_id=program_id)
    return (rows.aggregate(latest=Max("version"))["latest"] or 0) + 1


def touch(program_id: int) -> None:
    """Whoever keeps the programme in memory reads it again."""
    Program.objects.filter(id=program_id).update(stamp=stamp())


def withdraw(
    row: AnnouncedVersion, in_force: type[Exception], *, action: str, actor: Viewer, now: dt.datetime
) -> None:
    """Take back a version that has not begun; who was told of it keeps the message. Again, nothing happens."""
    begins = starts_at(row)
    if begins is not None and begins <= now:
        raise in_force
    if row.withdrawn_at is not None:
        return
    row.withdrawn_at = now
    row.save(update_fields=["withdrawn_at"])
    touch(row.program_id)
    subject, after = ("program", row.program_id), {"version": row.version}
    audit.record(actor=actor, action=action, subject=subject, after=after, now=now)


def untold(select: str, asked: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Rows of a SELECT that begins with the account, by batches of accounts: it takes ``last`` and ``batch`` as well."""
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(f"{select} ORDER BY a.id LIMIT %(batch)s", {**asked, "last": last, "batch": BATCH})
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        last = rows[-1][0]


@dataclass(frozen=True, slots=True)
class Announcement(Generic[Batch]):
    """A version that members are told of. ``tell`` writes the messages and the evidence (rows of ``notices``) of one batch
    of those who were not told yet; ``fact`` is the event when nobody is left."""

    row: AnnouncedVersion
    notices: type[Model]
    batches: Iterable[Batch]
    tell: Callable[[Batch], int]
    fact: Callable[[int], Fact]
    action: str


def announce(one: Announcement[Batch], *, actor: Viewer, now: dt.datetime) -> int:
    """Tell everybody; how many were told now. When nobody is left the notice period begins.

    Each batch commits messages and evidence, both or neither: stop it anywhere, run it again.
    """
    told = 0
    for batch in one.batches:
        with transaction.atomic():
            told += one.tell(batch)
    with transaction.atomic():
        row = one.row
        type(row)._default_manager.filter(pk=row.pk, noticed_at=None).update(noticed_at=now)
        touch(row.program_id)
        count = one.notices._default_manager.filter(version_id=row.pk).count()
        after = {"version": row.version, "told": count}
        audit.record(
            actor=actor, action=one.action, subject=("program", row.program_id), after=after, now=now
        )
        events.publish(one.fact(count), actor=actor, now=now)
    return told
