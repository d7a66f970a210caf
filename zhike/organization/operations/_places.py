"""What the operations on places share."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel.errors import Invalid
from zhike.organization import queries


class UnknownTimeZone(Invalid):
    code = "unknown-time-zone"
    title = _("“%(time_zone)s” is not a time zone.")


def require_time_zone(name: str) -> None:
    """Raises UnknownTimeZone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownTimeZone(time_zone=name[:60]) from error


def forget_after_commit() -> None:
    """The directory of merchants is read again: now by this transaction, and once it has committed by everybody."""
    queries.forget_merchants()
    transaction.on_commit(queries.forget_merchants)
