"""Words of models of uplift."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

UPLIFT_FAULTS = {
    "no-campaigns": _("No campaign is over yet that had a holdout."),
    "too-few-people": _("It takes 200 people who got something and 200 who did not."),
    "too-few-buyers": _("It takes 30 people who bought in the window."),
}
UPLIFT_LEARNERS = {
    "null": _("The same for everybody"),
    "two_linear": _("Two straight models"),
    "x_boosted": _("X-learner, boosted trees"),
    "transformed": _("Transformed outcome, boosted trees"),
}
UPLIFT_FEATURES = {
    "days_since_purchase": _("Days since the last purchase"),
    "purchases_28": _("Purchases in 28 days"),
    "purchases_90": _("Purchases in 90 days"),
    "purchases_365": _("Purchases in a year"),
    "spent_90": _("Spent in 90 days"),
    "spent_365": _("Spent in a year"),
    "merchants_365": _("Merchants in a year"),
    "days_a_member": _("Days a member"),
    "age": _("Age"),
    "is_woman": _("Is a woman"),
    "is_man": _("Is a man"),
}
TARGET_RULES = {
    "top": _("The largest expected uplift"),
    "gain": _("Expected gain above the cost"),
}
UPLIFT_ACTIONS = {"uplift.learn": _("Learnt whom a message changes")}
