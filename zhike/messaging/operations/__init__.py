"""Every write of the messaging context."""

from zhike.messaging.operations.accounts import (
    AccountIncomplete,
    AccountNameTaken,
    TestRefused,
    TestSent,
    TestUnsure,
    save_account,
    send_test,
)
from zhike.messaging.operations.codes import (
    CodeExpired,
    NotAPhone,
    SentCode,
    TooManyCodes,
    TooManyTries,
    UnknownPurpose,
    WrongCode,
    forget_old_codes,
    send_one_time_code,
    verify_one_time_code,
)
from zhike.messaging.operations.dispatching import Dispatched, look_up_lost, send_due
from zhike.messaging.operations.hearing import record_replies, record_reports
from zhike.messaging.operations.templates import (
    NotADraft,
    TemplateCodeTaken,
    TemplateUnusable,
    approve_version,
    create_template,
    tell_vendor,
    write_version,
)

__all__ = [
    "AccountIncomplete",
    "AccountNameTaken",
    "CodeExpired",
    "Dispatched",
    "NotADraft",
    "NotAPhone",
    "SentCode",
    "TemplateCodeTaken",
    "TemplateUnusable",
    "TestRefused",
    "TestSent",
    "TestUnsure",
    "TooManyCodes",
    "TooManyTries",
    "UnknownPurpose",
    "WrongCode",
    "approve_version",
    "create_template",
    "forget_old_codes",
    "look_up_lost",
    "record_replies",
    "record_reports",
    "save_account",
    "send_due",
    "send_one_time_code",
    "send_test",
    "tell_vendor",
    "verify_one_time_code",
    "write_version",
]
