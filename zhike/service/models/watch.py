from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class SensitiveWord(models.Model):
    """敏感词. ``folded`` and ``sound`` are what is looked for; ``speaker`` whose words are watched: member, staff, both."""

    group = models.ForeignKey("organization.Group", models.PROTECT, related_name="+", db_index=False)
    term = models.CharField(max_length=40)
    folded = models.CharField(max_length=40)
    sound = models.CharField(max_length=240, blank=True)
    category = models.CharField(max_length=12)
    severity = models.CharField(max_length=8)
    speaker = models.CharField(max_length=8, default="both")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "folded"], name="sensitive_word_unique")]


class WordAlert(models.Model):
    """Something was said that should be looked at. The words stay in the message; ``marks`` are [from, to) in its text."""

    conversation = models.ForeignKey("service.Conversation", models.CASCADE, related_name="+")
    message = models.OneToOneField("service.Message", models.CASCADE, related_name="+")
    mall = models.ForeignKey("organization.Mall", models.PROTECT, related_name="+", db_index=False)
    speaker = models.CharField(max_length=8)
    staff = models.ForeignKey("organization.Staff", models.PROTECT, null=True, related_name="+")
    category = models.CharField(max_length=12)
    severity = models.CharField(max_length=8)
    terms = ArrayField(models.CharField(max_length=40))
    marks = models.JSONField()
    noticed_at = models.DateTimeField()
    verdict = models.CharField(max_length=8, blank=True)
    note = models.CharField(max_length=300, blank=True)
    judged_at = models.DateTimeField(null=True)
    judged_by = models.CharField(max_length=80, blank=True)

    class Meta:
        indexes = [models.Index(fields=["mall", "-noticed_at", "-id"], name="word_alert_newest")]
