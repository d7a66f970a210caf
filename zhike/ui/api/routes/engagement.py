"""What members earn besides buying, for a mall's own app: check-ins."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Path, Query, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.engagement import operations, queries
from zhike.kernel.idempotency import Outcome
from zhike.loyalty import operations as loyalty
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Id, Input, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["engagement"])
MemberId = Annotated[int, Path(ge=1, le=ID_MAX)]


class CheckInIn(Input):
    """At which mall; `day` only to make up for a missed one."""

    mall_id: Id
    day: dt.date | None = None


class CheckInOut(Out):
    """`streak` days in a row; `repeated`: the day had been checked in on before, and this is what it gave.

    `missed` says why a coupon could not be given, `limited_by` which limit cut the points; empty otherwise.
    """

    day: dt.date
    streak: int
    points: int
    coupon_id: int | None
    missed: str
    limited_by: str
    repeated: bool


class CheckInStateOut(Out):
    """A member's row of days at a mall; `days` are those of the asked month that were checked in on."""

    mall_id: int
    today: dt.date
    open: bool
    done_today: bool
    streak: int
    longest: int
    total: int
    make_ups_left: int
    next_milestone_day: int | None
    next_milestone: str
    days: list[dt.date]


@router.post(
    "/members/{int:member_id}/check-ins",
    auth=Needs("engagement.take_part", body=True),
    response={200: CheckInOut},
)
def check_in(request: ApiRequest, member_id: MemberId, body: CheckInIn) -> Any:
    """Check a member in for today, or make up for a day they missed. Once a day, however often it is sent."""

    def execute() -> Outcome:
        if body.day is None:
            done = operations.check_in(
                actor=request.viewer, member_id=member_id, mall_id=body.mall_id, now=request.now
            )
        else:
            done = operations.make_up_check_in(
                actor=request.viewer, member_id=member_id, mall_id=body.mall_id, day=body.day, now=request.now
            )
        reply = CheckInOut(
            day=done.day,
            streak=done.streak,
            points=done.points,
            coupon_id=done.coupon_id,
            missed=done.missed,
            limited_by=done.limited_by,
            repeated=done.replayed,
        )
        return Outcome(200, reply.model_dump(mode="json"))

    return run_once(request, execute)


@router.get("/members/{int:member_id}/check-ins", auth=Needs("members.view"), response=CheckInStateOut)
def check_ins(
    request: ApiRequest,
    member_id: MemberId,
    mall_id: Annotated[int, Query(ge=1, le=ID_MAX)],
    month: Annotated[dt.date | None, Query()] = None,
) -> CheckInStateOut:
    """How a member checks in at a mall; `month` is any day of the month to list, by default this one."""
    board = queries.check_in_board(request.viewer, member_id, mall_id, request.now, month)
    return CheckInStateOut(
        mall_id=board.mall_id,
        today=board.today,
        open=board.is_open,
        done_today=board.is_done,
        streak=board.streak,
        longest=board.longest,
        total=board.total,
        make_ups_left=board.make_ups_left,
        next_milestone_day=board.next_milestone[1] if board.next_milestone else None,
        next_milestone=board.next_milestone[2] if board.next_milestone else "",
        days=[
            view.day for week in board.weeks for view in week if view and view.state in ("done", "made_up")
        ],
    )


class BirthdayGiftOut(Out):
    """`next_day` and `lunar` (the day in words, by the Chinese calendar) are empty when no birthday is known."""

    next_day: dt.date | None
    lunar: str
    promise: str
    given_for: dt.date | None
    given_points: int


@router.get("/members/{int:member_id}/birthday-gift", auth=Needs("members.view"), response=BirthdayGiftOut)
def birthday_gift(request: ApiRequest, member_id: MemberId) -> BirthdayGiftOut:
    """When a member's next birthday is, what it gives, and what the last one gave."""
    found = queries.own_birthday(request.viewer, member_id, request.now)
    if found is None:
        raise operations.NotRunning
    return BirthdayGiftOut(
        next_day=found.day,
        lunar=found.lunar,
        promise=found.promise,
        given_for=found.given_on,
        given_points=found.given_points,
    )


