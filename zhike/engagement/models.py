from __future__ import annotations

from django.db import models
from django.db.models import Q


class CheckInPlan(models.Model):
    """签到方案 of a mall: ``terms`` (rules.check_in.CheckInTerms) count from the next check-in; ``version`` the changes."""

    mall = models.OneToOneField("organization.Mall", models.PROTECT, related_name="+")
    terms = models.JSONField()
    is_open = models.BooleanField(default=True)
    version = models.IntegerField(default=1)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)


class CheckInRecord(models.Model):
    """How a member checks in at a mall; its row is the lock of their check-ins there. Follows from them."""

    pk = models.CompositePrimaryKey("member_id", "mall_id")
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    total = models.IntegerField(default=0)
    longest = models.IntegerField(default=0)
    last_day = models.DateField(null=True)


class CheckIn(models.Model):
    """签到: a member came by on a day of the mall's calendar, or made up for one they missed (``made_up``).

    ``streak`` is the day's place in its row of days when it was made; ``points`` and ``coupon`` what it gave, ``missed``
    why a coupon could not be given.
    """

    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    streak = models.IntegerField()
    points = models.IntegerField(default=0)
    coupon = models.ForeignKey("offers.Coupon", models.PROTECT, null=True, related_name="+", db_index=False)
    missed = models.CharField(max_length=40, blank=True)
    made_up = models.BooleanField(default=False)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "mall", "day"], name="check_in_once_a_day"),
            models.CheckConstraint(condition=Q(streak__gte=1, points__gte=0), name="check_in_bounds"),
        ]
        indexes = [models.Index(fields=["mall", "day"], name="check_in_mall_day")]


class BirthdayPlan(models.Model):
    """生日礼 of a programme: ``terms`` are rules.birthday.BirthdayTerms; ``done_on`` the last day whose gifts are given."""

    program = models.OneToOneField("loyalty.Program", models.PROTECT, related_name="+")
    terms = models.JSONField()
    is_open = models.BooleanField(default=True)
    version = models.IntegerField(default=1)
    done_on = models.DateField(null=True)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)


class BirthdayGift(models.Model):
    """What a member got for the birthday of one ``year`` of the calendar they celebrate by; once."""

    pk = models.CompositePrimaryKey("member_id", "year")
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    year = models.SmallIntegerField()
    day = models.DateField()
    key = models.CharField(max_length=5)
    points = models.IntegerField(default=0)
    batch = models.ForeignKey(
        "offers.CouponBatch", models.PROTECT, null=True, related_name="+", db_index=False
    )
    missed = models.CharField(max_length=40, blank=True)
    given_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-day"], name="birthday_gift_day")]
