"""Every write of the insight context."""

from zhike.insight.operations.segments import (
    DefinitionInvalid,
    ReasonMissing,
    SegmentCodeTaken,
    SegmentCycle,
    SegmentInUse,
    SegmentInvalid,
    archive_segment,
    begin_export,
    count_segments,
    freeze_segment,
    save_segment,
)

__all__ = [
    "DefinitionInvalid",
    "ReasonMissing",
    "SegmentCodeTaken",
    "SegmentCycle",
    "SegmentInUse",
    "SegmentInvalid",
    "archive_segment",
    "begin_export",
    "count_segments",
    "freeze_segment",
    "save_segment",
]
