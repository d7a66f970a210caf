"""What the intake tells the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class ImportFinished(Fact):
    """A file was loaded: how many of its rows were accepted, and how many are waiting in quarantine."""

    type: ClassVar[str] = "zhike.intake.import_finished"

    run_id: str
    mall_id: int
    lines: int
    accepted: int
    quarantined: int

    @property
    def subject(self) -> str:
        return f"import/{self.run_id}"


@dataclass(frozen=True, slots=True)
class ImportTakenBack(Fact):
    """A loaded file was undone as a whole."""

    type: ClassVar[str] = "zhike.intake.import_taken_back"

    run_id: str
    receipts: int

    @property
    def subject(self) -> str:
        return f"import/{self.run_id}"
