"""Members handed over from one sales associate to another."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers.events import AssociateAssigned
from zhike.customers.models import Person
from zhike.customers.queries import COLUMNS
from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require, visible
from zhike.kernel.errors import Invalid, NotFound
from zhike.organization import queries as organization

MANAGE = "members.identity"
BATCH = 5_000


class HandOverInvalid(Invalid):
    code = "hand-over-invalid"
    title = _("Choose another active colleague, and say why.")


@transaction.atomic
def hand_over_members(
    *, actor: Viewer, from_staff_id: int, to_staff_id: int, reason: str, now: dt.datetime
) -> int:
    """Give the members of one sales associate, so far as the actor may assign them, to a colleague; how many, at most 5,000.

    Ask again while members are left. Done twice, the second time finds none. Raises HandOverInvalid, NotFound, NotAllowed.
    """
    require(actor, MANAGE)
    organization.staff_member(from_staff_id)
    if to_staff_id == from_staff_id or not reason.strip():
        raise HandOverInvalid
    if not organization.staff_member(to_staff_id).is_active:
        raise NotFound
    rows = visible(Person.objects.filter(associate_id=from_staff_id), actor, MANAGE, COLUMNS)
    ids = list(rows.select_for_update(of=("self",)).order_by("id").values_list("id", flat=True)[:BATCH])
    Person.objects.filter(pk__in=ids).update(associate_id=to_staff_id)
    if ids:
        audit.record(
            actor=actor,
            action="associate.hand_over",
            subject=("staff", from_staff_id),
            after={"to": to_staff_id, "members": len(ids)},
            reason=reason,
            now=now,
        )
        events.publish_many([AssociateAssigned(pk, to_staff_id) for pk in ids], actor=actor, now=now)
    return len(ids)
