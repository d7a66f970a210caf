"""What the operations on staff and on sessions share."""

from __future__ import annotations

import datetime as dt

from zhike.kernel import crypto
from zhike.kernel.access import Viewer
from zhike.kernel.errors import NotAllowed
from zhike.organization import rules
from zhike.organization.events import SessionEnded
from zhike.organization.models import Staff, StaffSession

TOTP_FIELD = "organization.staff.totp_secret"


def totp_step_of(member: Staff, code: str, now: dt.datetime) -> int | None:
    """The step of a right and unused code, else None. The caller holds the row's lock and keeps the step."""
    if member.totp_secret is None:
        return None
    secret = crypto.decrypt(bytes(member.totp_secret), field=TOTP_FIELD, row=member.pk)
    return rules.totp_step(secret, code, now, member.totp_last_step)


def own_id(actor: Viewer) -> int:
    """The row of the member of staff who acts. Raises NotAllowed for anybody else."""
    if actor.kind != "staff" or actor.id is None:
        raise NotAllowed
    return actor.id


def end_sessions(
    staff_id: int, cause: str, now: dt.datetime, keep_session_key: str | None = None
) -> list[SessionEnded]:
    """End all sessions of a person but one; the facts to publish."""
    rows = StaffSession.objects.select_for_update().filter(staff_id=staff_id, revoked_at=None).order_by("id")
    if keep_session_key is not None:
        rows = rows.exclude(session_key=keep_session_key)
    ids = list(rows.values_list("id", flat=True))
    StaffSession.objects.filter(pk__in=ids).update(revoked_at=now)
    return [SessionEnded(staff_id, session_id, cause) for session_id in ids]
