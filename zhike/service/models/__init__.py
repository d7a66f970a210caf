"""The tables of the service context, a file for each concern."""

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

__all__ = [
    "Alert",
    "Attachment",
    "BusinessCalendar",
    "CalendarVersion",
    "Cause",
    "Department",
    "Entry",
    "HolidayYear",
    "PolicyVersion",
    "Task",
    "Ticket",
    "TicketClock",
]
