from __future__ import annotations

from django.db import models
from django.db.models import Q


class RightsRequest(models.Model):
    """权利申请: what one human being asked of us under the law. ``person`` stands for all ids they are known by.

    ``due_on`` is the day it must be closed by, ``stop_on`` the last day there is; ``reckoning`` says how the first was
    counted. ``runs_at`` ends the time in which an erasure can still be called off. ``note`` and ``changes`` (encrypted)
    are what was said, and the profile fields to be corrected. ``download_until`` ends an access.
    """

    class Kind(models.TextChoices):
        ACCESS = "access"
        CORRECTION = "correction"
        RESTRICTION = "restriction"
        ERASURE = "erasure"
        CLOSING = "closing"

    class State(models.TextChoices):
        ASKED = "asked"
        WAITING = "waiting"
        BLOCKED = "blocked"
        WORKING = "working"
        READY = "ready"
        DONE = "done"
        REFUSED = "refused"
        CANCELLED = "cancelled"

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    member_id = models.BigIntegerField(null=True)
    number = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices)
    door = models.CharField(max_length=10)
    note = models.BinaryField(null=True)
    changes = models.BinaryField(null=True)
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=80)
    due_on = models.DateField()
    stop_on = models.DateField()
    reckoning = models.JSONField(default=list)
    runs_at = models.DateTimeField(null=True)
    download_until = models.DateTimeField(null=True)
    downloads = models.SmallIntegerField(default=0)
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "kind"],
                condition=~Q(state__in=["done", "refused", "cancelled"]),
                name="rights_request_one_open",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["done", "refused", "cancelled"]) | Q(ended_at__isnull=False),
                name="rights_request_ended_at",
            ),
            models.CheckConstraint(
                condition=~Q(kind="erasure") | Q(decided_by="") | ~Q(decided_by=models.F("asked_by")),
                name="rights_request_four_eyes",
            ),
        ]
        indexes = [
            models.Index(fields=["-asked_at", "-id"], name="rights_request_newest"),
            models.Index(
                fields=["due_on"],
                condition=~Q(state__in=["done", "refused", "cancelled"]),
                name="rights_request_due",
            ),
            models.Index(fields=["person", "-asked_at"], name="rights_request_person"),
        ]


class RequestEntry(models.Model):
    """One thing that happened to a request: ``act`` is a code, ``note`` what staff wrote (encrypted)."""

    request = models.ForeignKey("rights.RightsRequest", models.PROTECT, related_name="+")
    act = models.CharField(max_length=20)
    actor = models.CharField(max_length=80)
    actor_label = models.CharField(max_length=120, blank=True)
    details = models.JSONField(default=dict)
    note = models.BinaryField(null=True)
    at = models.DateTimeField()


class ErasureStep(models.Model):
    """One context has done its part of an erasure: ``outcome`` is [[table, what was done, why it stays, rows], …]."""

    request = models.ForeignKey("rights.RightsRequest", models.PROTECT, related_name="+")
    context = models.CharField(max_length=20)
    outcome = models.JSONField(default=list)
    done_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "context"], name="rights_step_once"),
        ]


class Certificate(models.Model):
    """Proof of an erasure: ``document`` is canonical JSON, ``digest`` its SHA-256, signed by Ed25519. Never changed."""

    request = models.OneToOneField("rights.RightsRequest", models.PROTECT, primary_key=True, related_name="+")
    document = models.TextField()
    digest = models.BinaryField()
    kid = models.CharField(max_length=32)
    public_key = models.BinaryField()
    signature = models.BinaryField()
    issued_at = models.DateTimeField()


class RetentionPolicy(models.Model):
    """For how many days data of a class are kept, in versions; never edited. The newest one is in force."""

    code = models.CharField(max_length=40)
    version = models.IntegerField()
    days = models.IntegerField()
    note = models.CharField(max_length=200, blank=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="retention_policy_version"),
            models.CheckConstraint(condition=Q(days__gt=0), name="retention_policy_days"),
        ]


class RetentionRun(models.Model):
    """One night's purge, on one day once; taken up again where it stopped until ``finished_at``."""

    day = models.DateField(unique=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)


class RetentionLine(models.Model):
    """What a run let go of one class: rows older than ``before``, by the policy of ``version`` (0: the default)."""

    run = models.ForeignKey("rights.RetentionRun", models.CASCADE, related_name="+")
    code = models.CharField(max_length=40)
    version = models.IntegerField()
    days = models.IntegerField()
    before = models.DateTimeField()
    rows = models.BigIntegerField(default=0)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "code"], name="retention_line_once")]


class ComplianceReport(models.Model):
    """What was done with personal data in a period, frozen: ``document`` is canonical JSON, ``digest`` its SHA-256. Never changed."""

    first_on = models.DateField()
    last_on = models.DateField()
    document = models.TextField()
    digest = models.BinaryField()
    findings = models.IntegerField(default=0)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=120)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(first_on__lte=models.F("last_on")), name="report_period"),
        ]
        indexes = [models.Index(fields=["-id"], name="compliance_report_newest")]
