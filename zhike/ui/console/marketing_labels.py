"""Codes of marketing as words."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.ui.console.journey_labels import JOURNEY_ACTIONS
from zhike.ui.console.uplift_labels import UPLIFT_ACTIONS

CAMPAIGN_STATES = {
    "draft": _("Draft"),
    "submitted": _("To be approved"),
    "approved": _("Approved"),
    "waiting": _("Waiting for its start"),
    "running": _("Running"),
    "paused": _("Paused"),
    "stopped": _("Stopped"),
    "sent": _("Sent, being measured"),
    "done": _("Over and measured"),
    "cancelled": _("Cancelled"),
}
CAMPAIGN_STATE_TONES = {
    "submitted": "warning",
    "approved": "info",
    "waiting": "info",
    "running": "primary",
    "paused": "warning",
    "stopped": "error",
    "sent": "accent",
    "done": "success",
}
CAMPAIGN_STOPS = {
    "budget": _("The budget is spent."),
    "coupons-sold-out": _("The coupons ran out."),
    "coupon-claim-over": _("The time to hand out the coupons is over."),
    "segment-not-found": _("Its audience is gone, or whoever launched it may not see it any more."),
    "unknown-message-template": _("Its wording is gone."),
    "withdrawn": _(
        "Too many took their consent back. Look at the wording and the audience before you let it go on."
    ),
    "complained": _("Too many complained. Look at the wording and the audience before you let it go on."),
}
CAMPAIGN_GOALS = {"visit": _("More people buy"), "revenue": _("More sales a person")}
CAMPAIGN_RHYTHMS = {"once": _("Once"), "daily": _("Every day, whoever is new in the audience")}
CAMPAIGN_PAYERS = {"mall": _("Mall"), "merchant": _("Merchants"), "brand": _("Brands")}
VERDICTS = {
    "no_holdout": _(
        "There is no holdout, so nobody can say what this campaign added. What is below only describes."
    ),
    "not_measured": _("Nothing has been measured yet."),
    "broken_split": _(
        "The groups did not come out as planned. Do not believe any comparison before the cause is found."
    ),
    "up": _("The campaign made a difference: more than the holdout, and chance does not explain it."),
    "down": _("The campaign did harm: less than the holdout, and chance does not explain it."),
    "open": _("So far chance alone could explain the difference."),
}
VERDICT_TONES = {
    "no_holdout": "warning",
    "not_measured": "info",
    "broken_split": "error",
    "up": "success",
    "down": "error",
    "open": "info",
}
VERDICTS_SHORT = {
    "no_holdout": _("no holdout"),
    "not_measured": _("not measured yet"),
    "broken_split": _("groups broken"),
    "up": _("lift found"),
    "down": _("harm found"),
    "open": _("not certain"),
}
MEASURE_METHODS = {
    "sequential": _("The interval holds at every look while the campaign is being measured."),
    "fixed": _("The window is over: the ordinary 95% interval."),
}
GUARDRAILS = {"withdrawn": _("Took consent back"), "complained": _("Complained")}
BOARD_KINDS = {"campaign": _("Campaign"), "journey": _("Journey")}
STANDINGS = {
    "new": _("Never bought before"),
    "active": _("Bought in the last 90 days"),
    "dormant": _("Asleep for more than 90 days"),
}
TARGETS = {
    "wake": (
        _("Woken up"),
        _("Of those who had not bought for 90 days when they were met: the share that bought in the window."),
    ),
    "repeat": (
        _("Bought again"),
        _("Of those who had bought in the 90 days before: the share that bought in the window."),
    ),
    "convert": (_("Conversion"), _("Of everybody measured: the share that bought in the window.")),
    "cost": (
        _("Cost of an extra buyer"),
        _("Where a model chose: those it chose against those drawn at random from the same audience."),
    ),
}
TARGET_VERDICTS = {
    "no_control": _("cannot be told"),
    "reached": _("reached"),
    "missed": _("missed"),
    "open": _("not certain"),
}
TARGET_TONES = {"no_control": "", "reached": "success", "missed": "error", "open": "info"}
MARGIN_STATES = {"now": _("Holds now"), "coming": _("Holds later"), "past": _("Held before")}
MARGIN_TONES = {"now": "success", "coming": "info", "past": ""}
CAMPAIGN_SHOWN = {
    "given": _("Given something"),
    "held": _("Holdout"),
    "refused": _("Refused at the gates"),
    "clicked": _("Clicked"),
    "bought": _("Bought"),
    "new": _("Bought for the first time"),
}
RECIPIENT_STATES = {
    "held": _("Holdout"),
    "waiting": _("Waiting"),
    "given": _("Given something"),
    "skipped": _("Nothing given"),
}
CAMPAIGN_CHANGES = {
    "plan": _("Campaign planned"),
    "edit": _("Campaign changed"),
    "submit": _("Campaign handed in"),
    "send_back": _("Campaign sent back"),
    "approve": _("Campaign approved"),
    "launch": _("Campaign launched"),
    "pause": _("Campaign paused"),
    "resume": _("Campaign resumed"),
    "stop": _("Campaign stopped"),
    "cancel": _("Campaign cancelled"),
    "send": _("Campaign sent completely"),
    "finish": _("Campaign finished"),
    "roll_out": _("Campaign rolled out"),
}
MARKETING_ACTIONS = {f"campaign.{change}": name for change, name in CAMPAIGN_CHANGES.items()} | {
    "campaign.export_board": _("Took the ROI board as a file"),
    "margin_rate.set": _("Set a margin"),
    "campaign.lessons": _("Noted what a campaign taught"),
    "marketing_policy.save": _("Changed the rules of measuring campaigns"),
}
MARKETING_ACTIONS |= JOURNEY_ACTIONS | UPLIFT_ACTIONS
MARKETING_PERMISSIONS = {
    "campaigns.view": _("See campaigns and what they did"),
    "campaigns.edit": _("Plan and run campaigns"),
    "campaigns.approve": _("Approve campaigns of others"),
}
