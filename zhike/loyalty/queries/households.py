"""Households: who shares points with whom, what the pool holds, and what became of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Min, Q, Sum
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotFound
from zhike.loyalty.models import Household, HouseholdMember, Member, PoolDispute, PoolEntry, PoolShare
from zhike.loyalty.queries.members import owner_id_of, require_member
from zhike.loyalty.rules.households import INVITED_FOR

ENTRIES = 30
Status = HouseholdMember.Status


class HouseholdNotFound(NotFound):
    code = "household-not-found"
    title = _("There is no such household.")


@dataclass(frozen=True, slots=True)
class HouseholdPerson:
    """One of a household; ``put_in`` is what is left in the pool of what they put in. Names are masked."""

    member_id: int
    number: str
    name: str
    role: str
    status: str
    day_limit: int | None
    month_limit: int | None
    put_in: int
    joined_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class PoolEntryView:
    name: str
    kind: str
    points: int
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class DisputeView:
    id: int
    name: str
    text: str
    raised_at: dt.datetime
    verdict: str
    settled_at: dt.datetime | None
    settled_by: str


@dataclass(frozen=True, slots=True)
class HouseholdView:
    """A household to one of its members, or to staff: ``points`` in the pool, ``own`` of them put in by ``member_id``,
    the first of which lapse on ``lapses_on``."""

    id: int
    name: str
    member_id: int
    role: str
    points: int
    own: int
    lapses_on: dt.date | None
    people: Sequence[HouseholdPerson]
    entries: Sequence[PoolEntryView]
    disputes: Sequence[DisputeView]
    founded_at: dt.datetime

    @property
    def is_paused(self) -> bool:
        return any(one.settled_at is None for one in self.disputes)


@dataclass(frozen=True, slots=True)
class InvitationIn:
    """An invitation into somebody's household that is still open."""

    household_id: int
    name: str
    owner: str
    role: str
    until: dt.datetime


def place_of(member_id: int) -> HouseholdMember:
    """The household a member shares in. Raises HouseholdNotFound."""
    row = (
        HouseholdMember.objects.select_related("household")
        .filter(member_id=member_id, status=Status.ACTIVE, household__closed_at=None)
        .first()
    )
    if row is None:
        raise HouseholdNotFound
    return row


def household_of(viewer: Viewer, member_id: int) -> HouseholdView | None:
    """The household a member shares in, None without one. Raises MemberNotFound for a hidden member."""
    require_member(viewer, member_id)
    member_id = owner_id_of(member_id)
    try:
        place = place_of(member_id)
    except HouseholdNotFound:
        return None
    rows = list(
        HouseholdMember.objects.select_related("member")
        .filter(household_id=place.household_id, status__in=[Status.ACTIVE, Status.INVITED])
        .order_by("joined_at", "id")
    )
    shares = PoolShare.objects.filter(household_id=place.household_id, remaining__gt=0)
    put_in = dict(shares.values_list("member_id").annotate(points=Sum("remaining")).order_by())
    entries = list(PoolEntry.objects.filter(household_id=place.household_id).order_by("-at", "-id")[:ENTRIES])
    disputes = list(PoolDispute.objects.filter(household_id=place.household_id).order_by("-raised_at"))
    names = _names(
        [row.member_id for row in rows]
        + [one.member_id for one in entries]
        + [one.member_id for one in disputes]
    )
    return HouseholdView(
        place.household_id,
        place.household.name,
        member_id,
        place.role,
        sum(put_in.values()),
        put_in.get(member_id, 0),
        shares.aggregate(first=Min("expires_on"))["first"],
        [
            HouseholdPerson(
                row.member_id,
                row.member.number,
                names.get(row.member_id, ""),
                row.role,
                row.status,
                row.day_limit,
                row.month_limit,
                put_in.get(row.member_id, 0),
                row.joined_at,
            )
            for row in rows
        ],
        [PoolEntryView(names.get(one.member_id, ""), one.kind, one.points, one.at) for one in entries],
        [
            DisputeView(
                one.pk,
                names.get(one.member_id, ""),
                one.text,
                one.raised_at,
                one.verdict,
                one.settled_at,
                one.settled_by,
            )
            for one in disputes
        ],
        place.household.founded_at,
    )


def pool_points(member_id: int) -> int | None:
    """What the pool of a member's household holds; None without one. For a till where the member stands."""
    place = HouseholdMember.objects.filter(
        member_id=owner_id_of(member_id), status=Status.ACTIVE, household__closed_at=None
    ).first()
    if place is None:
        return None
    rows = PoolShare.objects.filter(household_id=place.household_id)
    return int(rows.aggregate(points=Sum("remaining"))["points"] or 0)


def household_invitations(viewer: Viewer, member_id: int, now: dt.datetime) -> list[InvitationIn]:
    """Open invitations to a member. Raises MemberNotFound for a hidden member."""
    require_member(viewer, member_id)
    rows = HouseholdMember.objects.select_related("household").filter(
        member_id=owner_id_of(member_id),
        status=Status.INVITED,
        invited_at__gt=now - INVITED_FOR,
        household__closed_at=None,
    )
    found = list(rows.order_by("invited_at"))
    owners = dict(
        HouseholdMember.objects.filter(
            household_id__in=[row.household_id for row in found], status=Status.ACTIVE, role="owner"
        ).values_list("household_id", "member_id")
    )
    names = _names(list(owners.values()))
    return [
        InvitationIn(
            row.household_id,
            row.household.name,
            names.get(owners.get(row.household_id, 0), ""),
            row.role,
            row.invited_at + INVITED_FOR,
        )
        for row in found
    ]


@dataclass(frozen=True, slots=True)
class HouseholdFigures:
    """Households of a programme that share, how many members, points in their pools, and disputes to be settled."""

    households: int
    members: int
    points: int
    disputes: int


def household_figures(program_id: int) -> HouseholdFigures:
    mine = Q(household__program_id=program_id, household__closed_at=None)
    people = HouseholdMember.objects.filter(mine, status=Status.ACTIVE)
    held = PoolShare.objects.filter(household__program_id=program_id).aggregate(points=Sum("remaining"))
    return HouseholdFigures(
        Household.objects.filter(program_id=program_id, closed_at=None).count(),
        people.count(),
        held["points"] or 0,
        PoolDispute.objects.filter(mine, settled_at=None).count(),
    )


def _names(member_ids: Sequence[int]) -> dict[int, str]:
    persons = dict(Member.objects.filter(id__in=set(member_ids)).values_list("id", "person_id"))
    found = customers.summaries(list(persons.values()))
    return {
        member_id: customers.masked_field("name", found[person_id].name) or ""
        for member_id, person_id in persons.items()
        if person_id in found
    }
