"""A member's household: its pool, who shares in it, and points put in and spent."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Path, Router
from ninja import Schema as Out
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.loyalty import operations, queries
from zhike.organization import queries as organization
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.schemas import Id, Input, text
from zhike.ui.api.shapes import ID_MAX

router = Router(tags=["members"])
MemberId = Annotated[int, Path(ge=1, le=ID_MAX)]
Points = Annotated[int, Field(ge=1, le=100_000_000)]
Limit = Annotated[int, Field(ge=0, le=100_000_000)]


class PlaceOut(Out):
    """`put_in` is what is left in the pool of their points; names are masked."""

    member_id: int
    name: str
    role: Literal["owner", "adult", "child"]
    status: Literal["active", "invited"]
    day_limit: int | None
    month_limit: int | None
    put_in: int


class HouseholdOut(Out):
    """`paused`: a dispute is open, nobody spends."""

    household_id: int
    name: str
    role: str
    points: int
    own: int
    lapses_on: dt.date | None
    paused: bool
    members: list[PlaceOut]


class FoundIn(Input):
    name: Annotated[str, text(40)]


class HouseholdIdOut(Out):
    household_id: int


class HouseholdInviteIn(Input):
    """Whom by membership number, as what, and how many points of the pool they may spend; null is no limit."""

    number: Annotated[str, text(40)]
    role: Literal["adult", "child"] = "adult"
    day_limit: Limit | None = None
    month_limit: Limit | None = None


class InvitedOut(Out):
    invitation_id: int


class AnswerIn(Input):
    household_id: Id
    accept: bool


class JoinedOut(Out):
    joined: bool


class PoolIn(Input):
    points: Points


class PoolOut(Out):
    """What the pool holds now."""

    points: int


class LeftOut(Out):
    """The points that came back."""

    points: int


class PoolSpendIn(Input):
    """At which merchant; `reference` is the till's own."""

    points: Points
    merchant_id: Id | None = None
    reference: Annotated[str, text(80)] = ""


class PoolSpentOut(Out):
    """`balance` is what the pool holds afterwards. Given back like every redemption."""

    redemption_id: UUID
    points: int
    value_fen: int
    balance: int


@router.get("/members/{int:member_id}/household", auth=Needs("members.view"), response=HouseholdOut)
def household(request: ApiRequest, member_id: MemberId) -> HouseholdOut:
    """The household a member shares points in."""
    found = queries.household_of(request.viewer, member_id)
    if found is None:
        raise operations.HouseholdNotFound
    return HouseholdOut(
        household_id=found.id,
        name=found.name,
        role=found.role,
        points=found.points,
        own=found.own,
        lapses_on=found.lapses_on,
        paused=found.is_paused,
        members=[
            PlaceOut(
                member_id=one.member_id,
                name=one.name,
                role=one.role,  # type: ignore[arg-type]
                status=one.status,  # type: ignore[arg-type]
                day_limit=one.day_limit,
                month_limit=one.month_limit,
                put_in=one.put_in,
            )
            for one in found.people
        ],
    )


@router.post(
    "/members/{int:member_id}/household",
    auth=Needs("members.edit", body=True),
    response={201: HouseholdIdOut},
)
def found_household(request: ApiRequest, member_id: MemberId, body: FoundIn) -> Any:
    """A member begins a household and owns it."""

    def execute() -> Outcome:
        household_id = operations.found_household(
            actor=request.viewer, member_id=member_id, name=body.name, now=request.now
        )
        return Outcome(201, {"household_id": household_id})

    return run_once(request, execute)


@router.post(
    "/members/{int:member_id}/household/invitations",
    auth=Needs("members.edit", body=True),
    response={201: InvitedOut},
)
def invite_into_household(request: ApiRequest, member_id: MemberId, body: HouseholdInviteIn) -> Any:
    """The owner invites another member; they answer within seven days."""

    def execute() -> Outcome:
        invitation_id = operations.invite_into_household(
            actor=request.viewer, member_id=member_id, now=request.now, **body.model_dump()
        )
        return Outcome(201, {"invitation_id": invitation_id})

    return run_once(request, execute)


@router.post(
    "/members/{int:member_id}/household/answer",
    auth=Needs("members.edit", body=True),
    response={200: JoinedOut},
)
def answer_household(request: ApiRequest, member_id: MemberId, body: AnswerIn) -> Any:
    """The invited member joins or declines."""

    def execute() -> Outcome:
        joined = operations.answer_household_invitation(
            actor=request.viewer, member_id=member_id, now=request.now, **body.model_dump()
        )
        return Outcome(200, {"joined": joined})

    return run_once(request, execute)


@router.post(
    "/members/{int:member_id}/household/points",
    auth=Needs("members.edit", body=True),
    response={200: PoolOut},
)
def put_into_pool(request: ApiRequest, member_id: MemberId, body: PoolIn) -> Any:
    """A member puts points into the pool; they keep their last day and their payer."""

    def execute() -> Outcome:
        points = operations.put_into_pool(
            actor=request.viewer, member_id=member_id, points=body.points, now=request.now
        )
        return Outcome(200, {"points": points})

    return run_once(request, execute)


@router.post(
    "/members/{int:member_id}/household/departure", auth=Needs("members.edit"), response={200: LeftOut}
)
def leave_household(request: ApiRequest, member_id: MemberId) -> Any:
    """A member leaves with what they put in and nobody spent, lot by lot."""

    def execute() -> Outcome:
        points = operations.leave_household(actor=request.viewer, member_id=member_id, now=request.now)
        return Outcome(200, {"points": points})

    return run_once(request, execute)


@router.post(
    "/members/{int:member_id}/household/redemptions",
    auth=Needs("points.redeem", body=True),
    response={201: PoolSpentOut},
)
def spend_from_pool(request: ApiRequest, member_id: MemberId, body: PoolSpendIn) -> Any:
    """Spend points of the household at a till, within the member's limits; never more than there are."""

    merchant = organization.merchant_ref(body.merchant_id) if body.merchant_id is not None else None
    if body.merchant_id is not None and merchant is None:
        raise operations.MerchantNotFound

    def execute() -> Outcome:
        done = operations.spend_from_pool(
            actor=request.viewer,
            member_id=member_id,
            points=body.points,
            merchant_id=body.merchant_id,
            mall_id=merchant.mall_id if merchant else None,
            reference=body.reference,
            now=request.now,
        )
        reply = PoolSpentOut(
            redemption_id=done.redemption_id,
            points=done.points,
            value_fen=done.value_fen,
            balance=done.balance,
        )
        return Outcome(201, reply.model_dump(mode="json"))

    return run_once(request, execute)
