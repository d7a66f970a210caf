from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class CompensationItem(models.Model):
    """What may be given in amends, at most ``amount_max`` at a time (points, fen of cash, or pieces).

    ``unit_cost_fen`` is the cost of a piece; cash and points cost what they are. A coupon comes from ``batch``.
    """

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8)
    unit_cost_fen = models.IntegerField(default=0)
    amount_max = models.IntegerField()
    batch = models.ForeignKey("offers.CouponBatch", models.PROTECT, null=True, related_name="+")
    is_offered = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "code"], name="compensation_item_code"),
            models.CheckConstraint(
                condition=Q(amount_max__gt=0, unit_cost_fen__gte=0), name="compensation_item_amounts"
            ),
            models.CheckConstraint(
                condition=Q(kind="coupon", batch__isnull=False) | (~Q(kind="coupon") & Q(batch=None)),
                name="compensation_item_batch",
            ),
        ]


class AuthorityLimit(models.Model):
    """How much a role gives without asking: on one ticket, and in a day or a month. None: no limit."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    role = models.CharField(max_length=40)
    each_fen = models.IntegerField(null=True)
    period = models.CharField(max_length=6)
    period_fen = models.IntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "role"], name="authority_limit_role"),
            models.CheckConstraint(
                condition=(Q(each_fen=None) | Q(each_fen__gte=0))
                & (Q(period_fen=None) | Q(period_fen__gte=0)),
                name="authority_limit_amounts",
            ),
        ]


class AuthorityUse(models.Model):
    """What one person gave on their own authority in the period that began on ``since``: the lock of the limit."""

    pk = models.CompositePrimaryKey("staff_id", "period", "since")
    staff = models.ForeignKey("organization.Staff", models.PROTECT, related_name="+", db_index=False)
    period = models.CharField(max_length=6)
    since = models.DateField()
    used_fen = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(used_fen__gte=0), name="authority_use_amount")]


class Compensation(models.Model):
    """Amends on one ticket. ``amount`` counts points, fen or pieces, ``cost_fen`` what they cost whoever ``payer`` names.

    Given at once within the proposer's authority, otherwise when a second person agrees. ``charged_to`` is whose
    authority was used, in the period named by ``charged_period`` and ``charged_since``. ``reference`` names the payment
    or the coupon.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed"
        REJECTED = "rejected"
        APPROVED = "approved"
        EXECUTED = "executed"
        WITHDRAWN = "withdrawn"
        REVERSED = "reversed"

    ticket = models.ForeignKey("service.Ticket", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    item = models.ForeignKey("service.CompensationItem", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8)
    name = models.CharField(max_length=80)
    amount = models.IntegerField()
    cost_fen = models.IntegerField()
    payer = models.CharField(max_length=40)
    paying_merchant = models.ForeignKey(
        "organization.Merchant", models.PROTECT, null=True, related_name="+", db_index=False
    )
    reason = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices)
    proposed_at = models.DateTimeField()
    proposed_by = models.CharField(max_length=80)
    proposer = models.ForeignKey(
        "organization.Staff", models.PROTECT, null=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)
    decider = models.ForeignKey(
        "organization.Staff", models.PROTECT, null=True, related_name="+", db_index=False
    )
    decision_note = models.CharField(max_length=200, blank=True)
    charged_to = models.ForeignKey(
        "organization.Staff", models.PROTECT, null=True, related_name="+", db_index=False
    )
    charged_period = models.CharField(max_length=6, blank=True)
    charged_since = models.DateField(null=True)
    executed_at = models.DateTimeField(null=True)
    executed_by = models.CharField(max_length=80, blank=True)
    reference = models.CharField(max_length=80, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0, cost_fen__gte=0), name="compensation_positive"),
            models.CheckConstraint(
                condition=Q(decider=None) | Q(proposer=None) | ~Q(decider=F("proposer")),
                name="compensation_four_eyes",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("executed", "reversed")) | Q(executed_at__isnull=False),
                name="compensation_executed_at",
            ),
        ]
        indexes = [
            models.Index(fields=["mall", "-proposed_at", "-id"], name="compensation_newest"),
            models.Index(
                fields=["mall", "proposed_at"],
                condition=Q(state__in=("proposed", "approved")),
                name="compensation_open",
            ),
        ]
