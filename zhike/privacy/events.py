"""What has happened to consent."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class PolicyPublished(Fact):
    type: ClassVar[str] = "zhike.privacy.policy_published"
    policy_id: int
    group_id: int
    version: str

    @property
    def subject(self) -> str:
        return f"policy/{self.policy_id}"


@dataclass(frozen=True, slots=True)
class ConsentRecorded(Fact):
    """What one person decided together: (purpose, channel, granted | refused | withdrawn) each.

    ``decided_at`` is set for history.
    """

    type: ClassVar[str] = "zhike.privacy.consent_recorded"
    person_id: int
    decisions: tuple[tuple[str, str, str], ...]
    policy_version: str
    method: str
    decided_at: dt.datetime | None = None

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"

    @property
    def happened_at(self) -> dt.datetime | None:
        return self.decided_at
