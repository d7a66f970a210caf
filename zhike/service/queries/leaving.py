"""What is still open between a human being who leaves and us; and which days people work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from zhike.service.models import HolidayYear, Ticket
from zhike.service.rules import calendars

OPEN = (Ticket.Status.NEW, Ticket.Status.OPEN, Ticket.Status.WAITING)


def tickets_left(person_ids: Sequence[int]) -> list[str]:
    """The numbers of their open tickets. For contexts above, which have checked already."""
    rows = Ticket.objects.filter(person_id__in=person_ids, status__in=OPEN)
    return list(rows.order_by("id").values_list("number", flat=True))


def special_days(since: dt.date, until: dt.date, region: str = "cn") -> dict[dt.date, tuple[str, bool]]:
    """Public holidays (name, True) and weekend days worked instead (name, False), as far as they are published."""
    years = HolidayYear.objects.filter(region=region, year__range=(since.year, until.year)).order_by("id")
    found: dict[dt.date, tuple[str, bool]] = {}
    for row in years:
        for day, special in calendars.stored_holidays(row.days).items():
            if since <= day <= until:
                found[day] = (special.name, special.is_off)
    return found
