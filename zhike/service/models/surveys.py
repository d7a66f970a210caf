from __future__ import annotations

from django.db import models
from django.db.models import Q


class Survey(models.Model):
    """One question with a scale, and what is asked after it (in its versions).

    ``trigger``: after a ticket closes, to a sample of members, or whoever opens a link. ``quarantine_days``: whoever was
    asked anything in so many days is left alone. ``quota`` 0: as many answers as come. A late answer counts or is refused.
    """

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=4)
    trigger = models.CharField(max_length=6)
    window_days = models.SmallIntegerField(default=7)
    remind_after_days = models.SmallIntegerField(default=0)
    quarantine_days = models.SmallIntegerField(default=30)
    quota = models.IntegerField(default=0)
    counts_late = models.BooleanField(default=False)
    is_open = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "code"], name="survey_code_unique"),
            models.UniqueConstraint(
                fields=["group"], condition=Q(trigger="ticket", is_open=True), name="survey_one_after_tickets"
            ),
        ]


class SurveyVersion(models.Model):
    """What is asked, from ``published_at`` on. Never edited."""

    survey = models.ForeignKey("service.Survey", models.PROTECT, related_name="+")
    version = models.IntegerField()
    question = models.CharField(max_length=120)
    questions = models.JSONField(default=list)
    thanks = models.CharField(max_length=200)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["survey", "version"], name="survey_version_unique")]


class Touchpoint(models.Model):
    """触点: a place with a QR code, and who sees to it. ``code`` stands in the address and cannot be guessed."""

    survey = models.ForeignKey("service.Survey", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+")
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, null=True, related_name="+")
    department = models.ForeignKey("service.Department", models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=10)
    name = models.CharField(max_length=80)
    code = models.CharField(max_length=24, unique=True)
    opened = models.IntegerField(default=0)
    is_open = models.BooleanField(default=True)
    created_at = models.DateTimeField()


class Invitation(models.Model):
    """Somebody is asked once. ``sent_at`` is when the message was written, ``ends_at`` when the window closes."""

    survey = models.ForeignKey("service.Survey", models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey("service.SurveyVersion", models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+", db_index=False)
    ticket = models.OneToOneField("service.Ticket", models.PROTECT, null=True, related_name="+")
    wave = models.CharField(max_length=20, blank=True)
    ask_at = models.DateTimeField()
    remind_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["survey", "person", "wave"], condition=~Q(wave=""), name="invitation_wave_unique"
            )
        ]
        indexes = [
            models.Index(fields=["survey", "ask_at"], name="invitation_survey"),
            models.Index(fields=["person", "-ask_at"], name="invitation_person"),
            models.Index(
                fields=["ask_at"], condition=Q(sent_at=None, cancelled_at=None), name="invitation_to_send"
            ),
            models.Index(
                fields=["remind_at"],
                condition=Q(reminded_at=None, answered_at=None, cancelled_at=None, remind_at__isnull=False),
                name="invitation_to_remind",
            ),
        ]


class SurveyAnswer(models.Model):
    """What somebody said. Who dealt with it, which merchant and cause it was about are kept as they were then.

    ``nonce`` names the form that was sent, so that sending it twice is once. ``device`` is a keyed digest of who sent a
    public form and of the day: one answer a day.
    """

    survey = models.ForeignKey("service.Survey", models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey("service.SurveyVersion", models.PROTECT, related_name="+", db_index=False)
    invitation = models.OneToOneField("service.Invitation", models.PROTECT, null=True, related_name="+")
    touchpoint = models.ForeignKey("service.Touchpoint", models.PROTECT, null=True, related_name="+")
    person = models.ForeignKey("customers.Person", models.PROTECT, null=True, related_name="+")
    ticket = models.ForeignKey("service.Ticket", models.PROTECT, null=True, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+", db_index=False)
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, null=True, related_name="+")
    agent = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    cause = models.ForeignKey("service.Cause", models.PROTECT, null=True, related_name="+")
    nonce = models.CharField(max_length=40, unique=True)
    device = models.BinaryField(null=True)
    score = models.SmallIntegerField()
    answers = models.JSONField(default=dict)
    comment = models.CharField(max_length=500, blank=True)
    is_late = models.BooleanField(default=False)
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(score__range=(0, 10)), name="survey_answer_score"),
            models.UniqueConstraint(
                fields=["touchpoint", "device"],
                condition=Q(device__isnull=False),
                name="survey_answer_device",
            ),
        ]
        indexes = [
            models.Index(fields=["survey", "-answered_at", "-id"], name="survey_answer_newest"),
            models.Index(fields=["mall", "answered_at"], name="survey_answer_mall"),
        ]
