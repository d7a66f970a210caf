"""What clienteling tells the log. The subject is the person, so it stands on their timeline; no texts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class _OfPerson(Fact):
    person_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class FollowUpOpened(_OfPerson):
    """There is a reason to turn to a member, in time until ``last_on``."""

    type: ClassVar[str] = "zhike.clienteling.follow_up_opened"
    follow_up_id: int
    kind: str
    last_on: dt.date


@dataclass(frozen=True, slots=True)
class FollowUpEnded(_OfPerson):
    """``state`` is done, skipped, settled or lapsed; ``in_time`` for done ones."""

    type: ClassVar[str] = "zhike.clienteling.follow_up_ended"
    follow_up_id: int
    kind: str
    state: str
    outcome: str
    in_time: bool


@dataclass(frozen=True, slots=True)
class ContactRecorded(_OfPerson):
    type: ClassVar[str] = "zhike.clienteling.contact_recorded"
    contact_id: str
    channel: str
    result: str
    staff_id: int | None


@dataclass(frozen=True, slots=True)
class NoteWritten(_OfPerson):
    """``proposals`` tags were proposed from it."""

    type: ClassVar[str] = "zhike.clienteling.note_written"
    note_id: str
    source: str
    proposals: int


@dataclass(frozen=True, slots=True)
class ReminderPolicyPublished(Fact):
    type: ClassVar[str] = "zhike.clienteling.reminder_policy_published"
    mall_id: int
    version: int

    @property
    def subject(self) -> str:
        return f"mall/{self.mall_id}"
