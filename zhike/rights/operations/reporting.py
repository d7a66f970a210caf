"""A compliance report is made: worked out once, frozen with its digest."""

from __future__ import annotations

import datetime as dt
import hashlib

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid
from zhike.kernel.snapshots import one_snapshot
from zhike.rights import rules
from zhike.rights.models import ComplianceReport
from zhike.rights.queries.reports import sections
from zhike.rights.queries.requests import today

HANDLE = "rights.handle"


class PeriodUnusable(Invalid):
    code = "report-period-unusable"
    title = _("There is no report of this period.")


FAULTS = {
    "order": _("The first day comes after the last one."),
    "long": _("At most 400 days."),
    "future": _("A period that is not over yet ends today at the latest."),
}


def make_report(*, actor: Viewer, period: rules.Period, now: dt.datetime) -> int:
    """Work out what was done with personal data in a period and freeze it; its id. Raises PeriodUnusable, NotAllowed.

    All sections are read in one snapshot. The document names nobody: sources, purposes, kinds, counts. Its digest is SHA-256 of the
    canonical text (`rules.canonical`).
    """
    require_touch(actor, HANDLE)
    day = today(now)
    if fault := rules.period_fault(period, day):
        raise PeriodUnusable(fields={"first": [FAULTS[fault]]})
    with one_snapshot():
        found = sections(actor, period, day)
    document = rules.canonical(
        {
            "format": rules.REPORT_FORMAT,
            "first": period.first.isoformat(),
            "last": period.last.isoformat(),
            "made_at": now.isoformat(),
            "columns": {code: list(columns) for code, columns in rules.REPORT.items()},
            "sections": found,
        }
    )
    digest = hashlib.sha256(document.encode()).digest()
    with transaction.atomic():
        row = ComplianceReport.objects.create(
            first_on=period.first, last_on=period.last, document=document, digest=digest, findings=rules.findings(found),
            made_at=now, made_by=actor.label[:120],
        )  # fmt: skip
        after = {"first": period.first.isoformat(), "last": period.last.isoformat(), "digest": digest.hex()}
        audit.record(
            actor=actor,
            action="compliance.report",
            subject=("compliance_report", row.pk),
            after=after,
            now=now,
        )
    return row.pk
