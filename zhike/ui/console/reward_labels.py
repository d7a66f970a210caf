"""Names that people read for the codes of the points mall."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.ui.components import labels as shared

REWARD_KINDS = shared.REWARD_KINDS
ORDER_STATES = shared.ORDER_STATES
ORDER_STATE_TONES = shared.ORDER_STATE_TONES
AUCTION_KINDS = shared.AUCTION_KINDS
AUCTION_STATES = shared.AUCTION_STATES
AUCTION_STATE_TONES = shared.AUCTION_STATE_TONES
BID_STATES = shared.BID_STATES
BID_STATE_TONES = shared.BID_STATE_TONES
LIMIT_PERIODS = shared.LIMIT_PERIODS
REWARD_STATUSES = {
    "draft": _("Draft"),
    "open": _("On offer"),
    "paused": _("Paused"),
    "closed": _("Closed"),
}
REWARD_STATES = REWARD_STATUSES | {
    "early": _("Not yet"),
    "late": _("Over"),
    "season": _("Out of season"),
    "started": _("Has begun"),
    "stock": _("Sold out"),
}
REWARD_STATE_TONES = {
    "open": "success",
    "draft": "info",
    "early": "info",
    "paused": "warning",
    "season": "warning",
    "stock": "error",
}
TIER_UNITS = {"day": _("days"), "month": _("months")}
REWARD_ON_EXPIRY = {"give_back": _("the points go back"), "forfeit": _("the points are lost")}
REWARD_TONES = {
    "teal": _("Teal"),
    "amber": _("Amber"),
    "orange": _("Orange"),
    "rose": _("Rose"),
    "violet": _("Violet"),
    "sky": _("Sky blue"),
    "green": _("Green"),
}
ORDER_SOURCES = {
    "auction": _("Won in an auction"),
    "app": _("Member app"),
    "desk": _("Service desk"),
    "api": _("API"),
}

BENEFIT_KINDS = shared.BENEFIT_KINDS
PRIZE_KINDS = {"goods": _("Goods"), "coupon": _("Coupon"), "points": _("Points")}
DRAW_STATES = {
    "draft": _("Draft"),
    "early": _("Not yet"),
    "open": _("Running"),
    "over": _("Over"),
    "revealed": _("Over and published"),
}
DRAW_STATE_TONES = {"draft": "info", "early": "info", "open": "success", "over": "warning"}

GIFT_STATES = shared.GIFT_STATES
GIFT_STATE_TONES = shared.GIFT_STATE_TONES
GIFT_CAMPAIGN_STATES = {
    "draft": _("Draft"),
    "early": _("Not yet"),
    "open": _("Running"),
    "fetching": _("Gifts can still be fetched"),
    "over": _("Over"),
    "ended": _("Ended early"),
}
GIFT_CAMPAIGN_TONES = {
    "draft": "info",
    "early": "info",
    "open": "success",
    "fetching": "success",
    "ended": "warning",
}
GIFT_ADDS_UP = {"day": _("the receipts of one day"), "campaign": _("all receipts of the campaign")}

AUDIT_ACTIONS = {
    "gift.cancel": _("Gift given up"),
    "gift.hand_out": _("Gift handed out"),
    "gift.save": _("Gift saved"),
    "gift.take_back": _("Gift came back"),
    "gift.waive": _("Gift may be kept"),
    "gift_campaign.end": _("Gift campaign ended"),
    "gift_campaign.publish": _("Gift campaign published"),
    "gift_campaign.save": _("Gift campaign saved"),
    "points.charge": _("Points taken for a gift that was kept, or given back"),
    "auction.bid": _("Bid for a member"),
    "auction.cancel": _("Auction called off"),
    "auction.publish": _("Auction published"),
    "auction.save": _("Auction saved"),
    "draw.collect": _("Prize handed over"),
    "draw.publish": _("Draw published"),
    "draw.save": _("Draw saved"),
    "benefit.cancel_use": _("Use of a benefit cancelled"),
    "benefit.retire": _("Benefit ended"),
    "benefit.save": _("Benefit saved"),
    "exchange_order.cancel": _("Exchange order cancelled"),
    "exchange_order.collect": _("Exchange order handed over"),
    "exchange_order.export": _("Exchange orders exported"),
    "exchange_order.extend": _("Exchange order given more time"),
    "exchange_order.make": _("Exchanged for a member"),
    "exchange_order.ready": _("Exchange order ready"),
    "exchange_order.take_back": _("Exchanged goods came back"),
    "reward.add": _("Reward added"),
    "reward.change": _("Reward changed"),
    "reward.codes": _("Codes taken into a pool"),
    "reward.picture": _("Picture of a reward changed"),
    "reward.status": _("Reward opened, paused or closed"),
    "reward.stock": _("Stock of a reward changed"),
    "reward_category.retire": _("Shelf taken away"),
    "reward_category.save": _("Shelf saved"),
}
AUDIT_SUBJECTS = {
    "gift": _("Gift"),
    "gift_campaign": _("Gift campaign"),
    "gift_right": _("Gift of a member"),
    "auction": _("Auction"),
    "draw": _("Lucky draw"),
    "benefit": _("Benefit"),
    "benefit_use": _("Use of a benefit"),
    "exchange_order": _("Exchange order"),
    "exchange_orders": _("Exchange orders"),
    "reward": _("Reward"),
    "reward_category": _("Shelf of the points mall"),
}
