"""The shares of a household's pool, as the operations on it change them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from zhike.kernel.access import Viewer
from zhike.loyalty.models import Household, PoolEntry, PoolShare, Redemption, Transfer
from zhike.loyalty.operations.state import Posting
from zhike.loyalty.queries.households import HouseholdNotFound
from zhike.loyalty.queries.snapshots import EXPIRED, POOLED, REDEEMED
from zhike.loyalty.rules.accounts import LotParts
from zhike.loyalty.rules.households import Share, give_back


def locked_pool(household_id: int) -> Household:
    """The household, held until the transaction ends. Raises HouseholdNotFound."""
    row = Household.objects.select_for_update(of=("self",)).filter(id=household_id).first()
    if row is None:
        raise HouseholdNotFound
    return row


def restore_to_pool(
    posting: Posting,
    redemption: Redemption,
    taken: Transfer,
    points: int,
    *,
    actor: Viewer,
    why: Mapping[str, Any],
    now: dt.datetime,
) -> LotParts:
    """Points of a redemption come back to the shares they were taken from; the caller holds the spender's account."""
    told = taken.explanation
    household = locked_pool(told["pool"])
    before = [
        Share(member_id, dt.date.fromisoformat(day), funding_id, part)
        for member_id, day, funding_id, part in told["shares"]
    ]
    shares = give_back(before, redemption.reversed_points, points)
    posting.add_beside(
        lots_of_shares(shares),
        debit=REDEEMED,
        credit=POOLED,
        reason="restore",
        reference=f"redemption:{redemption.pk}",
        actor=actor,
        occurred_at=now,
        now=now,
        explanation={"redemption": str(redemption.pk), **why, **told_of(household.pk, shares)},
        reverses=taken.pk,
    )
    change_shares(household.pk, shares, 1)
    enter_pool(household.pk, redemption.member_id, "restore", points, now, redemption)
    return lots_of_shares(shares)


def lapse_shares(
    posting: Posting, household_id: int, shares: Sequence[Share], actor: Viewer, now: dt.datetime
) -> None:
    day = max(one.expires_on for one in shares)
    posting.add_beside(
        lots_of_shares(shares),
        debit=POOLED,
        credit=EXPIRED,
        reason="expire",
        reference=f"pool:{household_id}:{day}",
        actor=actor,
        occurred_at=now,
        now=now,
        explanation={"expired_on": day.isoformat(), **told_of(household_id, shares)},
    )
    change_shares(household_id, shares, -1)
    enter_pool(household_id, shares[0].member_id, "lapse", -sum(one.points for one in shares), now)


def shares_of(household_id: int) -> list[Share]:
    rows = PoolShare.objects.filter(household_id=household_id, remaining__gt=0)
    return [Share(*row) for row in rows.values_list("member_id", "expires_on", "funding_id", "remaining")]


def lots_of_shares(shares: Sequence[Share]) -> LotParts:
    lots: dict[tuple[dt.date, int], int] = {}
    for one in shares:
        key = (one.expires_on, one.funding_id)
        lots[key] = lots.get(key, 0) + one.points
    return tuple((*key, points) for key, points in lots.items())


def told_of(household_id: int, shares: Sequence[Share]) -> dict[str, Any]:
    """What a transfer says of the pool it touches: whose shares of which lots."""
    parts = [[one.member_id, one.expires_on.isoformat(), one.funding_id, one.points] for one in shares]
    return {"pool": household_id, "shares": parts}


def change_shares(household_id: int, shares: Sequence[Share], sign: int) -> None:
    for one in shares:
        row, _new = PoolShare.objects.get_or_create(
            household_id=household_id,
            member_id=one.member_id,
            expires_on=one.expires_on,
            funding_id=one.funding_id,
            defaults={"remaining": 0},
        )
        row.remaining += sign * one.points
        PoolShare.objects.filter(pk=row.pk).update(remaining=row.remaining)


def enter_pool(
    household_id: int,
    member_id: int,
    kind: str,
    points: int,
    now: dt.datetime,
    redemption: Redemption | None = None,
) -> None:
    PoolEntry.objects.create(
        household_id=household_id,
        member_id=member_id,
        kind=kind,
        points=points,
        redemption=redemption,
        at=now,
    )
