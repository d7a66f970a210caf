"""Merges: two records of one person become one, and two again."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router, Schema

from zhike.customers.queries import merges as known
from zhike.customers.queries import suggestions as twins
from zhike.kernel.idempotency import Outcome
from zhike.loyalty import operations, queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Id, Input, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["members"])

MergeId = Annotated[int, Path(ge=1, le=ID_MAX)]
State = Literal["proposed", "merged", "declined", "undone"]


class MergeIn(Input):
    """`member_id` goes on for both; `reason` says how one knows that they are one person."""

    member_id: Id
    merged_member_id: Id
    reason: Annotated[str, text(200, 1)]


class MergeReasonIn(Input):
    reason: Annotated[str, text(200, 1)]


class MergeDoneOut(Schema):
    """`state` is proposed when a second member of staff has to agree, because of the `guards`."""

    merge_id: int
    state: State
    guards: list[str]


class MergeOut(Schema):
    merge_id: int
    member_id: int | None
    merged_member_id: int | None
    state: State
    guards: list[str]
    reason: str
    proposed_at: dt.datetime
    merged_at: dt.datetime | None
    ended_at: dt.datetime | None


class MergesOut(Schema):
    items: list[MergeOut]
    next_cursor: str | None


@router.post(
    "/merges", auth=Needs("members.merge", body=True), response={201: MergeDoneOut, 200: MergeDoneOut}
)
def merge_members(request: ApiRequest, body: MergeIn) -> Any:
    """Let one member go on for two, or propose it."""

    def act() -> Outcome:
        outcome = operations.merge_persons(
            actor=request.viewer,
            survivor_id=queries.person_id_of(body.member_id),
            merged_id=queries.person_id_of(body.merged_member_id),
            reason=body.reason,
            evidence={"by": "api"},
            now=request.now,
        )
        found = MergeDoneOut(
            merge_id=outcome.merge_id,
            state=outcome.state,  # type: ignore[arg-type]
            guards=list(outcome.guards),
        )
        return Outcome(201 if outcome.state == "merged" else 200, found.model_dump(mode="json"))

    return run_once(request, act)


@router.get("/merges", auth=Needs("members.merge"), response=MergesOut)
def list_merges(
    request: ApiRequest,
    state: Annotated[str, Query(pattern="^(|proposed|merged|declined|undone)$")] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
) -> MergesOut:
    """Merges within the key's scope, newest first."""
    page = known.merges(request.viewer, state=state, cursor=cursor, limit=limit)
    return MergesOut(items=[_merge_out(one) for one in page.items], next_cursor=page.next_cursor)


@router.get("/merges/{int:merge_id}", auth=Needs("members.merge"), response=MergeOut)
def get_merge(request: ApiRequest, merge_id: MergeId) -> MergeOut:
    return _merge_out(known.merge(request.viewer, merge_id))


@router.post("/merges/{int:merge_id}/undo", auth=Needs("members.merge", body=True), response={201: MergeOut})
def undo_merge(request: ApiRequest, merge_id: MergeId, body: MergeReasonIn) -> Any:
    """Two members again, each with what came by its own identifiers."""

    def act() -> Outcome:
        known.merge(request.viewer, merge_id)
        operations.unmerge_persons(
            actor=request.viewer, merge_id=merge_id, reason=body.reason, now=request.now
        )
        found = _merge_out(known.merge(request.viewer, merge_id))
        return Outcome(201, found.model_dump(mode="json"))

    return run_once(request, act)


def _merge_out(one: known.MergeView) -> MergeOut:
    return MergeOut(
        merge_id=one.id,
        member_id=queries.member_id_of_person(one.survivor.id),
        merged_member_id=queries.member_id_of_person(one.merged.id),
        state=one.state,  # type: ignore[arg-type]
        guards=list(one.guards),
        reason=one.reason,
        proposed_at=one.proposed_at,
        merged_at=one.merged_at,
        ended_at=one.ended_at,
    )


class SuggestionOut(Schema):
    """`evidence` says of each thing compared how well it fits: 0 not at all, higher is better."""

    suggestion_id: int
    member_id: int | None
    other_member_id: int | None
    basis: Literal["identifier", "likeness"]
    probability: float
    evidence: dict[str, int]
    state: Literal["open", "unsure", "accepted", "rejected"]
    found_at: dt.datetime


class SuggestionsOut(Schema):
    items: list[SuggestionOut]
    next_cursor: str | None


class JudgedOut(Schema):
    """The merge an accepted pair led to, and its state; None for the others."""

    verdict: Literal["accepted", "rejected", "unsure"]
    merge_id: int | None
    state: State | None
    guards: list[str]


class VerdictIn(Input):
    """`reason` is kept with the merge of an accepted pair."""

    verdict: Literal["accepted", "rejected", "unsure"]
    reason: Annotated[str, text(200)] = ""


@router.get("/merge-suggestions", auth=Needs("members.merge"), response=SuggestionsOut)
def list_merge_suggestions(
    request: ApiRequest,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
) -> SuggestionsOut:
    """Pairs within the key's scope that may be one person, the surest first."""
    page = twins.suggestions(request.viewer, cursor=cursor, limit=limit)
    return SuggestionsOut(
        items=[
            SuggestionOut(
                suggestion_id=one.id,
                member_id=queries.member_id_of_person(one.first.id),
                other_member_id=queries.member_id_of_person(one.second.id),
                basis=one.basis,  # type: ignore[arg-type]
                probability=one.probability,
                evidence=dict(one.evidence),
                state=one.state,  # type: ignore[arg-type]
                found_at=one.found_at,
            )
            for one in page.items
        ],
        next_cursor=page.next_cursor,
    )


@router.post(
    "/merge-suggestions/{int:suggestion_id}/verdict",
    auth=Needs("members.merge", body=True),
    response={201: JudgedOut},
)
def judge_merge_suggestion(request: ApiRequest, suggestion_id: MergeId, body: VerdictIn) -> Any:
    """One person (merged, or proposed where caution is due), two persons, or not sure."""

    def act() -> Outcome:
        if body.verdict != "accepted":
            operations.reject_suggestion(
                actor=request.viewer,
                suggestion_id=suggestion_id,
                unsure=body.verdict == "unsure",
                now=request.now,
            )
            answer = JudgedOut(verdict=body.verdict, merge_id=None, state=None, guards=[])
            return Outcome(201, answer.model_dump(mode="json"))
        outcome = operations.accept_suggestion(
            actor=request.viewer, suggestion_id=suggestion_id, reason=body.reason, now=request.now
        )
        found = JudgedOut(
            verdict=body.verdict,
            merge_id=outcome.merge_id,
            state=outcome.state,  # type: ignore[arg-type]
            guards=list(outcome.guards),
        )
        return Outcome(201, found.model_dump(mode="json"))

    return run_once(request, act)
