"""The tables of rewards."""

from zhike.rewards.models.gifts import GiftCampaign, GiftDay, GiftItem, GiftRight, GiftShare
from zhike.rewards.models.records import (
    Auction,
    AuctionBid,
    Benefit,
    BenefitUsage,
    BenefitUse,
    DrawHolding,
    DrawPrize,
    DrawTicket,
    ExchangeOrder,
    LuckyDraw,
    Reward,
    RewardCategory,
    RewardCode,
    RewardHolding,
    RewardPicture,
)

__all__ = [
    "Auction",
    "AuctionBid",
    "Benefit",
    "BenefitUsage",
    "BenefitUse",
    "DrawHolding",
    "DrawPrize",
    "DrawTicket",
    "ExchangeOrder",
    "GiftCampaign",
    "GiftDay",
    "GiftItem",
    "GiftRight",
    "GiftShare",
    "LuckyDraw",
    "Reward",
    "RewardCategory",
    "RewardCode",
    "RewardHolding",
    "RewardPicture",
]
