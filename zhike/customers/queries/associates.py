"""Sales associates and how many members each looks after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import Case, Count, Q, When

from zhike.customers import rules
from zhike.customers.models import Identifier, Person
from zhike.customers.queries import COLUMNS, LIVING
from zhike.kernel.access import Viewer, require, visible
from zhike.organization import queries as organization

MANAGE = "members.identity"
ROLE = "sales_associate"


@dataclass(frozen=True, slots=True)
class AssociateView:
    """``members`` counts those in the viewer's scope; ``is_active`` is false once somebody left the house."""

    staff_id: int
    name: str
    is_active: bool
    places: tuple[str, ...]
    members: int


def associates(viewer: Viewer, mall_id: int | None = None) -> list[AssociateView]:
    """Everybody with the role in the viewer's malls, and whoever still has members; the most members first.

    Raises NotAllowed.
    """
    require(viewer, MANAGE)
    malls = [mall for mall in organization.malls(viewer, MANAGE) if mall_id in (None, mall.id)]
    rows = visible(Person.objects.filter(status__in=LIVING), viewer, MANAGE, COLUMNS)
    if mall_id is not None:
        rows = rows.filter(source_mall_id=mall_id)
    counted = dict(
        rows.exclude(associate=None).values_list("associate_id").annotate(n=Count("id")).order_by()
    )
    for mall in malls:
        for staff_id, _name in organization.staff_with_role(ROLE, mall.id):
            counted.setdefault(staff_id, 0)
    found = [_view(staff_id, n) for staff_id, n in counted.items() if staff_id is not None]
    return sorted(found, key=lambda one: (-one.members, one.name))


def _view(staff_id: int, members: int) -> AssociateView:
    staff = organization.staff_member(staff_id)
    places = [
        merchant.name
        for grant in staff.grants
        if grant.level == "merchant" and (merchant := organization.merchant_ref(grant.target_id))
    ]
    return AssociateView(staff_id, staff.name, staff.is_active, tuple(dict.fromkeys(places)), members)


def cared_for(mall_id: int, *, with_nowhere: bool = False) -> list[int]:
    """The active persons of a mall whom somebody looks after, in id order; for contexts above.

    ``with_nowhere`` adds those who belong to no mall.
    """
    place = Q(source_mall_id=mall_id) | (Q(source_mall=None) if with_nowhere else Q(pk__in=()))
    rows = Person.objects.filter(place, status=Person.Status.ACTIVE, associate__isnull=False)
    return list(rows.order_by("id").values_list("id", flat=True))


def associates_by_person(person_ids: Sequence[int]) -> dict[int, int]:
    """Who looks after each of many persons, or after whom they were merged into; for contexts above."""
    rows = Person.objects.filter(pk__in=person_ids).annotate(
        staff=Case(When(merged_into=None, then="associate_id"), default="merged_into__associate_id")
    )
    return dict(rows.exclude(staff=None).values_list("id", "staff"))


def cared_for_with_tail(viewer: Viewer, tail: str, permission: str, limit: int) -> list[int]:
    """Living persons whom the viewer looks after themself, and whose phone number ends so. Raises NotAllowed.

    ``tail`` has at most four digits: no more are kept in clear.
    """
    require(viewer, permission)
    own = replace(viewer, grants=tuple(grant for grant in viewer.grants if grant.level == "own"))
    numbers = Identifier.objects.filter(
        kind=Identifier.Kind.PHONE, retired_at=None, masked__endswith=tail, person__status__in=LIVING
    )
    rows = visible(numbers, own, permission, {"own": "person__associate_id"})
    found = rows.order_by("person__name", "person_id").values_list("person_id", flat=True)
    return list(dict.fromkeys(found[:limit]))


def persons_of(staff_id: int) -> list[int]:
    """The living persons whom somebody looks after, in id order; for contexts above."""
    rows = Person.objects.filter(associate_id=staff_id, status=Person.Status.ACTIVE)
    return list(rows.order_by("id").values_list("id", flat=True))


def members_by_associate(staff_ids: Sequence[int]) -> dict[int, int]:
    """How many living persons each of these looks after; for contexts above."""
    rows = Person.objects.filter(associate_id__in=staff_ids, status__in=LIVING)
    found = rows.values_list("associate_id").annotate(n=Count("id")).order_by()
    return {staff_id: n for staff_id, n in found if staff_id is not None}


def birthdays_ahead(person_ids: Sequence[int], today: dt.date, days: int) -> dict[int, dt.date]:
    """When each of many persons next celebrates, for those who do from today on within so many days."""
    keys: dict[str, dt.date] = {}
    for ahead in range(days + 1):
        day = today + dt.timedelta(days=ahead)
        for key in rules.keys_celebrated(day):
            keys.setdefault(key, day)
    rows = Person.objects.filter(pk__in=person_ids, birthday_key__in=list(keys))
    return {pk: keys[key] for pk, key in rows.values_list("id", "birthday_key")}


def associate_of(person_id: int) -> AssociateView | None:
    """Who looks after a person, for the person; None for nobody, or for somebody who left the house."""
    staff_id = Person.objects.filter(pk=person_id).values_list("associate_id", flat=True).first()
    if staff_id is None:
        return None
    view = _view(staff_id, 0)
    return view if view.is_active else None


def associates_to_choose(viewer: Viewer) -> list[tuple[int, str]]:
    """Active sales associates of the viewer's malls, by name. Raises NotAllowed."""
    found = [one for one in associates(viewer) if one.is_active]
    return sorted(((one.staff_id, one.name) for one in found), key=lambda pair: pair[1])
