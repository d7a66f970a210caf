"""The tier of a member for other doors: until when, what keeps it, why; lending one, and exceptions that two agree on."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.loyalty import operations, queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Input, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["members"])
PathId = Annotated[int, Path(ge=1, le=ID_MAX)]
GrantState = Literal["asked", "coming", "running", "over", "refused", "revoked"]


class TierGrantOut(Out):
    """A lent tier; `last_day` is the last day it counts. `reference` is the giver's own name of it."""

    grant_id: int
    member_id: int
    tier: str
    kind: Literal["temporary", "exception"]
    state: GrantState
    source: str
    reference: str
    reason: str
    starts_at: dt.datetime
    last_day: dt.date
    asked_by: str
    decided_by: str


class TierChangeOut(Out):
    """One decision: `why` in figures, `sentence` in the language asked for. `until`: how long the earned tier is held."""

    at: dt.datetime
    before: str
    after: str
    earned: str | None
    until: dt.date | None
    cause: str
    why: dict[str, Any]
    sentence: str


class TierStandingOut(Out):
    """`tier` is the one that counts, `earned` what remains when nothing is lent; held through `until` (null: no end).

    What is bought from `counts_from` on keeps it: `keep_fen`, of which `counted_fen` is there, or `keep_visits` days.
    """

    member_id: int
    tier: str
    earned: str
    until: dt.date | None
    grace_until: dt.date | None
    in_grace: bool
    counts_from: dt.date
    keep_fen: int
    counted_fen: int
    missing_fen: int
    keep_visits: int | None
    counted_visits: int
    is_kept: bool
    next_tier: str | None
    to_next_fen: int
    sentence: str
    grants: list[TierGrantOut]
    history: list[TierChangeOut]


class TierGrantIn(Input):
    """`tier` is its code; `until` the last day. `exception`: it waits until somebody else approves it."""

    tier: Annotated[str, text(40, 1)]
    until: dt.date
    reason: Annotated[str, text(300, 1)]
    reference: Annotated[str, text(80)] = ""
    exception: Annotated[bool, Field(strict=True)] = False


class TierReasonIn(Input):
    reason: Annotated[str, text(300, 1)]


class TierDecisionIn(Input):
    approve: Annotated[bool, Field(strict=True)]
    note: Annotated[str, text(300)] = ""


class TierGrantIdOut(Out):
    grant_id: int


class TierExceptionsOut(Out):
    items: list[TierGrantOut]


@router.get("/members/{int:member_id}/tier", auth=Needs("members.view"), response=TierStandingOut)
def member_tier(
    request: ApiRequest, member_id: PathId, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> TierStandingOut:
    one = queries.tier_standing(request.viewer, member_id, request.now)
    return TierStandingOut(
        member_id=one.member_id,
        tier=one.tier.code,
        earned=one.earned.code,
        until=one.until,
        grace_until=one.grace_until,
        in_grace=one.in_grace,
        counts_from=one.counts_from,
        keep_fen=one.keep_fen,
        counted_fen=one.counted_fen,
        missing_fen=one.missing_fen,
        keep_visits=one.keep_visits,
        counted_visits=one.counted_visits,
        is_kept=one.is_kept,
        next_tier=one.next_tier.code if one.next_tier else None,
        to_next_fen=one.to_next_fen,
        sentence=one.sentence,
        grants=[_grant_out(grant) for grant in queries.tier_grants(request.viewer, member_id, request.now)],
        history=[_change_out(line) for line in queries.tier_history(request.viewer, member_id, limit)],
    )


@router.post(
    "/members/{int:member_id}/tier-grants",
    auth=Needs("tiers.grant", body=True),
    response={201: TierGrantIdOut},
)
def grant_tier(request: ApiRequest, member_id: PathId, body: TierGrantIn) -> Any:
    def act() -> Outcome:
        asked: dict[str, Any] = {
            "actor": request.viewer,
            "member_id": member_id,
            "tier_id": queries.tier_id_by_code(member_id, body.tier),
            "until": body.until,
            "reason": body.reason,
            "now": request.now,
        }
        if body.exception:
            grant_id = operations.ask_tier_exception(**asked)
        else:
            grant_id = operations.grant_tier(source="api", reference=body.reference, **asked)
        return Outcome(201, {"grant_id": grant_id})

    return run_once(request, act)


@router.post(
    "/tier-grants/{int:grant_id}/revocation",
    auth=Needs("tiers.grant", body=True),
    response={200: TierGrantIdOut},
)
def revoke_tier_grant(request: ApiRequest, grant_id: PathId, body: TierReasonIn) -> Any:
    def act() -> Outcome:
        operations.revoke_tier_grant(
            actor=request.viewer, grant_id=grant_id, reason=body.reason, now=request.now
        )
        return Outcome(200, {"grant_id": grant_id})

    return run_once(request, act)


@router.get("/tier-exceptions", auth=Needs("tiers.grant"), response=TierExceptionsOut)
def list_tier_exceptions(request: ApiRequest) -> TierExceptionsOut:
    rows = queries.tier_exceptions(request.viewer, request.now)
    return TierExceptionsOut(items=[_grant_out(row) for row in rows])


@router.post(
    "/tier-exceptions/{int:grant_id}/decision",
    auth=Needs("tiers.approve", body=True),
    response={200: TierGrantIdOut},
)
def decide_tier_exception(request: ApiRequest, grant_id: PathId, body: TierDecisionIn) -> Any:
    def act() -> Outcome:
        operations.decide_tier_exception(
            actor=request.viewer, grant_id=grant_id, approve=body.approve, note=body.note, now=request.now
        )
        return Outcome(200, {"grant_id": grant_id})

    return run_once(request, act)


def _grant_out(one: queries.GrantView) -> TierGrantOut:
    return TierGrantOut(
        grant_id=one.id,
        member_id=one.member_id,
        tier=one.tier.code,
        kind=one.kind,  # type: ignore[arg-type]
        state=one.state,  # type: ignore[arg-type]
        source=one.source,
        reference=one.reference,
        reason=one.reason,
        starts_at=one.starts_at,
        last_day=one.last_day,
        asked_by=one.asked_by,
        decided_by=one.decided_by,
    )


def _change_out(line: queries.TierLine) -> TierChangeOut:
    return TierChangeOut(
        at=line.at,
        before=line.before.code,
        after=line.after.code,
        earned=line.earned.code if line.earned else None,
        until=line.until,
        cause=line.cause,
        why=dict(line.why),
        sentence=line.sentence,
    )
