from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Policy(models.Model):
    """One published version of the text people agree to; never edited after publication.

    ``terms`` says for each purpose which categories of data it needs and for how many days they are kept:
    ``{"marketing": {"categories": ["phone", "purchases"], "retention_days": 1095}}``.
    """

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+")
    version = models.CharField(max_length=40)
    title = models.CharField(max_length=120)
    text = models.TextField()
    terms = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    published_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "version"], name="policy_version_unique")]


class ConsentRecord(models.Model):
    """One decision of one person. Never changed or removed (trigger): a new decision is a new record."""

    class Decision(models.TextChoices):
        GRANTED = "granted"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"

    class Purpose(models.TextChoices):
        MEMBERSHIP = "membership"
        MARKETING = "marketing"
        PERSONALISATION = "personalisation"
        SHARING = "sharing"

    class Channel(models.TextChoices):
        ANY = "any"
        SMS = "sms"
        EMAIL = "email"
        WECHAT = "wechat"
        PHONE = "phone"
        PUSH = "push"

    person = models.ForeignKey("customers.Person", models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    decision = models.CharField(max_length=10, choices=Decision.choices)
    policy = models.ForeignKey("privacy.Policy", models.PROTECT, related_name="+")
    method = models.CharField(max_length=40)
    categories = ArrayField(models.CharField(max_length=40), default=list)
    retention_days = models.IntegerField(null=True)
    evidence = models.JSONField(default=dict)
    actor = models.CharField(max_length=80)
    decided_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["person", "purpose", "channel", "-decided_at"], name="consent_current")
        ]
