"""What the intake tells the log."""

from __future__ import annotations

import datetime as dt
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


@dataclass(frozen=True, slots=True)
class UploadSetAside(Fact):
    """A till's upload could not be taken and waits in quarantine; ``reason`` is a code."""

    type: ClassVar[str] = "zhike.intake.upload_set_aside"

    connector_id: int
    merchant_id: int
    mall_id: int
    till: str
    reason: str

    @property
    def subject(self) -> str:
        return f"merchant/{self.merchant_id}"


@dataclass(frozen=True, slots=True)
class DayTotalDeclared(Fact):
    """A till said what it sold in a business day; amounts are fen."""

    type: ClassVar[str] = "zhike.intake.day_total_declared"

    connector_id: int
    merchant_id: int
    mall_id: int
    till: str
    business_date: dt.date
    sales_fen: int
    refunds_fen: int | None

    @property
    def subject(self) -> str:
        return f"merchant/{self.merchant_id}"
