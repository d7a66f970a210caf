from __future__ import annotations

from django.db import models
from django.db.models import Q


class ImprovementAction(models.Model):
    """What somebody does about a cause or a merchant. ``done_at`` divides before from after when the effect is measured."""

    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    cause = models.ForeignKey("service.Cause", models.PROTECT, null=True, related_name="+")
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, null=True, related_name="+")
    department = models.ForeignKey("service.Department", models.PROTECT, null=True, related_name="+")
    title = models.CharField(max_length=160)
    due_on = models.DateField(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=80, blank=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cause__isnull=False) | Q(merchant__isnull=False),
                name="improvement_about_something",
            )
        ]
        indexes = [models.Index(fields=["mall", "-created_at"], name="improvement_newest")]
