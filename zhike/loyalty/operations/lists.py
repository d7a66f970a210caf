"""What is done to a whole list of members: their status changed together, the list taken out as a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db import transaction

from zhike.kernel import audit
from zhike.kernel.access import Viewer, require
from zhike.loyalty.models import Member
from zhike.loyalty.operations.members import set_member_status


@transaction.atomic
def set_member_statuses(
    *, actor: Viewer, member_ids: Sequence[int], status: str, reason: str, now: dt.datetime
) -> int:
    """Freeze, reopen or close several memberships, all or none; how many changed.

    Raises what `set_member_status` raises for any of them.
    """
    ids = sorted(set(member_ids))
    unchanged = set(Member.objects.filter(id__in=ids, status=status).values_list("id", flat=True))
    for member_id in ids:
        set_member_status(actor=actor, member_id=member_id, status=status, reason=reason, now=now)
    return len(ids) - len(unchanged)


@transaction.atomic
def begin_member_export(*, actor: Viewer, filters: Mapping[str, str], now: dt.datetime) -> None:
    """Note in the audit trail that a list of members leaves as a file, before its first row does. Raises NotAllowed."""
    require(actor, "members.export")
    audit.record(
        actor=actor, action="members.export", subject=("members", "list"), after=dict(filters), now=now
    )
