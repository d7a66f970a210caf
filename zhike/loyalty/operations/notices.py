"""Members hear that points are about to lapse: 30, 7 and 1 days before, and only of points that are still there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db import connection

from zhike.kernel.access import Viewer, require
from zhike.loyalty.queries.snapshots import read_programme
from zhike.messaging import operations as messaging

STAGES = (30, 7, 1)
"""Days before the last day."""
CATCH_UP_DAYS = 3
"""A stage that no run served on its day is served up to two days late, unless the next one begins."""
TEMPLATE = "points_lapse"
BATCH = 5_000
WORDINGS = {
    "zh-hans": ("积分即将到期", "${name}，您有 ${points} 积分将于 ${day} 到期，请尽快使用。"),
    "zh-hant": ("積分即將到期", "${name}，您有 ${points} 積分將於 ${day} 到期，請盡快使用。"),
    "en": (
        "Points are about to lapse",
        "${name}, ${points} of your points lapse after ${day}. Use them soon.",
    ),
}


def notify_of_lapse(*, actor: Viewer, program_id: int, now: dt.datetime) -> int:
    """Ask messaging to tell every member whose points lapse soon; how many messages were written.

    Once for each last day and stage, however often this runs: the request's name says both. Only active members with
    points left on that last day are told, with the sum that is left now; a message that could not go out by the end of
    the next day is dropped, because the points may be spent by then. Consent, quiet hours and caps are messaging's gates.
    """
    require(actor, "programme.edit")
    programme = read_programme(program_id)
    today = programme.today(now)
    messaging.begin_inbox_template(
        actor=actor,
        group_id=programme.group_id,
        code=TEMPLATE,
        name="积分到期提醒",
        wordings=WORDINGS,
        now=now,
    )
    written = 0
    for stage, day in due_days(today):
        for own in _with_points_left(program_id, day):
            asked = messaging.send_messages(
                actor=actor,
                template=TEMPLATE,
                person_ids=list(own),
                values={"day": day.isoformat()},
                own_values=own,
                once=f"lapse:{program_id}:{day.isoformat()}:{stage}",
                expires_at=now + dt.timedelta(days=1),
                now=now,
            )
            written += asked.count
    return written


def due_days(today: dt.date) -> list[tuple[int, dt.date]]:
    """(stage, last day) of the lots to be told of today."""
    found = []
    for stage, following in zip(STAGES, (*STAGES[1:], -1), strict=True):
        for late in range(CATCH_UP_DAYS):
            if stage - late > following:
                found.append((stage, today + dt.timedelta(days=stage - late)))
    return found


def _with_points_left(program_id: int, day: dt.date) -> Iterator[dict[int, dict[str, str]]]:
    """The values of each person who has points that lapse after ``day``, by batches of accounts."""
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT a.id, m.person_id, sum(l.remaining) FROM loyalty_lot l
                JOIN loyalty_account a ON a.id = l.account_id JOIN loyalty_member m ON m.id = a.member_id
                WHERE l.expires_on = %s AND l.remaining > 0 AND l.account_id > %s AND a.program_id = %s
                    AND m.status = 'active'
                GROUP BY a.id, m.person_id ORDER BY a.id LIMIT %s""",
                [day, last, program_id, BATCH],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        yield {person_id: {"points": f"{points:,}"} for _, person_id, points in rows}
        last = rows[-1][0]
