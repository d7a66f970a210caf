"""The tables of the service context, a file for each concern."""

from zhike.service.models.after_sales import AfterSale, AfterSaleLine, AfterSalesPolicy, RepairPart
from zhike.service.models.alerting import AlertChain, AlertContact, AlertNotice
from zhike.service.models.compensation import AuthorityLimit, AuthorityUse, Compensation, CompensationItem
from zhike.service.models.conversations import (
    Agent,
    Conversation,
    Looking,
    Mention,
    Message,
    MessageFile,
    Phrase,
)
from zhike.service.models.improvement import ImprovementAction
from zhike.service.models.knowledge import Article, ArticleVersion, ArticleVote, BotExample, BotMiss, BotModel
from zhike.service.models.lines import Carriage, Contact, Heard, Line
from zhike.service.models.quality import (
    CoachingNote,
    QualityChecklist,
    QualityChecklistVersion,
    QualityDraw,
    QualityPick,
    QualityPlan,
    QualityReview,
)
from zhike.service.models.surveys import Invitation, Survey, SurveyAnswer, SurveyVersion, Touchpoint
from zhike.service.models.tickets import (
    Alert,
    Attachment,
    BusinessCalendar,
    CalendarVersion,
    Cause,
    Department,
    Entry,
    HolidayYear,
    PolicyVersion,
    Task,
    Ticket,
    TicketClock,
)
from zhike.service.models.verbatims import Verbatim, VerbatimModel
from zhike.service.models.watch import SensitiveWord, WordAlert

__all__ = [
    "AfterSale",
    "AfterSaleLine",
    "AfterSalesPolicy",
    "Agent",
    "Alert",
    "AlertChain",
    "AlertContact",
    "AlertNotice",
    "Article",
    "ArticleVersion",
    "ArticleVote",
    "Attachment",
    "AuthorityLimit",
    "AuthorityUse",
    "BotExample",
    "BotMiss",
    "BotModel",
    "BusinessCalendar",
    "CalendarVersion",
    "Carriage",
    "Cause",
    "CoachingNote",
    "Compensation",
    "CompensationItem",
    "Contact",
    "Conversation",
    "Department",
    "Entry",
    "Heard",
    "HolidayYear",
    "ImprovementAction",
    "Invitation",
    "Line",
    "Looking",
    "Mention",
    "Message",
    "MessageFile",
    "Phrase",
    "PolicyVersion",
    "QualityChecklist",
    "QualityChecklistVersion",
    "QualityDraw",
    "QualityPick",
    "QualityPlan",
    "QualityReview",
    "RepairPart",
    "SensitiveWord",
    "Survey",
    "SurveyAnswer",
    "SurveyVersion",
    "Task",
    "Ticket",
    "TicketClock",
    "Touchpoint",
    "Verbatim",
    "VerbatimModel",
    "WordAlert",
]
