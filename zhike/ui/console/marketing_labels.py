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
    "campaign.lessons": _("Noted what a campaign taught"),
    "marketing_policy.save": _("Changed the rules of measuring campaigns"),
}
MARKETING_ACTIONS |= JOURNEY_ACTIONS | UPLIFT_ACTIONS
MARKETING_PERMISSIONS = {
    "campaigns.view": _("See campaigns and what they did"),
    "campaigns.edit": _("Plan and run campaigns"),
    "campaigns.approve": _("Approve campaigns of others"),
}
