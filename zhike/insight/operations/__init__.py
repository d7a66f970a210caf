"""Every write of the insight context."""

from zhike.insight.operations.baskets import (
    BasketPlanUnusable,
    make_basket_offer,
    order_basket_search,
    renew_basket_searches,
    search_baskets,
)
from zhike.insight.operations.churn import fit_churn, order_churn_fit
from zhike.insight.operations.classes import make_class_presets, publish_classes, refresh_classes
from zhike.insight.operations.clusters import (
    ClusterNameUnusable,
    ClusterRunUnusable,
    fit_clusters,
    order_cluster_fit,
    rename_cluster,
    renew_clusters,
)
from zhike.insight.operations.lifetime import fit_lifetime, order_fit
from zhike.insight.operations.recommend import (
    RecommendationUnknown,
    fit_recommendations,
    order_recommend_fit,
    record_choice,
    record_shown,
    refuse_recommendation,
)
from zhike.insight.operations.reports import export_report
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
    publish_churn_policy,
    publish_rfm,
    publish_thresholds,
    refresh_standings,
)
from zhike.insight.operations.tags.defining import (
    TagCodeTaken,
    TagInvalid,
    TagIsRetired,
    count_tags,
    publish_tag,
    retire_tag,
    save_tag,
)
from zhike.insight.operations.tags.giving import (
    MemberSaidNo,
    SuggestionNotFound,
    SuggestionUnusable,
    decline_suggestions,
    mark_tag,
    suggest_tag,
    take_suggestions,
    unmark_tag,
)
from zhike.insight.operations.tags.running import look_again
from zhike.insight.operations.tags.running import ring_timers as ring_tag_timers
from zhike.insight.rules.baskets import BasketPlan
from zhike.insight.rules.churn import ChurnPolicy
from zhike.insight.rules.classes import ClassPolicy
from zhike.insight.rules.standing import RfmPolicy, Thresholds

__all__ = [
    "BasketPlan",
    "BasketPlanUnusable",
    "ChurnPolicy",
    "ClassPolicy",
    "ClusterNameUnusable",
    "ClusterRunUnusable",
    "DefinitionInvalid",
    "MemberSaidNo",
    "PolicyUnusable",
    "ReasonMissing",
    "RecommendationUnknown",
    "RfmPolicy",
    "SegmentCodeTaken",
    "SegmentCycle",
    "SegmentInUse",
    "SegmentInvalid",
    "SuggestionNotFound",
    "SuggestionUnusable",
    "TagCodeTaken",
    "TagInvalid",
    "TagIsRetired",
    "Thresholds",
    "archive_segment",
    "begin_export",
    "count_segments",
    "count_tags",
    "decline_suggestions",
    "export_report",
    "fit_churn",
    "fit_clusters",
    "fit_lifetime",
    "fit_recommendations",
    "freeze_segment",
    "look_again",
    "make_basket_offer",
    "make_class_presets",
    "mark_tag",
    "order_basket_search",
    "order_churn_fit",
    "order_cluster_fit",
    "order_fit",
    "order_recommend_fit",
    "publish_churn_policy",
    "publish_classes",
    "publish_rfm",
    "publish_tag",
    "publish_thresholds",
    "record_choice",
    "record_shown",
    "refresh_classes",
    "refresh_standings",
    "refuse_recommendation",
    "rename_cluster",
    "renew_basket_searches",
    "renew_clusters",
    "retire_tag",
    "ring_tag_timers",
    "save_segment",
    "save_tag",
    "search_baskets",
    "suggest_tag",
    "take_suggestions",
    "unmark_tag",
]
