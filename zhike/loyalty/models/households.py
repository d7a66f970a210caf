from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Household(models.Model):
    """家庭积分: members who share points. Its row is the lock of its pool; ``closed_at``: dissolved."""

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    name = models.CharField(max_length=40)
    founded_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)


class HouseholdMember(models.Model):
    """A member's place in a household: invited → active → left; or declined. Points a day and month; None is no limit.

    A child sees, and spends only within limits; the owner invites, sets limits and dissolves.
    """

    class Role(models.TextChoices):
        OWNER = "owner"
        ADULT = "adult"
        CHILD = "child"

    class Status(models.TextChoices):
        INVITED = "invited"
        ACTIVE = "active"
        LEFT = "left"
        DECLINED = "declined"

    household = models.ForeignKey("loyalty.Household", models.PROTECT, related_name="+")
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+")
    role = models.CharField(max_length=5, choices=Role.choices)
    status = models.CharField(max_length=8, choices=Status.choices)
    day_limit = models.IntegerField(null=True)
    month_limit = models.IntegerField(null=True)
    invited_at = models.DateTimeField()
    joined_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member"], condition=Q(status="active"), name="household_one_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["household", "member"],
                condition=Q(status__in=["invited", "active"]),
                name="household_member_once",
            ),
            models.UniqueConstraint(
                fields=["household"], condition=Q(status="active", role="owner"), name="household_one_owner"
            ),
            models.CheckConstraint(
                condition=(Q(day_limit=None) | Q(day_limit__gte=0))
                & (Q(month_limit=None) | Q(month_limit__gte=0)),
                name="household_limits_not_negative",
            ),
        ]


class PoolShare(models.Model):
    """What is left in a pool of the points one member put in, by lot: they keep their expiry and their payer."""

    pk = models.CompositePrimaryKey("household_id", "member_id", "expires_on", "funding_id")
    household = models.ForeignKey("loyalty.Household", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    expires_on = models.DateField()
    funding = models.ForeignKey("loyalty.Funding", models.PROTECT, related_name="+", db_index=False)
    remaining = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(remaining__gte=0), name="pool_share_not_negative")]
        indexes = [
            models.Index(fields=["member"], condition=Q(remaining__gt=0), name="pool_share_member"),
        ]


class PoolEntry(models.Model):
    """One movement of a pool: points put in or restored (+), taken back, spent or lapsed (−), by whom."""

    household = models.ForeignKey("loyalty.Household", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8)
    points = models.BigIntegerField()
    redemption = models.ForeignKey(
        "loyalty.Redemption", models.PROTECT, null=True, related_name="+", db_index=False
    )
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(points=0), name="pool_entry_moves")]
        indexes = [models.Index(fields=["household", "-at", "-id"], name="pool_entry_newest")]


class PoolDispute(models.Model):
    """争议: a member contests what became of shared points; while one is open nobody spends from the pool."""

    household = models.ForeignKey("loyalty.Household", models.PROTECT, related_name="+")
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    text = models.CharField(max_length=500)
    raised_at = models.DateTimeField()
    verdict = models.CharField(max_length=500, blank=True)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["household"], condition=Q(settled_at=None), name="pool_one_open_dispute"
            ),
            models.CheckConstraint(
                condition=Q(settled_at=None) | Q(settled_at__gte=F("raised_at")), name="pool_dispute_times"
            ),
        ]
