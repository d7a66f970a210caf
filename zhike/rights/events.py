"""What happened to the requests people made about their data, and to the data."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class _OfRequest(Fact):
    person_id: int
    request_id: int
    kind: str

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class RightsRequested(_OfRequest):
    """Somebody asked; ``kind`` is access, correction, restriction, erasure or closing."""

    type: ClassVar[str] = "zhike.rights.rights_requested"
    door: str
    due_on: dt.date


@dataclass(frozen=True, slots=True)
class RequestDecided(_OfRequest):
    type: ClassVar[str] = "zhike.rights.request_decided"
    approved: bool


@dataclass(frozen=True, slots=True)
class RequestCancelled(_OfRequest):
    type: ClassVar[str] = "zhike.rights.request_cancelled"


@dataclass(frozen=True, slots=True)
class DataHandedOut(_OfRequest):
    """The person took a copy of their data."""

    type: ClassVar[str] = "zhike.rights.data_handed_out"
    rows: int


@dataclass(frozen=True, slots=True)
class PersonRestricted(_OfRequest):
    """From now on their data is kept and not used, but for what they ask of us. ``lifted``: that is over."""

    type: ClassVar[str] = "zhike.rights.person_restricted"
    lifted: bool = False


@dataclass(frozen=True, slots=True)
class PersonErased(_OfRequest):
    """Every context has done its part. ``other_ids`` are the further ids the same human being was known by.

    Other systems that were told about this person forget them now.
    """

    type: ClassVar[str] = "zhike.rights.person_erased"
    other_ids: tuple[int, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class RetentionPolicyPublished(Fact):
    type: ClassVar[str] = "zhike.rights.retention_policy_published"
    code: str
    version: int
    days: int

    @property
    def subject(self) -> str:
        return f"retention/{self.code}"


@dataclass(frozen=True, slots=True)
class DataPurged(Fact):
    """A night's purge is finished: rows by class of data."""

    type: ClassVar[str] = "zhike.rights.data_purged"
    run_id: int
    rows: dict[str, int]

    @property
    def subject(self) -> str:
        return f"retention_run/{self.run_id}"
