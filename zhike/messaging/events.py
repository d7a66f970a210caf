"""What has happened to messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class MessageQueued(Fact):
    """``person_id`` is None for a recipient who is no member (yet)."""

    type: ClassVar[str] = "zhike.messaging.message_queued"
    message_id: int
    person_id: int | None
    channel: str
    purpose: str
    template: str

    @property
    def subject(self) -> str:
        return f"message/{self.message_id}" if self.person_id is None else f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class OneTimeCodeVerified(Fact):
    """Somebody proved that a phone is theirs."""

    type: ClassVar[str] = "zhike.messaging.one_time_code_verified"
    code_id: int
    purpose: str

    @property
    def subject(self) -> str:
        return f"one_time_code/{self.code_id}"
