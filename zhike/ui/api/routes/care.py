"""Follow-ups of sales associates, and what they wrote of members: for a phone application of the house's own."""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Path, Query, Router

from zhike.clienteling import operations, queries
from zhike.kernel.idempotency import Outcome
from zhike.loyalty import queries as loyalty
from zhike.ui.api.care_schemas import (
    CareNoteIn,
    CareNoteOut,
    ContactIn,
    ContactOut,
    ContactWayOut,
    ContactWaysOut,
    FollowUpEndIn,
    FollowUpOut,
    FollowUpsOut,
    ProposedTagOut,
)
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.routes.members import MemberId
from zhike.ui.api.shapes import ID_MAX
from zhike.ui.components import care as words

router = Router(tags=["associates"])
FollowUpId = Annotated[int, Path(ge=1, le=ID_MAX)]


def _out(one: queries.FollowUpView) -> FollowUpOut:
    return FollowUpOut(
        id=one.id,
        member_id=one.member_id,
        kind=one.kind,  # type: ignore[arg-type]
        why=words.sentence(one.kind, one.facts),
        facts=dict(one.facts),
        due_on=one.due_on,
        last_on=one.last_on,
        shown_on=one.shown_on,
        state=one.state,  # type: ignore[arg-type]
        outcome=one.outcome,
        is_late=one.is_late,
    )


@router.get("/follow-ups", auth=Needs("follow_ups.view"), response=FollowUpsOut)
def list_follow_ups(request: ApiRequest, ahead: Annotated[bool, Query()] = False) -> FollowUpsOut:
    """Reasons to turn to members in the key's scope: due now or late, or (`ahead`) those of later days."""
    found = queries.day(request.viewer, request.now, ahead=ahead)
    return FollowUpsOut(
        due=found.due, late=found.late, ahead=found.ahead, items=[_out(one) for one in found.items]
    )


@router.post(
    "/follow-ups/{int:follow_up_id}/finish", auth=Needs("follow_ups.work", body=True), response=FollowUpOut
)
def finish_follow_up(request: ApiRequest, follow_up_id: FollowUpId, body: FollowUpEndIn) -> Any:
    """Say what came of it. `not_reached` notes the try and leaves it open."""

    def act() -> Outcome:
        operations.finish_follow_up(
            actor=request.viewer,
            follow_up_id=follow_up_id,
            outcome=body.outcome,
            channel=body.channel or "",
            note=body.note,
            began_by_member=body.began_by_member,
            now=request.now,
        )
        found = queries.follow_up(request.viewer, follow_up_id, request.now)
        return Outcome(200, _out(found).model_dump(mode="json"))

    return run_once(request, act)


@router.get("/members/{int:member_id}/contact-ways", auth=Needs("follow_ups.view"), response=ContactWaysOut)
def list_contact_ways(request: ApiRequest, member_id: MemberId) -> ContactWaysOut:
    """Which ways lead to a member now: consent, refusal and quiet hours."""
    person_id = loyalty.person_id_of(member_id)
    ways = queries.ways(request.viewer, person_id, request.now)
    return ContactWaysOut(
        items=[
            ContactWayOut(channel=way.channel, closed=way.closed, until=way.until)  # type: ignore[arg-type]
            for way in ways
        ]
    )


@router.post(
    "/members/{int:member_id}/contacts",
    auth=Needs("follow_ups.work", body=True),
    response={201: ContactOut},
)
def record_contact(request: ApiRequest, member_id: MemberId, body: ContactIn) -> Any:
    """A call, message or talk that took place; refused when the member may not be reached this way and did not begin it."""

    def act() -> Outcome:
        contact_id = operations.record_contact(
            actor=request.viewer,
            person_id=loyalty.person_id_of(member_id),
            channel=body.channel,
            result=body.result,
            note=body.note,
            began_by_member=body.began_by_member,
            now=request.now,
        )
        return Outcome(201, ContactOut(id=contact_id).model_dump(mode="json"))

    return run_once(request, act)


@router.post(
    "/members/{int:member_id}/care-notes",
    auth=Needs("follow_ups.work", body=True),
    response={201: CareNoteOut},
)
def write_care_note(request: ApiRequest, member_id: MemberId, body: CareNoteIn) -> Any:
    """Keep what was heard of a member; tags it speaks for are proposed, with their sentence, and given to nobody yet."""

    def act() -> Outcome:
        person_id = loyalty.person_id_of(member_id)
        note_id = operations.write_note(
            actor=request.viewer,
            person_id=person_id,
            text=body.text,
            source="voice" if body.is_voice else "typed",
            now=request.now,
        )
        notes = queries.notes_of(request.viewer, person_id, 1)
        proposals = [
            ProposedTagOut(id=one.id, words=one.words, sentence=one.sentence, state=one.state)  # type: ignore[arg-type]
            for one in notes[0].proposals
        ]
        return Outcome(201, CareNoteOut(id=note_id, proposals=proposals).model_dump(mode="json"))

    return run_once(request, act)
