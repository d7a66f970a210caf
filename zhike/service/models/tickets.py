from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class BusinessCalendar(models.Model):
    """When somebody is there to answer; what it says is in its versions."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "code"], name="business_calendar_code_unique")
        ]


class CalendarVersion(models.Model):
    """Shifts, make-up shifts, region and exceptions, as ``rules.calendars.definition`` makes them. Never edited."""

    calendar = models.ForeignKey("service.BusinessCalendar", models.PROTECT, related_name="+")
    version = models.IntegerField()
    time_zone = models.CharField(max_length=60)
    definition = models.JSONField()
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["calendar", "version"], name="calendar_version_unique")
        ]


class HolidayYear(models.Model):
    """The holidays and make-up workdays of a region's year. A correction is a new row; the newest one holds."""

    region = models.CharField(max_length=10)
    year = models.SmallIntegerField()
    days = models.JSONField()
    loaded_at = models.DateTimeField()
    loaded_by = models.CharField(max_length=80)

    class Meta:
        indexes = [models.Index(fields=["region", "year", "-id"], name="holiday_year_newest")]


class PolicyVersion(models.Model):
    """The promises of a group from ``published_at`` on, as ``rules.policies`` stores them. Never edited."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    version = models.IntegerField()
    definition = models.JSONField()
    note = models.CharField(max_length=200, blank=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "version"], name="service_policy_version")]


class Department(models.Model):
    """责任部门: whose queue a ticket or a task stands in."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "code"], name="department_code_unique")]


class Cause(models.Model):
    """Why it came to a ticket: a tree, so that reports can add up."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    parent = models.ForeignKey("service.Cause", models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "code"], name="cause_code_unique")]


class Ticket(models.Model):
    """工单. ``number`` is what people say. ``changed_at`` is the last thing that happened; lists run by it."""

    class Status(models.TextChoices):
        NEW = "new"
        OPEN = "open"
        WAITING = "waiting"
        RESOLVED = "resolved"
        CLOSED = "closed"

    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, null=True, related_name="+")
    person = models.ForeignKey("customers.Person", models.PROTECT, null=True, related_name="+")
    receipt = models.ForeignKey("sales.Receipt", models.PROTECT, null=True, related_name="+")
    receipt_lines = ArrayField(models.SmallIntegerField(), default=list)
    number = models.CharField(max_length=24, unique=True)
    type = models.CharField(max_length=12)
    severity = models.CharField(max_length=10)
    channel = models.CharField(max_length=12)
    title = models.CharField(max_length=120)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.NEW)
    department = models.ForeignKey("service.Department", models.PROTECT, null=True, related_name="+")
    assignee = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    cause = models.ForeignKey("service.Cause", models.PROTECT, null=True, related_name="+")
    policy_version = models.ForeignKey(
        "service.PolicyVersion", models.PROTECT, null=True, related_name="+", db_index=False
    )
    repeat_of = models.ForeignKey("service.Ticket", models.PROTECT, null=True, related_name="+")
    merged_into = models.ForeignKey("service.Ticket", models.PROTECT, null=True, related_name="+")
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=80)
    changed_at = models.DateTimeField()
    first_answered_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    reopened = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    breaches = models.SmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="closed") | Q(closed_at__isnull=False), name="ticket_closed_at"
            ),
            models.CheckConstraint(
                condition=Q(merged_into=None) | Q(status="closed"), name="ticket_merged_closed"
            ),
        ]
        indexes = [
            models.Index(fields=["mall", "-opened_at", "-id"], name="ticket_mall_newest"),
            models.Index(fields=["mall", "status", "-changed_at", "-id"], name="ticket_mall_status"),
            models.Index(
                fields=["mall", "due_at", "id"],
                condition=Q(status__in=["new", "open", "waiting"]),
                name="ticket_mall_due",
            ),
        ]


class TicketClock(models.Model):
    """One promise on one ticket. ``runs`` are the stretches in which it ran, ``cycle`` counts reopenings.

    ``pending`` are the moments still to be called, the first of them ``next_at``; ``called`` the levels that were.
    ``reckoned_at`` says which lists of holidays were known. ``due_at`` is None while it stands still short of its target.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        MET = "met"
        LATE = "late"
        DROPPED = "dropped"

    ticket = models.ForeignKey("service.Ticket", models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=14)
    cycle = models.SmallIntegerField(default=1)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    target_s = models.IntegerField()
    calendar_version = models.ForeignKey(
        "service.CalendarVersion", models.PROTECT, null=True, related_name="+"
    )
    runs = models.JSONField()
    due_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    breached_at = models.DateTimeField(null=True)
    pending = models.JSONField(default=list)
    called = ArrayField(models.CharField(max_length=12), default=list)
    next_at = models.DateTimeField(null=True)
    reckoned_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "kind", "cycle"], name="ticket_clock_unique"),
            models.CheckConstraint(condition=Q(target_s__gt=0), name="ticket_clock_target"),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="ticket_clock_next"),
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="ticket_clock_ended"),
        ]


