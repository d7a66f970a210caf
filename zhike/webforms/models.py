from __future__ import annotations

from django.db import models
from django.db.models import Q


class Form(models.Model):
    """A form while it is built, and its rules of taking answers.

    ``draft`` is a definition (rules.definition), ``revision`` counts its changes so that two who edit at once notice;
    ``used_keys`` are the keys fields ever had. ``code`` stands in the address and cannot be guessed. ``answered`` counts
    answers under the row's lock; ``answers_max`` 0 is no limit. ``kiosk_seconds`` is how long thanks stay on a kiosk's screen.
    """

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=80)
    code = models.CharField(max_length=24, unique=True)
    draft = models.JSONField()
    revision = models.IntegerField(default=1)
    used_keys = models.JSONField(default=list)
    is_open = models.BooleanField(default=False)
    opens_at = models.DateTimeField(null=True)
    closes_at = models.DateTimeField(null=True)
    answers_max = models.IntegerField(default=0)
    members_only = models.BooleanField(default=False)
    once_per_member = models.BooleanField(default=False)
    kiosk_seconds = models.SmallIntegerField(default=8)
    answered = models.IntegerField(default=0)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(answers_max=0) | Q(answered__lte=models.F("answers_max")), name="form_answers_max"
            ),
            models.CheckConstraint(
                condition=Q(opens_at=None) | Q(closes_at=None) | Q(closes_at__gt=models.F("opens_at")),
                name="form_open_times",
            ),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="form_newest")]


class FormVersion(models.Model):
    """What was asked from ``published_at`` on. Never edited."""

    form = models.ForeignKey("webforms.Form", models.PROTECT, related_name="+")
    version = models.IntegerField()
    definition = models.JSONField()
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["form", "version"], name="form_version_unique")]


class Answer(models.Model):
    """One sheet. ``choices`` are answers that name nobody, by key; ``words`` the others, as encrypted JSON.

    ``person`` is who gave it, if known. ``phone`` is encrypted; by ``phone_index`` its owner's sheets are found when they
    ask for their data. ``lead`` says what became of a phone that nobody proved. ``nonce`` names the sheet that was shown:
    sent twice is once.
    """

    class Lead(models.TextChoices):
        NONE = ""
        OPEN = "open"
        ENROLLED = "enrolled"
        KNOWN = "known"
        DISMISSED = "dismissed"

    id = models.UUIDField(primary_key=True)
    form = models.ForeignKey("webforms.Form", models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey("webforms.FormVersion", models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey("customers.Person", models.PROTECT, null=True, related_name="+")
    channel = models.CharField(max_length=8)
    nonce = models.CharField(max_length=40)
    choices = models.JSONField(default=dict)
    words = models.BinaryField(null=True)
    phone = models.BinaryField(null=True)
    phone_index = models.BinaryField(null=True)
    phone_proved_at = models.DateTimeField(null=True)
    lead = models.CharField(max_length=10, choices=Lead.choices, default=Lead.NONE, blank=True)
    lead_settled_at = models.DateTimeField(null=True)
    lead_settled_by = models.CharField(max_length=80, blank=True)
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["form", "nonce"], name="answer_sent_once")]
        indexes = [
            models.Index(fields=["form", "-answered_at", "-id"], name="answer_newest"),
            models.Index(fields=["phone_index"], condition=Q(phone_index__isnull=False), name="answer_phone"),
            models.Index(fields=["form"], condition=Q(lead="open"), name="answer_lead"),
        ]


class AnswerFile(models.Model):
    """A file or a signature of an answer; ``path`` is below the uploads."""

    answer = models.ForeignKey("webforms.Answer", models.PROTECT, related_name="+")
    field = models.CharField(max_length=12)
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=40)
    size = models.IntegerField()
    path = models.CharField(max_length=80)


class Deed(models.Model):
    """What an answer brought about, once: ``reference`` is the ticket, tag or profile field; ``refusal`` why it was not done."""

    answer = models.ForeignKey("webforms.Answer", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10)
    key = models.CharField(max_length=80)
    reference = models.CharField(max_length=80, blank=True)
    refusal = models.CharField(max_length=60, blank=True)
    done_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["answer", "kind", "key"], name="form_deed_once")]
