"""Redemption rates, as tests publish them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.loyalty.conftest import NOW, SYSTEM, Town
from zhike.loyalty import operations as loyalty

DAY = dt.timedelta(days=1)
ONE_TO_ONE: dict[str, Any] = {"points": 100, "fen": 100}


def publish_rates(
    town: Town,
    *lines: dict[str, Any],
    at: dt.datetime = NOW,
    now: dt.datetime = NOW,
    keeps: bool = False,
    **parts: Any,
) -> int:
    definition = ONE_TO_ONE | {"lines": list(lines)} | parts
    return loyalty.publish_rates(
        actor=SYSTEM,
        program_id=town.program_id,
        definition=definition,
        effective_from=at,
        keeps=keeps,
        now=now,
    )


def give(
    member: Any, points: int, now: dt.datetime = NOW, expires_on: dt.date = dt.date(2028, 12, 31)
) -> None:
    loyalty.adjust_points(
        actor=SYSTEM, member_id=member.member_id, points=points, reason="期初", expires_on=expires_on, now=now
    )


def redeem(member: Any, points: int, now: dt.datetime = NOW, **kwargs: Any) -> loyalty.RedemptionOutcome:
    return loyalty.redeem_points(actor=SYSTEM, member_id=member.member_id, points=points, now=now, **kwargs)


def quote(member: Any, points: int | None = None, now: dt.datetime = NOW, **kwargs: Any) -> loyalty.Quote:
    return loyalty.quote_redemption(
        actor=SYSTEM, member_id=member.member_id, points=points, now=now, **kwargs
    )
