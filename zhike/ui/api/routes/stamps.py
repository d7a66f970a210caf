"""Stamp cards of a member."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from ninja import Path, Router
from ninja import Schema as Out

from zhike.engagement import queries
from zhike.ui.api.routes.base import ApiRequest, Needs
from zhike.ui.api.shapes import ID_MAX
from zhike.ui.components.stamps import ways

router = Router(tags=["engagement"])


class StampCardOut(Out):
    """`days`: of each stamp on the card being filled, which takes `of`; `filled` cards before it. `runs_out_on`: the last
    day for it; `due_on`: when a reward that waits comes; `how`: what gives a stamp."""

    card_id: int
    name: str
    merchant: str
    reward: str
    how: list[str]
    of: int
    days: list[dt.date]
    filled: int
    runs_out_on: dt.date | None
    due_on: dt.date | None
    open: bool


class StampCardsOut(Out):
    items: list[StampCardOut]


@router.get("/members/{int:member_id}/stamp-cards", auth=Needs("members.view"), response=StampCardsOut)
def list_stamp_cards(request: ApiRequest, member_id: Annotated[int, Path(ge=1, le=ID_MAX)]) -> StampCardsOut:
    """The cards a member can fill, with the stamps they have."""
    items = [
        StampCardOut(
            card_id=one.card_id,
            name=one.name,
            merchant=one.merchant,
            reward=one.reward,
            how=ways(one.terms),
            of=one.terms.stamps,
            days=list(one.days),
            filled=one.rounds,
            runs_out_on=one.runs_out_on,
            due_on=one.due_on,
            open=one.is_open,
        )
        for one in queries.own_stamp_cards(request.viewer, member_id, request.now)
    ]
    return StampCardsOut(items=items)
