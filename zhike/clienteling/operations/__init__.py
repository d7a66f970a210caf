"""Every write of clienteling."""

from zhike.clienteling.operations.following import (
    WAYS_CLOSED,
    ContactInvalid,
    FollowUpEndedAlready,
    FollowUpInvalid,
    WayClosed,
    add_follow_up,
    begin_call,
    finish_follow_up,
    record_contact,
    skip_follow_up,
    snooze_follow_up,
)
from zhike.clienteling.operations.noting import NoteTooPrivate, NoteUnusable, decide_proposal, write_note
from zhike.clienteling.operations.reminding import (
    ReminderPolicyInvalid,
    find_follow_ups,
    publish_reminders,
    remind_of_ticket,
    settle_ticket,
)

__all__ = [
    "WAYS_CLOSED",
    "ContactInvalid",
    "FollowUpEndedAlready",
    "FollowUpInvalid",
    "NoteTooPrivate",
    "NoteUnusable",
    "ReminderPolicyInvalid",
    "WayClosed",
    "add_follow_up",
    "begin_call",
    "decide_proposal",
    "find_follow_ups",
    "finish_follow_up",
    "publish_reminders",
    "record_contact",
    "remind_of_ticket",
    "settle_ticket",
    "skip_follow_up",
    "snooze_follow_up",
    "write_note",
]
