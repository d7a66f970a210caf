from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Plan(models.Model):
    """What something gives: ``terms`` count from the next occasion on, ``version`` counts the changes."""

    terms = models.JSONField()
    is_open = models.BooleanField(default=True)
    version = models.IntegerField(default=1)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=80)

    class Meta:
        abstract = True


class CheckInPlan(Plan):
    """签到方案 of a mall: ``terms`` are rules.check_in.CheckInTerms."""

    mall = models.OneToOneField("organization.Mall", models.PROTECT, related_name="+")


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


class BirthdayPlan(Plan):
    """生日礼 of a programme: ``terms`` are rules.birthday.BirthdayTerms; ``done_on`` the last day whose gifts are given."""

    program = models.OneToOneField("loyalty.Program", models.PROTECT, related_name="+")
    done_on = models.DateField(null=True)


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


class ReferralPlan(Plan):
    """邀请有礼 of a programme: ``terms`` are rules.referral.ReferralTerms."""

    program = models.OneToOneField("loyalty.Program", models.PROTECT, related_name="+")


class InviteCode(models.Model):
    """邀请码: what a member's link and QR code say."""

    member = models.OneToOneField("loyalty.Member", models.PROTECT, primary_key=True, related_name="+")
    code = models.CharField(max_length=12, unique=True)
    created_at = models.DateTimeField()


class MemberDevice(models.Model):
    """A browser that a member logged in from, by the hash of its cookie."""

    pk = models.CompositePrimaryKey("member_id", "device")
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    device = models.CharField(max_length=64, db_index=True)
    seen_at = models.DateTimeField()


class Referral(models.Model):
    """邀请: a member (``inviter``) brought a new one (``invitee``), at most one for each new member.

    joined → waiting (a purchase counts, until ``due_on``) → rewarded → taken_back; or refused (``refusal``), or lapsed.
    ``terms`` are the plan's on the day of joining: they are what was promised.
    ``device`` and ``address`` are hashes of where the invitee joined.
    """

    class Status(models.TextChoices):
        JOINED = "joined"
        WAITING = "waiting"
        REWARDED = "rewarded"
        TAKEN_BACK = "taken_back"
        REFUSED = "refused"
        LAPSED = "lapsed"

    program = models.ForeignKey("loyalty.Program", models.PROTECT, related_name="+")
    inviter = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    invitee = models.OneToOneField("loyalty.Member", models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.JOINED)
    refusal = models.CharField(max_length=20, blank=True)
    terms = models.JSONField()
    receipt_id = models.UUIDField(null=True)
    due_on = models.DateField(null=True)
    inviter_points = models.IntegerField(default=0)
    invitee_points = models.IntegerField(default=0)
    inviter_coupon = models.ForeignKey(
        "offers.Coupon", models.PROTECT, null=True, related_name="+", db_index=False
    )
    invitee_coupon = models.ForeignKey(
        "offers.Coupon", models.PROTECT, null=True, related_name="+", db_index=False
    )
    device = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=64, blank=True)
    joined_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(inviter=F("invitee")), name="referral_of_two"),
        ]
        indexes = [
            models.Index(fields=["inviter", "-joined_at"], name="referral_inviter"),
            models.Index(fields=["due_on"], condition=Q(status="waiting"), name="referral_due"),
            models.Index(fields=["program", "-joined_at"], name="referral_newest"),
        ]
