"""Oversight for other systems: what was found, what was decided, and the measures."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.risk import operations, queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Id, Input, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["oversight"])
AlertId = Annotated[int, Path(ge=1, le=ID_MAX)]
MeasureId = Annotated[int, Path(ge=1, le=ID_MAX)]
VIEW, HANDLE = "risk.view", "risk.handle"


class RiskAlertOut(Out):
    """`subject` is `member:12`, a cashier as `merchant/name`, or a desk as `staff:12`; `severity` is 1 to 3."""

    id: int
    detector: str
    subject: str
    member_id: int | None
    sentence: str
    severity: int
    state: str
    gain_points: int
    opened_at: dt.datetime
    due_at: dt.datetime
    decided_at: dt.datetime | None


class RiskAlertsOut(Out):
    items: list[RiskAlertOut]
    next_cursor: str | None


class RiskEvidenceOut(Out):
    """`position` is the event's place in the log; `left` points are what its receipt still gives."""

    position: int
    kind: str
    at: dt.datetime
    member_id: int | None
    receipt_id: str | None
    points: int
    amount_fen: int
    left: int


class RiskMeasureOut(Out):
    id: int
    kind: str
    state: str
    member_id: int | None
    points: int
    reason: str


class RiskAlertDetailOut(Out):
    alert: RiskAlertOut
    evidence: list[RiskEvidenceOut]
    measures: list[RiskMeasureOut]


class RiskDecisionIn(Input):
    """`exempt_until`, of an alert that is dismissed: the detector does not tell of its subject until then."""

    confirmed: bool
    reason: Annotated[str, text(300)]
    exempt_until: dt.date | None = None


class RiskDecisionOut(Out):
    state: str


class RiskMeasureIn(Input):
    """A `freeze` names a member of the evidence, or means the alert's own; the others name receipts or coupons."""

    kind: Literal["freeze", "withdraw", "void"]
    reason: Annotated[str, text(300)]
    member_id: Id | None = None
    stops_earning: bool = False
    items: Annotated[list[Annotated[str, text(40)]], Field(max_length=200)] = []


class RiskMeasureTakenOut(Out):
    measure_id: int


class RiskUndoIn(Input):
    reason: Annotated[str, text(300)]


def _out(row: queries.AlertRow) -> RiskAlertOut:
    return RiskAlertOut(
        id=row.id, detector=row.detector, subject=row.subject, member_id=row.member_id, sentence=row.sentence,
        severity=row.severity, state=row.state, gain_points=row.gain_points, opened_at=row.opened_at,
        due_at=row.due_at, decided_at=row.decided_at,
    )  # fmt: skip


@router.get("/oversight/alerts", auth=Needs(VIEW), response=RiskAlertsOut)
def list_risk_alerts(
    request: ApiRequest,
    state: Annotated[Literal["", "open", "reviewing", "confirmed", "dismissed"], Query()] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
) -> RiskAlertsOut:
    """Those that wait, the most serious first; of a state, the newest decided first."""
    page = queries.alerts(request.viewer, state=state, cursor=cursor, limit=limit)
    return RiskAlertsOut(items=[_out(row) for row in page.items], next_cursor=page.next_cursor)


@router.get("/oversight/alerts/{int:alert_id}", auth=Needs(VIEW), response=RiskAlertDetailOut)
def risk_alert(request: ApiRequest, alert_id: AlertId) -> RiskAlertDetailOut:
    """One alert with its evidence and measures."""
    found = queries.alert(request.viewer, alert_id)
    return RiskAlertDetailOut(
        alert=_out(found.row),
        evidence=[
            RiskEvidenceOut(
                position=one.position, kind=one.kind, at=one.at, member_id=one.member_id,
                receipt_id=str(one.receipt) if one.receipt else None, points=one.points, amount_fen=one.fen,
                left=one.left,
            )
            for one in found.evidence
        ],
        measures=[
            RiskMeasureOut(
                id=one.id, kind=one.kind, state=one.state, member_id=one.member_id, points=one.points,
                reason=one.reason,
            )
            for one in found.measures
        ],
    )  # fmt: skip


@router.post(
    "/oversight/alerts/{int:alert_id}/decision",
    auth=Needs(HANDLE, body=True),
    response={200: RiskDecisionOut},
)
def decide_risk_alert(request: ApiRequest, alert_id: AlertId, body: RiskDecisionIn) -> Any:
    """Confirm an alert or dismiss it."""

    def execute() -> Outcome:
        operations.decide_alert(
            actor=request.viewer, alert_id=alert_id, confirmed=body.confirmed, reason=body.reason,
            exempt_until=body.exempt_until, now=request.now,
        )  # fmt: skip
        return Outcome(200, {"state": "confirmed" if body.confirmed else "dismissed"})

    return run_once(request, execute)


@router.post(
    "/oversight/alerts/{int:alert_id}/measures",
    auth=Needs(HANDLE, body=True),
    response={201: RiskMeasureTakenOut},
)
def take_risk_measure(request: ApiRequest, alert_id: AlertId, body: RiskMeasureIn) -> Any:
    """Freeze, withdraw or make void; what is above the limit waits for a second person."""

    def execute() -> Outcome:
        measure_id = operations.take_measure(
            actor=request.viewer, alert_id=alert_id, kind=body.kind, reason=body.reason, member_id=body.member_id,
            stops_earning=body.stops_earning, items=body.items, now=request.now,
        )  # fmt: skip
        return Outcome(201, {"measure_id": measure_id})

    return run_once(request, execute)


@router.post(
    "/oversight/measures/{int:measure_id}/undo",
    auth=Needs(HANDLE, body=True),
    response={200: RiskMeasureTakenOut},
)
def undo_risk_measure(request: ApiRequest, measure_id: MeasureId, body: RiskUndoIn) -> Any:
    """Lift the freeze, give back what was withdrawn, let the coupons count again."""

    def execute() -> Outcome:
        operations.undo_measure(
            actor=request.viewer, measure_id=measure_id, reason=body.reason, now=request.now
        )
        return Outcome(200, {"measure_id": measure_id})

    return run_once(request, execute)
