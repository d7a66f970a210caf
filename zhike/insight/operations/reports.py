"""A report that leaves the house is written down: who, of what, what for."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.insight.events import ReportExported
from zhike.insight.operations.segments import EXPORT, REASON_MAX, ReasonMissing
from zhike.insight.queries.reports import Report, report
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require


@transaction.atomic
def export_report(
    *,
    actor: Viewer,
    dimensions: tuple[str, ...],
    segment_id: int | None = None,
    reason: str,
    now: dt.datetime,
) -> Report:
    """The report as the actor may see it, for a file; what for is kept in the audit.

    Raises NotAllowed, SegmentNotFound, ReportUnusable, ReasonMissing.
    """
    require(actor, EXPORT)
    if not 0 < len(reason.strip()) <= REASON_MAX:
        raise ReasonMissing(fields={"reason": [_("Say what for, in at most 200 characters.")]})
    found = report(actor, dimensions, now, segment_id)
    after = {"dimensions": list(dimensions), "segment": segment_id, "cells": len(found.cells)}
    audit.record(
        actor=actor, action="report.export", subject=("report", "-".join(dimensions)), after=after,
        reason=reason.strip(), now=now,
    )  # fmt: skip
    events.publish(ReportExported(list(dimensions), segment_id, len(found.cells)), actor=actor, now=now)
    return found
