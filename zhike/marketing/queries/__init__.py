"""Every read of the marketing context."""

from zhike.marketing.queries.audiences import Audience, audiences
from zhike.marketing.queries.campaigns import (
    BoardRow,
    CalendarDay,
    CampaignFile,
    CampaignRow,
    PolicyView,
    WaveView,
    board,
    calendar,
    campaign,
    campaigns_page,
    marketing_policy,
    scenarios,
)
from zhike.marketing.queries.found import code_of
from zhike.marketing.queries.links import link_of
from zhike.marketing.queries.reviews import (
    ArmFigures,
    Funnel,
    Review,
    TrendPoint,
    given_people,
    review,
    trend,
)
from zhike.marketing.queries.sizes import SampleSize, sample_size
from zhike.marketing.queries.spending import points_fen
from zhike.marketing.rules.campaigns import FUNDERS, GOALS, RHYTHMS
from zhike.marketing.rules.measuring import Effect

__all__ = [
    "FUNDERS",
    "GOALS",
    "RHYTHMS",
    "ArmFigures",
    "Audience",
    "BoardRow",
    "CalendarDay",
    "CampaignFile",
    "CampaignRow",
    "Effect",
    "Funnel",
    "PolicyView",
    "Review",
    "SampleSize",
    "TrendPoint",
    "WaveView",
    "audiences",
    "board",
    "calendar",
    "campaign",
    "campaigns_page",
    "code_of",
    "given_people",
    "link_of",
    "marketing_policy",
    "points_fen",
    "review",
    "sample_size",
    "scenarios",
    "trend",
]
