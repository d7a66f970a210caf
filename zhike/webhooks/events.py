"""What has happened to endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class _EndpointFact(Fact):
    endpoint_id: int

    @property
    def subject(self) -> str:
        return f"webhook/{self.endpoint_id}"


@dataclass(frozen=True, slots=True)
class EndpointSaved(_EndpointFact):
    type: ClassVar[str] = "zhike.webhooks.endpoint_saved"
    is_active: bool


@dataclass(frozen=True, slots=True)
class SecretRotated(_EndpointFact):
    type: ClassVar[str] = "zhike.webhooks.secret_rotated"


@dataclass(frozen=True, slots=True)
class EndpointGone(_EndpointFact):
    """It answered 410 and is told nothing more."""

    type: ClassVar[str] = "zhike.webhooks.endpoint_gone"


@dataclass(frozen=True, slots=True)
class LetterDied(_EndpointFact):
    """An event was not taken in all its tries."""

    type: ClassVar[str] = "zhike.webhooks.letter_died"
    position: int
    event_type: str
