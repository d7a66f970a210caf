from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from zhike.loyalty.models.versions import AnnouncedVersion


class RateVersion(AnnouncedVersion):
    """One version of the redemption rates (rules.rates.RateTable).

    ``cut_bp`` is how much less it makes points worth where it cuts deepest. ``keeps``: points given before its notice keep
    what they were worth.
    """

    cut_bp = models.IntegerField(default=0)
    keeps = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "version"], name="rate_version_unique"),
            models.CheckConstraint(
                condition=Q(cut_bp__gte=0, notice_days__gte=0), name="rate_version_bounds"
            ),
        ]

    @property
    def is_worse(self) -> bool:
        return self.cut_bp > 0


class RateNotice(models.Model):
    """That a member was told of a version that makes points worth less: when, and what their points were worth."""

    version = models.ForeignKey("loyalty.RateVersion", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+")
    points = models.BigIntegerField()
    before_fen = models.BigIntegerField()
    after_fen = models.BigIntegerField()
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "member"], name="rate_notice_once"),
        ]


class RedemptionQuote(models.Model):
    """A promise to one member at one till: so many points are worth so much until ``valid_until``, for one use.

    ``terms`` are the rates it was worked out by; ``used_for`` is the redemption or hold it went into.
    """

    id = models.UUIDField(primary_key=True)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    merchant = models.ForeignKey("organization.Merchant", models.PROTECT, null=True, related_name="+")
    points = models.BigIntegerField()
    value_fen = models.BigIntegerField()
    terms = models.JSONField()
    quoted_at = models.DateTimeField()
    quoted_by = models.CharField(max_length=80)
    valid_until = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_for = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(points__gt=0, value_fen__gte=0), name="quote_bounds"),
            models.CheckConstraint(
                condition=Q(used_at=None, used_for=None)
                | Q(used_at__lte=F("valid_until"), used_for__isnull=False),
                name="quote_used_in_time",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-quoted_at"], name="quote_member"),
            models.Index(fields=["valid_until"], condition=Q(used_at=None), name="quote_unused"),
        ]
