"""Every write of the insight context."""

from zhike.insight.operations.lifetime import fit_lifetime, order_fit
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
from zhike.insight.operations.standing import (
    PolicyUnusable,
    publish_rfm,
    publish_thresholds,
    refresh_standings,
)
from zhike.insight.rules.standing import RfmPolicy, Thresholds

__all__ = [
    "DefinitionInvalid",
    "PolicyUnusable",
    "ReasonMissing",
    "RfmPolicy",
    "SegmentCodeTaken",
    "SegmentCycle",
    "SegmentInUse",
    "SegmentInvalid",
    "Thresholds",
    "archive_segment",
    "begin_export",
    "count_segments",
    "fit_lifetime",
    "freeze_segment",
    "order_fit",
    "publish_rfm",
    "publish_thresholds",
    "refresh_standings",
    "save_segment",
]
