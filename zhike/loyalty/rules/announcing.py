"""When a version of what members were promised takes effect: one that makes things worse waits until they were told."""

from __future__ import annotations

from datetime import datetime, timedelta


def begins_at(
    effective_from: datetime, *, is_worse: bool, noticed_at: datetime | None, notice_days: int
) -> datetime | None:
    """The moment a version begins; None while one that makes things worse has not been announced to everybody.

    The notice period is counted from the moment the last one was told, however early the version is dated.
    """
    if not is_worse:
        return effective_from
    if noticed_at is None:
        return None
    return max(effective_from, noticed_at + timedelta(days=notice_days))