class InvitationIn(Input):
    """A new member came by this code."""

    code: Annotated[str, text(20)]
    member_id: Id


class AcceptedOut(Out):
    """`counts`, or `refusal` says why not: self, same_person, same_device, ring, not_new, daily_limit, inviter."""

    counts: bool
    refusal: str


class InvitationOut(Out):
    name: str
    status: Literal["joined", "waiting", "rewarded", "taken_back", "refused", "lapsed"]
    refusal: str
    joined_at: dt.datetime
    due_on: dt.date | None
    points: int


class InvitationsOut(Out):
    """A member's code and how each invitation is going, newest first; names are masked."""

    code: str
    inviter: str
    invitee: str
    items: list[InvitationOut]


@router.post("/invitations", auth=Needs("engagement.take_part", body=True), response={200: AcceptedOut})
def accept_invitation(request: ApiRequest, body: InvitationIn) -> Any:
    """A new member came by somebody's invitation. Decided once for a member."""

    def execute() -> Outcome:
        done = operations.accept_invitation(
            actor=request.viewer, code=body.code, member_id=body.member_id, now=request.now
        )
        return Outcome(200, {"counts": not done.refusal, "refusal": done.refusal})

    return run_once(request, execute)


@router.get("/members/{int:member_id}/invitations", auth=Needs("members.view"), response=InvitationsOut)
def list_invitations(request: ApiRequest, member_id: MemberId) -> InvitationsOut:
    """The member's code, what inviting gives, and the invitations so far."""
    own = queries.own_invitations(request.viewer, member_id, request.now)
    if own is None:
        raise operations.NotRunning
    items = [
        InvitationOut(
            name=one.name,
            status=one.status,  # type: ignore[arg-type]
            refusal=one.refusal,
            joined_at=one.joined_at,
            due_on=one.due_on,
            points=one.points,
        )
        for one in own.invitations
    ]
    return InvitationsOut(
        code=queries.code_of_member(member_id),
        inviter=own.inviter_text,
        invitee=own.invitee_text,
        items=items,
    )


class WaiverIn(Input):
    """Points of debt to be let go, and why."""

    points: Annotated[int, Field(ge=1, le=100_000_000)]
    reason: Annotated[str, text(300)]


class WaiverOut(Out):
    waiver_id: int


class DecisionIn(Input):
    """A refusal says why."""

    approve: bool
    note: Annotated[str, text(300)] = ""


class DecisionOut(Out):
    """The points that were let go."""

    points: int


@router.post(
    "/members/{int:member_id}/waivers", auth=Needs("points.waive", body=True), response={201: WaiverOut}
)
def ask_waiver(request: ApiRequest, member_id: MemberId, body: WaiverIn) -> Any:
    """Ask that a member's debt be let go."""

    def execute() -> Outcome:
        done = loyalty.ask_waiver(
            actor=request.viewer, member_id=member_id, points=body.points, reason=body.reason, now=request.now
        )
        return Outcome(201, {"waiver_id": done})

    return run_once(request, execute)


@router.post(
    "/waivers/{int:waiver_id}/decision", auth=Needs("waivers.approve", body=True), response={200: DecisionOut}
)
def decide_waiver(
    request: ApiRequest, waiver_id: Annotated[int, Path(ge=1, le=ID_MAX)], body: DecisionIn
) -> Any:
    """Approve or refuse a waiver that somebody else asked for."""

    def execute() -> Outcome:
        points = loyalty.decide_waiver(
            actor=request.viewer, waiver_id=waiver_id, approve=body.approve, note=body.note, now=request.now
        )
        return Outcome(200, {"points": points})

    return run_once(request, execute)
