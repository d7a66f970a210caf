"""What oversight tells the log. An alert about a member stands on their timeline, one about a cashier on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class _OfAlert(Fact):
    alert_id: int
    detector: str
    person_id: int | None

    @property
    def subject(self) -> str:
        return f"risk_alert/{self.alert_id}" if self.person_id is None else f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class AlertRaised(_OfAlert):
    type: ClassVar[str] = "zhike.risk.alert_raised"
    severity: int


@dataclass(frozen=True, slots=True)
class AlertTaken(_OfAlert):
    """Somebody looks into it; ``staff_id`` None: given back to the queue."""

    type: ClassVar[str] = "zhike.risk.alert_taken"
    staff_id: int | None


@dataclass(frozen=True, slots=True)
class AlertDecided(_OfAlert):
    type: ClassVar[str] = "zhike.risk.alert_decided"
    confirmed: bool


@dataclass(frozen=True, slots=True)
class MeasureAsked(_OfAlert):
    """A measure above the limit waits for a second person."""

    type: ClassVar[str] = "zhike.risk.measure_asked"
    measure_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class MeasureTaken(_OfAlert):
    type: ClassVar[str] = "zhike.risk.measure_taken"
    measure_id: int
    kind: str
    points: int


@dataclass(frozen=True, slots=True)
class MeasureRefused(_OfAlert):
    type: ClassVar[str] = "zhike.risk.measure_refused"
    measure_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class MeasureUndone(_OfAlert):
    type: ClassVar[str] = "zhike.risk.measure_undone"
    measure_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class ObjectionRaised(_OfAlert):
    type: ClassVar[str] = "zhike.risk.objection_raised"
    measure_id: int
    objection_id: int


@dataclass(frozen=True, slots=True)
class ObjectionAnswered(_OfAlert):
    type: ClassVar[str] = "zhike.risk.objection_answered"
    measure_id: int
    objection_id: int
    upheld: bool


@dataclass(frozen=True, slots=True)
class DetectorPublished(Fact):
    type: ClassVar[str] = "zhike.risk.detector_published"
    program_id: int
    detector: str
    version: int
    is_on: bool

    @property
    def subject(self) -> str:
        return f"program/{self.program_id}"


@dataclass(frozen=True, slots=True)
class ExemptionGranted(Fact):
    """A subject (a member's id, or a cashier's key) is not told of by a detector for a time."""

    type: ClassVar[str] = "zhike.risk.exemption_granted"
    exemption_id: int
    detector: str
    person_id: int | None

    @property
    def subject(self) -> str:
        return f"risk_exemption/{self.exemption_id}" if self.person_id is None else f"person/{self.person_id}"
