"""Every read of the engagement context."""

from zhike.engagement.queries.check_in import (
    AheadView,
    CheckInBoard,
    CheckInFigures,
    CheckInPlanView,
    DayView,
    check_in_board,
    check_in_figures,
    check_in_mall_of,
    check_in_plan,
    check_in_plans,
)
from zhike.engagement.queries.words import reward_text
from zhike.engagement.rules.check_in import CheckInTerms, Milestone, parse_check_in
from zhike.engagement.rules.terms import Reward, TermsError

__all__ = [
    "AheadView",
    "CheckInBoard",
    "CheckInFigures",
    "CheckInPlanView",
    "CheckInTerms",
    "DayView",
    "Milestone",
    "Reward",
    "TermsError",
    "check_in_board",
    "check_in_figures",
    "check_in_mall_of",
    "check_in_plan",
    "check_in_plans",
    "parse_check_in",
    "reward_text",
]
