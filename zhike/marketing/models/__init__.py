"""The tables of marketing."""

from zhike.marketing.models.campaigns import (
    Campaign,
    CampaignArm,
    CampaignMeasure,
    CampaignRecipient,
    CampaignWave,
    MarketingPolicy,
)
from zhike.marketing.models.journeys import (
    Journey,
    JourneyCount,
    JourneyEntry,
    JourneyMeasure,
    JourneyStep,
    JourneyVersion,
)
from zhike.marketing.models.margins import MarginRate
from zhike.marketing.models.uplift import UpliftRun

__all__ = [
    "Campaign",
    "CampaignArm",
    "CampaignMeasure",
    "CampaignRecipient",
    "CampaignWave",
    "Journey",
    "JourneyCount",
    "JourneyEntry",
    "JourneyMeasure",
    "JourneyStep",
    "JourneyVersion",
    "MarginRate",
    "MarketingPolicy",
    "UpliftRun",
]
