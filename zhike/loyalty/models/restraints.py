"""What stands between a member and their points while somebody looks into something."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Restraint(models.Model):
    """账户冻结: a member may not spend, and if ``stops_earning`` earns nothing either, until somebody lifts it.

    What is earned under one that stops spending only joins the account and waits there with the rest. What holds now,
    for everybody merged into one, stands on ``Account.restraint``, where whoever moves points reads it anyway.
    """

    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    stops_earning = models.BooleanField(default=False)
    reason = models.CharField(max_length=300)
    reference = models.CharField(max_length=80, blank=True)
    placed_by = models.CharField(max_length=80)
    placed_at = models.DateTimeField()
    lifted_by = models.CharField(max_length=80, blank=True)
    lifted_at = models.DateTimeField(null=True)
    lift_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member", "reference"], condition=Q(lifted_at=None), name="restraint_one_open"
            )
        ]
        indexes = [models.Index(fields=["member", "-placed_at"], name="restraint_member")]


class Withdrawal(models.Model):
    """追回: what a receipt gave was taken out again because it was not honestly earned; undone, it is given back.

    ``transfer`` took ``points`` out, ``restored_points`` of them came back with ``restore_transfer``.
    """

    receipt = models.ForeignKey("sales.Receipt", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    points = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    reference = models.CharField(max_length=80, blank=True)
    transfer = models.ForeignKey("loyalty.Transfer", models.PROTECT, related_name="+", db_index=False)
    taken_by = models.CharField(max_length=80)
    taken_at = models.DateTimeField()
    restored_points = models.BigIntegerField(default=0)
    restore_transfer = models.ForeignKey(
        "loyalty.Transfer", models.PROTECT, null=True, related_name="+", db_index=False
    )
    restored_by = models.CharField(max_length=80, blank=True)
    restored_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["receipt"], condition=Q(restored_at=None), name="withdrawal_once"
            ),
            models.CheckConstraint(
                condition=Q(points__gt=0, restored_points__gte=0, restored_points__lte=models.F("points")),
                name="withdrawal_bounds",
            ),
        ]
        indexes = [models.Index(fields=["member", "-taken_at"], name="withdrawal_member")]
