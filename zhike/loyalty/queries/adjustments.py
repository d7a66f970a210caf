"""Corrections of points by hand: what waits for a decision, what was done, and what of expired points could come back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection
from django.db.models import Exists, OuterRef

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, require, visible
from zhike.loyalty.models import Adjustment, AdjustmentLine, Member
from zhike.loyalty.queries.members import MemberNotFound

ASK = "points.adjust"
SHOWN = 100
COLUMNS = {"mall": "member__mall_id", "merchant": "member__merchant_id"}


@dataclass(frozen=True, slots=True)
class AdjustmentView:
    """``name`` is the member of a single one, the first of several; ``limit`` above which it is decided higher up."""

    id: int
    kind: str
    member_id: int
    name: str
    members: int
    points: int
    signed: int
    reason: str
    status: str
    asked_by: str
    asked_at: dt.datetime
    due_at: dt.datetime
    decided_by: str
    decided_at: dt.datetime | None
    note: str
    posted: int
    refused: int
    limit: int


def adjustments(viewer: Viewer, now: dt.datetime, *, waiting_only: bool = False) -> list[AdjustmentView]:
    """With a member in the viewer's scope: those that wait, the soonest due first, then the newest. Raises NotAllowed."""
    require(viewer, ASK)
    lines = visible(AdjustmentLine.objects.filter(adjustment=OuterRef("pk")), viewer, ASK, COLUMNS)
    rows = Adjustment.objects.filter(Exists(lines)).select_related("program")
    waiting = rows.filter(status=Adjustment.Status.ASKED, due_at__gt=now).order_by("due_at", "id")[:SHOWN]
    found = list(waiting)
    if not waiting_only:
        known = {row.pk for row in found}
        found += [row for row in rows.order_by("-asked_at", "-id")[:SHOWN] if row.pk not in known]
    return _views(found, now)


def _views(rows: list[Adjustment], now: dt.datetime) -> list[AdjustmentView]:
    by_row: dict[int, list[AdjustmentLine]] = {row.pk: [] for row in rows}
    lines = (
        AdjustmentLine.objects.filter(adjustment_id__in=by_row).select_related("member").order_by("member_id")
    )
    for line in lines:
        by_row[line.adjustment_id].append(line)
    firsts = [one[0].member.person_id for one in by_row.values()]
    names = customers.summaries(firsts)
    return [
        AdjustmentView(
            row.pk,
            row.kind,
            (own := by_row[row.pk])[0].member_id,
            names[own[0].member.person_id].name,
            row.members,
            row.points,
            sum(line.points for line in own),
            row.reason,
            "lapsed" if row.status == Adjustment.Status.ASKED and row.due_at <= now else row.status,
            row.asked_by,
            row.asked_at,
            row.due_at,
            row.decided_by,
            row.decided_at,
            row.note,
            sum(line.transfer_id is not None for line in own),
            sum(bool(line.refusal) for line in own),
            row.program.adjustment_day_limit,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class ExpiredView:
    """Points that lapsed by one transfer; ``left`` of them could be reinstated."""

    transfer_id: int
    expired_on: dt.date
    points: int
    left: int


def expired_points(viewer: Viewer, member_id: int, limit: int = 24) -> list[ExpiredView]:
    """What of a member's points lapsed and was not given back, the newest first. Raises MemberNotFound, NotAllowed."""
    require(viewer, ASK)
    member = visible(
        Member.objects.filter(id=member_id), viewer, ASK, {"mall": "mall_id", "merchant": "merchant_id"}
    ).first()
    if member is None:
        raise MemberNotFound
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT t.id, (t.explanation->>'expired_on')::date, t.points, t.points - coalesce(sum(l.points), 0)::bigint
            FROM loyalty_transfer t JOIN loyalty_account a ON a.id = t.debit_account_id
            LEFT JOIN loyalty_adjustmentline l ON l.expired_id = t.id AND l.transfer_id IS NOT NULL
            WHERE a.member_id = %s AND t.reason = 'expire'
            GROUP BY t.id HAVING t.points > coalesce(sum(l.points), 0) ORDER BY t.id DESC LIMIT %s""",
            [member.survivor_id or member.pk, limit],
        )
        return [ExpiredView(*row) for row in cursor.fetchall()]


def member_ids_by_number(numbers: list[str]) -> dict[str, int]:
    """Members by their membership number; whoever asks is authorised by the operation that follows."""
    return dict(Member.objects.filter(number__in=numbers).values_list("number", "id"))
