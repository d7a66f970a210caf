"""Every write of the engagement context."""

from zhike.engagement.operations._giving import NotRunning, TermsUnusable
from zhike.engagement.operations.birthday import give_birthday_gifts, save_birthday_plan
from zhike.engagement.operations.check_in import (
    CannotMakeUp,
    CheckInOutcome,
    bring_in_check_ins,
    check_in,
    make_up_check_in,
    save_check_in_plan,
)

__all__ = [
    "CannotMakeUp",
    "CheckInOutcome",
    "NotRunning",
    "TermsUnusable",
    "bring_in_check_ins",
    "check_in",
    "give_birthday_gifts",
    "make_up_check_in",
    "save_birthday_plan",
    "save_check_in_plan",
]
