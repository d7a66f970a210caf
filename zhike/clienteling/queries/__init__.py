"""Every read of clienteling."""

from zhike.clienteling.queries.contacts import (
    ContactView,
    NoteView,
    ProposalView,
    contacts_of,
    encrypted_columns,
    notes_of,
)
from zhike.clienteling.queries.finding import Found, find_member
from zhike.clienteling.queries.follow_ups import (
    Day,
    FollowUpView,
    PolicyView,
    day,
    ended,
    follow_up,
    follow_ups_of,
    reminder_policy,
    reminder_versions,
    today_of,
)
from zhike.clienteling.queries.invitations import associate_by_code, invitation_code
from zhike.clienteling.queries.reaching import ways
from zhike.clienteling.queries.results import ORDERS, Result, own_ranking, ranking
from zhike.clienteling.rules.reaching import CHANNELS, RESULTS, Way
from zhike.clienteling.rules.reminders import KINDS, LIMITS, OUTCOMES, SKIP_REASONS, Terms

__all__ = [
    "CHANNELS",
    "KINDS",
    "LIMITS",
    "ORDERS",
    "OUTCOMES",
    "RESULTS",
    "SKIP_REASONS",
    "ContactView",
    "Day",
    "FollowUpView",
    "Found",
    "NoteView",
    "PolicyView",
    "ProposalView",
    "Result",
    "Terms",
    "Way",
    "associate_by_code",
    "contacts_of",
    "day",
    "encrypted_columns",
    "ended",
    "find_member",
    "follow_up",
    "follow_ups_of",
    "invitation_code",
    "notes_of",
    "own_ranking",
    "ranking",
    "reminder_policy",
    "reminder_versions",
    "today_of",
    "ways",
]
