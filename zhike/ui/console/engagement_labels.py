"""Names of what members earn besides buying, and of what invitations come to."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.ui.components.labels import HOUSEHOLD_ROLES, POOL_KINDS

__all__ = ["HOUSEHOLD_ROLES", "POOL_KINDS"]

AWARDS = {
    "check_in": _("Daily check-in"),
    "birthday": _("Birthday gift"),
    "referral": _("Friend invited"),
    "mission": _("Mission accomplished"),
    "journey": _("Given in a journey"),
    "welcome": _("Welcome gift"),
    "stamps": _("Stamp card full"),
}
BIRTHDAY_CALENDARS = {"solar": _("the Gregorian calendar"), "lunar": _("the Chinese calendar")}

MISSION_STEPS = {
    "purchase": _("Number of purchases"),
    "spend": _("Spending"),
    "check_in": _("Check-ins"),
    "referral": _("Friends invited who bought"),
    "review": _("Reviews"),
    "survey": _("Surveys answered"),
    "share": _("Shares"),
    "activity": _("Activities joined"),
    "profile": _("A full profile"),
}
MISSION_DISTINCT = {"": _("every time"), "day": _("a day"), "merchant": _("a merchant")}
MISSION_STARTS = {
    "all": _("by itself, for everybody"),
    "accept": _("when a member accepts it"),
    "enrolment": _("with joining, for new members"),
}
MISSION_REPEATS = {
    "once": _("once"), "day": _("every day anew"), "week": _("every week anew"), "month": _("every month anew"),
}  # fmt: skip
MISSION_ON_RETURN = {
    "take_back": _("the reward goes back when a step is no longer done"),
    "keep": _("the reward stays"),
}
MISSION_STATES = {
    "running": _("Still on it"),
    "waiting": _("Waits for the return window"),
    "rewarded": _("Rewarded"),
    "taken_back": _("Taken back"),
    "missed": _("Too late for a reward"),
    "over": _("Time is over"),
}
MISSION_TONES = {
    "running": "info", "waiting": "accent", "rewarded": "success", "taken_back": "warning", "missed": "error",
}  # fmt: skip

REFERRAL_STATES = {
    "joined": _("Joined, no purchase yet"),
    "waiting": _("Waits for the return window"),
    "rewarded": _("Rewarded"),
    "taken_back": _("Taken back"),
    "refused": _("Refused"),
    "lapsed": _("Time is over"),
}
REFERRAL_TONES = {
    "joined": "info", "waiting": "accent", "rewarded": "success", "taken_back": "warning", "refused": "error",
}  # fmt: skip
WELCOME_STATES = {
    "promised": _("No purchase yet"),
    "waiting": _("Waits for the return window"),
    "granted": _("Given"),
    "taken_back": _("Taken back"),
    "refused": _("Not new"),
    "missed": _("Quota or budget used up"),
    "lapsed": _("Time is over"),
}
WELCOME_TONES = {
    "promised": "info", "waiting": "accent", "granted": "success", "taken_back": "warning", "refused": "error",
    "missed": "warning",
}  # fmt: skip
WELCOME_REFUSALS = {
    "same_person": _("this person had a welcome gift before"),
    "same_device": _("a browser of somebody who had one"),
    "not_new": _("bought before joining"),
    "returned": _("goods returned"),
}
WELCOME_COUPONS = {
    "joining": _("with joining, for the first purchase"),
    "purchase": _("with the first purchase, for the next one"),
}
WELCOME_VERSIONS = {"current": _("In force"), "planned": _("Planned"), "past": _("Past")}
WELCOME_VERSION_TONES = {"current": "success", "planned": "info", "past": ""}
REFERRAL_REFUSALS = {
    "same_person": _("a phone or card of the inviter's own"),
    "same_device": _("the inviter's own browser"),
    "same_payment": _("paid from the inviter's account"),
    "ring": _("they invite each other in a ring"),
    "not_new": _("was a member already"),
    "daily_limit": _("too many on that day"),
    "inviter": _("the inviter's membership is not open"),
}
REFERRAL_FLAGS = {
    "burst": _("many within an hour"),
    "same_address": _("one network address"),
    "refused": _("some refused"),
    "taken_back": _("goods returned"),
}
ENGAGEMENT_ACTIONS = {
    "household.found": _("Household begun"),
    "household.invite": _("Invited into a household"),
    "household.answer": _("Household invitation answered"),
    "household.limits": _("Household limits changed"),
    "household.leave": _("Left a household"),
    "household.dissolve": _("Household dissolved"),
    "household.dispute": _("Household dispute raised"),
    "household.settle": _("Household dispute settled"),
    "mission.save": _("Mission published"),
    "stamp_card.save": _("Stamp card published"),
    "welcome.save": _("Welcome offer published"),
    "deed.withdraw": _("Deed withdrawn"),
}
