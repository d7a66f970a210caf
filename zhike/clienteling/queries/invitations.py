"""The code that makes a new member theirs who showed it: signed, so that nobody can put somebody else's name into it."""

from __future__ import annotations

from django.core import signing

from zhike.kernel.errors import NotFound
from zhike.organization import queries as organization

SALT = "clienteling.invitation"
LENGTH_MAX = 80


def invitation_code(staff_id: int) -> str:
    """For a member of staff who has logged in; it stays the same, so it may be printed."""
    return signing.Signer(salt=SALT).sign(str(staff_id))


def associate_by_code(code: str) -> int | None:
    """Whose code it is, if they still work here; None for anything else."""
    if not 0 < len(code) <= LENGTH_MAX:
        return None
    try:
        staff_id = int(signing.Signer(salt=SALT).unsign(code))
        staff = organization.staff_member(staff_id)
    except (signing.BadSignature, ValueError, NotFound):
        return None
    is_one = any(grant.role == "sales_associate" for grant in staff.grants)
    return staff_id if staff.is_active and is_one else None
