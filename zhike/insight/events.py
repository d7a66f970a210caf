"""What insight tells the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class _SegmentFact(Fact):
    segment_id: int

    @property
    def subject(self) -> str:
        return f"segment/{self.segment_id}"


@dataclass(frozen=True, slots=True)
class SegmentSaved(_SegmentFact):
    type: ClassVar[str] = "zhike.insight.segment_saved"
    version: int
    mall_id: int | None


@dataclass(frozen=True, slots=True)
class SegmentArchived(_SegmentFact):
    type: ClassVar[str] = "zhike.insight.segment_archived"


@dataclass(frozen=True, slots=True)
class SegmentFrozen(_SegmentFact):
    """Who belonged is kept in a snapshot."""

    type: ClassVar[str] = "zhike.insight.segment_frozen"
    snapshot_id: int
    count: int


@dataclass(frozen=True, slots=True)
class SegmentExported(_SegmentFact):
    """Members who agreed to the purpose left the house in a file."""

    type: ClassVar[str] = "zhike.insight.segment_exported"
    purpose: str
    channel: str
    count: int
