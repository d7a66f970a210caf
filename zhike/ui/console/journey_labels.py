"""Codes of journeys as words."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

JOURNEY_STATES = {
    "draft": _("Not begun"),
    "running": _("Running"),
    "paused": _("Paused"),
    "closing": _("Closed for newcomers"),
    "ended": _("Ended"),
}
JOURNEY_STATE_TONES = {
    "running": "primary",
    "paused": "warning",
    "closing": "accent",
    "ended": "success",
}
VERSION_STATES = {
    "draft": _("Draft"),
    "submitted": _("To be approved"),
    "approved": _("Approved"),
    "live": _("Live version"),
    "retired": _("Replaced"),
}
VERSION_STATE_TONES = {"submitted": "warning", "approved": "info", "live": "success"}
NODE_ICONS = {
    "message": "send",
    "delay": "timer",
    "wait": "hourglass",
    "branch": "git-branch",
    "split": "shuffle",
    "ab": "flask-conical",
    "coupon": "ticket",
    "points": "coins",
    "tag": "tag",
    "tier": "crown",
    "ticket": "headset",
    "signal": "webhook",
    "goal": "flag",
    "exit": "log-out",
}
NODE_TONES = {
    "message": "effect",
    "coupon": "effect",
    "points": "effect",
    "tag": "effect",
    "tier": "effect",
    "ticket": "effect",
    "signal": "effect",
    "delay": "time",
    "wait": "time",
    "branch": "choice",
    "split": "choice",
    "ab": "choice",
    "goal": "goal",
    "exit": "exit",
}
NODE_HINTS = {
    "message": _("By the channels of its wording, through consent, quiet hours and caps."),
    "delay": _("So many minutes, hours or days, perhaps until a time of day."),
    "wait": _("Until an event happens, or the time is up."),
    "branch": _("By segment, tier, stage, points or purchases, as they stand then."),
    "split": _("By chance, the same for a person each time."),
    "ab": _("Like a random split; the results compare the ways."),
    "coupon": _("From a batch, within its stock and limits."),
    "points": _("Into the member’s account, with its own reason."),
    "tag": _("As by hand; what members took off themselves stays off."),
    "tier": _("For so many days; what they earn meanwhile goes on being counted."),
    "ticket": _("For the service desk, to be called or cared for."),
    "signal": _("An event for webhooks and the event feed."),
    "goal": _("The goal is reached, the journey is over."),
    "exit": _("The journey is over."),
}
TAG_DOINGS = {"give": _("Give the tag"), "take": _("Take the tag away")}
TRIGGERS = {
    "event": _("Something happens"),
    "segment": _("Somebody belongs to a segment"),
    "birthday": _("A birthday comes near"),
    "expiring": _("Points are about to expire"),
    "api": _("By hand or by a program"),
}
WHO = {
    "joining": _("Whoever comes into it from now on"),
    "now": _("Whoever is in it at the start, once"),
    "both": _("Whoever is in it, now and later"),
}
REENTRIES = {
    "never": _("Once in a lifetime"),
    "after": _("Again after so many days"),
    "always": _("Each time, once they have left"),
}
UNITS = {"minutes": _("minutes"), "hours": _("hours"), "days": _("days")}
WHERE_OPS = {
    "equals": _("is"),
    "differs": _("is not"),
    "contains": _("contains"),
    "at_least": _("at least"),
    "at_most": _("at most"),
}
WHERE_KEYS = {
    "after": _("now"),
    "before": _("before"),
    "net_fen": _("amount"),
    "name": _("what"),
    "points": _("points"),
    "channel": _("channel"),
}
EVENT_NAMES = {
    "zhike.sales.receipt_recorded": _("A purchase or return was recorded"),
    "zhike.sales.receipt_claimed": _("Claimed a receipt"),
    "zhike.loyalty.member_enrolled": _("Became a member"),
    "zhike.loyalty.tier_changed": _("The tier changed"),
    "zhike.loyalty.points_earned": _("Earned points"),
    "zhike.loyalty.points_awarded": _("Got points for something else"),
    "zhike.loyalty.points_redeemed": _("Redeemed points"),
    "zhike.loyalty.points_expired": _("Points expired"),
    "zhike.loyalty.member_status_changed": _("The membership was frozen or opened"),
    "zhike.insight.lifecycle_changed": _("The stage of life changed"),
    "zhike.insight.rfm_changed": _("The RFM group changed"),
    "zhike.collection.behaviour_observed": _("Did something on a web site or in the app"),
    "zhike.offers.coupon_issued": _("Got a coupon"),
    "zhike.offers.coupon_used": _("Used a coupon"),
    "zhike.offers.coupon_expired": _("A coupon expired"),
    "zhike.messaging.message_delivered": _("A message arrived"),
    "zhike.messaging.message_read": _("A message was opened"),
    "zhike.messaging.contact_refused": _("Wants no more offers"),
    "zhike.engagement.checked_in": _("Checked in"),
    "zhike.engagement.invitation_accepted": _("Came by an invitation"),
    "zhike.rewards.reward_exchanged": _("Exchanged points for a reward"),
    "zhike.service.ticket_opened": _("Opened a ticket"),
    "zhike.service.ticket_closed": _("A ticket was closed"),
    "zhike.service.survey_answered": _("Answered a survey"),
    "zhike.privacy.consent_recorded": _("A consent was recorded"),
}
ENDINGS = {
    "goal": _("Goal reached"),
    "exit": _("Walked to the end"),
    "leave": _("Left, for something happened"),
    "stop": _("Ended by hand"),
}
ENDING_TONES = {"goal": "success", "leave": "warning", "stop": "warning"}
ARMS = {"walk": _("Walks"), "holdout": _("Holdout"), "global": _("Global holdout")}
FATES = {
    "walk": _("The member entered."),
    "holdout": _("The member belongs to the holdout of this journey and gets nothing."),
    "global": _("The member belongs to the global holdout of this quarter and gets nothing."),
    "known": _("This was asked for before."),
    "inside": _("The member is in the journey already."),
    "before": _("The member was in it before, and may not enter again yet."),
    "minor": _("The member is under 18."),
    "outside": _("The member does not belong to the journey’s mall, or is not active."),
}
REASONS = {
    "person_gone": _("The person is not there any more"),
    "member_frozen": _("The membership is not active"),
    "coupon_limit": _("The member has as many of this coupon as anybody may have"),
    "coupons-sold-out": _("The coupons ran out"),
    "coupon-claim-over": _("The time to hand out the coupons is over"),
    "unknown-message-template": _("The wording is gone"),
    "tag-refused-by-member": _("The member took this tag off themselves"),
    "tag-retired": _("The tag is put away"),
    "tier-held-already": _("The member stands as high already"),
    "tier-not-found": _("The tier is gone"),
    "postponed": _("postponed by quiet hours"),
}
JOURNEY_CHANGES = {
    "plan": _("Journey planned"),
    "edit": _("Journey changed"),
    "submit": _("Journey handed in"),
    "send_back": _("Journey sent back"),
    "approve": _("Journey approved"),
    "launch": _("Journey made live"),
    "pause": _("Journey paused"),
    "resume": _("Journey resumed"),
    "close": _("Journey closed for newcomers"),
    "end": _("Journey ended"),
}
JOURNEY_ACTIONS = {f"journey.{change}": name for change, name in JOURNEY_CHANGES.items()}
CONDITIONS = {
    "segment": _("Belongs to a segment"),
    "tier": _("Has a tier"),
    "lifecycle": _("Stands at a stage of life"),
    "points": _("Has points"),
    "purchases": _("Bought so often"),
    "spend": _("Spent so much"),
}
TICKET_TYPES = {
    "question": _("Question"),
    "suggestion": _("Suggestion"),
    "complaint": _("Complaint"),
    "praise": _("Praise"),
}
JOURNEY_VERDICTS = {
    "no_holdout": _(
        "There is no holdout, so nobody can say what this journey added. What is below only describes."
    ),
    "not_measured": _("Nothing has been measured yet."),
    "broken_split": _(
        "The groups did not come out as planned. Do not believe any comparison before the cause is found."
    ),
    "up": _("The journey made a difference: more than the holdout, and chance does not explain it."),
    "down": _("The journey did harm: less than the holdout, and chance does not explain it."),
    "open": _("So far chance alone could explain the difference."),
}


def cause_name(cause: str) -> str:
    """What let somebody in, without names of segments or staff."""
    kind, _colon, rest = cause.partition(":")
    if rest:
        return str(TRIGGERS["segment"] if kind == "segment" else TRIGGERS["api"])
    known: Any = TRIGGERS.get(kind)
    return str(known or EVENT_NAMES.get(cause, cause.removeprefix("zhike.")))
