from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class GrowthAccount(models.Model):
    """成长值: how much growth value the account's own member has gathered in all; of those merged into them each has theirs.

    ``head`` is the mark of the account's last entry (rules.growth.mark_of). The row is the lock of its entries.
    """

    account = models.OneToOneField("loyalty.Account", models.PROTECT, primary_key=True, related_name="+")
    balance = models.BigIntegerField(default=0)
    head = models.BinaryField(default=bytes(32))

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(balance__gte=0), name="growth_not_negative")]


class GrowthTransfer(models.Model):
    """Growth value moved between a member's account and the programme's account *growth*; append-only.

    ``source`` is spend, visit or deed, ``reference`` what gave it, ``day`` the business day it counts on: what is taken
    back carries the day of what it takes back. The rules and figures it follows from stand in ``explanation``; ``total``
    there is what the reference has given after this entry. ``mark`` chains the account's entries.
    """

    debit_account = models.ForeignKey("loyalty.Account", models.PROTECT, related_name="+", db_index=False)
    credit_account = models.ForeignKey("loyalty.Account", models.PROTECT, related_name="+", db_index=False)
    growth = models.BigIntegerField()
    source = models.CharField(max_length=8)
    reference = models.CharField(max_length=80)
    day = models.DateField()
    explanation = models.JSONField()
    balance_after = models.BigIntegerField()
    mark = models.BinaryField()
    actor = models.CharField(max_length=80)
    occurred_at = models.DateTimeField()
    posted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(growth__gt=0), name="growth_moved_positive"),
            models.CheckConstraint(
                condition=~Q(debit_account=F("credit_account")), name="growth_two_accounts"
            ),
            models.CheckConstraint(
                condition=Q(source__in=["spend", "visit", "deed"]), name="growth_source_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["credit_account", "-id"], condition=Q(credit_account__gt=0), name="growth_credit"
            ),
            models.Index(
                fields=["debit_account", "-id"], condition=Q(debit_account__gt=0), name="growth_debit"
            ),
        ]
