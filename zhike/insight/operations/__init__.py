"""Every write of the insight context."""

from zhike.insight.operations.baskets import (
    BasketPlanUnusable,
    make_basket_offer,
    order_basket_search,
    renew_basket_searches,
    search_baskets,
)
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
from zhike.insight.rules.baskets import BasketPlan
from zhike.insight.rules.standing import RfmPolicy, Thresholds

__all__ = [
    "BasketPlan",
    "BasketPlanUnusable",
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
    "make_basket_offer",
    "order_basket_search",
    "order_fit",
    "publish_rfm",
    "publish_thresholds",
    "refresh_standings",
    "renew_basket_searches",
    "save_segment",
    "search_baskets",
]
