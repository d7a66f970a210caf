"""What codes of tickets, clocks and tasks are called on pages, and lengths of time as text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.ui.components import after_sales, quality, watch

TYPES = {
    "complaint": _("Complaint"),
    "return": _("Return or exchange"),
    "repair": _("Repair"),
    "question": _("Question"),
    "suggestion": _("Suggestion"),
    "praise": _("Praise"),
}
SEVERITIES = {
    "normal": pgettext_lazy("severity", "Normal"),
    "high": pgettext_lazy("severity", "High"),
    "major": pgettext_lazy("severity", "Major"),
}
SEVERITY_TONES = {"high": "warning", "major": "error"}
STATUSES = {
    "new": pgettext_lazy("ticket", "New"),
    "open": pgettext_lazy("ticket", "In progress"),
    "waiting": pgettext_lazy("ticket", "Waiting for the member"),
    "resolved": pgettext_lazy("ticket", "Solved"),
    "closed": pgettext_lazy("ticket", "Closed"),
}
STATUS_TONES = {"new": "info", "open": "primary", "waiting": "warning", "resolved": "success", "closed": ""}
MEMBER_STATUSES = STATUSES | {
    "new": pgettext_lazy("ticket", "Received"),
    "waiting": pgettext_lazy("ticket", "Waiting for your answer"),
}
CHANNELS = {
    "app": _("Member app"),
    "counter": _("At the desk"),
    "phone": _("Telephone"),
    "chat": _("Chat"),
    "mail": _("E-mail"),
    "social": _("Social media"),
    "api": _("API"),
    "box": _("Suggestion box"),
}
CLOCKS = {
    "first_answer": _("First answer"),
    "resolution": _("Solution"),
    "call_back": _("Call-back"),
    "": _("Grave matter"),
}
CLOCK_STATES = {
    "running": pgettext_lazy("clock", "Running"),
    "paused": pgettext_lazy("clock", "Paused"),
    "met": pgettext_lazy("clock", "Kept"),
    "late": pgettext_lazy("clock", "Late"),
    "dropped": pgettext_lazy("clock", "No longer owed"),
}
CLOCK_TONES = {"running": "primary", "paused": "warning", "met": "success", "late": "error"}
ALERTS = {
    "warning": _("Soon due"),
    "breach": _("Overdue"),
    "escalation": _("Still overdue"),
    "major": _("Major matter"),
    "approval": _("Amends wait for agreement"),
    "low_score": _("Low score"),
}
ALERT_TONES = {
    "warning": "warning",
    "breach": "error",
    "escalation": "error",
    "major": "error",
    "approval": "warning",
    "low_score": "error",
}
STEPS = {
    "started": pgettext_lazy("clock", "Begins"),
    "counted": pgettext_lazy("clock", "Counts"),
    "closed": pgettext_lazy("clock", "Outside working hours"),
    "paused": pgettext_lazy("clock", "Stands still"),
    "due": pgettext_lazy("clock", "Due"),
    "stopped": pgettext_lazy("clock", "Ended before it was due"),
    "never": pgettext_lazy("clock", "No working time ahead"),
}
TASKS = {
    "part": _("Part of a ticket"),
    "call_back": _("Call-back"),
    "inspection": _("Inspection"),
    "low_score": _("Talk after a low score"),
}
DRIVERS = {
    "answer_late": _("First answer was late"),
    "solution_late": _("Solution was late"),
    "reopened": _("Had to be reopened"),
    "repeated": _("Complained again"),
    "amends": _("Got amends"),
    "merchant": _("Was about a merchant"),
}
CHANGES = {"rose": _("Surely more"), "fell": _("Surely less"), "unsure": _("No sure change")}
CHANGE_TONES = {"rose": "error", "fell": "success"}
SURVEY_KINDS = {
    "csat": _("Satisfaction (CSAT)"),
    "nps": _("Recommendation (NPS)"),
    "ces": _("Effort (CES)"),
}
SURVEY_TRIGGERS = {
    "ticket": _("After a ticket closes"),
    "sample": _("Sent to a sample of members"),
    "link": _("By the code of a place, or a link"),
}
QUESTION_TYPES = {
    "choice": _("One of several"),
    "many": _("Several of several"),
    "score": _("1 to 5"),
    "text": _("In their own words"),
}
PLACES = {
    "store": pgettext_lazy("place", "Shop"),
    "floor": pgettext_lazy("place", "Floor"),
    "restroom": _("Restroom"),
    "till": pgettext_lazy("place", "Till"),
    "goods": pgettext_lazy("place", "Goods"),
    "service": pgettext_lazy("place", "Service desk"),
}
VERDICTS = {"low": _("Low"), "high": pgettext_lazy("score", "High"), "": pgettext_lazy("score", "Middle")}
VERDICT_TONES = {"low": "error", "high": "success"}
COMPENSATION_KINDS = {
    "points": _("Points"),
    "coupon": _("Coupon"),
    "cash": _("Cash"),
    "gift": pgettext_lazy("amends", "Present"),
    "vip": _("VIP service"),
}
COMPENSATION_STATES = {
    "proposed": pgettext_lazy("amends", "Waits for agreement"),
    "rejected": pgettext_lazy("amends", "Refused"),
    "approved": pgettext_lazy("amends", "To be handed over"),
    "executed": pgettext_lazy("amends", "Given"),
    "withdrawn": pgettext_lazy("amends", "Withdrawn"),
    "reversed": pgettext_lazy("amends", "Taken back"),
}
COMPENSATION_TONES = {"proposed": "warning", "approved": "info", "executed": "success", "rejected": "error"}
COMPENSATION_QUEUES = {
    "waiting": pgettext_lazy("amends", "Waits for agreement"),
    "ready": pgettext_lazy("amends", "To be handed over"),
    "given": pgettext_lazy("amends", "Given"),
    "ended": pgettext_lazy("amends", "Refused or taken back"),
    "all": _("All"),
}
AUTHORITY_PERIODS = {"day": _("A day"), "month": _("A month")}
OUTCOMES = {
    "done": _("Done"),
    "satisfied": _("Satisfied"),
    "dissatisfied": _("Not satisfied"),
    "unreachable": _("Not reached"),
    "no_fault": _("Nothing found"),
    "fault_found": _("Fault found"),
}
ENTRIES = {
    "opening": pgettext_lazy("ticket", "Wrote to us"),
    "message": pgettext_lazy("ticket", "Message"),
    "note": pgettext_lazy("ticket", "Internal note"),
    "solution": pgettext_lazy("ticket", "Solution"),
    "waits": pgettext_lazy("ticket", "Waiting for the member"),
    "goes_on": pgettext_lazy("ticket", "Taken up again"),
    "assigned": pgettext_lazy("ticket", "Assigned"),
    "graded": pgettext_lazy("ticket", "Graded anew"),
    "closed": pgettext_lazy("ticket", "Closed"),
    "reopened": pgettext_lazy("ticket", "Reopened"),
    "merged": pgettext_lazy("ticket", "Merged"),
    "took_in": pgettext_lazy("ticket", "Took in another ticket"),
    "task": pgettext_lazy("ticket", "Task given"),
    "task_done": pgettext_lazy("ticket", "Task done"),
    "amends_ask": pgettext_lazy("ticket", "Amends proposed"),
    "amends_due": pgettext_lazy("ticket", "Amends are ready for you"),
    "amends": pgettext_lazy("ticket", "Amends given"),
    "amends_no": pgettext_lazy("ticket", "Amends refused"),
    "amends_off": pgettext_lazy("ticket", "Amends taken back"),
    "agreed": pgettext_lazy("after-sales", "Agreed to pay"),
    **after_sales.STATES,
}
AUDIENCES = {
    "member": _("To the member"),
    "merchant": _("To the merchant"),
    "staff": _("Internal"),
}
QUEUES = {
    "open": _("All open"),
    "mine": _("Mine"),
    "unassigned": _("Nobody's"),
    "due": _("Due in 30 minutes"),
    "late": _("Overdue"),
    "waiting": _("Waiting"),
    "resolved": _("Solved"),
    "closed": pgettext_lazy("ticket", "Closed"),
    "all": _("All"),
}
INBOX_QUEUES = {
    "mine": pgettext_lazy("inbox", "Mine"),
    "queued": pgettext_lazy("inbox", "Queue"),
    "open": pgettext_lazy("inbox", "Open"),
    "bot": pgettext_lazy("inbox", "Assistant"),
    "snoozed": pgettext_lazy("inbox", "Snoozed"),
    "closed": pgettext_lazy("inbox", "Closed"),
    "all": pgettext_lazy("inbox", "All"),
}
CONVERSATIONS = {
    "bot": pgettext_lazy("conversation", "With the assistant"),
    "queued": pgettext_lazy("conversation", "Waiting"),
    "open": pgettext_lazy("conversation", "Open"),
    "snoozed": pgettext_lazy("conversation", "Snoozed"),
    "closed": pgettext_lazy("conversation", "Closed"),
}
CONVERSATION_CHANNELS = {
    "app": _("Member app"),
    "email": pgettext_lazy("conversation", "E-mail"),
    "wechat": _("WeChat official account"),
}
CARRIAGES = {
    "waiting": pgettext_lazy("carriage", "On its way"),
    "sending": pgettext_lazy("carriage", "On its way"),
    "sent": pgettext_lazy("carriage", "Sent"),
    "unsure": pgettext_lazy("carriage", "Not sure"),
    "failed": pgettext_lazy("carriage", "Not sent"),
    "bounced": pgettext_lazy("carriage", "Came back"),
}
CARRIAGE_TONES = {"sent": "success", "unsure": "warning", "failed": "error", "bounced": "error"}
CONVERSATION_TONES = {
    "bot": "info",
    "queued": "warning",
    "open": "primary",
    "snoozed": "accent",
    "closed": "",
}
SKILLS = {
    "points": pgettext_lazy("skill", "Points and tiers"),
    "coupons": pgettext_lazy("skill", "Coupons and offers"),
    "orders": pgettext_lazy("skill", "Receipts and returns"),
    "complaints": pgettext_lazy("skill", "Complaints"),
    "places": pgettext_lazy("skill", "Shops and the mall"),
    "general": pgettext_lazy("skill", "Everything else"),
}
SEATS = {
    "available": pgettext_lazy("seat", "Available"),
    "busy": pgettext_lazy("seat", "Busy"),
    "away": pgettext_lazy("seat", "Away"),
}
ARTICLES = {
    "draft": pgettext_lazy("article", "Draft"),
    "published": pgettext_lazy("article", "Published"),
    "retired": pgettext_lazy("article", "Retired"),
}
ARTICLE_TONES = {"draft": "warning", "published": "success", "retired": ""}
MISSES = {
    "unsure": _("Not sure"),
    "unrelated": _("Taken for none of ours"),
    "no_article": _("No article"),
}
HELPED = {
    "bot": _("Answered by the assistant"),
    "staff": _("Answered by the desk"),
    "both": _("Answered by the assistant and the desk"),
    "nobody": _("Not answered"),
}
HANDOVERS = {
    "no_bot": _("The assistant is not set up"),
    "asked": _("The member asked for a person"),
    "unsure": _("The assistant was not sure"),
    "unable": _("The assistant cannot do this"),
    "upset": _("The member is upset"),
    "complaint": _("A complaint"),
    "unproven": _("The sender is not proven"),
}
SENTIMENTS = {
    "positive": pgettext_lazy("sentiment", "Content"),
    "neutral": pgettext_lazy("sentiment", "Neutral"),
    "negative": pgettext_lazy("sentiment", "Discontent"),
    "": pgettext_lazy("sentiment", "Not read yet"),
}
SENTIMENT_TONES = {"positive": "success", "negative": "error"}
VERBATIM_SOURCES = {
    "answer": pgettext_lazy("verbatim", "Survey"),
    "ticket": pgettext_lazy("verbatim", "Ticket"),
    "chat": pgettext_lazy("verbatim", "Chat"),
}
TOPICS = {
    "clean": pgettext_lazy("topic", "Cleanliness"),
    "parking": pgettext_lazy("topic", "Parking"),
    "queue": pgettext_lazy("topic", "Queues"),
    "staff": pgettext_lazy("topic", "Staff"),
    "price": pgettext_lazy("topic", "Prices"),
    "quality": pgettext_lazy("topic", "Quality of goods"),
    "food": pgettext_lazy("topic", "Food"),
    "returns": pgettext_lazy("topic", "Returns and repairs"),
    "points": pgettext_lazy("topic", "Points and coupons"),
    "facility": pgettext_lazy("topic", "Facilities"),
    "activity": pgettext_lazy("topic", "Events"),
    "range": pgettext_lazy("topic", "Brands and choice"),
    "guide": pgettext_lazy("topic", "Finding the way"),
    "safety": pgettext_lazy("topic", "Safety"),
    "online": pgettext_lazy("topic", "App and website"),
    "handling": pgettext_lazy("topic", "How matters are dealt with"),
}
MESSAGES = {
    "queued": pgettext_lazy("message", "Waiting"),
    "sending": pgettext_lazy("message", "On its way"),
    "sent": pgettext_lazy("message", "Sent"),
    "delivered": pgettext_lazy("message", "Delivered"),
    "failed": pgettext_lazy("message", "Failed"),
    "refused": pgettext_lazy("message", "Not sent"),
    "expired": pgettext_lazy("message", "Too late"),
    "unknown": pgettext_lazy("message", "Unknown"),
}
TABLES: Mapping[str, Mapping[str, Any]] = {
    "type": TYPES,
    "severity": SEVERITIES,
    "severity_tone": SEVERITY_TONES,
    "status": STATUSES,
    "member_status": MEMBER_STATUSES,
    "status_tone": STATUS_TONES,
    "channel": CHANNELS,
    "clock": CLOCKS,
    "clock_state": CLOCK_STATES,
    "clock_tone": CLOCK_TONES,
    "alert": ALERTS,
    "alert_tone": ALERT_TONES,
    "step": STEPS,
    "task": TASKS,
    "outcome": OUTCOMES,
    "driver": DRIVERS,
    "change": CHANGES,
    "change_tone": CHANGE_TONES,
    "survey_kind": SURVEY_KINDS,
    "survey_trigger": SURVEY_TRIGGERS,
    "question_type": QUESTION_TYPES,
    "place": PLACES,
    "verdict": VERDICTS,
    "verdict_tone": VERDICT_TONES,
    "compensation_kind": COMPENSATION_KINDS,
    "compensation_state": COMPENSATION_STATES,
    "compensation_tone": COMPENSATION_TONES,
    "authority_period": AUTHORITY_PERIODS,
    "entry": ENTRIES,
    "audience": AUDIENCES,
    "queue": QUEUES,
    "conversation": CONVERSATIONS,
    "conversation_tone": CONVERSATION_TONES,
    "conversation_channel": CONVERSATION_CHANNELS,
    "carriage": CARRIAGES,
    "carriage_tone": CARRIAGE_TONES,
    "skill": SKILLS,
    "seat": SEATS,
    "handover": HANDOVERS,
    "article": ARTICLES,
    "article_tone": ARTICLE_TONES,
    "miss": MISSES,
    "message": MESSAGES,
    "topic": TOPICS,
    "sentiment": SENTIMENTS,
    "sentiment_tone": SENTIMENT_TONES,
    "verbatim_source": VERBATIM_SOURCES,
    **after_sales.TABLES,
    **watch.TABLES,
    **quality.TABLES,
}


def duration(length: dt.timedelta | None) -> str:
    """ "1 h 30 min", "2 d 3 h", "under a minute"; whole minutes, days only from three on."""
    if length is None:
        return "–"
    minutes = int(abs(length) / dt.timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    if hours >= 72:
        return _now("%(days)s d %(hours)s h") % {"days": hours // 24, "hours": hours % 24}
    if hours:
        if not minutes:
            return _now("%(hours)s h") % {"hours": hours}
        return _now("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    return _now("%(minutes)s min") % {"minutes": minutes} if minutes else _now("under a minute")
