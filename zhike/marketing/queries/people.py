"""The people behind a campaign's figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from zhike.kernel.access import Viewer
from zhike.kernel.paging import Keyset, Listing
from zhike.loyalty import queries as loyalty
from zhike.marketing.models import Campaign, CampaignRecipient
from zhike.marketing.queries.found import campaign_row
from zhike.marketing.rules import campaigns as rules
from zhike.sales import queries as sales

SHOWN = ("given", "held", "refused", "clicked", "bought", "new")
SCANS = 40
"""Pages looked through at most for one page of buyers; the next page goes on from there."""
_ORDER = Keyset((("person_id", "asc"),))


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """Somebody in a campaign; ``member`` None is not in the viewer's scope. ``net_fen`` in the window, less returns."""

    person_id: int
    member_id: int
    member: loyalty.MemberRow | None
    arm: str
    state: str
    channel: str
    gate: str
    reason: str
    given_at: dt.datetime | None
    clicked_at: dt.datetime | None
    sales: int
    net_fen: int
    is_new: bool


def campaign_people(
    viewer: Viewer,
    campaign_id: int,
    now: dt.datetime,
    *,
    show: str = "",
    cursor: str | None = None,
    limit: int = 30,
) -> Listing[RecipientRow]:
    """Who is in a campaign, by ``show`` only: given, held (holdout), refused (at the gates), clicked, bought (measured, in the arms),
    new (of these who never had bought). Whoever is globally held is in none. Raises NotFound, BadCursor.
    """
    row = campaign_row(viewer, campaign_id)
    rows = _rows(row, show)
    limit = min(max(limit, 1), 200)
    if show not in ("bought", "new"):
        page = _ORDER.page(rows, cursor, limit)
        return Listing(_lines(viewer, row, page.items, now), page.next_cursor, page.previous_cursor)
    found: list[RecipientRow] = []
    for _scan in range(SCANS):
        page = _ORDER.page(rows, cursor, limit - len(found))
        lines = _lines(viewer, row, page.items, now)
        found += [one for one in lines if one.sales and (show == "bought" or one.is_new)]
        cursor = page.next_cursor
        if cursor is None or len(found) >= limit:
            break
    return Listing(found, cursor, None)


def _rows(row: Campaign, show: str) -> QuerySet[CampaignRecipient]:
    rows = CampaignRecipient.objects.filter(campaign=row).exclude(arm=rules.GLOBAL).select_related("wave")
    if show == "given":
        return rows.filter(state="given")
    if show == "held":
        return rows.filter(state="held", gate="")
    if show == "refused":
        return rows.exclude(gate="")
    if show == "clicked":
        return rows.exclude(clicked_at=None)
    return rows.filter(gate="").exclude(state="held") if show else rows


def _lines(
    viewer: Viewer, row: Campaign, people: Sequence[CampaignRecipient], now: dt.datetime
) -> list[RecipientRow]:
    window = dt.timedelta(days=row.window_days)
    spent: dict[int, tuple[int, int]] = {}
    windows = [(one.person_id, one.wave.starts_at, min(now, one.wave.starts_at + window)) for one in people]
    for did in sales.spent_within(windows):
        count, fen = spent.get(did.person_id, (0, 0))
        spent[did.person_id] = count + did.sales, fen + did.net_fen
    known = sales.last_bought_before([(one.person_id, one.wave.starts_at) for one in people])
    members = {one.member_id: one for one in loyalty.member_rows(viewer, [one.member_id for one in people])}
    return [
        RecipientRow(
            person_id=one.person_id,
            member_id=one.member_id,
            member=members.get(one.member_id),
            arm=one.arm,
            state=one.state,
            channel=one.channel,
            gate=one.gate,
            reason=one.reason,
            given_at=one.given_at,
            clicked_at=one.clicked_at,
            sales=spent.get(one.person_id, (0, 0))[0],
            net_fen=spent.get(one.person_id, (0, 0))[1],
            is_new=one.person_id not in known,
        )
        for one in people
    ]