class Alert(models.Model):
    """Somebody was told that a promise is in danger or broken. ``due_at`` is when that was to be told.

    ``tell_at`` is when the next of us gets a message about it, None when nobody more does.
    """

    ticket = models.ForeignKey("service.Ticket", models.CASCADE, related_name="+", db_index=False)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    clock = models.CharField(max_length=14, blank=True)
    level = models.CharField(max_length=12)
    role = models.CharField(max_length=40)
    due_at = models.DateTimeField()
    noticed_at = models.DateTimeField()
    tell_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    seen_by = models.CharField(max_length=80, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["ticket", "id"], name="alert_ticket"),
            models.Index(fields=["mall", "-noticed_at", "-id"], name="alert_mall_newest"),
            models.Index(
                fields=["tell_at"], condition=Q(tell_at__isnull=False, seen_at=None), name="alert_to_tell"
            ),
        ]


class Entry(models.Model):
    """Something said on a ticket. ``audience``: member (everybody), merchant (staff and the merchant), staff."""

    ticket = models.ForeignKey("service.Ticket", models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=10)
    audience = models.CharField(max_length=8)
    author_kind = models.CharField(max_length=8)
    author = models.CharField(max_length=80)
    author_id = models.BigIntegerField(null=True)
    text = models.TextField(blank=True)
    details = models.JSONField(default=dict)
    written_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["ticket", "written_at", "id"], name="entry_ticket")]


class Attachment(models.Model):
    """A file of an entry; ``content_type`` is what its bytes say, ``path`` where it lies below the uploads."""

    entry = models.ForeignKey("service.Entry", models.CASCADE, related_name="+")
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=40)
    size = models.IntegerField()
    digest = models.BinaryField()
    path = models.CharField(max_length=80)


class Task(models.Model):
    """What a department or a merchant has to do: a part of a ticket, a call-back, a manager's talk, an inspection."""

    class Status(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        CANCELLED = "cancelled"

    ticket = models.ForeignKey("service.Ticket", models.PROTECT, null=True, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, null=True, related_name="+")
    department = models.ForeignKey("service.Department", models.PROTECT, null=True, related_name="+")
    assignee = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=12)
    title = models.CharField(max_length=160)
    script = models.TextField(blank=True)
    evidence = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=80, blank=True)
    outcome = models.CharField(max_length=20, blank=True)
    result = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status="open") | Q(done_at__isnull=False), name="task_done_at"
            ),
            models.UniqueConstraint(
                fields=["merchant"], condition=Q(kind="inspection", status="open"), name="task_one_inspection"
            ),
            models.UniqueConstraint(
                fields=["ticket", "kind"],
                condition=Q(kind__in=["call_back", "low_score"], status="open"),
                name="task_one_of_kind",
            ),
        ]
        indexes = [
            models.Index(fields=["mall", "due_at", "id"], condition=Q(status="open"), name="task_mall_due")
        ]
