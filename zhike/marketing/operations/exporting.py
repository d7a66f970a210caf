"""The board as a file: who took it is on record."""

from __future__ import annotations

import datetime as dt

from zhike.kernel import audit
from zhike.kernel.access import Viewer
from zhike.marketing import queries


def export_board(
    *,
    actor: Viewer,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    mall_id: int | None = None,
    now: dt.datetime,
) -> queries.Board:
    """The board of the actor's scope, with an entry in the audit trail before the first row. Raises NotAllowed."""
    found = queries.board(actor, now, since=since, until=until, mall_id=mall_id)
    after = {
        "rows": len(found.lines),
        "since": since.isoformat() if since else "",
        "until": until.isoformat() if until else "",
        "mall": mall_id,
    }
    audit.record(actor=actor, action="campaign.export_board", subject=("campaign", 0), after=after, now=now)
    return found
