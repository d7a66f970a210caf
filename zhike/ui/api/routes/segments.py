"""Segments: made, counted, and given out for a purpose that members agreed to."""

from __future__ import annotations

from bisect import bisect_right
from typing import Annotated, Any

from ninja import Query, Router

from zhike.insight import operations, queries
from zhike.kernel.idempotency import Outcome
from zhike.organization import queries as organization
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.segment_schemas import (
    CountOut,
    DefinitionIn,
    MembersOfSegmentOut,
    SegmentFileOut,
    SegmentIn,
    SegmentOut,
    SegmentSavedOut,
    SegmentsOut,
)
from zhike.ui.components import segments as words

router = Router(tags=["segments"])


@router.get("/segments", auth=Needs("segments.view"), response=SegmentsOut)
def list_segments(request: ApiRequest) -> SegmentsOut:
    """By name."""
    return SegmentsOut(items=[_out(ref) for ref in queries.segments(request.viewer)])


@router.post("/segments", auth=Needs("segments.edit", body=True), response={201: SegmentSavedOut})
def save_segment(request: ApiRequest, body: SegmentIn) -> Any:
    """Make a segment."""

    def act() -> Outcome:
        segment_id = operations.save_segment(
            actor=request.viewer,
            group_id=organization.default_group().id,
            code=body.code,
            name=body.name,
            note=body.note,
            definition=body.definition,
            mall_id=body.mall_id,
            now=request.now,
        )
        return Outcome(201, SegmentSavedOut(id=segment_id).model_dump(mode="json"))

    return run_once(request, act)


@router.post("/segments/count", auth=Needs("segments.view", body=True), response=CountOut)
def count_definition(request: ApiRequest, body: DefinitionIn) -> CountOut:
    """How many a definition fits, without saving it."""
    try:
        tree = queries.parse(body.definition)
    except queries.BadDefinition as fault:
        raise operations.DefinitionInvalid(what=queries.fault_sentence(fault)) from fault
    return CountOut(count=queries.preview_count(request.viewer, tree, body.mall_id, request.now))


@router.get("/segments/{int:segment_id}", auth=Needs("segments.view"), response=SegmentFileOut)
def get_segment(request: ApiRequest, segment_id: int) -> SegmentFileOut:
    """One segment with its definition and what that means."""
    found = queries.segment(request.viewer, segment_id)
    return SegmentFileOut(
        segment=_out(found.ref),
        version=found.version,
        definition=queries.stored(found.definition),
        sentence=words.sentence(found.definition, words.names_for(request.viewer)),
    )


@router.get("/segments/{int:segment_id}/members", auth=Needs("segments.export"), response=MembersOfSegmentOut)
def list_segment_members(
    request: ApiRequest,
    segment_id: int,
    purpose: Annotated[str, Query(pattern="^(membership|marketing|personalisation|sharing)$")],
    channel: Annotated[str, Query(pattern="^(any|sms|email|wechat|phone|push)$")] = "any",
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
) -> MembersOfSegmentOut:
    """Who belongs and agreed to the purpose on the channel, by id."""
    ids = list(
        queries.segment_members(request.viewer, segment_id, purpose=purpose, channel=channel, now=request.now)
    )
    start = bisect_right(ids, after)
    page = ids[start : start + limit]
    return MembersOfSegmentOut(items=page, next_after=page[-1] if start + limit < len(ids) else None)


def _out(ref: queries.SegmentRef) -> SegmentOut:
    return SegmentOut(
        id=ref.id,
        code=ref.code,
        name=ref.name,
        note=ref.note,
        mall_id=ref.mall_id,
        count=ref.count,
        counted_at=ref.counted_at,
    )
