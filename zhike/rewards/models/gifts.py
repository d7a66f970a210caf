"""Gifts for what was spent (满额赠礼): the stock, the campaigns, the rights of members and the receipts behind them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class GiftItem(models.Model):
    """赠品: goods at a mall's desk, shared by every campaign that gives them. ``taken`` is the lock of the stock.

    ``per_day``: so many a day of the mall, 0 without a limit. ``points`` are taken from whoever keeps a gift that they have
    to bring back. ``funding`` {party: basis points} says who pays ``cost_fen``.
    """

    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    icon = models.CharField(max_length=40, default="gift")
    stock = models.IntegerField()
    taken = models.IntegerField(default=0)
    per_day = models.IntegerField(default=0)
    value_fen = models.BigIntegerField(default=0)
    cost_fen = models.BigIntegerField(default=0)
    points = models.IntegerField(default=0)
    funding = models.JSONField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(taken__gte=0, taken__lte=F("stock")), name="gift_within_stock"
            ),
            models.CheckConstraint(
                condition=Q(per_day__gte=0, value_fen__gte=0, cost_fen__gte=0, points__gte=0),
                name="gift_amounts",
            ),
        ]


class GiftDay(models.Model):
    """How many of a gift went on one day of the mall: the lock of its daily number."""

    pk = models.CompositePrimaryKey("item_id", "day")
    item = models.ForeignKey("rewards.GiftItem", models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    taken = models.IntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(taken__gte=0), name="gift_day_not_negative")]


class GiftCampaign(models.Model):
    """满额赠活动 of a mall: receipts of ``starts_on`` … ``ends_on`` count, gifts are fetched until ``collect_until``.

    ``terms`` are rules.gifts.GiftTerms; once published they stay. ``ended_at``: nobody gets a new right from then on.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"

    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    description = models.CharField(max_length=500, blank=True)
    terms = models.JSONField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    collect_until = models.DateField()
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.DRAFT)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    published_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on"), collect_until__gte=F("ends_on")),
                name="gift_campaign_days",
            )
        ]
        indexes = [models.Index(fields=["mall", "-ends_on"], name="gift_campaign_mall")]


class GiftRight(models.Model):
    """赠礼资格: a gift a member has a right to, with the receipts' fen behind it (GiftShare).

    reserved → handed_out → owed (goods came back, so the gift has to) → returned, charged or waived; a reserved one can be
    cancelled, expire, or be revoked because goods came back. ``basket`` is the day whose receipts count together, or the
    campaign's first day. ``purse``: rights of one purse never count the same fen; 0 is the mall's, a campaign that counts
    by itself has its own number. ``day`` is the one its limits were counted on.
    """

    class State(models.TextChoices):
        RESERVED = "reserved"
        HANDED_OUT = "handed_out"
        OWED = "owed"
        RETURNED = "returned"
        CHARGED = "charged"
        WAIVED = "waived"
        REVOKED = "revoked"
        EXPIRED = "expired"
        CANCELLED = "cancelled"

    id = models.BigAutoField(primary_key=True)
    campaign = models.ForeignKey("rewards.GiftCampaign", models.PROTECT, related_name="+", db_index=False)
    item = models.ForeignKey("rewards.GiftItem", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    purse = models.BigIntegerField()
    code = models.CharField(max_length=16, unique=True)
    state = models.CharField(max_length=10, choices=State.choices)
    threshold_fen = models.BigIntegerField()
    basket = models.DateField()
    day = models.DateField()
    cost_fen = models.BigIntegerField()
    points = models.IntegerField()
    funding = models.JSONField()
    source = models.CharField(max_length=20)
    reserved_at = models.DateTimeField()
    reserved_by = models.CharField(max_length=80)
    collect_by = models.DateTimeField()
    handed_at = models.DateTimeField(null=True)
    handed_by = models.CharField(max_length=80, blank=True)
    owed_at = models.DateTimeField(null=True)
    due_on = models.DateField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=80, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=("reserved", "revoked", "expired", "cancelled"), handed_at__isnull=True)
                | Q(
                    state__in=("handed_out", "owed", "returned", "charged", "waived"), handed_at__isnull=False
                ),
                name="gift_right_handed",
            ),
            models.CheckConstraint(
                condition=Q(threshold_fen__gt=0, cost_fen__gte=0, points__gte=0), name="gift_right_amounts"
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-id"], name="gift_right_member"),
            models.Index(fields=["campaign", "-id"], name="gift_right_campaign"),
            models.Index(fields=["collect_by"], condition=Q(state="reserved"), name="gift_right_waiting"),
            models.Index(fields=["due_on"], condition=Q(state="owed"), name="gift_right_owed"),
        ]


class GiftShare(models.Model):
    """``fen`` of a receipt that stand behind a right. They are let go when the right ends without the gift."""

    pk = models.CompositePrimaryKey("right_id", "receipt_id")
    right = models.ForeignKey("rewards.GiftRight", models.PROTECT, related_name="+", db_index=False)
    receipt_id = models.UUIDField()
    fen = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(fen__gt=0), name="gift_share_positive")]
        indexes = [models.Index(fields=["receipt_id"], name="gift_share_receipt")]
