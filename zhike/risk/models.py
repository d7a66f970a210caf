"""The tables of oversight."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

SUBJECT_LENGTH = 120


class Deed(models.Model):
    """One fact of the log as detectors see it; derived, thrown away and derived again by ``zhike rebuild risk_deeds``.

    ``actor`` is who did it for the member: the till's cashier as "merchant/name", or who enrolled or corrected
    ("staff:12"). ``began_at`` is when a claimed purchase was made, ``owed`` how many points became debt, ``other`` the
    person on the other side.
    """

    position = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    at = models.DateTimeField()
    person = models.ForeignKey("customers.Person", models.CASCADE, related_name="+", db_index=False)
    actor = models.CharField(max_length=SUBJECT_LENGTH, blank=True)
    mall = models.ForeignKey("organization.Mall", models.CASCADE, null=True, related_name="+", db_index=False)
    merchant = models.ForeignKey(
        "organization.Merchant", models.CASCADE, null=True, related_name="+", db_index=False
    )
    receipt = models.UUIDField(null=True)
    points = models.BigIntegerField(default=0)
    fen = models.BigIntegerField(default=0)
    owed = models.BigIntegerField(default=0)
    other = models.BigIntegerField(null=True)
    began_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["position", "person"], name="risk_deed_once")]
        indexes = [
            models.Index(fields=["person", "at"], name="risk_deed_person"),
            models.Index(fields=["actor", "at"], condition=~Q(actor=""), name="risk_deed_actor"),
            models.Index(fields=["other", "at"], condition=Q(other__isnull=False), name="risk_deed_other"),
            models.Index(fields=["receipt"], condition=Q(receipt__isnull=False), name="risk_deed_receipt"),
            models.Index(fields=["kind", "at"], name="risk_deed_kind"),
        ]


class Watch(models.Model):
    """How far the deeds have been judged."""

    program = models.OneToOneField("loyalty.Program", models.PROTECT, primary_key=True, related_name="+")
    deed_id = models.BigIntegerField(default=0)
    judged_at = models.DateTimeField(null=True)


class DetectorVersion(models.Model):
    """Parameters of a detector, from ``published_at`` until the next version's. Never edited."""

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    detector = models.CharField(max_length=20)
    version = models.IntegerField()
    is_on = models.BooleanField(default=True)
    params = models.JSONField()
    note = models.CharField(max_length=300, blank=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program", "detector", "version"], name="risk_detector_version_unique"
            )
        ]


class OversightPolicy(models.Model):
    """Above ``second_person_points`` a measure waits for a second person."""

    program = models.OneToOneField("loyalty.Program", models.PROTECT, primary_key=True, related_name="+")
    second_person_points = models.BigIntegerField()
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)


class Alert(models.Model):
    """What a detector found of one subject: a member, or somebody behind a till or a desk (``subject``).

    ``figures`` are what the sentence says, ``gain_points`` and ``gain_fen`` what the subject got by the evidence.
    """

    class State(models.TextChoices):
        OPEN = "open"
        REVIEWING = "reviewing"
        CONFIRMED = "confirmed"
        DISMISSED = "dismissed"

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    detector = models.CharField(max_length=20)
    detector_version = models.IntegerField()
    subject = models.CharField(max_length=SUBJECT_LENGTH)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, null=True, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+", db_index=False)
    merchant = models.ForeignKey(
        "organization.Merchant", models.PROTECT, null=True, related_name="+", db_index=False
    )
    severity = models.SmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    figures = models.JSONField()
    gain_points = models.BigIntegerField(default=0)
    gain_fen = models.BigIntegerField(default=0)
    opened_at = models.DateTimeField()
    grew_at = models.DateTimeField()
    due_at = models.DateTimeField()
    assignee = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    taken_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["program", "detector", "subject"],
                condition=Q(state__in=("open", "reviewing")),
                name="risk_alert_one_open",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("open", "reviewing"), decided_at=None)
                | Q(state__in=("confirmed", "dismissed"), decided_at__isnull=False),
                name="risk_alert_decided",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "due_at", "id"], name="risk_alert_queue"),
            models.Index(fields=["-opened_at", "-id"], name="risk_alert_newest"),
        ]


class Evidence(models.Model):
    """One deed that speaks for an alert, as it was; its ``position`` finds the event."""

    alert = models.ForeignKey("risk.Alert", models.CASCADE, related_name="+", db_index=False)
    position = models.BigIntegerField()
    kind = models.CharField(max_length=10)
    at = models.DateTimeField()
    person = models.ForeignKey("customers.Person", models.PROTECT, null=True, related_name="+")
    merchant = models.ForeignKey(
        "organization.Merchant", models.PROTECT, null=True, related_name="+", db_index=False
    )
    actor = models.CharField(max_length=SUBJECT_LENGTH, blank=True)
    receipt = models.UUIDField(null=True)
    points = models.BigIntegerField(default=0)
    fen = models.BigIntegerField(default=0)
    owed = models.BigIntegerField(default=0)
    began_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "position"], name="risk_evidence_once")]


class Exemption(models.Model):
    """A detector does not tell of a subject until the end of a day."""

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    detector = models.CharField(max_length=20)
    subject = models.CharField(max_length=SUBJECT_LENGTH)
    until = models.DateField()
    reason = models.CharField(max_length=300)
    alert = models.ForeignKey("risk.Alert", models.PROTECT, null=True, related_name="+", db_index=False)
    granted_by = models.CharField(max_length=80)
    granted_at = models.DateTimeField()
    ended_by = models.CharField(max_length=80, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["subject", "detector"], name="risk_exemption_subject")]


class Measure(models.Model):
    """What an alert led to: ``kind`` freeze, withdraw or void, on a member; ``items`` what it was done to.

    ``items`` are {what: id of what undoes it}: a restraint, withdrawals by receipt, coupons. ``points`` are what it kept
    from being spent or took out.
    """

    class State(models.TextChoices):
        ASKED = "asked"
        DONE = "done"
        REFUSED = "refused"
        UNDONE = "undone"

    alert = models.ForeignKey("risk.Alert", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10)
    state = models.CharField(max_length=10, choices=State.choices)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, null=True, related_name="+")
    stops_earning = models.BooleanField(default=False)
    wanted = models.JSONField(default=list)
    items = models.JSONField(default=dict)
    points = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=300)
    asked_by = models.CharField(max_length=80)
    asked_at = models.DateTimeField()
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=80, blank=True)
    undone_at = models.DateTimeField(null=True)
    undo_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "member"],
                condition=Q(kind="freeze", state__in=("asked", "done")),
                name="risk_measure_one_freeze",
            )
        ]


class Objection(models.Model):
    """异议: a member says that a measure is wrong; somebody answers, and may undo it."""

    measure = models.ForeignKey("risk.Measure", models.PROTECT, related_name="+", db_index=False)
    text = models.CharField(max_length=1000)
    raised_by = models.CharField(max_length=80)
    raised_at = models.DateTimeField()
    answer = models.CharField(max_length=1000, blank=True)
    is_upheld = models.BooleanField(null=True)
    answered_by = models.CharField(max_length=80, blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["measure"], condition=Q(answered_at=None), name="risk_objection_one_open"
            )
        ]
