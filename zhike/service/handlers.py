"""What the service context does when the log tells of answers."""

from __future__ import annotations

from zhike.engagement import operations as engagement
from zhike.kernel.access import system_viewer
from zhike.kernel.events import Consumer, StoredEvent
from zhike.loyalty import queries as loyalty
from zhike.service.events import SurveyAnswered

ACTOR = system_viewer("surveys")


def on_answer(event: StoredEvent) -> None:
    """A known member gave their opinion: missions may count it."""
    person_id = event.data.get("person_id")
    member_id = loyalty.member_id_of_person(int(person_id)) if person_id is not None else None
    if member_id is None:
        return
    engagement.record_deed(
        actor=ACTOR,
        member_id=member_id,
        kind="survey",
        reference=f"survey:{event.data['answer_id']}",
        mall_id=event.data["mall_id"],
        merchant_id=event.data["merchant_id"],
        happened_at=event.recorded_at,
        now=event.recorded_at,
    )


survey_deeds = Consumer("survey_deeds", {SurveyAnswered: on_answer}, start="end")
