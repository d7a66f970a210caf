"""Points that paid for goods go back when the goods do: how much of a refund is points, and of which redemption."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from zhike.kernel.access import Viewer
from zhike.loyalty.models import Redemption
from zhike.loyalty.operations.spending import give_back, told_of_redemption
from zhike.loyalty.operations.state import locked_holder
from zhike.loyalty.rules import earning, returning
from zhike.loyalty.rules.rates import points_for_back
from zhike.sales import operations as sales


@dataclass(frozen=True, slots=True)
class PointsBack:
    """``points`` of a redemption to give back, worth ``fen`` of the refund; 0 points of one that is not known here."""

    redemption: Redemption | None
    points: int
    fen: int
    reference: str


def plan_points_back(
    paid: Sequence[Any], member_id: int | None, refunded_before: int, refunded_after: int
) -> list[PointsBack]:
    """The part of a refund that is points, by redemption; accounts and redemptions are held until the transaction ends.

    ``paid`` are the sale's tenders, the refunds are sums over the whole sale. A tender of kind ``points`` names its
    redemption (or hold) as reference. What was given back by hand already was paid with money again, so it is
    refunded as money.
    """
    tenders = [tender for tender in paid if tender.kind == "points" and tender.amount_fen]
    known = _locked(tenders, member_id)
    total = sum(tender.amount_fen for tender in paid)
    found = []
    for tender in tenders:
        before, after = (
            returning.part_up(tender.amount_fen, refunded, total)
            for refunded in (refunded_before, refunded_after)
        )
        fen, redemption = after - before, known.get(tender.reference)
        points = 0
        if redemption is not None:
            due = _points_back(redemption, after, tender.amount_fen) - _points_back(
                redemption, before, tender.amount_fen
            )
            points = min(due, redemption.points - redemption.reversed_points)
            fen = returning.part_up(fen, points, due) if due else fen
        found.append(PointsBack(redemption, points, fen, tender.reference))
    return found


def _points_back(redemption: Redemption, refunded: int, of: int) -> int:
    """How many points come back for a part of what they paid: in proportion, and where they were not all worth the same,
    as many of the last taken as are worth no more than that part."""
    told, parts = told_of_redemption(redemption)
    if "promises" not in told:
        return returning.part_of(redemption.points, refunded, of)
    return points_for_back(told, parts, refunded, of)


def _locked(tenders: Sequence[Any], member_id: int | None) -> dict[str, Redemption]:
    """The redemptions by reference. Accounts first, in the order of their ids, theirs and that of the sale's member."""
    ids = {
        tender.reference: redemption_id for tender in tenders if (redemption_id := _uuid(tender.reference))
    }
    if not ids:
        return {}
    members = set(Redemption.objects.filter(id__in=ids.values()).values_list("member_id", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT a.id FROM loyalty_account a WHERE a.member_id IN (
                SELECT coalesce(m.survivor_id, m.id) FROM loyalty_member m WHERE m.id = ANY(%s))
            ORDER BY a.id FOR UPDATE""",
            [[*members, *([member_id] if member_id else [])]],
        )
    rows = Redemption.objects.select_for_update(of=("self",)).filter(id__in=ids.values()).order_by("id")
    by_id = {row.pk: row for row in rows}
    return {reference: by_id[found] for reference, found in ids.items() if found in by_id}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def return_tenders(paid: Sequence[Any], back: Sequence[PointsBack], refund_fen: int) -> tuple[Any, ...]:
    """How a refund is paid: its points as points, the rest over the other tenders in proportion."""
    as_points = [sales.NewTender("points", one.fen, one.reference) for one in back if one.fen]
    others = [tender for tender in paid if tender.kind != "points"] or list(paid)
    rest = refund_fen - sum(one.fen for one in back)
    shares = earning.share_out(rest, [tender.amount_fen for tender in others])
    money = [
        sales.NewTender(tender.kind, share, tender.reference)
        for tender, share in zip(others, shares, strict=True)
        if share
    ]
    return (*as_points, *money)


def give_points_back(
    back: Sequence[PointsBack], *, return_id: UUID, actor: Viewer, now: dt.datetime
) -> tuple[int, int]:
    """Give the points to the very lots they came from: (points, balance of the last of their members)."""
    restored, balance = 0, 0
    for one in back:
        if one.redemption is None or not one.points:
            continue
        holder = locked_holder(one.redemption.member_id)
        give_back(one.redemption, holder, one.points, actor=actor, now=now, why={"return": str(return_id)})
        restored += one.points
        balance = holder.state.net
    return restored, balance
