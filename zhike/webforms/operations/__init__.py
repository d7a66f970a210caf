"""Every write of forms."""

from zhike.webforms.operations.answering import (
    AnsweredBefore,
    AnswerUnusable,
    FormFull,
    FormNotOpen,
    MembersOnly,
    PhoneUnproved,
    TooFast,
    answer_form,
)
from zhike.webforms.operations.building import (
    FormInvalid,
    FormMoved,
    FormUnready,
    NotPublished,
    Taking,
    change_draft,
    close_form,
    create_form,
    publish_form,
    set_taking,
)
from zhike.webforms.operations.carrying_out import LeadSettledAlready, carry_out, reveal_phone, settle_lead
from zhike.webforms.operations.exporting import ExportReasonMissing, begin_export

__all__ = [
    "AnswerUnusable", "AnsweredBefore", "ExportReasonMissing", "FormFull", "FormInvalid", "FormMoved", "FormNotOpen",
    "FormUnready", "LeadSettledAlready", "MembersOnly", "NotPublished", "PhoneUnproved", "Taking", "TooFast", "answer_form",
    "begin_export", "carry_out", "change_draft", "close_form", "create_form", "publish_form", "reveal_phone", "set_taking", "settle_lead",
]  # fmt: skip
