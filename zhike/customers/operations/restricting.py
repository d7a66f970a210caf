"""A person's data are kept and no longer used, or used again."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries
from zhike.customers.models import Person
from zhike.kernel import audit
from zhike.kernel.access import Viewer, load_visible
from zhike.kernel.errors import Conflict

PERMISSION = "rights.ask"


class AlreadyErased(Conflict):
    code = "already-erased"
    title = _("The data of this person were erased.")


def restrict_person(*, actor: Viewer, person_id: int, restricted: bool, now: dt.datetime) -> bool:
    """Whether anything changed. Raises NotFound, NotAllowed, AlreadyErased."""
    with transaction.atomic():
        rows = Person.objects.select_for_update(of=("self",), no_key=True)
        person = load_visible(rows, queries.survivor_of(person_id), actor, PERMISSION, queries.COLUMNS)
        wanted = Person.Status.RESTRICTED if restricted else Person.Status.ACTIVE
        if person.status == Person.Status.ERASED:
            raise AlreadyErased
        if person.status == wanted:
            return False
        before, person.status = person.status, wanted
        person.save(update_fields=["status"])
        audit.record(
            actor=actor, action="person.restrict", subject=("person", person.pk), before={"status": before},
            after={"status": wanted}, now=now,
        )  # fmt: skip
    return True
