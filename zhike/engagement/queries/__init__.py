"""Every read of the engagement context."""

from zhike.engagement.queries.birthday import (
    BirthdayGiftView,
    BirthdayPlanView,
    OwnBirthday,
    birthday_gift_views,
    birthday_gifts,
    birthday_plan,
    birthdays_ahead,
    own_birthday,
)
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
from zhike.engagement.rules.birthday import BirthdayTerms, parse_birthday
from zhike.engagement.rules.check_in import CheckInTerms, Milestone, parse_check_in
from zhike.engagement.rules.terms import Reward, TermsError

__all__ = [
    "AheadView",
    "BirthdayGiftView",
    "BirthdayPlanView",
    "BirthdayTerms",
    "CheckInBoard",
    "CheckInFigures",
    "CheckInPlanView",
    "CheckInTerms",
    "DayView",
    "Milestone",
    "OwnBirthday",
    "Reward",
    "TermsError",
    "birthday_gift_views",
    "birthday_gifts",
    "birthday_plan",
    "birthdays_ahead",
    "check_in_board",
    "check_in_figures",
    "check_in_mall_of",
    "check_in_plan",
    "check_in_plans",
    "own_birthday",
    "parse_birthday",
    "parse_check_in",
    "reward_text",
]
