"""Identifiers made by us: time-ordered, so that their index pages stay warm."""

from __future__ import annotations

import uuid

from uuid_utils import uuid7 as _bare_uuid7
from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> uuid.UUID:
    """A new time-ordered UUID, as the standard library's type."""
    return _uuid7()


def stamp() -> int:
    """A number for a state of something, growing with time and never given twice.

    A counter in the database would be: after a rollback it counts to the same number again, and a copy made before it
    would pass for the state that came later.
    """
    return uuid7().int >> 65


def request_id() -> str:
    """A new name for one request, kept in the log, the audit trail and the response header."""
    return _bare_uuid7().hex
