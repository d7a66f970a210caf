"""The beginning of an installation."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from zhike.kernel.access import Viewer, require_touch
from zhike.organization import queries
from zhike.organization.models import Staff
from zhike.organization.operations.structure import PERMISSION, create_group

FOUNDING_LOCK = 0x7A68696B65


def found_group(*, actor: Viewer, code: str, name: str, app_name: str = "", now: dt.datetime) -> int:
    """Found the group of this installation, which takes in the staff who were there before it; its id.

    There is one founding: done again, it changes nothing and gives the group that is there. Raises NotAllowed.
    """
    require_touch(actor, PERMISSION)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FOUNDING_LOCK])
        if known := queries.founded_group():
            return known.id
        group_id = create_group(actor=actor, code=code, name=name, app_name=app_name, now=now)
        Staff.objects.filter(group=None).update(group_id=group_id)
    return group_id
