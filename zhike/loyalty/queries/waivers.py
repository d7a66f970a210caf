"""Waivers of debt: what waits for a decision, what was decided, and who owes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, require, visible
from zhike.loyalty.models import Account, Waiver

ASK = "points.waive"
SHOWN = 100
COLUMNS = {"mall": "member__mall_id", "merchant": "member__merchant_id"}


@dataclass(frozen=True, slots=True)
class WaiverView:
    id: int
    member_id: int
    name: str
    points: int
    debt: int
    reason: str
    status: str
    asked_by: str
    asked_at: dt.datetime
    decided_by: str
    decided_at: dt.datetime | None
    note: str
    limit: int


@dataclass(frozen=True, slots=True)
class DebtorView:
    member_id: int
    name: str
    debt: int


def waivers(viewer: Viewer, *, open_only: bool = False) -> list[WaiverView]:
    """Of members in the viewer's scope: those that wait, the oldest first, then the newest decided. Raises NotAllowed."""
    require(viewer, ASK)
    rows = visible(Waiver.objects.select_related("member__program"), viewer, ASK, COLUMNS)
    waiting = list(rows.filter(status=Waiver.Status.ASKED).order_by("asked_at", "id")[:SHOWN])
    done = (
        []
        if open_only
        else list(rows.exclude(status=Waiver.Status.ASKED).order_by("-decided_at", "-id")[:SHOWN])
    )
    found = [*waiting, *done]
    names = customers.summaries([row.member.person_id for row in found])
    debts = dict(
        Account.objects.filter(member_id__in=[row.member_id for row in found]).values_list(
            "member_id", "debt"
        )
    )
    return [
        WaiverView(
            row.pk,
            row.member_id,
            names[row.member.person_id].name,
            row.points,
            debts.get(row.member_id, 0),
            row.reason,
            row.status,
            row.asked_by,
            row.asked_at,
            row.decided_by,
            row.decided_at,
            row.note,
            row.member.program.waiver_limit,
        )
        for row in found
    ]


def debtors(viewer: Viewer, limit: int = 20) -> list[DebtorView]:
    """Who owes most, in the viewer's scope. Raises NotAllowed."""
    require(viewer, ASK)
    rows = visible(Account.objects.filter(debt__gt=0).select_related("member"), viewer, ASK, COLUMNS)
    found = list(rows.order_by("-debt", "id")[:limit])
    names = customers.summaries([row.member.person_id for row in found if row.member])
    return [
        DebtorView(row.member.pk, names[row.member.person_id].name, row.debt) for row in found if row.member
    ]
