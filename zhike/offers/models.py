from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class CouponTemplate(models.Model):
    """券模板: what a coupon is worth, where, when and for whom (``terms``: rules.terms.CouponTerms).

    ``mall`` None: the whole group's. A change concerns batches made from then on; ``version`` counts the changes.
    """

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12)
    terms = models.JSONField()
    instructions = models.TextField(blank=True)
    version = models.IntegerField(default=1)
    retired_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)


class CouponBatch(models.Model):
    """券批次: so many coupons of one template, with the template's terms frozen on the day it was made.

    ``issued`` counts its coupons and is the lock of the stock. ``per_member`` 0: no limit. ``is_public``: members may
    claim it themselves between ``claim_from`` and ``claim_until``, if their tier is among ``tier_ids`` (empty: all).
    优先领取: from ``early_from`` members of ``early_tier_ids`` claim up to ``early_quota`` of the stock, which nobody else gets
    before ``claim_from``; what is left of it then goes to everybody, or stays theirs (``early_stays``).
    """

    class Status(models.TextChoices):
        OPEN = "open"
        PAUSED = "paused"
        CLOSED = "closed"

    template = models.ForeignKey("offers.CouponTemplate", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12)
    terms = models.JSONField()
    instructions = models.TextField(blank=True)
    stock = models.IntegerField()
    issued = models.IntegerField(default=0)
    per_member = models.IntegerField(default=1)
    is_bearer = models.BooleanField(default=False)
    is_public = models.BooleanField(default=False)
    claim_from = models.DateTimeField()
    claim_until = models.DateTimeField()
    tier_ids = ArrayField(models.BigIntegerField(), default=list)
    early_from = models.DateTimeField(null=True)
    early_tier_ids = ArrayField(models.BigIntegerField(), default=list)
    early_quota = models.IntegerField(default=0, db_default=0)
    early_taken = models.IntegerField(default=0, db_default=0)
    early_stays = models.BooleanField(default=False, db_default=False)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(issued__gte=0, issued__lte=F("stock"), per_member__gte=0),
                name="batch_within_stock",
            ),
            models.CheckConstraint(condition=Q(claim_until__gt=F("claim_from")), name="batch_claim_window"),
            models.CheckConstraint(
                condition=Q(
                    early_taken__gte=0, early_taken__lte=F("early_quota"), early_quota__lte=F("stock")
                )
                & (Q(early_from=None, early_quota=0) | Q(early_from__lt=F("claim_from"), early_quota__gt=0)),
                name="batch_early_within_stock",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="batch_newest"),
            models.Index(fields=["claim_until"], condition=Q(is_public=True), name="batch_public"),
        ]


class BatchHolding(models.Model):
    """How many coupons of a batch a member was ever given: the lock of the per-member limit."""

    pk = models.CompositePrimaryKey("batch_id", "member_id")
    batch = models.ForeignKey("offers.CouponBatch", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    taken = models.IntegerField()


class Coupon(models.Model):
    """优惠券(张). ``code`` is what the till scans; ``member`` None is a bearer's. ``use`` is the use that holds or used it.

    ``valid_until`` is the first moment it no longer counts.
    """

    class Status(models.TextChoices):
        ISSUED = "issued"
        LOCKED = "locked"
        USED = "used"
        EXPIRED = "expired"
        VOID = "void"

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey("offers.CouponBatch", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, null=True, related_name="+", db_index=False)
    code = models.CharField(max_length=40, unique=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ISSUED)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField()
    source = models.CharField(max_length=20)
    reference = models.CharField(max_length=80, blank=True)
    issued_at = models.DateTimeField()
    issued_by = models.CharField(max_length=80)
    use = models.ForeignKey("offers.CouponUse", models.PROTECT, null=True, related_name="+", db_index=False)
    lock_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=("locked", "used"), use__isnull=False)
                | Q(status__in=("issued", "expired", "void"), use__isnull=True),
                name="coupon_held_by_a_use",
            ),
            models.CheckConstraint(condition=Q(valid_until__gt=F("valid_from")), name="coupon_validity"),
        ]
        indexes = [
            models.Index(fields=["batch", "-id"], name="coupon_batch"),
            models.Index(fields=["member", "-id"], condition=Q(member__isnull=False), name="coupon_member"),
            models.Index(fields=["valid_until"], condition=Q(status="issued"), name="coupon_expiry"),
            models.Index(fields=["lock_until"], condition=Q(status="locked"), name="coupon_lock_expiry"),
        ]


class CouponUse(models.Model):
    """One use of one coupon for one basket. ``lock_id`` is shared by the coupons of a basket.

    ``basket_fen`` is what the basket cost before any coupon, ``discount_fen`` what this coupon took off; ``lines``
    ([[line_no, fen], …]) and ``funding`` ({party: fen}) both sum to it. ``till``, ``number`` and ``business_date`` name
    the receipt, which may be recorded later.
    """

    class State(models.TextChoices):
        LOCKED = "locked"
        USED = "used"
        RELEASED = "released"
        LAPSED = "lapsed"
        RETURNED = "returned"
        KEPT = "kept"

    id = models.BigAutoField(primary_key=True)
    lock_id = models.UUIDField()
    coupon = models.ForeignKey("offers.Coupon", models.PROTECT, related_name="+")
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=8, choices=State.choices)
    basket_fen = models.BigIntegerField()
    discount_fen = models.BigIntegerField()
    lines = models.JSONField()
    funding = models.JSONField()
    till = models.CharField(max_length=40, blank=True)
    number = models.CharField(max_length=60, blank=True)
    business_date = models.DateField()
    locked_at = models.DateTimeField()
    lock_until = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    return_id = models.UUIDField(null=True)
    used_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(discount_fen__gte=0, basket_fen__gte=0), name="coupon_use_amounts_positive"
            ),
            models.UniqueConstraint(
                fields=["coupon"], condition=Q(state__in=("locked", "used", "kept")), name="coupon_used_once"
            ),
        ]
        indexes = [
            models.Index(fields=["lock_id"], name="coupon_use_lock"),
            models.Index(fields=["merchant", "-used_at"], name="coupon_use_merchant"),
            models.Index(
                fields=["merchant", "business_date", "number"],
                condition=Q(state="used"),
                name="coupon_use_receipt",
            ),
        ]


class Promotion(models.Model):
    """促销: applies by itself to every basket it fits. What it does stands in its versions; ``ends_at`` stops them all."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    ends_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)


class PromotionVersion(models.Model):
    """What a promotion says from ``effective_from`` until ``effective_to`` (exclusive) or its next version. Never edited."""

    promotion = models.ForeignKey("offers.Promotion", models.PROTECT, related_name="+")
    version = models.IntegerField()
    definition = models.JSONField()
    effective_from = models.DateTimeField()
    effective_to = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True)
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["promotion", "version"], name="promotion_version_unique"),
            models.CheckConstraint(
                condition=Q(effective_to__isnull=True) | Q(effective_to__gt=F("effective_from")),
                name="promotion_version_window",
            ),
        ]
