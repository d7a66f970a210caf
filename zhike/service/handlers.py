"""What the service context does when somebody said something."""

from __future__ import annotations

from zhike.engagement import operations as engagement
from zhike.kernel.access import system_viewer
from zhike.kernel.events import Consumer, StoredEvent
from zhike.loyalty import queries as loyalty
from zhike.service.events import ConversationClosed, SurveyAnswered, TicketOpened
from zhike.service.operations import verbatims

ACTOR = system_viewer("listening")
SURVEYS = system_viewer("surveys")


def on_answer(event: StoredEvent) -> None:
    verbatims.hear_answer(actor=ACTOR, answer_id=event.data["answer_id"], now=event.recorded_at)


def on_ticket(event: StoredEvent) -> None:
    verbatims.hear_ticket(actor=ACTOR, ticket_id=event.data["ticket_id"], now=event.recorded_at)


def on_conversation(event: StoredEvent) -> None:
    verbatims.hear_conversation(
        actor=ACTOR, conversation_id=event.data["conversation_id"], now=event.recorded_at
    )


def on_opinion(event: StoredEvent) -> None:
    """A known member gave their opinion: missions may count it."""
    person_id = event.data.get("person_id")
    member_id = loyalty.member_id_of_person(int(person_id)) if person_id is not None else None
    if member_id is None:
        return
    engagement.record_deed(
        actor=SURVEYS,
        member_id=member_id,
        kind="survey",
        reference=f"survey:{event.data['answer_id']}",
        mall_id=event.data["mall_id"],
        merchant_id=event.data["merchant_id"],
        happened_at=event.recorded_at,
        now=event.recorded_at,
    )


listening = Consumer(
    "listening",
    {SurveyAnswered: on_answer, TicketOpened: on_ticket, ConversationClosed: on_conversation},
    reset=verbatims.forget_verbatims,
    batch_size=100,
)

survey_deeds = Consumer("survey_deeds", {SurveyAnswered: on_opinion}, start="end")
