"""Facts about many rows at once, for pages that list them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, visible
from zhike.kernel.fragments import Sql, of_queryset
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty.models import Award, Member, Redemption
from zhike.loyalty.queries.members import COLUMNS as MEMBER_COLUMNS
from zhike.loyalty.queries.members import MemberRow, rows_of

REDEMPTION_COLUMNS = {
    "mall": "merchant__mall_id",
    "floor": "merchant__floor_id",
    "merchant": "merchant_id",
    "own": "member__person__associate_id",
}
NEWEST_REDEMPTION = Keyset((("redeemed_at", "desc"), ("id", "desc")))


@dataclass(frozen=True, slots=True)
class AwardedPoints:
    """What a receipt gave, and how much of it returns have taken back."""

    points: int
    clawed_points: int


def points_of_receipts(receipt_ids: Sequence[UUID]) -> dict[UUID, AwardedPoints]:
    """By receipt; one that no rule ever looked at (nobody's) is missing. The caller has authorised the receipts."""
    rows = Award.objects.filter(receipt_id__in=receipt_ids).values_list(
        "receipt_id", "points", "clawed_points"
    )
    return {receipt_id: AwardedPoints(points, clawed) for receipt_id, points, clawed in rows}


def visible_member_ids(viewer: Viewer, person_ids: Sequence[int]) -> dict[int, int]:
    """By person; who is no member, or not one in the viewer's scope, is missing."""
    members = Member.objects.filter(person_id__in=person_ids).order_by("-id")
    rows = visible(members, viewer, "members.view", MEMBER_COLUMNS)
    return dict(rows.values_list("person_id", "id"))


def members_sql(viewer: Viewer) -> Sql:
    """Active members in the viewer's scope, as a statement that others build on.

    Columns: id, person_id, tier_id, mall_id, merchant_id, enrolled_at, sex, birthday.
    """
    active = Member.objects.filter(status=Member.Status.ACTIVE, person__status="active")
    rows = visible(active, viewer, "members.view", MEMBER_COLUMNS)
    columns = ("id", "person_id", "tier_id", "mall_id", "merchant_id", "enrolled_at")
    return of_queryset(rows.values(*columns, sex=F("person__sex"), birthday=F("person__birthday")))


def member_rows(viewer: Viewer, member_ids: Sequence[int]) -> list[MemberRow]:
    """Those of many members that are in the viewer's scope, as lines of a list, in the order given."""
    rows = visible(Member.objects.filter(id__in=member_ids), viewer, "members.view", MEMBER_COLUMNS)
    found = {row.member_id: row for row in rows_of(list(rows))}
    return [found[member_id] for member_id in member_ids if member_id in found]


def each_member_id(viewer: Viewer, *, mall_id: int | None = None, chunk: int = 5_000) -> Iterator[int]:
    """Every active member in the viewer's scope, in id order, read a chunk at a time."""
    members = Member.objects.filter(status=Member.Status.ACTIVE)
    rows = visible(members, viewer, "members.view", MEMBER_COLUMNS)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    last = 0
    while True:
        found = list(rows.filter(id__gt=last).order_by("id").values_list("id", flat=True)[:chunk])
        yield from found
        if len(found) < chunk:
            return
        last = found[-1]


@dataclass(frozen=True, slots=True)
class RedemptionRow:
    """One redemption in a list; ``name`` is the member's. ``bought``: its points bought something, not goods of a till."""

    redemption_id: UUID
    member_id: int
    name: str
    number: str
    points: int
    value_fen: int
    reversed_points: int
    merchant_id: int | None
    reference: str
    redeemed_at: dt.datetime
    redeemed_by: str
    bought: bool


def redemptions_page(
    viewer: Viewer,
    *,
    mall_id: int | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Listing[RedemptionRow]:
    """Redemptions in scope, newest first, from ``since`` up to ``until``; a mall's are those at its merchants."""
    rows = visible(
        Redemption.objects.select_related("member", "transfer"), viewer, "points.view", REDEMPTION_COLUMNS
    )
    conditions = {"merchant__mall_id": mall_id, "redeemed_at__gte": since, "redeemed_at__lt": until}
    rows = rows.filter(**{name: value for name, value in conditions.items() if value is not None})
    page = NEWEST_REDEMPTION.page(rows, cursor, min(max(limit, 1), 200))
    people = customers.summaries([row.member.person_id for row in page.items])
    items = [
        RedemptionRow(
            row.pk,
            row.member_id,
            people[row.member.person_id].name,
            row.member.number,
            row.points,
            row.value_fen,
            row.reversed_points,
            row.merchant_id,
            row.reference,
            row.redeemed_at,
            row.redeemed_by,
            "for" in row.transfer.explanation,
        )
        for row in page.items
    ]
    return Listing(items, page.next_cursor, page.previous_cursor)
