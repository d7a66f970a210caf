"""Data that are older than the policy says go, every night, in batches that can stop anywhere."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events, forgetting
from zhike.kernel.access import Viewer, require, require_touch
from zhike.kernel.errors import Invalid, NotFound
from zhike.rights.events import DataPurged, RetentionPolicyPublished
from zhike.rights.models import RetentionLine, RetentionPolicy, RetentionRun
from zhike.rights.queries.catalogue import keepings
from zhike.rights.queries.requests import today
from zhike.rights.queries.retention import days_in_force

EDIT, PURGE = "retention.edit", "rights.handle"
DAYS_MAX = 36_500
BATCH = 2_000


class DaysOutOfRange(Invalid):
    code = "retention-days"
    title = _("These data are kept for at least %(least)s and at most %(most)s days.")


@transaction.atomic
def publish_retention(*, actor: Viewer, code: str, days: int, note: str = "", now: dt.datetime) -> int:
    """For how many days data of a class are kept from now on; the version. The same days again change nothing.

    Raises NotFound, DaysOutOfRange, NotAllowed.
    """
    require_touch(actor, EDIT)
    keeping = keepings().get(code)
    if keeping is None:
        raise NotFound
    if not keeping.days_min <= days <= DAYS_MAX:
        raise DaysOutOfRange(least=keeping.days_min, most=DAYS_MAX)
    before, version = days_in_force(code)
    if before == days:
        return version
    row = RetentionPolicy.objects.create(
        code=code, version=version + 1, days=days, note=note.strip()[:200], published_at=now,
        published_by=actor.label,
    )  # fmt: skip
    audit.record(
        actor=actor, action="retention.publish", subject=("retention", code), before={"days": before},
        after={"days": days, "version": row.version}, reason=row.note, now=now,
    )  # fmt: skip
    events.publish(RetentionPolicyPublished(code, row.version, days), actor=actor, now=now)
    return row.version


def purge(*, actor: Viewer, now: dt.datetime, batch: int = BATCH) -> dict[str, int]:
    """Let go what is too old, class by class; rows by class. Killed anywhere, the day's run goes on where it was.

    Raises NotAllowed.
    """
    require(actor, PURGE)
    run, _is_new = RetentionRun.objects.get_or_create(day=today(now), defaults={"started_at": now})
    for code in keepings():
        while _purge_batch(run.pk, code, batch, now):
            pass
    return _finish(actor, run.pk, now)


@transaction.atomic
def _purge_batch(run_id: int, code: str, batch: int, now: dt.datetime) -> bool:
    """Whether there may be more. What a line says was purged and the purge itself are one transaction."""
    days, version = days_in_force(code)
    RetentionLine.objects.get_or_create(
        run_id=run_id, code=code,
        defaults={"version": version, "days": days, "before": now - dt.timedelta(days=days)},
    )  # fmt: skip
    line = RetentionLine.objects.select_for_update(of=("self",)).get(run_id=run_id, code=code)
    if line.done_at is not None:
        return False
    count = forgetting.purge(keepings()[code], line.before, batch)
    line.rows += count
    if count < batch:
        line.done_at = now
    line.save()
    return count == batch


@transaction.atomic
def _finish(actor: Viewer, run_id: int, now: dt.datetime) -> dict[str, int]:
    run = RetentionRun.objects.select_for_update(of=("self",)).get(pk=run_id)
    rows = dict(RetentionLine.objects.filter(run=run).order_by("id").values_list("code", "rows"))
    if run.finished_at is None:
        run.finished_at = now
        run.save(update_fields=["finished_at"])
        audit.record(
            actor=actor, action="retention.purge", subject=("retention_run", run.pk), after=rows, now=now
        )
        events.publish(DataPurged(run.pk, rows), actor=actor, now=now)
    return rows
