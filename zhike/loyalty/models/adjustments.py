from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Adjustment(models.Model):
    """人工调整: points corrected by hand, or expired ones reinstated; for one member or many, for one reason.

    Within the limits of whoever asks it is posted at once (``done``). Above them it waits until ``due_at`` for somebody
    else's decision. ``points`` is the sum of what its lines add and take, both counted.
    """

    class Kind(models.TextChoices):
        ADJUST = "adjust"
        REINSTATE = "reinstate"

    class Status(models.TextChoices):
        ASKED = "asked"
        DONE = "done"
        APPROVED = "approved"
        REFUSED = "refused"
        LAPSED = "lapsed"

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.CharField(max_length=300)
    points = models.BigIntegerField()
    members = models.IntegerField()
    status = models.CharField(max_length=10, choices=Status.choices)
    asked_by = models.CharField(max_length=80)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(points__gt=0, members__gt=0), name="adjustment_not_empty"),
            models.CheckConstraint(
                condition=Q(decided_by="") | ~Q(decided_by=F("asked_by")), name="adjustment_two_persons"
            ),
        ]
        indexes = [
            models.Index(fields=["asked_by", "-asked_at"], name="adjustment_asker"),
            models.Index(fields=["due_at"], condition=Q(status="asked"), name="adjustment_due"),
        ]


class AdjustmentLine(models.Model):
    """One member of an adjustment: signed ``points``; ``transfer`` is what was posted, ``refusal`` why nothing was.

    Of a reinstatement ``expired`` is the transfer by which the points lapsed.
    """

    adjustment = models.ForeignKey("loyalty.Adjustment", models.PROTECT, related_name="+")
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+")
    points = models.BigIntegerField()
    expires_on = models.DateField(null=True)
    expired = models.ForeignKey("loyalty.Transfer", models.PROTECT, null=True, related_name="+")
    transfer = models.ForeignKey(
        "loyalty.Transfer", models.PROTECT, null=True, related_name="+", db_index=False
    )
    refusal = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(points=0), name="adjustment_line_not_zero")]
