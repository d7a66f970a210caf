from __future__ import annotations

from django.db import models
from django.db.models import Q


class MarginRate(models.Model):
    """What is left of a yuan of sales at a merchant or in a line of business, from a day on until the next row of the same.

    ``margin_bp`` None says that from then on it has none of its own.
    """

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+", db_index=False)
    merchant = models.ForeignKey(
        "organization.Merchant", models.PROTECT, null=True, related_name="+", db_index=False
    )
    category = models.ForeignKey(
        "organization.TradeCategory", models.PROTECT, null=True, related_name="+", db_index=False
    )
    margin_bp = models.IntegerField(null=True)
    valid_from = models.DateField()
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group", "merchant", "category", "valid_from"],
                nulls_distinct=False,
                name="margin_rate_day",
            ),
            models.CheckConstraint(
                condition=(Q(merchant__isnull=True) ^ Q(category__isnull=True))
                & (Q(margin_bp__isnull=True) | Q(margin_bp__gte=0, margin_bp__lte=10_000)),
                name="margin_rate_subject",
            ),
        ]
