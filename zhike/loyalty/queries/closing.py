"""What a membership comes to when it is about to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Sum

from zhike.loyalty.models import Account, Hold, HouseholdMember, Member, PendingPoints


@dataclass(frozen=True, slots=True)
class Leaving:
    """Points: ``balance`` that can be spent, ``waiting`` for a return window, ``debt``; ``holds`` are open.

    ``household`` is the name of theirs, "" for none.
    """

    member_id: int
    tier_name: str
    balance: int
    waiting: int
    debt: int
    holds: int
    status: str
    household: str


def leaving(person_ids: Sequence[int]) -> Leaving | None:
    """The living membership of one human being, by all ids they are known by; None for no member.

    For contexts above, which have checked already.
    """
    member = (
        Member.objects.filter(person_id__in=person_ids, survivor=None)
        .select_related("tier")
        .order_by("id")
        .first()
    )
    if member is None:
        return None
    account = Account.objects.get(member=member)
    waiting = PendingPoints.objects.filter(account__member__person_id__in=person_ids, remaining__gt=0)
    return Leaving(
        member.pk,
        member.tier.name,
        account.balance,
        waiting.aggregate(points=Sum("remaining"))["points"] or 0,
        account.debt,
        Hold.objects.filter(member__person_id__in=person_ids, status=Hold.Status.OPEN).count(),
        member.status,
        household_name(member.pk),
    )


def household_name(member_id: int) -> str:
    """The household a member shares points in, "" for none."""
    places = HouseholdMember.objects.filter(member_id=member_id, status=HouseholdMember.Status.ACTIVE)
    return places.values_list("household__name", flat=True).first() or ""


def member_ids_of(person_ids: Sequence[int]) -> list[int]:
    """Every membership these ids ever had, those that were merged away too."""
    return list(Member.objects.filter(person_id__in=person_ids).order_by("id").values_list("id", flat=True))
