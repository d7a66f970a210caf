from __future__ import annotations

from django.db import models
from django.db.models import Q


class AfterSalesPolicy(models.Model):
    """The terms of a group from ``published_at`` on, as ``rules.after_sales`` stores them. Never edited."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+", db_index=False)
    version = models.IntegerField()
    definition = models.JSONField()
    note = models.CharField(max_length=200, blank=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "version"], name="after_sales_policy_version")
        ]


class AfterSale(models.Model):
    """售后单: what is done with goods of one receipt; its ticket holds the talk, the promises, whose matter it is.

    ``code`` is what the member shows at the desk. ``extended_by`` is the tier or benefit it was allowed by.
    ``estimate`` is what the return would have brought when it was asked for;
    ``return_receipt`` is the return that was posted, with what came of it. ``charge_fen`` is the member's part of a repair;
    ``agreed_at`` when they agreed to pay it, None while they have not (or nothing is charged).
    """

    ticket = models.OneToOneField("service.Ticket", models.PROTECT, related_name="+")
    receipt = models.ForeignKey("sales.Receipt", models.PROTECT, related_name="+")
    policy = models.ForeignKey("service.AfterSalesPolicy", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8)
    reason = models.CharField(max_length=12)
    condition = models.CharField(max_length=8)
    state = models.CharField(max_length=10, default="applied")
    code = models.CharField(max_length=20, unique=True)
    extended_by = models.CharField(max_length=60, blank=True)
    is_free = models.BooleanField(default=True)
    estimate = models.JSONField(default=dict)
    applied_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    return_receipt = models.OneToOneField("sales.Receipt", models.PROTECT, null=True, related_name="+")
    refund_fen = models.BigIntegerField(default=0)
    money_fen = models.BigIntegerField(default=0)
    clawed_points = models.BigIntegerField(default=0)
    restored_points = models.BigIntegerField(default=0)
    replacement = models.CharField(max_length=200, blank=True)
    workshop = models.CharField(max_length=80, blank=True)
    promised_on = models.DateField(null=True)
    promised_first_on = models.DateField(null=True)
    labour_fen = models.BigIntegerField(default=0)
    cost_fen = models.BigIntegerField(default=0)
    charge_fen = models.BigIntegerField(default=0)
    agreed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(state="refunded") & Q(return_receipt__isnull=False))
                | (~Q(state="refunded") & Q(return_receipt__isnull=True)),
                name="after_sale_refund_posted",
            ),
            models.CheckConstraint(
                condition=Q(labour_fen__gte=0, cost_fen__gte=0, charge_fen__gte=0),
                name="after_sale_costs_positive",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-applied_at", "-id"], name="after_sale_state"),
            models.Index(fields=["-applied_at", "-id"], name="after_sale_newest"),
        ]


class AfterSaleLine(models.Model):
    """So many of one line of the receipt, with why they may come back; ``use`` counts the benefit that allowed it."""

    sale = models.ForeignKey("service.AfterSale", models.CASCADE, related_name="+")
    line_no = models.SmallIntegerField()
    sku = models.CharField(max_length=60)
    name = models.CharField(max_length=200)
    category = models.CharField(max_length=40, blank=True)
    quantity = models.DecimalField(max_digits=14, decimal_places=3)
    net_fen = models.BigIntegerField()
    verdict = models.JSONField()
    use = models.ForeignKey("rewards.BenefitUse", models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sale", "line_no"], name="after_sale_line_unique"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="after_sale_line_quantity"),
        ]


class RepairPart(models.Model):
    """What a workshop put in."""

    sale = models.ForeignKey("service.AfterSale", models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    quantity = models.SmallIntegerField()
    cost_fen = models.BigIntegerField()
