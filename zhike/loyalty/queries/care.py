"""What associates go by: how members of theirs shop, and which points of theirs end soon. For contexts above."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Min, Sum

from zhike.loyalty.models import Lot, Member, MemberActivity


@dataclass(frozen=True, slots=True)
class Shopping:
    """How one member shops; None for what never happened."""

    member_id: int
    person_id: int
    purchases: int
    spent_fen: int
    first_purchase_at: dt.datetime | None
    last_purchase_at: dt.datetime | None


def shopping_of(person_ids: Sequence[int]) -> dict[int, Shopping]:
    """By person, for active members among them; who never bought has no row. The caller has authorised them."""
    rows = MemberActivity.objects.filter(
        member__person_id__in=person_ids, member__survivor=None, member__status=Member.Status.ACTIVE
    )
    found = rows.values_list(
        "member_id",
        "member__person_id",
        "purchases",
        "spent_fen",
        "first_purchase_at",
        "last_purchase_at",
    )
    return {row[1]: Shopping(*row) for row in found}


def points_ending(
    person_ids: Sequence[int], since: dt.date, until: dt.date
) -> dict[int, tuple[dt.date, int]]:
    """By person: the first day in [since, until] on which points of theirs end, and how many end until then."""
    rows = Lot.objects.filter(
        account__member__person_id__in=person_ids,
        account__member__survivor=None,
        expires_on__gte=since,
        expires_on__lte=until,
        remaining__gt=0,
    )
    found = rows.values("account__member__person_id").annotate(day=Min("expires_on"), points=Sum("remaining"))
    return {row["account__member__person_id"]: (row["day"], row["points"]) for row in found.order_by()}


def members_by_person(person_ids: Sequence[int]) -> dict[int, int]:
    """The membership of each of many persons who has one that stands for itself."""
    rows = Member.objects.filter(person_id__in=person_ids, survivor=None)
    return dict(rows.values_list("person_id", "id"))


def enrolled_by_associate(staff_ids: Sequence[int], since: dt.datetime, until: dt.datetime) -> dict[int, int]:
    """How many members who joined in [since, until) each of these looks after now."""
    rows = Member.objects.filter(
        person__associate_id__in=staff_ids, enrolled_at__gte=since, enrolled_at__lt=until, survivor=None
    )
    found = rows.values("person__associate_id").annotate(n=Count("id"))
    return {row["person__associate_id"]: row["n"] for row in found.order_by()}
