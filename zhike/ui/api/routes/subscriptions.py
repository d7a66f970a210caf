"""What members answered when a mini-program of the house asked whether it may send them a template."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Router, Schema
from pydantic import Field

from zhike.kernel.idempotency import Outcome
from zhike.loyalty import queries as loyalty
from zhike.messaging import operations, queries
from zhike.ui.api.routes.base import ApiRequest, Needs, run_once
from zhike.ui.api.routes.members import MemberId
from zhike.ui.api.schemas import Input, Moment, text

router = Router(tags=["members"])


class SubscriptionAnswerIn(Input):
    """One template of a pop-up and what `wx.requestSubscribeMessage` gave for it."""

    template: Annotated[str, text(60, 1)]
    answer: Literal["accept", "reject", "ban"]


class SubscriptionAnswersIn(Input):
    """`key` names this pop-up for ever; `openid` is the member's in the mini-program."""

    openid: Annotated[str, text(64, 1)]
    key: Annotated[str, text(80, 1)]
    answers: Annotated[list[SubscriptionAnswerIn], Field(min_length=1, max_length=20)]
    answered_at: Moment | None = None


class MessageCreditOut(Schema):
    """How many messages of a template may still be sent; a long-term acceptance counts as one."""

    template: str
    left: int


class MessageCreditsOut(Schema):
    items: list[MessageCreditOut]


def _left(request: ApiRequest, person_id: int) -> MessageCreditsOut:
    left = queries.credits_left(request.viewer, person_id)
    return MessageCreditsOut(
        items=[MessageCreditOut(template=name, left=count) for name, count in left.items()]
    )


@router.get(
    "/members/{int:member_id}/message-credits", auth=Needs("members.view"), response=MessageCreditsOut
)
def list_message_credits(request: ApiRequest, member_id: MemberId) -> MessageCreditsOut:
    """What the member's acceptances still let us send, by template: where there is none, ask again at the next tap."""
    return _left(request, loyalty.person_id_of(member_id))


@router.post(
    "/members/{int:member_id}/subscription-answers",
    auth=Needs("members.edit", body=True),
    response={201: MessageCreditsOut},
)
def report_subscription_answers(request: ApiRequest, member_id: MemberId, body: SubscriptionAnswersIn) -> Any:
    """Report a pop-up. WeChat tells of the same tap by itself; it counts once."""

    def act() -> Outcome:
        person_id = loyalty.person_id_of(member_id)
        at: dt.datetime = body.answered_at or request.now
        operations.report_subscription(
            actor=request.viewer,
            person_id=person_id,
            openid=body.openid,
            answers=[(one.template, one.answer) for one in body.answers],
            key=body.key,
            at=at,
            now=request.now,
        )
        return Outcome(201, _left(request, person_id).model_dump(mode="json"))

    return run_once(request, act)
