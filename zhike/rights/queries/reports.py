"""Compliance reports: what stands in one, whether it is still what was made, and what a period would say."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import NotFound
from zhike.rights import rules
from zhike.rights.models import ComplianceReport
from zhike.rights.queries import _report_sql
from zhike.rights.queries.retention import classes

VIEW = "rights.view"
SHOWN = 50


@dataclass(frozen=True, slots=True)
class ReportRow:
    id: int
    period: rules.Period
    findings: int
    digest: str
    made_at: dt.datetime
    made_by: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """``sections``: rows by section, in the columns of `rules.REPORT`; ``is_whole``: the text still has the digest it was given."""

    row: ReportRow
    sections: dict[str, list[list[Any]]]
    document: str
    is_whole: bool


def sections(viewer: Viewer, period: rules.Period, today: dt.date) -> dict[str, list[list[Any]]]:
    """What a report of the period says now. Raises NotAllowed: it is about the whole group."""
    require_touch(viewer, VIEW)
    found = {code: _report_sql.rows(code, period, today) for code in rules.REPORT}
    told = {row[0] for row in found["retention"]}
    # a class without a run in the period is told as well: its days, no nights
    found["retention"] += [[one.code, one.days, 0, 0, 0] for one in classes(viewer) if one.code not in told]
    return found


def reports(viewer: Viewer) -> list[ReportRow]:
    """Newest first. Raises NotAllowed."""
    require_touch(viewer, VIEW)
    return [_row(one) for one in ComplianceReport.objects.order_by("-id")[:SHOWN]]


def report(viewer: Viewer, report_id: int) -> ReportView:
    """Raises NotFound, NotAllowed."""
    require_touch(viewer, VIEW)
    one = ComplianceReport.objects.filter(pk=report_id).first()
    if one is None:
        raise NotFound
    is_whole = hashlib.sha256(one.document.encode()).digest() == bytes(one.digest)
    return ReportView(_row(one), json.loads(one.document)["sections"], one.document, is_whole)


def _row(one: ComplianceReport) -> ReportRow:
    period = rules.Period(one.first_on, one.last_on)
    return ReportRow(one.pk, period, one.findings, bytes(one.digest).hex(), one.made_at, one.made_by)
