"""The board as a file: who took it is on record."""

from __future__ import annotations

import datetime as dt

from zhike.kernel import audit
from zhike.kernel.access import Viewer
from zhike.marketing import queries

ROWS_MAX = 500


def export_board(
    *, actor: Viewer, since: dt.datetime | None = None, mall_id: int | None = None, now: dt.datetime
) -> list[queries.BoardRow]:
    """The board of the actor's scope, with an entry in the audit trail before the first row. Raises NotAllowed."""
    rows = queries.board(actor, now, ROWS_MAX, since=since, mall_id=mall_id)
    after = {"rows": len(rows), "since": since.isoformat() if since else "", "mall": mall_id}
    audit.record(actor=actor, action="campaign.export_board", subject=("campaign", 0), after=after, now=now)
    return rows
