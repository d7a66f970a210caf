from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from zhike.loyalty.models.versions import AnnouncedVersion


class TierChange(models.Model):
    """One decision on a member's tier; append-only.

    ``before`` and ``after`` are the tiers that counted, the same where a tier was kept. ``earned``: what the member had
    earned by then, where a temporary tier stood above it. ``until``: how long the earned one is held from then on.
    ``why`` is the reason in figures (rules.standing).
    """

    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    before = models.ForeignKey("loyalty.Tier", models.PROTECT, related_name="+", db_index=False)
    after = models.ForeignKey("loyalty.Tier", models.PROTECT, related_name="+", db_index=False)
    earned = models.ForeignKey("loyalty.Tier", models.PROTECT, null=True, related_name="+", db_index=False)
    until = models.DateField(null=True)
    cause = models.CharField(max_length=20)
    reference = models.CharField(max_length=80, blank=True)
    qualifying_fen = models.BigIntegerField()
    why = models.JSONField(default=dict, db_default={})
    actor = models.CharField(max_length=80, blank=True, db_default="")
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["member", "-id"], name="tier_change_member"),
            models.Index(fields=["changed_at"], name="tier_change_when"),
        ]


class TierGrant(models.Model):
    """A tier lent to a member from ``starts_at`` to ``ends_at`` (exclusive), above what they earned.

    ``kind`` exception: asked by one person and approved by another. ``reference`` is the giver's own name of it (an
    order, a campaign): the same never counts twice for one member.
    """

    class Kind(models.TextChoices):
        TEMPORARY = "temporary"
        EXCEPTION = "exception"

    class Status(models.TextChoices):
        ASKED = "asked"
        GIVEN = "given"
        REFUSED = "refused"
        REVOKED = "revoked"

    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+", db_index=False)
    tier = models.ForeignKey("loyalty.Tier", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    status = models.CharField(max_length=8, choices=Status.choices)
    source = models.CharField(max_length=20)
    reference = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=300)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    asked_by = models.CharField(max_length=80)
    asked_at = models.DateTimeField()
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="tier_grant_lasts"),
            models.UniqueConstraint(
                fields=["member", "reference"], condition=~Q(reference=""), name="tier_grant_once"
            ),
            models.UniqueConstraint(
                fields=["member"], condition=Q(status="asked"), name="tier_grant_one_asked"
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-id"], name="tier_grant_member"),
            models.Index(fields=["-id"], condition=Q(status="asked"), name="tier_grant_asked"),
        ]


class TierPolicyVersion(AnnouncedVersion):
    """One version of the terms of the tiers (rules.tier_policy.TierPolicy).

    ``changes`` is what differs from the one it follows; ``worsens``: some of it is worse for somebody. When it begins it is
    written into the tiers and the programme, once (``applied_at``).
    """

    changes = models.JSONField(default=list)
    worsens = models.BooleanField(default=False)
    applied_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["program", "version"], name="tier_policy_version_unique"),
            models.CheckConstraint(
                condition=Q(applied_at=None) | Q(withdrawn_at=None), name="tier_policy_applied_or_withdrawn"
            ),
        ]

    @property
    def is_worse(self) -> bool:
        return self.worsens


class TierNotice(models.Model):
    """That a member was told of a version that makes things worse: when, and which tier counted for them then."""

    version = models.ForeignKey("loyalty.TierPolicyVersion", models.PROTECT, related_name="+", db_index=False)
    member = models.ForeignKey("loyalty.Member", models.PROTECT, related_name="+")
    tier = models.ForeignKey("loyalty.Tier", models.PROTECT, related_name="+", db_index=False)
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "member"], name="tier_notice_once"),
        ]
