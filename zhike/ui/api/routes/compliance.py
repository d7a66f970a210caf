"""Compliance reports: made for a period, frozen, read as they were made."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from ninja import Path, Router, Schema

from zhike.kernel.idempotency import Outcome
from zhike.rights import operations, queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["rights"])


class ComplianceReportIn(Schema):
    """Days in China, the last one included; at most 400 of them."""

    first: dt.date
    last: dt.date


class ComplianceReportRef(Schema):
    """`findings` counts what should not have been; `digest` is SHA-256 of the document, in hexadecimal."""

    id: int
    first: dt.date
    last: dt.date
    findings: int
    digest: str
    made_at: dt.datetime


class ComplianceReportsOut(Schema):
    items: list[ComplianceReportRef]


class ComplianceReportOut(ComplianceReportRef):
    """`sections`: rows under the names of `columns`. `document` is the very text the digest is of; `is_whole` that it still fits."""

    columns: dict[str, list[str]]
    sections: dict[str, list[list[Any]]]
    document: str
    is_whole: bool


class ComplianceReportMadeOut(Schema):
    id: int


@router.get("/compliance-reports", auth=Needs("rights.view"), response=ComplianceReportsOut)
def list_compliance_reports(request: ApiRequest) -> ComplianceReportsOut:
    """Newest first. For keys that are valid everywhere."""
    return ComplianceReportsOut(
        items=[ComplianceReportRef(**_ref(one)) for one in queries.reports(request.viewer)]
    )


@router.get("/compliance-reports/{int:report_id}", auth=Needs("rights.view"), response=ComplianceReportOut)
def get_compliance_report(
    request: ApiRequest, report_id: Annotated[int, Path(ge=1, le=ID_MAX)]
) -> ComplianceReportOut:
    """One report whole. For keys that are valid everywhere."""
    found = queries.report(request.viewer, report_id)
    columns = {code: list(names) for code, names in queries.REPORT.items()}
    return ComplianceReportOut(
        **_ref(found.row),
        columns=columns,
        sections=found.sections,
        document=found.document,
        is_whole=found.is_whole,
    )


@router.post(
    "/compliance-reports", auth=Needs("rights.handle", body=True), response={201: ComplianceReportMadeOut}
)
def make_compliance_report(request: ApiRequest, body: ComplianceReportIn) -> Any:
    """Make a report of a period and freeze it."""

    def act() -> Outcome:
        report_id = operations.make_report(
            actor=request.viewer, period=queries.Period(body.first, body.last), now=request.now
        )
        return Outcome(201, ComplianceReportMadeOut(id=report_id).model_dump(mode="json"))

    return run_once(request, act)


def _ref(row: queries.ReportRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "first": row.period.first,
        "last": row.period.last,
        "findings": row.findings,
        "digest": row.digest,
        "made_at": row.made_at,
    }
