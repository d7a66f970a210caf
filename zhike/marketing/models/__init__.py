"""The tables of marketing."""

from zhike.marketing.models.campaigns import (
    Campaign,
    CampaignArm,
    CampaignMeasure,
    CampaignRecipient,
    CampaignWave,
    MarketingPolicy,
)

__all__ = [
    "Campaign",
    "CampaignArm",
    "CampaignMeasure",
    "CampaignRecipient",
    "CampaignWave",
    "MarketingPolicy",
]
