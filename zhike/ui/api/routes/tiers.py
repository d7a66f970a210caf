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

    What is done from `counts_from` on keeps it: `keep`, of which `counted` is there, in what the ladder counts (`basis`), or
    `keep_visits` days. Where that is spend, the same stands in fen. `growth` is the growth value that counts now.
    """

    member_id: int
    tier: str
    earned: str
    until: dt.date | None
    grace_until: dt.date | None
    in_grace: bool
    counts_from: dt.date
    basis: Literal["spend", "visits", "growth"]
    keep: int
    counted: int
    missing: int
    keep_fen: int | None
    counted_fen: int | None
    missing_fen: int | None
    keep_visits: int | None
    counted_visits: int
    is_kept: bool
    next_tier: str | None
    toward: int
    to_next: int
    to_next_fen: int | None
    growth: int
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
        basis=one.basis,  # type: ignore[arg-type]
        keep=one.keep,
        counted=one.counted,
        missing=one.missing,
        keep_fen=one.in_fen(one.keep),
        counted_fen=one.in_fen(one.counted),
        missing_fen=one.in_fen(one.missing),
        keep_visits=one.keep_visits,
        counted_visits=one.counted_visits,
        is_kept=one.is_kept,
        next_tier=one.next_tier.code if one.next_tier else None,
        toward=one.toward,
        to_next=one.to_next,
        to_next_fen=one.in_fen(one.to_next),
        growth=one.growth,
        sentence=one.sentence,
        grants=[_grant_out(grant) for grant in queries.tier_grants(request.viewer, member_id, request.now)],
        history=[_change_out(line) for line in queries.tier_history(request.viewer, member_id, limit)],
    )


class GrowthEntryOut(Out):
    """`growth` below zero was taken back; `why` in figures, `sentence` in the language asked for."""

    id: int
    day: dt.date
    source: Literal["spend", "visit", "deed"]
    growth: int
    reference: str
    why: dict[str, Any]
    sentence: str


class GrowthOut(Out):
    """`in_window` counts toward tiers since `since`; `gathered` is all there ever was. `rules` null: there is none."""

    in_window: int
    since: dt.date | None
    gathered: int
    rules: str | None
    items: list[GrowthEntryOut]
    next_cursor: str | None


@router.get("/members/{int:member_id}/growth", auth=Needs("members.view"), response=GrowthOut)
def member_growth(
    request: ApiRequest,
    member_id: PathId,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> GrowthOut:
    found = queries.member_growth(request.viewer, member_id, request.now, cursor, limit)
    if found is None:
        return GrowthOut(in_window=0, since=None, gathered=0, rules=None, items=[], next_cursor=None)
    return GrowthOut(
        in_window=found.in_window,
        since=found.since,
        gathered=found.gathered,
        rules=found.rules,
        items=[
            GrowthEntryOut(
                id=one.id,
                day=one.day,
                source=one.source,  # type: ignore[arg-type]
                growth=one.growth,
                reference=one.reference,
                why=dict(one.why),
                sentence=one.sentence,
            )
            for one in found.entries
        ],
        next_cursor=found.page.next_cursor,
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
