"""Sales associates and how many members each looks after."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from zhike.customers.models import Person
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
