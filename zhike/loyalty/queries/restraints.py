"""What stops a member's points, and what was withdrawn. For contexts above, which have authorised the reader."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from zhike.loyalty.models import Account, Member, Restraint, Withdrawal
from zhike.loyalty.queries.members import family_of, owner_id_of


@dataclass(frozen=True, slots=True)
class RestraintView:
    id: int
    member_id: int
    stops_earning: bool
    reference: str
    placed_at: dt.datetime


def open_restraints(member_id: int) -> list[RestraintView]:
    """What stops a member now, by whichever of their merged sides, the oldest first. Raises MemberNotFound."""
    rows = Restraint.objects.filter(member_id__in=family_of(member_id), lifted_at=None).order_by(
        "placed_at", "id"
    )
    return [
        RestraintView(row.pk, row.member_id, row.stops_earning, row.reference, row.placed_at) for row in rows
    ]


def balance_of(member_id: int) -> int:
    """Points on the account that stands for a member, less what is owed. Raises MemberNotFound."""
    account = Account.objects.get(member_id=owner_id_of(member_id))
    return account.balance - account.debt


def withdrawn_points(receipt_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Points that were withdrawn of receipts and not given back."""
    rows = Withdrawal.objects.filter(receipt_id__in=receipt_ids, restored_at=None)
    return dict(rows.values_list("receipt_id", "points"))


def member_ids_of_persons(person_ids: Sequence[int]) -> dict[int, int]:
    """The memberships of many persons at once; who has none is left out."""
    return dict(Member.objects.filter(person_id__in=person_ids).values_list("person_id", "id"))
